# SPDX-License-Identifier: GPL-2.0-or-later
"""All facts that one side of a fragment states: the extractors that its kind calls for, one after the other."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from abireview.facts import attributes, body, defines, documents, enums, flags, includes, structs, tables
from abireview.facts.model import Fact
from abireview.source.model import Fragment, ScopeKind, Side

Extractor = Callable[[Fragment, Side], list[Fact]]

EXTRACTORS: Final[dict[ScopeKind, tuple[Extractor, ...]]] = {
    "function": (body.extract, defines.extract),
    "table": (tables.extract, defines.extract),
    "enum": (enums.extract, defines.extract),
    "struct": (structs.extract, enums.extract, defines.extract),
    "macro": (defines.extract,),
    "top": (
        includes.extract, defines.extract, attributes.extract, tables.extract, enums.extract, structs.extract,
    ),
    "asm": (includes.extract, defines.extract, documents.extract),
    "text": (documents.extract,),
}  # fmt: skip
"""What is read from each kind of fragment; a file-scope fragment may hold scopes that begin and end on one line."""

FILE_WIDE: Final = frozenset({"define", "enumerator", "include", "attribute"})
"""Kinds of facts that count for their whole file, wherever they stand in it."""

_WIDE: Final = frozenset({includes.extract, defines.extract, attributes.extract, enums.extract})

_CACHED: Final = 2_048  # sides kept: a check asks for each twice (delta, then knobs), and versions of a series repeat


class _Cache:
    """The facts of the sides read last, by what they are read from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Fact, ...]] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> tuple[Fact, ...] | None:
        facts = self._kept.get(key)
        if facts is not None:
            self._kept.move_to_end(key)
        return facts

    def put(self, key: tuple[object, ...], facts: tuple[Fact, ...]) -> None:
        self._kept[key] = facts
        if len(self._kept) > _CACHED:
            self._kept.popitem(last=False)


_cache = _Cache()


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The facts of one side of a fragment in the order of its extractors, and in each of its lines.

    Facts are read from a side's lines, changes, header, kind and name alone, so equal sides give equal facts; the list
    is the caller's own. Never raises for bad C.
    """
    shown = fragment.old if side == "old" else fragment.new
    if not shown.lines:
        return []
    name = fragment.old_name if side == "old" else fragment.name
    # what a document's lines stand under depends on the file's name
    about = fragment.path if fragment.kind in ("text", "asm") else ""
    key = (about, fragment.kind, name, fragment.header, fragment.whole, shown.lines, shown.changed)
    facts = _cache.get(key)
    if facts is None:
        read = [fact for extractor in EXTRACTORS[fragment.kind] for fact in extractor(fragment, side)]
        facts = (*read, *flags.derive(read), *flags.extract(fragment, side))
        _cache.put(key, facts)
    if facts and facts[0].path != fragment.path:
        return [msgspec.structs.replace(fact, path=fragment.path) for fact in facts]
    return list(facts)


def extract_file_wide(fragment: Fragment, side: Side) -> list[Fact]:
    """Those of ``extract()`` that are FILE_WIDE, for who needs no others: most of the work are bodies and tables."""
    extractors = (extractor for extractor in EXTRACTORS[fragment.kind] if extractor in _WIDE)
    return [fact for extractor in extractors for fact in extractor(fragment, side) if fact.kind in FILE_WIDE]
