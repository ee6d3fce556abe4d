# SPDX-License-Identifier: GPL-2.0-or-later
"""Every rule's page has a bad and a good example: some lines of a diff, and a sentence that is not too long."""

from __future__ import annotations

import pytest

from abireview.cli.rulepage import page
from abireview.render import Style
from abireview.rules.load import load_rules
from abireview.rules.schema import Rule

RULES = load_rules()
CODE = "    "
WIDEST = 80  # columns of the page on a terminal
MOST = 14  # lines of code


def code_of(text: str) -> list[str]:
    return [line.removeprefix(CODE) for line in text.splitlines() if line.startswith(CODE)]


@pytest.mark.parametrize("part", ["bad", "good"])
@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_rule_has_an_example_in_code(rule: Rule, part: str) -> None:
    text = rule.doc.bad if part == "bad" else rule.doc.good
    code = code_of(text)
    assert 2 <= len(code) <= MOST, text
    assert all(line[:1] in {"+", "-", " "} for line in code), text
    assert [line for line in code if line[0] in "+-"], "no line changes"
    assert "\t" not in text


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_good_example_is_another_one(rule: Rule) -> None:
    assert code_of(rule.doc.bad) != code_of(rule.doc.good)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_page_with_its_examples_fits_a_terminal(rule: Rule) -> None:
    lines = page(rule, RULES, Style(width=WIDEST)).splitlines()
    shown = lines[lines.index("Bad") : lines.index("What it does not flag")]
    assert "Good" in shown
    assert not [line for line in shown if len(line) > WIDEST]
    # a sentence stands below the code, never above it: Markdown takes code after a line of text for text
    for start in (i for i, line in enumerate(shown) if line in {"Bad", "Good"}):
        assert shown[start + 1].startswith("  " + CODE)


def test_examples_are_not_shared() -> None:
    seen: dict[str, str] = {}
    for rule in RULES.rules:
        for text in (rule.doc.bad, rule.doc.good):
            assert seen.setdefault(text, rule.id) == rule.id, f"{rule.id} has the example of {seen[text]}"
