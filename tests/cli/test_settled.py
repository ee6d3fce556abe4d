# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings that were settled before: by abireview.toml, by answers in the store; and why a finding was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = str(ROOT / "examples" / "no1n-and-system-off2.mbox")
RULE = "psci-function-ungated"


def findings(run: Run, *args: str) -> dict[str, dict[str, object]]:
    """{rule: its last finding} of the example."""
    return {one["rule"]: one for one in json.loads(run("check", EXAMPLE, "--format", "json", *args).stdout)["findings"]}


def entry(what: str, until: str = "") -> str:
    return f'[[suppress]]\n{what}\nreason = "seen and accepted"\nlink = "https://example.org/x"\n{until}\n'


def test_a_suppression_settles_a_finding(run: Run, tmp_path: Path) -> None:
    (tmp_path / "abireview.toml").write_text(entry(f'rule = "{RULE}"\npath = "arch/arm64/*"'))
    found = findings(run)[RULE]
    assert (found["state"], found["reason"]) == ("suppressed", "seen and accepted (https://example.org/x)")
    only = ("check", EXAMPLE, "--select", RULE)
    assert run(*only).returncode == 0
    assert run(*only).stdout.endswith("\n1 suppressed in 4 patches, seen without a tree\n")
    (tmp_path / "abireview.toml").unlink()
    assert run(*only).returncode == 1


def test_by_fingerprint_and_from_the_users_configuration(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "home" / ".config" / "abireview" / "abireview.toml"
    own.parent.mkdir(parents=True)
    own.write_text(entry(f'fingerprint = "{findings(run)[RULE]["fingerprint"]}"'))
    assert findings(run)[RULE]["state"] == "suppressed"


def test_config_names_another_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "abireview.toml").write_text("this is not read")
    (tmp_path / "mine.toml").write_text(entry(f'rule = "{RULE}"'))
    assert findings(run, "--config", "mine.toml")[RULE]["state"] == "suppressed"


def test_the_tree_may_have_suppressions(run: Run, tmp_path: Path) -> None:
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux" / "abireview.toml").write_text(entry(f'rule = "{RULE}"'))
    assert findings(run, "--tree", "linux")[RULE]["state"] == "suppressed"


def test_unused_and_expired_entries_are_reported_when_asked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "abireview.toml").write_text(
        entry(f'rule = "{RULE}"', "until = 2020-01-01") + entry('rule = "no-such-rule"') + entry('fingerprint = "0" ')
    )
    done = run("check", EXAMPLE, "--select", RULE, "--unused")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "abireview: warning: the suppression 0 settled nothing",
        "abireview: warning: the suppression no-such-rule in * settled nothing",
        f"abireview: warning: the suppression {RULE} in * is out of date",
    ]
    assert run("check", EXAMPLE).stderr == ""


@pytest.mark.parametrize("text", ["[[suppress]]\n", "x = ", "[[suppress]]\nrule = 'x'\nreason = ' '\n", "other = 1\n"])
def test_a_wrong_file_is_a_configuration_error(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "abireview.toml").write_text(text)
    done = run("check", EXAMPLE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("abireview: abireview.toml: ")


def test_an_answer_is_remembered(run: Run) -> None:
    fingerprint = str(findings(run)[RULE]["fingerprint"])
    given = run("answer", EXAMPLE, fingerprint, "false-positive", "the test stands in the caller")
    assert given.returncode == 0, given.stderr
    found = findings(run)[RULE]
    assert found["state"] == "answered"
    assert "the test stands in the caller" in str(found["reason"])
    assert findings(run, "--no-cache")[RULE]["state"] == "new"


def test_why_shows_facts_gates_and_knobs(run: Run) -> None:
    done = run("explain", EXAMPLE, "--why", str(findings(run)[RULE]["fingerprint"])[:8])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"  rule {RULE}: " in done.stdout
    assert "  > + case PSCI_1_3_FN_SYSTEM_OFF2 at line 43\n        under case PSCI_1_3_FN_SYSTEM_OFF2 (" in done.stdout
    assert "\n  not found: " in done.stdout
    assert "{" not in done.stdout


def test_why_of_what_is_not_there(run: Run) -> None:
    done = run("explain", EXAMPLE, "--why", "ffffffffffff")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no finding has the fingerprint ffffffffffff" in done.stderr


def test_no_message_has_a_hole(run: Run) -> None:
    for one in findings(run).values():
        for text in (one["message"], one["question"], *(knob["what"] for knob in one["sought"])):  # type: ignore[attr-defined]
            assert "{" not in text
