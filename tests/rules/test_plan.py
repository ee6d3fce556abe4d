# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions of rule files made ready, and the texts without which they cannot match."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.rules import regex
from abireview.rules.load import RuleSet, load_rules
from abireview.rules.plan import Expression

RULES = load_rules()
PHRASES = RULES.phrases


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
    assert regex.shape(expression).needles == expected


@given(st.lists(st.sampled_from(["fix", "es", " ", "change", "functional", "no ", "guest", "l2", "x"])).map("".join))
def test_no_phrase_matches_without_one_of_its_needles(text: str) -> None:
    for phrase in PHRASES:
        needles = regex.shape(phrase.match).needles
        if re.search(phrase.match, text):
            assert not needles or any(needle in text for needle in needles)


WORDS = st.lists(
    st.sampled_from(
        [
            "fix",
            "es",
            " ",
            "correct",
            " order",
            "guest",
            "visible",
            "l2",
            "nv",
            "he",
            "kvm",
            ": ",
            "clean",
            "-up",
            "move it",
            "x" * 60,
            " ",
            "_",
            "build ",
            "error",
            "vcpus ",
            "see",
        ]
    ),
    max_size=60,
).map("".join)


@given(WORDS)
def test_a_phrase_is_found_around_its_needles_exactly_where_it_stands_anywhere(text: str) -> None:
    for phrase in PHRASES:
        assert regex.occurs(phrase.match, text) == bool(re.search(phrase.match, text)), phrase.id


def test_every_phrase_has_needles_and_a_longest_match() -> None:
    for phrase in PHRASES:
        shape = regex.shape(phrase.match)
        assert shape.needles, phrase.id
        assert shape.width <= regex._NEAR, phrase.id


def test_shapes_come_with_the_rules() -> None:
    assert len(RULES.shapes) > 500
    for expression, known in RULES.shapes.items():
        tree = regex.sre_parse.parse(expression)
        assert known.width == min(tree.getwidth()[1], regex.MAX_SUBJECT)
        assert known.needles == (() if tree.state.flags & re.IGNORECASE else tuple(sorted(regex._needles(tree))))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(RULES), type=RuleSet) == RULES


@st.composite
def near_texts(draw: st.DrawFn) -> tuple[str, str]:
    """An expression of the rules, and a text made from its needles and what often stands around them."""
    expression = draw(st.sampled_from(sorted(RULES.shapes)))
    around = [
        *RULES.shapes[expression].needles,
        "kvm_",
        "_",
        " ",
        "x",
        "0",
        "vcpu->",
        "arch/arm64/kvm/",
        ".c",
        "(",
        "\n",
    ]
    return expression, "".join(draw(st.lists(st.sampled_from(around), max_size=6)))


@given(near_texts())
def test_what_is_not_compiled_could_not_have_matched(case: tuple[str, str]) -> None:
    expression, text = case
    assert bool(regex.Lazy(expression).search(text)) == bool(re.search(expression, text))
    assert bool(regex.Lazy(expression).full(text)) == bool(re.fullmatch(expression, text))


def test_an_expression_that_cannot_match_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    compiled = regex.compiled
    monkeypatch.setattr(regex, "compiled", lambda expression: seen.append(expression) or compiled(expression))
    one = regex.Lazy(r"vgic_\w+")
    assert one.full("kvm_psci_call") is None
    assert not seen
    assert one.full("vgic_init")
    assert one.full("kvm_psci_call") is None
    assert seen == [r"vgic_\w+"]


@pytest.mark.parametrize("text", ["l1" * 8_000, "el1 l " * 2_700, "correct" * 2_300], ids=["l1", "el1", "correct"])
def test_many_needles_do_not_multiply_the_work(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def search(self, text: str, start: int = 0, end: int = 1 << 30) -> re.Match[str] | None:
            nonlocal looked
            looked += min(end, len(text)) - start
            return self.pattern.search(text, start, end)

        match = property(lambda self: self.pattern.match)

    compiled = regex.compiled
    monkeypatch.setattr(regex, "compiled", lambda expression: Counting(compiled(expression)))
    regex.occurs(r"\bl1[0-9]|\bcorrect[0-9]", text)
    assert 0 < looked < 3 * len(text)
