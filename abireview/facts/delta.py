# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed between the facts before and after the whole series.

Facts of both sides of every fragment are compared as multisets; what a later patch takes back, what moves to another
function or file, what is renamed throughout and what a mechanical edit does everywhere cancels out. What is left is
attributed to the patch and line that brings it. Order inside a function is behaviour: a check that moves before or
behind another statement is a change of its gates.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, compress, product
from typing import Literal

import msgspec

from abireview.facts.edits import Edit, Edits, differ_in_digits, edit_of
from abireview.facts.model import BODY_KINDS, Fact
from abireview.facts.rename import Renames
from abireview.facts.twins import pair_equal, reordered
from abireview.source.model import Fragment

Op = Literal["added", "removed", "changed", "regated"]

TRIVIAL = frozenset({"break", "continue", "goto", "fallthrough", "return"})
STANDING = frozenset({"define", "enumerator", "member", "row", "include", "case"})  # context lines cannot come or go
NUMBERED = frozenset({"enumerator", "define"})
MECHANICAL = 3  # the same edit of tokens in this many places is a mechanical one
MOVED_TOKENS = 12  # characters a statement needs to be recognised when it moves between two old functions


class Delta(msgspec.Struct, frozen=True, gc=False):
    """One change of one fact.

    ``old`` is None for an added fact, ``new`` for a removed one; ``regated`` means the same fact under other
    conditions. ``patch`` indexes Series.patches (that of the new side, else of the old), ``fragment`` the fragments.
    ``born``: the scope exists only after the series; ``died``: only before it. ``times`` counts equal deltas folded
    into this one. ``terms`` of a changed condition: ("+&&", term), ("-&&", term), ("+||", term), ("-||", term).
    """

    op: Op
    kind: str
    scope: str
    key: str
    old: Fact | None
    new: Fact | None
    patch: int
    path: str
    fragment: int
    born: bool = False
    died: bool = False
    terms: tuple[tuple[str, str], ...] = ()

    @property
    def fact(self) -> Fact:
        """The fact after the change, or before it where nothing is left."""
        found = self.new or self.old
        if found is None:  # a delta has at least one side
            raise ValueError("a delta without a fact")
        return found

    @property
    def gates(self) -> tuple[str, ...]:
        """The conditions that dominate the fact, on the side that has it."""
        return self.fact.gates


class _Item:
    """A fact of one side that has no equal on the other side of its fragment."""

    __slots__ = ("fact", "fragment", "ident", "live", "patch")

    def __init__(self, fact: Fact, fragment: int, patch: int, *, placed: bool = False) -> None:
        self.fact, self.fragment, self.patch = fact, fragment, patch
        number = "" if fact.kind not in NUMBERED and not placed else f"#{fact.number}{fact.column('after')}"
        value = "" if fact.kind == "case" else fact.value + number
        self.ident: tuple[str, str, str] = (fact.kind, fact.key, value)
        self.live = True


Sides = Sequence[tuple[Sequence[Fact], Sequence[Fact]]]


class DeltaSet(msgspec.Struct, frozen=True, gc=False):
    """The net deltas of a series, and every fact of its old and new sides (context included) for knobs and gates."""

    deltas: tuple[Delta, ...]
    sides: Sides
    renames: dict[str, str]

    @property
    def after(self) -> Iterator[tuple[int, Fact]]:
        """The facts of the new sides, with their fragment's index."""
        return ((index, fact) for index, (_, new) in enumerate(self.sides) for fact in new)

    @property
    def before(self) -> Iterator[tuple[int, Fact]]:
        """The facts of the old sides, with their fragment's index."""
        return ((index, fact) for index, (old, _) in enumerate(self.sides) for fact in old)


def compare(fragments: Sequence[Fragment], sides: Sides, *, public: Sequence[bool] = ()) -> DeltaSet:
    """The net deltas of FRAGMENTS; SIDES holds (old facts, new facts) of each.

    ``public[i]`` is True for fragments of headers whose names are interface: there a rename is a change.
    """
    renames = Renames.learn(fragments, [i for i, flag in enumerate(public) if flag])
    kept_public = {i for i, flag in enumerate(public) if flag}
    removed, added, regated = _fragment_differences(fragments, sides, renames, kept_public)
    born, died = _lives(fragments)
    _cancel_equal(removed, added, renames, kept_public)
    _cancel_moves(removed, added, renames, born, died, kept_public)
    pairs = _pair(removed, added, renames)
    often = _mechanical(pairs)
    if often.edits:
        explained = [often.explain(_text(old.fact), _text(new.fact)) for old, new in pairs]
        edited = list(compress(pairs, explained))
        pairs = [pair for pair, known in zip(pairs, explained, strict=True) if not known]
        _drop_parts(edited, removed, added)
        regated = [entry for entry in regated if not _gates_edited(entry[0], entry[1], often)]
    found = [_pair_delta(pair, fragments, born, died) for pair in pairs]
    found += [_single(item, "removed", fragments, born, died) for item in removed if _stands_alone(item)]
    found += [_single(item, "added", fragments, born, died) for item in added if _stands_alone(item)]
    found += [_regated(old, new, index, fragments, born, died) for old, new, index in _net_regated(regated)]
    found.sort(key=_order)
    return DeltaSet(tuple(found), sides, dict(renames.names))


def _order(delta: Delta) -> tuple[int, int, int, str, str, str, str]:
    fact = delta.fact
    return delta.patch, delta.fragment, fact.line, delta.op, delta.kind, delta.key, fact.value


def _fragment_differences(
    fragments: Sequence[Fragment], sides: Sides, renames: Renames, public: set[int]
) -> tuple[list[_Item], list[_Item], list[tuple[Fact, Fact, int]]]:
    removed: list[_Item] = []
    added: list[_Item] = []
    regated: list[tuple[Fact, Fact, int]] = []
    for index, (old, new) in enumerate(sides):
        patch = fragments[index].patch
        labels: frozenset[str] | None = None  # looked for where gates differ
        pairs, gone, come = pair_equal(old, new)
        removed.extend(_Item(fact, index, patch) for fact in gone)
        added.extend(_Item(fact, index, patch) for fact in come)
        for before, after in pairs:
            if after.kind in BODY_KINDS and before.gates != after.gates:
                labels = _labels(new) ^ _labels(old) if labels is None else labels
                if _regates(before, after, labels, renames):
                    regated.append((before, after, index))
            elif after.kind in NUMBERED and _renumbered(before, after):
                removed.append(_Item(before, index, patch))
                added.append(_Item(after, index, patch))
        for before, after in reordered(pairs) if index in public else ():
            removed.append(_Item(before, index, patch, placed=True))
            added.append(_Item(after, index, patch, placed=True))
    removed.sort(key=lambda item: (item.fragment, item.fact.line))
    added.sort(key=lambda item: (item.fragment, item.fact.line))
    return removed, added, regated


def _renumbered(old: Fact, new: Fact) -> bool:
    """Whether a name has another value although it is written as before."""
    if old.number is not None and new.number is not None:
        return old.number != new.number
    return old.column("after") != new.column("after")


def _stands_alone(item: _Item) -> bool:
    """Whether a fact without a twin is a delta of its own: what stands on context lines cannot come or go."""
    return item.live and (item.fact.changed or item.fact.kind not in STANDING)


def _labels(facts: Sequence[Fact]) -> frozenset[str]:
    return frozenset(fact.key for fact in facts if fact.kind == "case")


def _regates(old: Fact, new: Fact, labels: frozenset[str], renames: Renames) -> bool:
    """Whether the same fact stands under other conditions; early returns count only if one of the lines moved."""
    moved = old.changed or new.changed
    if new.kind == "case":  # a label's own case gate names itself and those above it
        old_gates, new_gates = old.gates[:-1], new.gates[:-1]
    else:
        old_gates, new_gates = old.gates, new.gates
    before = {_gate(renames.apply(gate), labels) for gate in old_gates if moved or not gate.startswith("unless ")}
    after = {_gate(gate, labels) for gate in new_gates if moved or not gate.startswith("unless ")}
    return before != after


def _gate(gate: str, labels: frozenset[str]) -> str:
    """GATE without the LABELS that the fragment adds or takes away, the others in any order.

    A new label beside old ones changes nothing for the old, and a label that goes is a fact of its own.
    """
    if not gate.startswith("case "):
        return gate
    return "case " + ", ".join(sorted(label for label in gate[5:].split(", ") if label not in labels))


def _lives(fragments: Sequence[Fragment]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(kind, name) of scopes that exist only after and only before the series."""
    starts: dict[tuple[str, str], bool] = {}
    ends: dict[tuple[str, str], bool] = {}
    for fragment in fragments:
        for name, is_old in ((fragment.old_name, True), (fragment.name, False)):
            key = (fragment.kind, name)
            if not name:
                continue
            if key not in starts:
                starts[key] = (fragment.died or not fragment.born) if is_old else not fragment.born
            ends[key] = not (fragment.died or (is_old and fragment.old_name != fragment.name))
    return (
        {key for key, existed in starts.items() if not existed},
        {key for key, remains in ends.items() if not remains},
    )


def _cancel_equal(removed: list[_Item], added: list[_Item], renames: Renames, public: set[int]) -> None:
    """Cancel what one patch removes and another adds in the same scope."""
    waiting: dict[tuple[str, tuple[str, str, str]], list[_Item]] = defaultdict(list)
    for item in added:
        waiting[item.fact.scope, item.ident].append(item)
    for item in removed:
        scopes, idents = [item.fact.scope], [item.ident]
        if renames.names:
            scopes = sorted({item.fact.scope, renames.apply(item.fact.scope)})
            if item.fragment not in public:
                idents.append(renames.ident(item.ident))
        for key in product(scopes, idents):
            twin = _first_live(waiting.get(key))
            if twin is not None:
                item.live = twin.live = False
                break


def _first_live(items: Iterable[_Item] | None) -> _Item | None:
    for item in items or ():
        if item.live:
            return item
    return None


def _cancel_moves(
    removed: list[_Item],
    added: list[_Item],
    renames: Renames,
    born: set[tuple[str, str]],
    died: set[tuple[str, str]],
    public: set[int],
) -> None:
    waiting: dict[tuple[str, str, str], list[_Item]] = defaultdict(list)
    for item in added:
        if item.live:
            waiting[item.ident].append(item)
    for item in removed:
        if not item.live or item.fragment in public:
            continue
        for ident in (item.ident, renames.ident(item.ident)) if renames.names else (item.ident,):
            twins = [twin for twin in waiting.get(ident, ()) if twin.live]
            twin = next((t for t in twins if _may_move(item, t, born, died)), None)
            if twin is not None:
                item.live = twin.live = False
                break


def _may_move(old: _Item, new: _Item, born: set[tuple[str, str]], died: set[tuple[str, str]]) -> bool:
    if old.fact.kind not in BODY_KINDS:
        return True
    if ("function", new.fact.scope) in born or ("function", old.fact.scope) in died:
        return True
    text = old.fact.value if old.fact.kind != "call" else f"{old.fact.key}({old.fact.value})"
    return old.fact.kind != "return" and len(text) >= MOVED_TOKENS and old.fact.key not in TRIVIAL


def _pair(removed: list[_Item], added: list[_Item], renames: Renames) -> list[tuple[_Item, _Item]]:
    """Removed and added facts that are the two sides of one change: same scope and kind, same key or alike."""
    pairs: list[tuple[_Item, _Item]] = []
    by_place: dict[tuple[int, str, str], list[_Item]] = defaultdict(list)
    for item in added:
        if item.live:
            by_place[item.patch, item.fact.kind, item.fact.scope].append(item)
    met = []
    for item in removed:
        if item.live:
            fact = item.fact
            candidates = by_place.get((item.patch, fact.kind, renames.apply(fact.scope)))
            if candidates:
                met.append((item, candidates))
    for same_key in (True, False):
        for item, candidates in met:
            twin = _best(item, [c for c in candidates if c.live], renames, same_key) if item.live else None
            if twin is not None:
                item.live = twin.live = False
                pairs.append((item, twin))
    return pairs


def _best(item: _Item, candidates: list[_Item], renames: Renames, same_key: bool) -> _Item | None:
    if same_key:
        key = renames.apply(item.fact.key)
        equal = [c for c in candidates if c.fact.key == key and item.fact.kind != "cond"]
        return min(equal, key=lambda c: abs(c.fact.line - item.fact.line), default=None)
    if item.fact.kind not in ("cond", "store", "stmt", "call", "return", "row", "function", "local", "text"):
        return None
    words = set(renames.apply(item.fact.value).split())
    scored = []
    for candidate in candidates:
        if candidate.fragment != item.fragment:
            continue
        other = set(candidate.fact.value.split())
        common = len(words & other) / max(1, len(words | other))
        near = abs(candidate.fact.line - item.fact.line)
        if _alike(item.fact.kind, common, near):
            scored.append((common, -near, candidate))
    return max(scored, key=lambda s: (s[0], s[1]), default=(0, 0, None))[2]


def _alike(kind: str, common: float, near: int) -> bool:
    """Whether two facts with COMMON of their words and NEAR lines apart are two sides of one change."""
    if kind == "cond":
        return common >= 0.3 or near <= 1
    if kind in ("store", "stmt", "text"):
        return common >= 0.5
    return near <= 1 or common >= 0.7


def _text(fact: Fact) -> str:
    return f"{fact.key} {fact.value}"


def _mechanical(pairs: list[tuple[_Item, _Item]]) -> Edits:
    """The edits of tokens that the series makes in many places."""
    places: dict[Edit, set[tuple[str, str]]] = defaultdict(set)
    known: dict[tuple[str, str], Edit] = {}
    bodies = [pair for pair in pairs if pair[0].fact.kind in BODY_KINDS]
    if len(bodies) >= MECHANICAL:
        for old, new in bodies:
            texts = _text(old.fact), _text(new.fact)
            edit = known[texts] = known.get(texts) or edit_of(*texts)
            places[edit].add((old.fact.path, old.fact.scope))
    often = {edit for edit, found in places.items() if len(found) >= MECHANICAL and all(edit)}
    return Edits({edit for edit in often if not differ_in_digits(*edit)}, known)


def _drop_parts(edited: list[tuple[_Item, _Item]], removed: list[_Item], added: list[_Item]) -> None:
    """Calls and flags inside of mechanically edited statements say nothing more than those statements."""
    for index, items in enumerate((removed, added)):
        lines = {(pair[index].fragment, pair[index].fact.line) for pair in edited}
        for item in items:
            if item.fact.kind in ("call", "flag") and (item.fragment, item.fact.line) in lines:
                item.live = False


def _gates_edited(old: Fact, new: Fact, often: Edits) -> bool:
    """Whether the only difference between two facts' gates is a mechanical edit."""
    before = [gate for gate in old.gates if gate not in new.gates]
    after = [gate for gate in new.gates if gate not in old.gates]
    if len(before) != len(after):
        return False
    return all(often.explain(*pair) for pair in zip(before, after, strict=True))


def _net_regated(regated: list[tuple[Fact, Fact, int]]) -> Iterable[tuple[Fact, Fact, int]]:
    """Without those that a later patch takes back."""
    balance: Counter[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = Counter()
    for old, new, _ in regated:
        balance[new.scope, f"{new.key} {new.value}", old.gates, new.gates] += 1
    for old, new, index in regated:
        back = (new.scope, f"{new.key} {new.value}", new.gates, old.gates)
        if balance.get(back, 0) > 0:
            balance[back] -= 1
            continue
        yield old, new, index


def _is(scope: str, fragment: Fragment, lives: set[tuple[str, str]]) -> bool:
    return (fragment.kind, scope) in lives


def _pair_delta(
    pair: tuple[_Item, _Item],
    fragments: Sequence[Fragment],
    born: set[tuple[str, str]],
    died: set[tuple[str, str]],
) -> Delta:
    old, new = pair[0].fact, pair[1].fact
    fragment = fragments[pair[1].fragment]
    return Delta(
        "changed", new.kind, new.scope, new.key, old, new, pair[1].patch, new.path, pair[1].fragment,
        _is(new.scope, fragment, born), _is(old.scope, fragment, died),
        terms(old.value, new.value) if new.kind == "cond" else (),
    )  # fmt: skip


def _single(
    item: _Item,
    op: Op,
    fragments: Sequence[Fragment],
    born: set[tuple[str, str]],
    died: set[tuple[str, str]],
) -> Delta:
    fact, fragment = item.fact, fragments[item.fragment]
    old, new = (fact, None) if op == "removed" else (None, fact)
    return Delta(
        op, fact.kind, fact.scope, fact.key, old, new, item.patch, fact.path, item.fragment,
        _is(fact.scope, fragment, born), _is(fact.scope, fragment, died),
    )  # fmt: skip


def _regated(
    old: Fact,
    new: Fact,
    index: int,
    fragments: Sequence[Fragment],
    born: set[tuple[str, str]],
    died: set[tuple[str, str]],
) -> Delta:
    fragment = fragments[index]
    return Delta(
        "regated", new.kind, new.scope, new.key, old, new, fragment.patch, new.path, index,
        _is(new.scope, fragment, born), _is(new.scope, fragment, died),
    )  # fmt: skip


def terms(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """How condition OLD became NEW: the terms that ``&&`` and ``||`` join, gained (+) and lost (-), in order."""
    found: list[tuple[str, str]] = []
    for mark in ("&&", "||"):
        before, after = Counter(map(_bare, split_terms(old, mark))), Counter(map(_bare, split_terms(new, mark)))
        if len(before) == 1 and len(after) == 1:
            continue
        found += [(f"-{mark}", term) for term in before - after]
        found += [(f"+{mark}", term) for term in after - before]
    return tuple(found)


def _bare(term: str) -> str:
    """TERM without parentheses around the whole of it: they come and go with its neighbours."""
    while term[:1] == "(" and term[-1:] == ")":
        if 0 in tuple(accumulate((char == "(") - (char == ")") for char in term))[:-1]:
            break
        term = term[1:-1].strip()
    return term


def split_terms(condition: str, mark: str) -> list[str]:
    """The operands of MARK (``&&`` or ``||``) at the outermost level of a normalised condition."""
    if mark not in condition:
        return [condition.strip()] if condition.strip() else []
    parts: list[str] = []
    depth, start, at = 0, 0, 0
    while at < len(condition):
        char = condition[at]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif depth == 0 and condition.startswith(mark, at):
            parts.append(condition[start:at].strip())
            at += len(mark)
            start = at
            continue
        at += 1
    parts.append(condition[start:].strip())
    return [part for part in parts if part]
