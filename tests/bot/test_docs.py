# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/bot.md says what is, and every point of the etiquette has a test; the units in contrib/ are sound."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from abireview.bot.metrics import metrics
from abireview.bot.policy import BotEntry, ListEntry, PatchworkEntry, read_policy
from abireview.bot.speech import VERBS
from abireview.cli.verbs.bot import command
from abireview.store.db import Store

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "bot.md").read_text(encoding="utf-8")
HERE = Path(__file__).parent


def test_every_key_of_the_policy_is_described() -> None:
    for entry in (BotEntry, ListEntry, PatchworkEntry):
        for key in entry.__struct_encode_fields__:
            assert f"`{key}`" in TEXT, key


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    rows = re.findall(r"(?m)^\| ((?:`[\w-]+`(?:, )?)+) \| (`[^`]*`|) \| ", TEXT)
    known = dict.fromkeys(ListEntry.__struct_encode_fields__, ListEntry.__struct_defaults__)
    import inspect

    defaults = {
        field.replace("_", "-"): parameter.default
        for field, parameter in inspect.signature(ListEntry).parameters.items()
    }
    checked = 0
    for names, default in rows:
        if not default:
            continue
        name = re.findall(r"`([\w-]+)`", names)[0]
        assert name in known
        value = defaults[name]
        shown = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        text = f'["{shown[0]}"]' if isinstance(shown, tuple) else str(shown)
        assert default == f"`{text}`", name
        checked += 1
    assert checked >= 13


def test_every_verb_command_header_and_number_is_described(tmp_path: Path) -> None:
    for name in command.commands:  # type: ignore[attr-defined]
        assert f"abireview bot {name}" in TEXT, name
    for verb in VERBS:
        assert f"#abireview {verb}" in TEXT, verb
    for option in ("--once", "--follow", "--dry-run", "--no-dkim", "--via"):
        assert option in TEXT
    for header in ("Auto-Submitted", "X-Abireview", "In-Reply-To", "References", "Reply-To"):
        assert header in TEXT
    with Store(tmp_path / "abireview.db") as store:
        for name in re.findall(r"# TYPE (\S+)", metrics(store, 0)):
            assert f"`{name}`" in TEXT, name


def test_every_point_of_the_etiquette_has_tests_that_exist() -> None:
    files = [*HERE.glob("test_*.py"), HERE.parent / "tui" / "test_botdraft.py"]
    tests = "\n".join(path.read_text(encoding="utf-8") for path in files)
    rows = re.findall(r"(?m)^\| (\d+) [^|]+\|[^|]+\| ([^|]+) \|$", TEXT)
    assert [int(number) for number, _ in rows] == list(range(1, 28))
    for number, names in rows:
        named = re.findall(r"`(test_\w+)`", names)
        assert named, number
        for name in named:
            assert f"def {name}(" in tests, name


def test_the_policy_to_begin_with_is_right() -> None:
    block = re.search(r"```\n(# ~/\.config.*?)```", TEXT, re.DOTALL)
    assert block is not None
    assert read_policy(block[1].encode()).list[0].mode == "draft"


def test_the_units_are_sound() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing")
    units = [str(path) for path in sorted((ROOT / "contrib").iterdir())]
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
