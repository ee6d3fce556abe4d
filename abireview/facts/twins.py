# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of one fragment that both of its sides state: which of the old ones is which of the new ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from abireview.facts.model import BODY_KINDS, Fact

Pairs = list[tuple[Fact, Fact]]


def reordered(pairs: Sequence[tuple[Fact, Fact]]) -> list[tuple[Fact, Fact]]:
    """Members that stand on another place among the others of their struct; in a union they all stand on one."""
    members = [pair for pair in pairs if pair[1].kind == "member" and pair[1].column("in") != "union"]
    if not any(old.changed or new.changed for old, new in members):
        return []
    old_order = sorted(range(len(members)), key=lambda at: (members[at][0].line, members[at][0].number or 0))
    new_order = sorted(range(len(members)), key=lambda at: (members[at][1].line, members[at][1].number or 0))
    moved = {at for was, at in zip(old_order, new_order, strict=True) if was != at}
    return [pair for at, pair in enumerate(members) if at in moved]


def _place(fact: Fact) -> tuple[str, ...]:
    """What makes two facts of one fragment the same: of file-scope facts also the table or enum they stand in."""
    if fact.kind == "case":  # the switch's own line is often not in the hunk
        return (fact.kind, fact.key)
    if fact.kind in BODY_KINDS:
        return (fact.kind, fact.key, fact.value)
    return (fact.kind, fact.key, fact.value, fact.scope)


def _pair_context(old: Sequence[Fact], new: Sequence[Fact]) -> tuple[Pairs, Sequence[Fact], Sequence[Fact]]:
    """The facts of context lines in pairs, and what is left of each side.

    They stand on both sides in the same order; where one of them is read otherwise on one side, nothing is paired here.
    """
    before = [fact for fact in old if not fact.changed]
    after = [fact for fact in new if not fact.changed]
    if len(before) != len(after):
        return [], old, new
    for one, other in zip(before, after, strict=True):
        if one.key != other.key or one.kind != other.kind:
            return [], old, new
        if one.kind != "case" and (
            one.value != other.value or (one.kind not in BODY_KINDS and one.scope != other.scope)
        ):
            return [], old, new
    pairs = list(zip(before, after, strict=True))
    return pairs, [fact for fact in old if fact.changed], [fact for fact in new if fact.changed]


def pair_equal(old: Sequence[Fact], new: Sequence[Fact]) -> tuple[Pairs, list[Fact], list[Fact]]:
    """Equal facts of both sides, and what is left of each: unchanged lines first, then equal gates, then near ones."""
    if not old:
        return [], [], list(new)
    if not new:
        return [], list(old), []
    pairs, old, new = _pair_context(old, new)
    waiting: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in old:
        waiting[_place(fact)].append(fact)
    rest: list[tuple[Fact, list[Fact]]] = []
    for fact in new:  # context lines stand on both sides in the same order
        alike = waiting[_place(fact)]
        twin = None if fact.changed or not alike else next((t for t in alike if not t.changed), None)
        if twin is None:
            rest.append((fact, alike))
        else:
            alike.remove(twin)
            pairs.append((twin, fact))
    for same_gates in (True, False):
        todo, rest = rest, []
        for fact, alike in todo:
            twins = [t for t in alike if not same_gates or t.gates == fact.gates] if alike else []
            twin = min(twins, key=lambda t: (not t.changed, abs(t.line - fact.line)), default=None)
            if twin is None:
                rest.append((fact, alike))
            else:
                alike.remove(twin)
                pairs.append((twin, fact))
    return pairs, [fact for facts in waiting.values() for fact in facts], [fact for fact, _ in rest]
