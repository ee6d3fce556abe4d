# SPDX-License-Identifier: GPL-2.0-or-later
"""From a kernel tree to its surface: the facts of the files that rules/surface names, gathered into items."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from abireview.errors import TreeError
from abireview.facts.constants import resolve
from abireview.facts.extract import FILE_WIDE, extract, extract_file_wide
from abireview.facts.model import Fact
from abireview.findings.model import ToolInfo
from abireview.ledger.expand import Macros
from abireview.ledger.model import Group, Item, Place, Surface
from abireview.ledger.schema import Read, SurfaceSpec
from abireview.ledger.template import fill
from abireview.limits import MAX_SURFACE_TEXT
from abireview.rules.regex import compiled
from abireview.source.model import Fragment
from abireview.source.tree import Tree
from abireview.source.whole import file_scopes

Values = dict[str, str]

GENERIC = "generic"

_SCOPED = frozenset({"function", "table", "enum", "struct"})


class Piece(msgspec.Struct, frozen=True):
    """One value of one attribute of one item, as one line of a file states it."""

    spec: str
    arch: str
    name: str
    attr: str
    value: str
    many: bool
    joins: bool
    place: Place


def read_surface(tree: Tree, specs: Sequence[SurfaceSpec], label: str, tool: ToolInfo) -> Surface:
    """The surface of TREE, groups by area, architecture and id. Raises TreeError if no named file is there."""
    pieces: list[Piece] = []
    files = jobs(tree, specs)
    for path, wanted in files.items():
        text = tree.read(path)
        if text is not None:
            pieces += read_file(text, path, wanted)
    if not pieces:
        raise TreeError(
            f"{label} has none of the files that the surfaces name", hint="give the top directory of a kernel tree"
        )
    groups = assemble(pieces, specs)
    seen = {group.id for group in groups}
    return Surface(tool=tool, tree=label, groups=groups, missing=tuple(s.id for s in specs if s.id not in seen))


def jobs(tree: Tree, specs: Sequence[SurfaceSpec]) -> dict[str, list[SurfaceSpec]]:
    """The files of TREE that SPECS name, sorted, each with the surfaces it is read for."""
    found: dict[str, list[SurfaceSpec]] = {}
    listed: dict[str, list[str]] = {}
    for spec in specs:
        for pattern in spec.files:
            folder, _, last = pattern.rpartition("/")
            if "*" in last:
                if folder not in listed:
                    listed[folder] = tree.files(folder)
                paths = [path for path in listed[folder] if matches(pattern, path)]
            else:
                paths = [pattern]
            for path in paths:
                if spec not in found.setdefault(path, []):
                    found[path].append(spec)
    return dict(sorted(found.items()))


def matches(pattern: str, path: str) -> bool:
    """Whether PATH is what PATTERN names: the same, or the same but for ``*`` in the last component."""
    folder, _, last = pattern.rpartition("/")
    base, _, name = path.rpartition("/")
    return folder == base and fnmatch.fnmatchcase(name, last)


def read_file(text: str, path: str, specs: Sequence[SurfaceSpec]) -> list[Piece]:
    """What the file TEXT at PATH gives the surfaces SPECS, in the order of its lines."""
    reads = [(spec, read) for spec in specs for read in spec.read if not read.path or compiled(read.path).search(path)]
    through_macros = any(read.expand for _, read in reads)
    wide = any(FILE_WIDE.intersection(read.kind) for _, read in reads)
    facts: list[tuple[Fragment, Fact]] = []
    for fragment in file_scopes(text, path):
        macro = through_macros and fragment.kind in ("macro", "top")
        if macro or any(_concerns(read, fragment) for _, read in reads):
            facts += [(fragment, fact) for fact in extract(fragment, "new")]
        elif wide:
            facts += [(fragment, fact) for fact in extract_file_wide(fragment, "new")]
    file_wide = resolve([fact for _, fact in facts if fact.kind in FILE_WIDE])
    macros = Macros(file_wide if through_macros else ())
    numbered = iter(file_wide)
    pieces: list[Piece] = []
    for fragment, fact in facts:
        if fact.kind in FILE_WIDE:
            fact = next(numbered)
        pieces += _pieces(fact, fragment, reads, macros)
    return pieces


def _concerns(read: Read, fragment: Fragment) -> bool:
    """Whether READ could find a fact in FRAGMENT that is not file-wide: in scopes that have a name, by that name."""
    if fragment.kind not in _SCOPED:
        return True
    if FILE_WIDE.issuperset(read.kind):
        return False
    return not read.scope or compiled(read.scope).fullmatch(fragment.name) is not None


def _pieces(
    fact: Fact, fragment: Fragment, reads: Iterable[tuple[SurfaceSpec, Read]], macros: Macros
) -> Iterator[Piece]:
    expanded: list[dict[str, str]] | None = None
    for spec, read in reads:
        if fact.kind not in read.kind or (read.scope and not _full(read.scope, fact.scope)):
            continue
        rows = [dict(fact.columns)]
        if read.expand:
            expanded = macros.rows(fact.value) if expanded is None else expanded
            rows = [row | {"macro": fact.column("macro")} for row in expanded]
        for columns in rows:
            values = _match(fact, columns, read, spec)
            if values is None:
                continue
            arch = spec.arch or _arch(fact.path)
            values["arch"] = arch
            place = Place(fact.path, fragment.new.numbers[fact.line])
            for one in _each(read, values):
                yield from _filled(spec, read, arch, one, place)


def _filled(spec: SurfaceSpec, read: Read, arch: str, values: Values, place: Place) -> Iterator[Piece]:
    name = fill(read.name, values).strip()
    if not name:
        return
    filled = [(attr, fill(text, values), False) for attr, text in read.set.items()]
    filled += [(attr, fill(text, values), True) for attr, text in read.add.items()]
    for attr, value, many in filled or [("", "", False)]:
        if value or not attr:
            yield Piece(spec.id, arch, name, fill(attr, values), value, many, read.joins, place)


def _match(fact: Fact, columns: Values, read: Read, spec: SurfaceSpec) -> Values | None:
    """The values that FACT gives READ's templates; None if it is not what READ asks for."""
    key = fact.key.partition("#")[0]
    value = _normal(fact.value, spec)
    values: Values = {"scope": fact.scope, "key": key, "value": value, "path": fact.path}
    values["number"] = "" if fact.number is None else str(fact.number)
    tests = [(read.scope, fact.scope, True), (read.key, key, True), (read.value, value, False)]
    for expression, text, whole in tests:
        if expression and not _capture(expression, text, values, whole=whole):
            return None
    if (read.not_key and _full(read.not_key, key)) or (read.not_value and _search(read.not_value, value)):
        return None
    if not _gates(fact, read, values):
        return None
    for name, expression in read.columns.items():
        if not _capture(expression, _normal(columns.get(name, ""), spec), values, whole=True):
            return None
    for name, text in columns.items():
        values.setdefault(name, _normal(text, spec))
    return values


def _gates(fact: Fact, read: Read, values: Values) -> bool:
    if read.not_gate and any(_full(read.not_gate, gate) for gate in fact.gates):
        return False
    if not read.gate:
        return True
    for gate in reversed(fact.gates):
        if _capture(read.gate, gate, values, whole=True):
            values["gate"] = gate
            return True
    return False


def _each(read: Read, values: Values) -> Iterator[Values]:
    if not read.each:
        yield values
        return
    for match in compiled(read.each).finditer(fill(read.each_of, values)[:MAX_SURFACE_TEXT]):
        yield values | {name: text or "" for name, text in match.groupdict().items()}


def _capture(expression: str, text: str, values: Values, *, whole: bool) -> bool:
    match = _full(expression, text) if whole else _search(expression, text)
    if match is None:
        return False
    values.update({name: found or "" for name, found in match.groupdict().items()})
    return True


def _full(expression: str, text: str):  # type: ignore[no-untyped-def]
    return compiled(expression).fullmatch(text) if len(text) <= MAX_SURFACE_TEXT else None


def _search(expression: str, text: str):  # type: ignore[no-untyped-def]
    return compiled(expression).search(text[:MAX_SURFACE_TEXT])


def _normal(text: str, spec: SurfaceSpec) -> str:
    for expression, replacement in spec.normal:
        text = compiled(expression).sub(replacement, text[:MAX_SURFACE_TEXT])
    return text


@lru_cache(maxsize=1024)
def _arch(path: str) -> str:
    parts = path.split("/")
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else GENERIC


# --- pieces into items ------------------------------------------------------------------------------------------


class _Draft:
    """An item while its pieces come in."""

    def __init__(self) -> None:
        self.facts: Values = {}
        self.sets: dict[str, list[str]] = {}
        self.at: dict[str, Place] = {}
        self.real = False

    def take(self, piece: Piece) -> None:
        self.real = self.real or not piece.joins
        if piece.many:
            terms = self.sets.setdefault(piece.attr, [])
            if piece.value not in terms:
                terms.append(piece.value)
        elif piece.attr:
            self.facts.setdefault(piece.attr, piece.value)
        self.at.setdefault(piece.attr, piece.place)

    def item(self, name: str, spec: SurfaceSpec) -> Item:
        for full, taken in spec.less:
            gone = set(self.sets.get(taken, ()))
            if full in self.sets:
                self.sets[full] = [term for term in self.sets[full] if term not in gone]
        sets = {
            attr: tuple(terms if attr in spec.ordered else sorted(terms))
            for attr, terms in sorted(self.sets.items())
            if terms
        }
        return Item(name, dict(sorted(self.facts.items())), sets, dict(sorted(self.at.items())))


def assemble(pieces: Iterable[Piece], specs: Sequence[SurfaceSpec]) -> tuple[Group, ...]:
    """The items that PIECES make, in groups: a group for each surface and architecture that has any."""
    drafts: dict[tuple[str, str], dict[str, _Draft]] = {}
    for piece in pieces:
        drafts.setdefault((piece.spec, piece.arch), {}).setdefault(piece.name, _Draft()).take(piece)
    groups = []
    for spec in specs:
        for spec_id, arch in sorted(drafts):
            if spec_id != spec.id:
                continue
            found = drafts[spec_id, arch]
            items = [found[name].item(name, spec) for name in sorted(found) if found[name].real]
            if items:
                items += _highest(items, spec)
                groups.append(Group(spec.id, spec.title, spec.area, arch, spec.about, spec.visible_to, tuple(items)))
    return tuple(sorted(groups, key=lambda group: (group.arch == GENERIC, group.arch, group.area, group.id)))


def _highest(items: Sequence[Item], spec: SurfaceSpec) -> list[Item]:
    numbered = [(int(item.facts["number"]), item) for item in items if item.facts.get("number", "").isdigit()]
    if not spec.highest or not numbered:
        return []
    number, item = max(numbered, key=lambda pair: pair[0])
    at = {"number": item.at["number"]} if "number" in item.at else {}
    return [Item(spec.highest, {"number": str(number), "name": item.name}, {}, at)]
