# SPDX-License-Identifier: GPL-2.0-or-later
"""A table of names says of every name what its expressions say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abireview.rules.load import load_rules
from abireview.rules.names import table_of
from abireview.rules.regex import MAX_SUBJECT

_LETTERS = st.text("abk_7", min_size=1, max_size=5)
_ATOMS = st.one_of(
    _LETTERS,
    st.sampled_from(
        [r"\w*", r"\w+", ".", r"\d", "[ab]", "[^)k]", "[]|(a]", "k?", "_*", "a{1,2}", "b??", r"\|", r"\(", r"\)"]
    ),
)
_CHOICES = st.builds(
    lambda mark, ways, many: f"({mark}{'|'.join(ways)}){many}",
    st.sampled_from(["", "?:", "?=", "?!"]),
    st.lists(st.lists(_ATOMS, max_size=2).map("".join), min_size=1, max_size=3),
    st.sampled_from(["", "", "", "?", "*", "+", "{2}"]),
)
_WAYS = st.lists(st.one_of(_ATOMS, _CHOICES), max_size=4).map("".join)
_NESTED = st.builds(lambda way, many: f"({way}|ab){many}", _WAYS, st.sampled_from(["", "?", "*"]))
_EXPRESSIONS = st.lists(st.one_of(_WAYS, _NESTED), min_size=1, max_size=4).map("|".join)
_NAMES = st.text("abk_7|()é ", max_size=8)


def _told_by_each(expressions: list[str], name: str) -> set[int]:
    return {place for place, expression in enumerate(expressions) if re.fullmatch(expression, name)}


@settings(max_examples=300)
@given(st.lists(_EXPRESSIONS, max_size=4), st.lists(_NAMES, min_size=1, max_size=20))
def test_a_table_matches_what_its_expressions_match(expressions: list[str], names: list[str]) -> None:
    table = table_of(expressions)
    for name in names:
        assert table.matched(name) == _told_by_each(expressions, name)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        (r"kvm_(set|get)_msr\w*", ["kvm_set_msr", "kvm_get_msr_x", "kvm_put_msr", "kvm_set_ms"]),
        (r"__?do_\w+", ["_do_a", "__do_a", "do_a", "__do_"]),
        (r"(kvm_)?(ipi|pic)_\w+", ["kvm_ipi_x", "pic_y", "kvm_x", "ipi_"]),
        (r"a(b|c)*d", ["ad", "abcd", "abbd", "ab"]),
        (r"(?!a(b|c))\w+", ["abx", "acx", "adx"]),
        (r"(?i)abc|x", ["ABC", "X", "abc"]),
        (r"\x41bc", ["Abc", "x41bc"]),
        (r"a\.b|a+b", ["a.b", "axb", "aab", "a+b"]),
        (r"vgic_\w*", ["vgic_é", "vgic_", "vgic_ x", "vgic_·"]),
        (r"(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)", ["ababab", "ababa", "abababa"]),
        ("", ["", "a"]),
    ],
)
def test_forms_of_expressions(expression: str, names: list[str]) -> None:
    table = table_of([expression])
    assert {name for name in names if table.matched(name)} == {name for name in names if re.fullmatch(expression, name)}


def test_a_name_too_long_to_be_one_matches_nothing() -> None:
    assert table_of([r"a\w*"]).matched("a" * MAX_SUBJECT)
    assert not table_of([r"a\w*"]).matched("a" * (MAX_SUBJECT + 1))


def test_the_tables_of_our_own_scopes() -> None:
    rules = load_rules()
    names = {
        text
        for table in rules.names.values()
        for ways in table.by_gram.values()
        for way in ways
        for text in (way.letters, f"{way.letters}x", f"kvm_{way.letters}")
    }
    names |= {name for table in rules.names.values() for name in table.exact}
    for kind, table in rules.names.items():
        expressions = [re.compile(scope.name) for scope in rules.scopes if kind in scope.kind]
        for name in sorted(names)[:: 1 if len(expressions) < 50 else 7]:
            assert table.matched(name) == {at for at, one in enumerate(expressions) if one.fullmatch(name)}, name
