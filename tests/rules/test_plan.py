# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions of rule files made ready, and the texts without which they cannot match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.rules import regex
from abireview.rules.load import load_rules
from abireview.rules.plan import Expression

PHRASES = load_rules().phrases


def test_a_place_stands_for_the_text_that_was_captured() -> None:
    place = Expression("{key}")
    assert place.full("a.b", {"key": "a.b"}) == {}
    assert place.full("axb", {"key": "a.b"}) is None
    assert place.search("x a.b y", {"key": "a.b"}) == {}
    assert place.search("x axb y", {"key": "a.b"}) is None


@pytest.mark.parametrize("text", ["{key}", "x{key}", "({key})?x"])
def test_a_place_without_a_capture_matches_only_what_can_do_without(text: str) -> None:
    found = Expression(text).search("x", {})
    assert (found is not None) == (text == "({key})?x")


def test_groups_are_given_by_name_and_a_group_without_part_as_none() -> None:
    assert Expression(r"(?P<a>\w+)=(?P<b>\d+)?").full("x=", {}) == {"a": "x", "b": None}


def test_a_text_longer_than_rules_see_is_cut_for_a_search_and_never_matches_whole() -> None:
    long = "a" * regex.MAX_SUBJECT + "b"
    assert Expression("b").search(long, {}) is None
    assert Expression("{key}").search(long, {"key": "b"}) is None
    assert Expression("{key}").full(long, {"key": long}) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("abc|abd", ("ab",)),
        (r"\bfix(es|ed)?\b|\bcorrect(ly)?\b", ("correct", "fix")),
        (r"(no|without) change", (" change",)),
        (r"(x|long enough)?y", ("y",)),
        (r"(?i)abc", ()),
        (r"(?i:abc)", ()),
        (r"abc|\d", ()),
    ],
)
def test_needles(expression: str, expected: tuple[str, ...]) -> None:
    assert regex.needles(expression) == expected


@given(st.lists(st.sampled_from(["fix", "es", " ", "change", "functional", "no ", "guest", "l2", "x"])).map("".join))
def test_no_phrase_matches_without_one_of_its_needles(text: str) -> None:
    for phrase in PHRASES:
        needles = regex.needles(phrase.match)
        if re.search(phrase.match, text):
            assert not needles or any(needle in text for needle in needles)
