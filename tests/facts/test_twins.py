# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of context lines pair by their order exactly as a search for each of them would pair them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abireview.facts import twins
from abireview.facts.model import Fact, FactKind

KINDS: tuple[FactKind, ...] = ("call", "store", "case", "row")


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Both sides of a hunk: lines of context, removed and added ones, each with a fact or two."""
    old: list[Fact] = []
    new: list[Fact] = []
    for mark in draw(st.lists(st.sampled_from("  +-"), max_size=12)):
        for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2)):
            key, value = draw(st.sampled_from("ab")), draw(st.sampled_from("xy"))
            gates = draw(st.sampled_from([(), ("c",)]))
            for side, shown in ((old, mark != "+"), (new, mark != "-")):
                if shown:
                    line = len(side)
                    side.append(Fact(kind, "f", key, value, gates=gates, line=line, end=line, changed=mark != " "))
    if new and draw(st.booleans()):  # what stands above may make a line of context say something else on one side
        at = draw(st.integers(0, len(new) - 1))
        fact = new[at]
        others = {"key": "abz", "value": "xyz", "kind": KINDS, "scope": "fg"}
        field = draw(st.sampled_from(["", *others]))
        new[at : at + 1] = (
            [msgspec.structs.replace(fact, **{field: draw(st.sampled_from(others[field]))})] if field else []
        )
    return old, new


@settings(max_examples=600)
@given(sides())
def test_order_tells_what_a_search_finds(both: tuple[list[Fact], list[Fact]]) -> None:
    old, new = both
    found = twins.pair_equal(old, new)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(twins, "_pair_context", lambda old, new: ([], old, new))
        searched = twins.pair_equal(old, new)
    assert _ids(found[0]) == _ids(searched[0])
    assert [set(map(id, facts)) for facts in found[1:]] == [set(map(id, facts)) for facts in searched[1:]]


def _ids(pairs: twins.Pairs) -> set[tuple[int, int]]:
    return {(id(one), id(other)) for one, other in pairs}
