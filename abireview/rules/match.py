# SPDX-License-Identifier: GPL-2.0-or-later
"""Matching one pattern of a rule file against a delta or a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from abireview.facts.delta import Delta
from abireview.facts.model import Fact
from abireview.rules import regex
from abireview.rules.context import Context
from abireview.rules.gates import Gates, gained, lost, text_of
from abireview.rules.schema import ColumnTest, Pattern

PLACE = re.compile(r"\{([a-z_]\w*)\}")

Captures = dict[str, str]


class Hit:
    """A pattern that matched: the delta or fact, and what was captured."""

    __slots__ = ("captures", "delta", "fact", "fragment")

    def __init__(self, fact: Fact, fragment: int, captures: Captures, delta: Delta | None = None) -> None:
        self.fact, self.fragment, self.captures, self.delta = fact, fragment, captures, delta


class _Fail(Exception):  # noqa: N818  (control flow inside one match)
    pass


class Matcher:
    """Matches patterns within one series."""

    def __init__(self, context: Context, gates: Gates) -> None:
        self.context, self.gates = context, gates
        self._by_op: dict[tuple[str, tuple[str, ...]], list[Delta]] = {}

    def find(self, pattern: Pattern, bound: Mapping[str, str], near: Hit | None = None) -> Iterator[Hit]:
        """Every hit of PATTERN with its ``{places}`` filled from BOUND; ``same`` is relative to NEAR."""
        if pattern.on == "delta":
            for kind in pattern.kind or tuple(self.context.deltas_by_kind):
                for delta in self._deltas(kind, pattern.op):
                    hit = self.delta(pattern, delta, bound, near)
                    if hit is not None:
                        yield hit
            return
        facts = self.context.after_by_kind if pattern.on == "after" else self.context.before_by_kind
        for kind in pattern.kind or tuple(facts):
            for fragment, fact in facts.get(kind, ()):
                hit = self.fact(pattern, fragment, fact, bound, near)
                if hit is not None:
                    yield hit
        if pattern.on != "after" or self.context.whole is None or not pattern.where:
            return
        for fragment, fact in self.context.whole.facts(pattern.where):
            hit = self.fact(pattern, fragment, fact, bound, near) if fact.kind in pattern.kind else None
            if hit is not None:
                yield hit

    def _deltas(self, kind: str, ops: tuple[str, ...]) -> list[Delta]:
        """The deltas of a kind, only those with one of ``ops`` if there are any."""
        found = self._by_op.get((kind, ops))
        if found is None:
            found = [delta for delta in self.context.deltas_by_kind.get(kind, ()) if not ops or delta.op in ops]
            self._by_op[kind, ops] = found
        return found

    def delta(self, pattern: Pattern, delta: Delta, bound: Mapping[str, str], near: Hit | None = None) -> Hit | None:
        """The hit of PATTERN on DELTA, or None."""
        if pattern.op and delta.op not in pattern.op:
            return None
        if pattern.kind and delta.kind not in pattern.kind:
            return None
        if pattern.born is not None and delta.born != pattern.born:
            return None
        if pattern.died is not None and delta.died != pattern.died:
            return None
        captures = _defaults(delta)
        try:
            self._place(pattern, delta.fact, delta.fragment, bound, captures, near)
            self._sides(pattern, delta, bound, captures)
            self._numbers(pattern, delta)
            self._gates(pattern, delta, bound, captures)
        except _Fail:
            return None
        return Hit(delta.fact, delta.fragment, captures, delta)

    def fact(
        self, pattern: Pattern, fragment: int, fact: Fact, bound: Mapping[str, str], near: Hit | None = None
    ) -> Hit | None:
        """The hit of PATTERN on a fact of one side, or None."""
        captures: Captures = {"scope": fact.scope, "key": fact.key, "file": fact.path, "value": fact.value}
        try:
            self._place(pattern, fact, fragment, bound, captures, near)
            _search(pattern.value, fact.value, bound, captures)
            _refuse(pattern.not_value, fact.value, bound)
            for test in pattern.columns:
                _column(test, None, fact, bound, captures)
            text = text_of(fact.gates)
            _search(pattern.gate, text, bound, captures)
            _refuse(pattern.not_gate, text, bound)
            if pattern.number == "known" and fact.number is None:
                return None
        except _Fail:
            return None
        return Hit(fact, fragment, captures)

    def _place(
        self,
        pattern: Pattern,
        fact: Fact,
        fragment: int,
        bound: Mapping[str, str],
        captures: Captures,
        near: Hit | None,
    ) -> None:
        _full(pattern.key, fact.key, bound, captures)
        if pattern.not_key and regex.full(_fill(pattern.not_key, bound), fact.key):
            raise _Fail
        _full(pattern.scope, fact.scope, bound, captures)
        if pattern.not_scope and regex.full(_fill(pattern.not_scope, bound), fact.scope):
            raise _Fail
        _search(pattern.path, fact.path, bound, captures)
        _refuse(pattern.not_path, fact.path, bound)
        self._classes(pattern, fact, fragment)
        if near is not None and pattern.same:
            self._near(pattern, fact, fragment, near)

    def _classes(self, pattern: Pattern, fact: Fact, fragment: int) -> None:
        info = self.context.paths.info(fact.path)
        if pattern.path_class and not info.classes & set(pattern.path_class):
            raise _Fail
        if pattern.not_path_class and info.classes & set(pattern.not_path_class):
            raise _Fail
        if pattern.arch and info.arch not in pattern.arch:
            raise _Fail
        if pattern.where or pattern.not_where:
            ids = self.context.scope_ids(fragment, fact)
            if (pattern.where and not ids & set(pattern.where)) or ids & set(pattern.not_where):
                raise _Fail
        if pattern.word or pattern.not_word:
            words = self.context.words[self.context.fragments[fragment].patch]
            if (pattern.word and not words & set(pattern.word)) or words & set(pattern.not_word):
                raise _Fail

    def _near(self, pattern: Pattern, fact: Fact, fragment: int, near: Hit) -> None:
        fragments = self.context.fragments
        if "patch" in pattern.same and fragments[fragment].patch != fragments[near.fragment].patch:
            raise _Fail
        if "file" in pattern.same and fact.path != near.fact.path:
            raise _Fail
        if "scope" in pattern.same and fact.scope != near.fact.scope:
            raise _Fail

    def _sides(self, pattern: Pattern, delta: Delta, bound: Mapping[str, str], captures: Captures) -> None:
        old = delta.old.value if delta.old else ""
        new = delta.new.value if delta.new else ""
        _search(pattern.value, delta.fact.value, bound, captures)
        _refuse(pattern.not_value, delta.fact.value, bound)
        _search(pattern.old, old, bound, captures)
        _search(pattern.new, new, bound, captures)
        _refuse(pattern.not_old, old, bound)
        _refuse(pattern.not_new, new, bound)
        for test in pattern.columns:
            _column(test, delta.old, delta.new, bound, captures)
        if any(mark in pattern.not_term for mark, _ in delta.terms):
            raise _Fail
        if pattern.term or pattern.term_text or pattern.not_term_text:
            _terms(pattern, delta, bound, captures)

    def _numbers(self, pattern: Pattern, delta: Delta) -> None:
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

    def _gates(self, pattern: Pattern, delta: Delta, bound: Mapping[str, str], captures: Captures) -> None:
        if pattern.gate or pattern.not_gate:
            text = text_of(delta.gates)
            _search(pattern.gate, text, bound, captures)
            _refuse(pattern.not_gate, text, bound)
        if pattern.gained or pattern.not_gained:
            text = text_of(gained(delta))
            _search(pattern.gained, text, bound, captures)
            _refuse(pattern.not_gained, text, bound)
        if pattern.lost or pattern.not_lost:
            text = text_of(lost(delta))
            _search(pattern.lost, text, bound, captures)
            _refuse(pattern.not_lost, text, bound)
        if pattern.gates or pattern.not_gates:
            classes = self.gates.of(delta)
            if pattern.gates and not classes & set(pattern.gates):
                raise _Fail
            if classes & set(pattern.not_gates):
                raise _Fail


def _defaults(delta: Delta) -> Captures:
    old, new = delta.old, delta.new
    return {
        "scope": delta.scope,
        "key": delta.key,
        "file": delta.path,
        "value": delta.fact.value,
        "old": old.value if old else "",
        "new": new.value if new else "",
        "gate": delta.gates[-1] if delta.gates else "",
        "number_old": str(old.number) if old and old.number is not None else "",
        "number_new": str(new.number) if new and new.number is not None else "",
    }


def _terms(pattern: Pattern, delta: Delta, bound: Mapping[str, str], captures: Captures) -> None:
    for mark, text in delta.terms:
        if pattern.term and mark not in pattern.term:
            continue
        if pattern.not_term_text and regex.search(_fill(pattern.not_term_text, bound), text):
            continue
        if not pattern.term_text:
            captures["term"] = text
            return
        found = regex.search(_fill(pattern.term_text, bound), text)
        if found:
            _keep(captures, found)
            captures["term"] = text
            return
    raise _Fail


def _column(test: ColumnTest, old: Fact | None, new: Fact | None, bound: Mapping[str, str], captures: Captures) -> None:
    before = old.column(test.name) if old else ""
    after = new.column(test.name) if new else ""
    _search(test.old, before, bound, captures)
    _search(test.new, after, bound, captures)
    _refuse(test.not_old, before, bound)
    _refuse(test.not_new, after, bound)
    if test.differs and before == after:
        raise _Fail


def _search(expression: str, text: str, bound: Mapping[str, str], captures: Captures) -> None:
    if not expression:
        return
    found = regex.search(_fill(expression, bound), text)
    if found is None:
        raise _Fail
    _keep(captures, found)


def _full(expression: str, text: str, bound: Mapping[str, str], captures: Captures) -> None:
    if not expression:
        return
    found = regex.full(_fill(expression, bound), text)
    if found is None:
        raise _Fail
    _keep(captures, found)


def _refuse(expression: str, text: str, bound: Mapping[str, str]) -> None:
    if expression and regex.search(_fill(expression, bound), text):
        raise _Fail


def _keep(captures: Captures, found: re.Match[str]) -> None:
    """Add the named groups; one that took no part is empty unless another expression captured it."""
    for name, text in found.groupdict().items():
        if text is not None or name not in captures:
            captures[name] = text or ""


def _fill(expression: str, bound: Mapping[str, str]) -> str:
    """EXPRESSION with ``{name}`` replaced by the escaped capture; unknown names match nothing."""
    if "{" not in expression:
        return expression
    return PLACE.sub(lambda m: re.escape(bound[m.group(1)]) if m.group(1) in bound else "(?!)", expression)
