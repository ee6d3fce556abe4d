# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules are evaluated against: a series' deltas and facts, with paths, scopes, gates and words classed by data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, product
from typing import get_args

from abireview.facts.delta import Delta, DeltaSet
from abireview.facts.extract import extract
from abireview.facts.model import Fact
from abireview.limits import MAX_DELTAS
from abireview.mail.model import Patch, Series
from abireview.rules import regex
from abireview.rules.load import RuleSet, scopes_by_kind
from abireview.rules.names import Table
from abireview.rules.schema import OpName, PathClass, Pattern, Rule, Scope, views
from abireview.rules.words import by_id, words_of
from abireview.source.model import Fragment
from abireview.source.whole import file_scopes


class PathInfo:
    """What a path is: its classes (``uapi``, ``selftest``, ``doc``, …), architecture and default surface."""

    __slots__ = ("arch", "classes", "surface")

    def __init__(self, classes: frozenset[str], arch: str, surface: str) -> None:
        self.classes, self.arch, self.surface = classes, arch, surface


FLAT = frozenset({"top", "text", "asm"})  # kinds of fragments in which each fact has a name of its own
MAX_KNOWN_PATHS = 16_384  # paths and names whose classes are kept from series to series
MAX_KNOWN_NAMES = 32_768
MAX_KNOWN_CHARS = 1_000  # of a name and its path that are kept so; longer ones are looked up anew


class Paths:
    """Classes paths by the rule set's table, each path once."""

    def __init__(self, table: Sequence[PathClass], read: Iterable[str], touched: Iterable[str]) -> None:
        self.table = table
        self.read = frozenset(read)
        self.touched = frozenset(touched)
        self.known: dict[str, PathInfo] = {}

    def info(self, path: str) -> PathInfo:
        """The classes of PATH: of every matching line, up to one marked ``last``; arch and surface of the first."""
        found = self.known.get(path)
        if found is None:
            if len(self.known) >= MAX_KNOWN_PATHS:
                self.known.clear()
            found = self._look(path)
            if len(path) <= MAX_KNOWN_CHARS:
                self.known[path] = found
        return found

    def _look(self, path: str) -> PathInfo:
        classes: set[str] = set()
        arch = surface = ""
        for line in self.table:
            match = regex.search(line.match, path)
            if not match:
                continue
            classes.update(line.classes)
            arch = arch or line.arch.replace("{arch}", match.groupdict().get("arch") or "")
            surface = surface or line.surface
            if line.last:
                break
        return PathInfo(frozenset(classes), arch or "generic", surface)

    def wanted(self, path: str) -> bool:
        """Whether files at PATH are looked at at all."""
        return bool(self.info(path).classes & self.read)

    def parsed(self, path: str) -> bool:
        """Whether what stands in files at PATH counts, and not only that it changes."""
        classes = self.info(path).classes
        return bool(classes & self.read) and not classes & self.touched


class Scopes:
    """Which named scopes a (kind, name, path) belongs to."""

    def __init__(self, by_kind: Mapping[str, Sequence[Scope]], names: Mapping[str, Table]) -> None:
        self.by_kind = by_kind
        self.names = names
        self.at: dict[tuple[str, str], frozenset[int]] = {}
        self.known: dict[tuple[str, str, str], tuple[Scope, ...]] = {}
        self.known_ids: dict[tuple[str, str, str], frozenset[str]] = {}

    def of(self, kind: str, name: str, path: str) -> tuple[Scope, ...]:
        """The scopes of the table that NAME at PATH is one of, in the table's order."""
        key = (kind, name, path)
        found = self.known.get(key)
        if found is None:
            if len(self.known) >= MAX_KNOWN_NAMES:
                self.known.clear()
            found = self._look(kind, name, path) if kind in self.names else ()
            if len(name) + len(path) <= MAX_KNOWN_CHARS:
                self.known[key] = found
        return found

    def _look(self, kind: str, name: str, path: str) -> tuple[Scope, ...]:
        places = self.names[kind].matched(name) & self._at(kind, path)
        scopes = self.by_kind[kind]
        return tuple([scopes[place] for place in sorted(places)])

    def _at(self, kind: str, path: str) -> frozenset[int]:
        """The places among the scopes of KIND of those that may stand at PATH."""
        found = self.at.get((kind, path))
        if found is None:
            if len(self.at) >= MAX_KNOWN_PATHS:
                self.at.clear()
            scopes = enumerate(self.by_kind[kind])
            found = frozenset([place for place, one in scopes if not one.path or regex.search(one.path, path)])
            if len(path) <= MAX_KNOWN_CHARS:
                self.at[kind, path] = found
        return found

    def ids(self, kind: str, name: str, path: str) -> frozenset[str]:
        """The ids of ``of()``."""
        key = (kind, name, path)
        found = self.known_ids.get(key)
        if found is None:
            if len(self.known_ids) >= MAX_KNOWN_NAMES:
                self.known_ids.clear()
            found = frozenset(scope.id for scope in self.of(kind, name, path))
            if len(name) + len(path) <= MAX_KNOWN_CHARS:
                self.known_ids[key] = found
        return found


Seen = tuple[str, str, str]  # a delta's kind and operation, and a scope that it is in ("" for any)


class View:
    """A rule in one of its ways, with what a series must have for it to match at all.

    ``seen``: deltas, of which there must be one; architectures of files. None where that cannot be told from them.
    """

    __slots__ = ("arch", "rule", "seen")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        of_deltas = all(pattern.on == "delta" for pattern in rule.match)
        told = of_deltas and all(pattern.kind for pattern in rule.match)
        self.seen = frozenset(seen for pattern in rule.match for seen in _asked(pattern)) if told else None
        self.arch = frozenset(rule.arch) if of_deltas and rule.arch else None

    def may_match(self, seen: set[Seen], arch: frozenset[str]) -> bool:
        """Whether a series whose deltas are SEEN in files of ARCH can have a hit."""
        if self.arch is not None and self.arch.isdisjoint(arch):
            return False
        return self.seen is None or not self.seen.isdisjoint(seen)


def _asked(pattern: Pattern) -> Iterator[Seen]:
    return product(pattern.kind, pattern.op or get_args(OpName), pattern.where or ("",))


class Tables:
    """What a rule set says of paths, scopes and words, with what was looked up in it."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.paths = Paths(rules.paths, rules.read, rules.touched)
        self.scopes = Scopes(scopes_by_kind(rules.scopes), rules.names)
        self.phrases = by_id(rules.phrases)
        self.views = tuple(View(view) for rule in rules.rules for view in views(rule))


_tables: Tables | None = None


def tables_of(rules: RuleSet) -> Tables:
    """The tables of RULES; those used last are kept, for an archive's series name the same files again and again."""
    global _tables  # noqa: PLW0603
    if _tables is None or _tables.rules is not rules:
        _tables = Tables(rules)
    return _tables


class Choice:
    """Whether the series lets userspace choose: the answer of ``ask``, which the evaluation sets; before that, no.

    Words hold this and no gates. Gates hold the context, the context its words: a series in a circle is freed late,
    and the next one does not get its memory while that is still in the processor's cache.
    """

    def __init__(self) -> None:
        self.ask: Callable[[], bool] = lambda: False

    def __call__(self) -> bool:
        return self.ask()


class Context:
    """One series, ready for rules."""

    def __init__(
        self,
        series: Series,
        rules: RuleSet,
        fragments: Sequence[Fragment],
        found: DeltaSet,
        tables: Tables,
    ) -> None:
        self.series, self.rules, self.found = series, rules, found
        self.fragments = list(fragments)
        self.paths, self.scopes, self.views = tables.paths, tables.scopes, tables.views
        self.whole: WholeFiles | None = None
        self.deltas_by_kind: dict[str, list[Delta]] = defaultdict(list)
        for delta in islice(found.deltas, MAX_DELTAS):
            self.deltas_by_kind[delta.kind].append(delta)
        self.choice = Choice()
        self.words = words_of(series, tables.phrases, self.choice)

    def matchable(self) -> Iterator[Rule]:
        """The rules, in each of their ways, that can have a hit in this series."""
        places = set()
        for deltas in self.deltas_by_kind.values():
            for delta in deltas:
                places.add((delta.kind, delta.op, *self._named(delta.fragment, delta), delta.path))
        seen: set[Seen] = {(place[0], place[1], "") for place in places}
        for changed, op, kind, name, path in places:
            seen.update([(changed, op, scope) for scope in self.scopes.ids(kind, name, path)])
        arch = frozenset(self.paths.info(path).arch for path in {delta.path for delta in self.found.deltas})
        return (view.rule for view in self.views if view.may_match(seen, arch))

    @cached_property
    def after_by_kind(self) -> dict[str, list[tuple[int, Fact]]]:
        """Facts of the new sides by kind, with their fragment's index."""
        return _by_kind([new for _, new in self.found.sides])

    @cached_property
    def before_by_kind(self) -> dict[str, list[tuple[int, Fact]]]:
        """Facts of the old sides by kind, with their fragment's index."""
        return _by_kind([old for old, _ in self.found.sides])

    def scope_ids(self, fragment: int, fact: Fact) -> frozenset[str]:
        """The named scopes of FACT."""
        return self.scopes.ids(*self._named(fragment, fact), fact.path)

    def _named(self, fragment: int, what: Fact | Delta) -> tuple[str, str]:
        """The kind and name by which the scope of WHAT is looked up; a flag of a one-line mask is in that."""
        kind = self.fragments[fragment].kind
        if kind not in FLAT:
            return kind, what.scope
        return ("define", what.scope) if what.kind == "flag" and what.scope else (what.kind, what.key)

    def surface(self, fragment: int, fact: Fact) -> str:
        """The surface of FACT: of its first named scope that has one, else of its path, else ``other``."""
        for scope in self.scopes.of(*self._named(fragment, fact), fact.path):
            if scope.surface:
                return scope.surface
        return self.paths.info(fact.path).surface or "other"

    def patch(self, index: int) -> Patch:
        """The patch of that index."""
        return self.series.patches[index]


class WholeFiles:
    """Facts of whole files of the kernel tree, as the series leaves them, read when a pattern asks for their scopes."""

    def __init__(self, context: Context, read: Callable[[str], str | None]) -> None:
        self.context, self.read = context, read
        self.known: dict[str, list[tuple[int, Fact]]] = {}
        self._paths: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.shown = {(fragment.path, fragment.name) for fragment in context.fragments}

    def paths(self, where: tuple[str, ...]) -> tuple[str, ...]:
        """The files of the scopes called WHERE, in the table's order."""
        known = self._paths.get(where)
        if known is None:
            files = (path for scope in self.context.rules.scopes if scope.id in where for path in scope.files)
            known = self._paths[where] = tuple(dict.fromkeys(files))
        return known

    def file(self, path: str) -> list[tuple[int, Fact]]:
        """(fragment index, fact) of a file less the scopes that the series' own fragments hold; [] without the file."""
        if path not in self.known:
            self.known[path] = self._load(path)
        return self.known[path]

    def _load(self, path: str) -> list[tuple[int, Fact]]:
        text = self.read(path)
        if text is None:
            return []
        found = []
        for fragment in file_scopes(text, path):
            if (path, fragment.name) in self.shown and fragment.name:
                continue
            self.context.fragments.append(fragment)
            index = len(self.context.fragments) - 1
            found += [(index, fact) for fact in extract(fragment, "new")]
        return found


def _by_kind(sides: Sequence[Sequence[Fact]]) -> dict[str, list[tuple[int, Fact]]]:
    found: dict[str, list[tuple[int, Fact]]] = defaultdict(list)
    for index, facts in enumerate(sides):
        for fact in facts:
            found[fact.kind].append((index, fact))
    return found
