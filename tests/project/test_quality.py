# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured of the rules is of these rules, and the page made from it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from abireview.rules.load import default_dir, load_rules

ROOT = Path(__file__).resolve().parents[2]


def test_the_measured_table_is_of_the_rules_that_are_here() -> None:
    table = json.loads((default_dir() / "measured/corpus.json").read_text())
    assert table["rules"] == load_rules().hash, "run 'make quality'"
    assert set(table["measured"]) == {rule.id for rule in load_rules().rules}


def test_the_page_of_the_figures_is_of_the_rules_that_are_here() -> None:
    assert f"for rule set {load_rules().hash};" in (ROOT / "docs/quality.md").read_text(), "run 'make quality'"


def test_every_verdict_names_a_rule_and_a_reason() -> None:
    for path in sorted((default_dir() / "measured").glob("verdicts-*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            verdict = json.loads(line)
            assert verdict["verdict"] in ("right", "note", "wrong"), f"{path.name}:{number}"
            assert verdict["rule"], f"{path.name}:{number}"
            assert verdict["why"], f"{path.name}:{number}"


@pytest.mark.slow
@pytest.mark.corpus
def test_measuring_again_gives_the_same(shared: Path) -> None:
    command = [sys.executable, "quality.py", "--check", "--corpus", str(shared)]
    done = subprocess.run(command, cwd=ROOT / "bench", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
