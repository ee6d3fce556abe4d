# SPDX-License-Identifier: GPL-2.0-or-later
"""Every rule runs on every case; what all of them say about all cases is one snapshot."""

from __future__ import annotations

import json
import os
import re
from functools import cache

import pytest

from abireview.check import check
from abireview.cli.rulecases import KINDS
from abireview.findings.model import Result
from abireview.rules.load import load_rules
from tests.rules.cases import HERE, Case, cases, series_of

SNAPSHOT = HERE / "snapshot.json"
ALL = list(cases())
RULES = load_rules()


@cache
def result_of(case: Case) -> Result:
    return check(series_of(case), RULES)


def said(case: Case) -> list[str]:
    return [f"{f.level} {f.severity} {f.rule} {f.file} {f.symbol}" for f in result_of(case).findings]


@pytest.mark.parametrize("case", [c for c in ALL if c.kind == "hit"], ids=lambda c: c.name)
def test_hit_is_found(case: Case) -> None:
    level = RULES.rule(case.rule).level
    assert [f for f in result_of(case).findings if f.rule == case.rule and f.level == level], said(case)


@pytest.mark.parametrize("case", [c for c in ALL if c.kind == "near-miss"], ids=lambda c: c.name)
def test_near_miss_is_not_flagged_by_any_rule(case: Case) -> None:
    findings = result_of(case).findings
    assert not [f for f in findings if f.level == "flag"], said(case)
    note_only = RULES.rule(case.rule).level == "note"
    assert not (note_only and [f for f in findings if f.rule == case.rule and f.knob is None]), said(case)


@pytest.mark.parametrize("case", [c for c in ALL if c.kind == "known-miss"], ids=lambda c: c.name)
def test_known_miss_is_still_missed_and_says_why(case: Case) -> None:
    assert b"\nX-Why: " in b"\n" + case.path.read_bytes().split(b"\n\n", 1)[0] + b"\n"
    assert not [f for f in result_of(case).findings if f.rule == case.rule], "found now: make it a hit"


def test_messages_have_no_holes() -> None:
    """What a message leaves open was not there to be captured: another wording is needed, or ``{change}``."""
    hole = re.compile(r"^:|(?:^| )…(?=[ :;,])|\(was: ?\)| \(\)|  |: *$| becomes *([;,]|$)|: becomes ")
    shown = {
        f"{case.name}: {f.rule}: {f.message}"
        for case in ALL
        for f in result_of(case).findings
        if hole.search(f.message)
    }
    assert not shown


def test_every_rule_has_a_hit_a_near_miss_and_a_known_miss() -> None:
    have = {(case.rule, case.kind) for case in ALL}
    lacking = [(rule.id, kind) for rule in RULES.rules for kind in KINDS if (rule.id, kind) not in have]
    assert not lacking


def test_every_case_belongs_to_a_rule() -> None:
    ids = {rule.id for rule in RULES.rules}
    assert not [case.name for case in ALL if case.rule not in ids or case.kind not in KINDS]


def test_all_rules_on_all_cases_say_what_they_said() -> None:
    now = {case.name: said(case) for case in ALL}
    if os.environ.get("ABIREVIEW_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    assert now == json.loads(SNAPSHOT.read_text())
