# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules are evaluated against: a series' deltas and facts, with paths, scopes, gates and words classed by data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice

from abireview.facts.delta import Delta, DeltaSet
from abireview.facts.extract import extract
from abireview.facts.model import Fact
from abireview.limits import MAX_DELTAS
from abireview.mail.model import Patch, Series
from abireview.rules import regex
from abireview.rules.load import RuleSet
from abireview.rules.schema import PathClass, Phrase, Scope
from abireview.source.model import Fragment
from abireview.source.whole import file_scopes


class PathInfo:
    """What a path is: its classes (``uapi``, ``selftest``, ``doc``, …), architecture and default surface."""

    __slots__ = ("arch", "classes", "surface")

    def __init__(self, classes: frozenset[str], arch: str, surface: str) -> None:
        self.classes, self.arch, self.surface = classes, arch, surface


class Paths:
    """Classes paths by the rule set's table, each path once."""

    def __init__(self, table: Sequence[PathClass], read: Iterable[str]) -> None:
        self.table = table
        self.read = frozenset(read)
        self.known: dict[str, PathInfo] = {}

    def info(self, path: str) -> PathInfo:
        """The classes of PATH: of every matching line, up to one marked ``last``; arch and surface of the first."""
        found = self.known.get(path)
        if found is None:
            found = self.known[path] = self._look(path)
        return found

    def _look(self, path: str) -> PathInfo:
        classes: set[str] = set()
        arch = surface = ""
        for line in self.table:
            match = regex.search(line.match, path)
            if not match:
                continue
            classes.update(line.classes)
            arch = arch or match.expand(line.arch.replace("{arch}", r"\g<arch>"))
            surface = surface or line.surface
            if line.last:
                break
        return PathInfo(frozenset(classes), arch or "generic", surface)

    def wanted(self, path: str) -> bool:
        """Whether files at PATH are parsed at all."""
        return bool(self.info(path).classes & self.read)


class Scopes:
    """Which named scopes a (kind, name, path) belongs to."""

    def __init__(self, table: Sequence[Scope]) -> None:
        self.by_kind: dict[str, list[Scope]] = defaultdict(list)
        for scope in table:
            for kind in scope.kind:
                self.by_kind[kind].append(scope)
        self.known: dict[tuple[str, str, str], tuple[Scope, ...]] = {}

    def of(self, kind: str, name: str, path: str) -> tuple[Scope, ...]:
        """The scopes of the table that NAME at PATH is one of, in the table's order."""
        key = (kind, name, path)
        found = self.known.get(key)
        if found is None:
            found = tuple(s for s in self.by_kind.get(kind, ()) if _is(s, name, path))
            self.known[key] = found
        return found

    def ids(self, kind: str, name: str, path: str) -> frozenset[str]:
        """The ids of ``of()``."""
        return frozenset(scope.id for scope in self.of(kind, name, path))


def _is(scope: Scope, name: str, path: str) -> bool:
    if scope.path and not regex.search(scope.path, path):
        return False
    return regex.full(scope.name, name) is not None


class Context:
    """One series, ready for rules."""

    def __init__(
        self,
        series: Series,
        rules: RuleSet,
        fragments: Sequence[Fragment],
        found: DeltaSet,
        paths: Paths,
        scopes: Scopes,
    ) -> None:
        self.series, self.rules, self.found = series, rules, found
        self.fragments = list(fragments)
        self.paths, self.scopes = paths, scopes
        self.whole: WholeFiles | None = None
        self.deltas_by_kind: dict[str, list[Delta]] = defaultdict(list)
        for delta in islice(found.deltas, MAX_DELTAS):
            self.deltas_by_kind[delta.kind].append(delta)
        standing = _standing(series) | _of_cover(series, rules)
        self.words = [_phrases(patch, rules) | standing for patch in series.patches]

    @cached_property
    def after_by_kind(self) -> dict[str, list[tuple[int, Fact]]]:
        """Facts of the new sides by kind, with their fragment's index."""
        return _by_kind(self.found.after)

    @cached_property
    def before_by_kind(self) -> dict[str, list[tuple[int, Fact]]]:
        """Facts of the old sides by kind, with their fragment's index."""
        return _by_kind(self.found.before)

    def scope_ids(self, fragment: int, fact: Fact) -> frozenset[str]:
        """The named scopes of FACT."""
        kind = self.fragments[fragment].kind
        name = fact.scope if kind not in ("top", "text", "asm") else fact.key
        lookup = fact.kind if kind in ("top", "text", "asm") else kind
        return self.scopes.ids(lookup, name, fact.path)

    def surface(self, fragment: int, fact: Fact) -> str:
        """The surface of FACT: of its first named scope that has one, else of its path, else ``other``."""
        kind = self.fragments[fragment].kind
        name = fact.scope if kind not in ("top", "text", "asm") else fact.key
        lookup = fact.kind if kind in ("top", "text", "asm") else kind
        for scope in self.scopes.of(lookup, name, fact.path):
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
        self.shown = {(fragment.path, fragment.name) for fragment in context.fragments}

    def facts(self, where: Iterable[str]) -> Iterator[tuple[int, Fact]]:
        """(fragment index, fact) of the named scopes' files, less the scopes that the series' own fragments hold."""
        wanted = set(where)
        files = [path for scope in self.context.rules.scopes if scope.id in wanted for path in scope.files]
        for path in dict.fromkeys(files):
            yield from self.file(path)

    def file(self, path: str) -> list[tuple[int, Fact]]:
        """The same for one file; [] for one that the tree lacks."""
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


def _by_kind(facts: Iterable[tuple[int, Fact]]) -> dict[str, list[tuple[int, Fact]]]:
    found: dict[str, list[tuple[int, Fact]]] = defaultdict(list)
    for index, fact in facts:
        found[fact.kind].append((index, fact))
    return found


def _standing(series: Series) -> frozenset[str]:
    """Phrases that hold for the whole series: what kind of posting it is."""
    found = set()
    if series.stable:
        found.add("is-backport")
    if "AUTOSEL" in {prefix.upper() for prefix in series.prefixes}:
        found.add("is-autosel")
    if series.rfc:
        found.add("is-rfc")
    if series.pull:
        found.add("is-pull")
    return frozenset(found)


def _of_cover(series: Series, rules: RuleSet) -> frozenset[str]:
    """The phrases of the cover letter that count for the whole series."""
    text = series.cover.body if series.cover else ""
    return frozenset(phrase.id for phrase in _found(text, rules) if phrase.cover)


def _found(text: str, rules: RuleSet) -> list[Phrase]:
    flat = " ".join(text[:16384].split()).lower()
    pieces = [flat[start : start + regex.MAX_SUBJECT] for start in range(0, len(flat), regex.MAX_SUBJECT - 96)]
    return [p for p in rules.phrases if any(regex.search(p.match, piece) for piece in pieces)]


def _phrases(patch: Patch, rules: RuleSet) -> frozenset[str]:
    found = {phrase.id for phrase in _found(f"{patch.subject}\n{patch.log}", rules)}
    if any(trailer.name.lower() == "fixes" for trailer in patch.trailers):
        found.add("fixes-trailer")
    return frozenset(found)
