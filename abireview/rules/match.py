# SPDX-License-Identifier: GPL-2.0-or-later
"""Matching one pattern of a rule file against a delta or a fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from abireview.facts.delta import Delta
from abireview.facts.model import Fact
from abireview.rules.context import Context
from abireview.rules.gates import Gates, gained, lost, text_of
from abireview.rules.plan import NO_GROUPS, Bound, Column, Expression, Groups, Plan, plan_of
from abireview.rules.schema import Pattern

Captures = dict[str, str]


class Hit:
    """A pattern that matched: the delta or fact, and what was captured."""

    __slots__ = ("captures", "delta", "fact", "fragment")

    def __init__(self, fact: Fact, fragment: int, captures: Captures, delta: Delta | None = None) -> None:
        self.fact, self.fragment, self.captures, self.delta = fact, fragment, captures, delta


class _Fail(Exception):  # noqa: N818  (control flow inside one match)
    pass


class _Candidate:
    """A delta, or (without one) a fact of one side; its named scopes are looked up when a pattern asks for some."""

    __slots__ = ("delta", "fact", "fragment", "scopes")

    def __init__(self, fragment: int, fact: Fact, delta: Delta | None = None) -> None:
        self.fact, self.fragment, self.delta = fact, fragment, delta
        self.scopes: frozenset[str] | None = None


class Matcher:
    """Matches patterns within one series."""

    def __init__(self, context: Context, gates: Gates) -> None:
        self.context, self.gates = context, gates
        self._all: dict[tuple[str, str], list[_Candidate]] = {}
        self._scoped: dict[tuple[str, str], dict[str, list[_Candidate]]] = {}
        self._placed: dict[tuple[object, ...], list[_Candidate]] = {}
        self._chosen: dict[Plan, list[_Candidate]] = {}
        self._whole: dict[tuple[Plan, str], list[_Candidate]] = {}

    def find(self, pattern: Pattern, bound: Mapping[str, str], near: Hit | None = None) -> Iterator[Hit]:
        """Every hit of PATTERN with its ``{places}`` filled from BOUND; ``same`` is relative to NEAR."""
        plan = plan_of(pattern)
        chosen = self._chosen.get(plan)
        if chosen is None:
            chosen = self._chosen[plan] = self._choose(plan)
        for candidate in chosen:
            hit = self._match(plan, candidate, bound, near)
            if hit is not None:
                yield hit
        if pattern.on != "after" or self.context.whole is None or not pattern.where:
            return
        for path in self.context.whole.paths(pattern.where):
            for candidate in self._choose_whole(plan, path):
                hit = self._match(plan, candidate, bound, near)
                if hit is not None:
                    yield hit

    def _choose(self, plan: Plan) -> list[_Candidate]:
        """What of the series can match PLAN, whatever is captured; in order."""
        pattern = plan.pattern
        found: list[_Candidate] = []
        for kind in pattern.kind or self._kinds(pattern.on):
            placed = self._placed_for(plan, kind)
            if placed:
                found += self._choose_from(plan, placed)
        return found

    def _placed_for(self, plan: Plan, kind: str) -> list[_Candidate]:
        """The candidates of KIND where PLAN looks, as far as scopes (if it names any), operation and path tell."""
        pattern = plan.pattern
        if plan.where:
            return self._place(plan, self._in_scopes(pattern.on, kind, plan.where))
        key = (pattern.on, kind, pattern.op, plan.place)
        placed = self._placed.get(key)
        if placed is None:
            placed = self._placed[key] = self._place(plan, self._of_kind(pattern.on, kind))
        return placed

    def _in_scopes(self, on: str, kind: str, where: frozenset[str]) -> list[_Candidate]:
        """The candidates of KIND in one of the named scopes, in order."""
        scoped = self._scoped.get((on, kind))
        if scoped is None:
            scoped = self._scoped[on, kind] = {}
            for candidate in self._of_kind(on, kind):
                for name in self._scopes_of(candidate):
                    scoped.setdefault(name, []).append(candidate)
        lists = [scoped[name] for name in where if name in scoped]
        if len(lists) < 2:
            return lists[0] if lists else []
        return [one for one in self._of_kind(on, kind) if not where.isdisjoint(self._scopes_of(one))]

    def _scopes_of(self, candidate: _Candidate) -> frozenset[str]:
        if candidate.scopes is None:
            candidate.scopes = self.context.scope_ids(candidate.fragment, candidate.fact)
        return candidate.scopes

    def _kinds(self, on: str) -> tuple[str, ...]:
        context = self.context
        if on == "delta":
            return tuple(context.deltas_by_kind)
        return tuple(context.after_by_kind if on == "after" else context.before_by_kind)

    def _place(self, plan: Plan, candidates: Iterable[_Candidate]) -> list[_Candidate]:
        """Those of CANDIDATES with the plan's operations, in files that the plan is about."""
        pattern = plan.pattern
        allowed: dict[str, bool] = {}
        found = []
        for candidate in candidates:
            if candidate.delta is not None and pattern.op and candidate.delta.op not in pattern.op:
                continue
            path = candidate.fact.path
            if path not in allowed:
                allowed[path] = plan.allows_path(path, self.context.paths.info(path))
            if allowed[path]:
                found.append(candidate)
        return found

    def _of_kind(self, on: str, kind: str) -> list[_Candidate]:
        known = self._all.get((on, kind))
        if known is not None:
            return known
        context = self.context
        if on == "delta":
            deltas = context.deltas_by_kind.get(kind, ())
            found = [_Candidate(delta.fragment, delta.fact, delta) for delta in deltas]
        else:
            facts = context.after_by_kind if on == "after" else context.before_by_kind
            found = [_Candidate(fragment, fact) for fragment, fact in facts.get(kind, ())]
        self._all[on, kind] = found
        return found

    def _choose_whole(self, plan: Plan, path: str) -> list[_Candidate]:
        """What of a whole file of the tree can match PLAN."""
        known = self._whole.get((plan, path))
        if known is None:
            whole, kinds = self.context.whole, plan.pattern.kind
            facts = whole.file(path) if whole is not None else ()
            of_kind = [_Candidate(fragment, fact) for fragment, fact in facts if fact.kind in kinds]
            placed = of_kind if plan.allows_path(path, self.context.paths.info(path)) else []
            known = self._whole[plan, path] = self._choose_from(plan, placed)
        return known

    def _choose_from(self, plan: Plan, candidates: Iterable[_Candidate]) -> list[_Candidate]:
        """Those of CANDIDATES whose scope, words, key and life do not speak against PLAN."""
        pattern = plan.pattern
        found = []
        for candidate in candidates:
            delta = candidate.delta
            if delta is not None:
                if pattern.born is not None and delta.born != pattern.born:
                    continue
                if pattern.died is not None and delta.died != pattern.died:
                    continue
            if plan.where or plan.not_where:
                scopes = self._scopes_of(candidate)
                if (plan.where and plan.where.isdisjoint(scopes)) or not plan.not_where.isdisjoint(scopes):
                    continue
            if plan.allows_name(candidate.fact) and (not plan.asks_words or self._said(plan, candidate)):
                found.append(candidate)
        return found

    def _said(self, plan: Plan, candidate: _Candidate) -> bool:
        """Whether the words of the candidate's patch are those that PLAN asks for."""
        words = self.context.words[self.context.fragments[candidate.fragment].patch]
        return not (plan.word and not words.any_of(plan.word)) and not words.any_of(plan.not_word)

    def _match(self, plan: Plan, candidate: _Candidate, bound: Bound, near: Hit | None) -> Hit | None:
        """The hit of PLAN on one of its candidates, or None."""
        fact, delta = candidate.fact, candidate.delta
        if near is not None and not self._is_near(plan, candidate, near):
            return None
        key = plan.key.full(fact.key, bound) if plan.key.text else NO_GROUPS
        if key is None or (plan.not_key.text and plan.not_key.full(fact.key, bound) is not None):
            return None
        scope = plan.scope.full(fact.scope, bound) if plan.scope.text else NO_GROUPS
        if scope is None or (plan.not_scope.text and plan.not_scope.full(fact.scope, bound) is not None):
            return None
        captures = _captured(delta) if delta is not None else _captured_of(fact)
        _keep(captures, key)
        _keep(captures, scope)
        try:
            _search(plan.path, fact.path, bound, captures)
            _refuse(plan.not_path, fact.path, bound)
            if delta is None:
                _of_fact(plan, fact, bound, captures)
            else:
                _sides(plan, delta, bound, captures)
                _numbers(plan.pattern, delta)
                self._gates(plan, delta, bound, captures)
        except _Fail:
            return None
        return Hit(fact, candidate.fragment, captures, delta)

    def _is_near(self, plan: Plan, candidate: _Candidate, near: Hit) -> bool:
        fragments = self.context.fragments
        if plan.same_patch and fragments[candidate.fragment].patch != fragments[near.fragment].patch:
            return False
        if plan.same_file and candidate.fact.path != near.fact.path:
            return False
        return not plan.same_scope or candidate.fact.scope == near.fact.scope

    def _gates(self, plan: Plan, delta: Delta, bound: Bound, captures: Captures) -> None:
        if plan.gate or plan.not_gate:
            text = text_of(delta.gates)
            _search(plan.gate, text, bound, captures)
            _refuse(plan.not_gate, text, bound)
        if plan.gained or plan.not_gained:
            text = text_of(gained(delta))
            _search(plan.gained, text, bound, captures)
            _refuse(plan.not_gained, text, bound)
        if plan.lost or plan.not_lost:
            text = text_of(lost(delta))
            _search(plan.lost, text, bound, captures)
            _refuse(plan.not_lost, text, bound)
        if plan.gates or plan.not_gates:
            classes = self.gates.of(delta)
            if plan.gates and plan.gates.isdisjoint(classes):
                raise _Fail
            if not plan.not_gates.isdisjoint(classes):
                raise _Fail


def _captured(delta: Delta) -> Captures:
    """What every hit on DELTA has captured before any expression."""
    old, new, fact = delta.old, delta.new, delta.fact
    return {
        "scope": delta.scope,
        "key": delta.key,
        "file": delta.path,
        "value": fact.value,
        "old": old.value if old else "",
        "new": new.value if new else "",
        "gate": fact.gates[-1] if fact.gates else "",
        "number_old": str(old.number) if old and old.number is not None else "",
        "number_new": str(new.number) if new and new.number is not None else "",
    }


def _captured_of(fact: Fact) -> Captures:
    return {"scope": fact.scope, "key": fact.key, "file": fact.path, "value": fact.value}


def _of_fact(plan: Plan, fact: Fact, bound: Bound, captures: Captures) -> None:
    """What a pattern asks of a fact of one side."""
    _search(plan.value, fact.value, bound, captures)
    _refuse(plan.not_value, fact.value, bound)
    for test in plan.columns:
        _column(test, None, fact, bound, captures)
    if plan.gate or plan.not_gate:
        text = text_of(fact.gates)
        _search(plan.gate, text, bound, captures)
        _refuse(plan.not_gate, text, bound)
    if plan.pattern.number == "known" and fact.number is None:
        raise _Fail


def _sides(plan: Plan, delta: Delta, bound: Bound, captures: Captures) -> None:
    old = delta.old.value if delta.old else ""
    new = delta.new.value if delta.new else ""
    _search(plan.value, delta.fact.value, bound, captures)
    _refuse(plan.not_value, delta.fact.value, bound)
    _search(plan.old, old, bound, captures)
    _search(plan.new, new, bound, captures)
    _refuse(plan.not_old, old, bound)
    _refuse(plan.not_new, new, bound)
    for test in plan.columns:
        _column(test, delta.old, delta.new, bound, captures)
    pattern = plan.pattern
    if pattern.not_term and any(mark in pattern.not_term for mark, _ in delta.terms):
        raise _Fail
    if pattern.term or plan.term_text or plan.not_term_text:
        _terms(plan, delta, bound, captures)


def _numbers(pattern: Pattern, delta: Delta) -> None:
    if not pattern.number:
        return
    old = delta.old.number if delta.old else None
    new = delta.new.number if delta.new else None
    if pattern.number == "known":
        if new is None and old is None:
            raise _Fail
        return
    if old is None or new is None or old == new:
        raise _Fail
    if (pattern.number == "grew" and new < old) or (pattern.number == "shrank" and new > old):
        raise _Fail


def _terms(plan: Plan, delta: Delta, bound: Bound, captures: Captures) -> None:
    for mark, text in delta.terms:
        if plan.pattern.term and mark not in plan.pattern.term:
            continue
        if plan.not_term_text.text and plan.not_term_text.search(text, bound) is not None:
            continue
        if not plan.term_text:
            captures["term"] = text
            return
        found = plan.term_text.search(text, bound)
        if found is not None:
            _keep(captures, found)
            captures["term"] = text
            return
    raise _Fail


def _column(test: Column, old: Fact | None, new: Fact | None, bound: Bound, captures: Captures) -> None:
    before = old.column(test.name) if old else ""
    after = new.column(test.name) if new else ""
    _search(test.old, before, bound, captures)
    _search(test.new, after, bound, captures)
    _refuse(test.not_old, before, bound)
    _refuse(test.not_new, after, bound)
    if test.differs and before == after:
        raise _Fail


def _search(expression: Expression, text: str, bound: Bound, captures: Captures) -> None:
    if not expression.text:
        return
    found = expression.search(text, bound)
    if found is None:
        raise _Fail
    _keep(captures, found)


def _refuse(expression: Expression, text: str, bound: Bound) -> None:
    if expression.text and expression.search(text, bound) is not None:
        raise _Fail


def _keep(captures: Captures, found: Groups) -> None:
    """Add the named groups; one that took no part is empty unless another expression captured it."""
    for name, text in found.items():
        if text is not None or name not in captures:
            captures[name] = text or ""
