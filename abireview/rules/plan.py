# SPDX-License-Identifier: GPL-2.0-or-later
"""Patterns of rule files made ready to be tried against thousands of facts: expressions compiled, words as sets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from abireview.facts.model import Fact
from abireview.rules import regex
from abireview.rules.context import PathInfo
from abireview.rules.schema import ColumnTest, Pattern

PLACE = re.compile(r"\{([a-z_]\w*)\}")
MAX_PATHS = 256  # of a plan, whose answer is kept: a series names few, and those of one archive are mostly the same
MAX_PATH_CHARS = 200  # of a path that is kept
MAX_PLANS = 8192  # patterns kept ready in a process; the rules that come with the tool have about 450

Bound = Mapping[str, str]
Groups = Mapping[str, str | None]
NO_GROUPS: Groups = {}


class Expression:
    """A regular expression of a rule file. ``{name}`` in it stands for what was captured under that name, escaped.

    A name that was not captured matches nothing. An expression that is empty is false, for nothing is asked. A match is
    given as its named groups (None for one that took no part).
    """

    __slots__ = ("_fixed", "_name", "fixed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.fixed = PLACE.search(text) is None
        whole = PLACE.fullmatch(text)
        self._name = whole.group(1) if whole else ""
        self._fixed = regex.lazy(text)

    def __bool__(self) -> bool:
        return bool(self.text)

    def _filled(self, bound: Bound) -> re.Pattern[str]:
        return regex.compiled(PLACE.sub(lambda m: re.escape(bound[m[1]]) if m[1] in bound else "(?!)", self.text))

    def search(self, text: str, bound: Bound) -> Groups | None:
        """Anywhere in TEXT (cut at regex.MAX_SUBJECT)."""
        if self.fixed:
            return _groups(self._fixed.search(text))
        if self._name:  # nothing but a place: no expression is needed
            wanted = bound.get(self._name)
            return None if wanted is None or wanted not in text[: regex.MAX_SUBJECT] else NO_GROUPS
        return _groups(self._filled(bound).search(text[: regex.MAX_SUBJECT]))

    def full(self, text: str, bound: Bound) -> Groups | None:
        """Over the whole of TEXT (None for one longer than regex.MAX_SUBJECT)."""
        if self.fixed:
            return _groups(self._fixed.full(text))
        if len(text) > regex.MAX_SUBJECT:
            return None
        if self._name:
            return NO_GROUPS if bound.get(self._name) == text else None
        return _groups(self._filled(bound).fullmatch(text))


def _groups(match: re.Match[str] | None) -> Groups | None:
    if match is None:
        return None
    return match.groupdict() if match.re.groupindex else NO_GROUPS


class Column:
    """A column's test with its expressions."""

    __slots__ = ("differs", "name", "new", "not_new", "not_old", "old")

    def __init__(self, test: ColumnTest) -> None:
        self.name, self.differs = test.name, test.differs
        self.old, self.new = Expression(test.old), Expression(test.new)
        self.not_old, self.not_new = Expression(test.not_old), Expression(test.not_new)


class Plan:
    """A pattern with its expressions and sets. What only depends on the path stands in ``place``."""

    __slots__ = (
        "_names", "_paths",
        "arch", "asks_words", "columns", "gained", "gate", "gates", "key", "lost", "new", "not_gained", "not_gate",
        "not_gates",
        "not_key", "not_lost", "not_new", "not_old", "not_path", "not_path_class", "not_scope", "not_term_text",
        "not_value", "not_where", "not_word", "old", "path", "path_class", "pattern", "place", "same_file",
        "same_patch", "same_scope", "scope", "term_text", "value", "where", "word",
    )  # fmt: skip

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.key, self.not_key = Expression(pattern.key), Expression(pattern.not_key)
        self.scope, self.not_scope = Expression(pattern.scope), Expression(pattern.not_scope)
        self.path, self.not_path = Expression(pattern.path), Expression(pattern.not_path)
        self.value, self.not_value = Expression(pattern.value), Expression(pattern.not_value)
        self.old, self.not_old = Expression(pattern.old), Expression(pattern.not_old)
        self.new, self.not_new = Expression(pattern.new), Expression(pattern.not_new)
        self.gate, self.not_gate = Expression(pattern.gate), Expression(pattern.not_gate)
        self.gained, self.not_gained = Expression(pattern.gained), Expression(pattern.not_gained)
        self.lost, self.not_lost = Expression(pattern.lost), Expression(pattern.not_lost)
        self.term_text, self.not_term_text = Expression(pattern.term_text), Expression(pattern.not_term_text)
        self.columns = tuple(Column(test) for test in pattern.columns)
        self.path_class, self.not_path_class = frozenset(pattern.path_class), frozenset(pattern.not_path_class)
        self.arch = frozenset(pattern.arch)
        self.where, self.not_where = frozenset(pattern.where), frozenset(pattern.not_where)
        self.word, self.not_word = frozenset(pattern.word), frozenset(pattern.not_word)
        self.asks_words = bool(self.word or self.not_word)
        self.gates, self.not_gates = frozenset(pattern.gates), frozenset(pattern.not_gates)
        self.same_patch, self.same_file = "patch" in pattern.same, "file" in pattern.same
        self.same_scope = "scope" in pattern.same
        names = [(self.key, False, False), (self.scope, True, False)]  # expression, of the scope, refused
        names += [(self.not_key, False, True), (self.not_scope, True, True)]
        self._names = [name for name in names if name[0] and name[0].fixed]
        self._paths: dict[str, tuple[PathInfo, bool]] = {}
        self.place = (pattern.path, pattern.not_path, self.path_class, self.not_path_class, self.arch)

    def allows_path(self, path: str, info: PathInfo) -> bool:
        """Whether facts of PATH can match, as far as that is known before anything is captured."""
        known = self._paths.get(path)
        if known is not None and known[0] is info:
            return known[1]
        allowed = self._allows(path, info)
        if len(self._paths) >= MAX_PATHS:
            self._paths.clear()
        if len(path) <= MAX_PATH_CHARS:
            self._paths[path] = info, allowed
        return allowed

    def _allows(self, path: str, info: PathInfo) -> bool:
        if self.path_class and self.path_class.isdisjoint(info.classes):
            return False
        if not self.not_path_class.isdisjoint(info.classes) or (self.arch and info.arch not in self.arch):
            return False
        return _may_find(self.path, path) and not _surely_finds(self.not_path, path)

    def allows_name(self, fact: Fact) -> bool:
        """The same for FACT's key and scope."""
        for expression, of_scope, refused in self._names:
            if (expression.full(fact.scope if of_scope else fact.key, {}) is None) != refused:
                return False
        return True


def _may_find(expression: Expression, text: str) -> bool:
    return not (expression.text and expression.fixed) or expression.search(text, {}) is not None


def _surely_finds(expression: Expression, text: str) -> bool:
    return expression.text != "" and expression.fixed and expression.search(text, {}) is not None


_plans: dict[int, Plan] = {}  # by the identity of the pattern, which the plan keeps alive


def plan_of(pattern: Pattern) -> Plan:
    """PATTERN made ready, once a process."""
    plan = _plans.get(id(pattern))
    if plan is None:
        if len(_plans) >= MAX_PLANS:
            _plans.clear()
        plan = _plans[id(pattern)] = Plan(pattern)
    return plan
