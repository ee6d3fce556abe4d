# SPDX-License-Identifier: GPL-2.0-or-later
"""The surface of one tree, and the ledger between two: the JSON documents of both commands.

Fields may be added, none may change its meaning; ``schema`` is raised if one has to. Line numbers count from 1.
"""

from __future__ import annotations

import msgspec

from abireview.findings.model import Direction, Grade, Observer, ToolInfo
from abireview.ledger.schema import KnobKind, Op

SCHEMA = 1


class Place(msgspec.Struct, frozen=True):
    """A line of a file of the tree."""

    path: str
    line: int


class Item(msgspec.Struct, frozen=True):
    """Something a guest or a VMM can rely on: its facts, its sets, and where each of them is written."""

    name: str
    facts: dict[str, str] = {}
    sets: dict[str, tuple[str, ...]] = {}
    at: dict[str, Place] = {}

    @property
    def place(self) -> Place | None:
        """Where the item is written: the first place that was read."""
        return next(iter(self.at.values()), None)


class Group(msgspec.Struct, frozen=True):
    """The items of one surface of one architecture, by name."""

    id: str
    title: str
    area: str
    arch: str
    about: str
    visible_to: tuple[Observer, ...]
    items: tuple[Item, ...]


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a tree shows. ``tree`` is what the user called it, ``missing`` are surfaces without any item."""

    schema: int = SCHEMA
    tool: ToolInfo
    tree: str
    groups: tuple[Group, ...]
    missing: tuple[str, ...] = ()


class Pin(msgspec.Struct, frozen=True):
    """A knob of the new kernel and the value that keeps the old behaviour; ``names`` are the items it keeps."""

    arch: str
    kind: KnobKind
    what: str
    to: str
    how: str
    names: tuple[str, ...] = ()


class Commit(msgspec.Struct, frozen=True):
    """The commit that brought a change: full id, subject, author date (ISO 8601, the author's time zone)."""

    id: str
    subject: str
    date: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. ``attr`` is the fact or set that differs ("" for an item that comes or goes as a whole).

    ``old``/``new`` are a fact's values; ``terms`` what a set gains or loses, or the items of a surface that is new as a
    whole. ``knob`` is "" where there is nothing to keep. ``commits`` are those that brought it, the newest first.
    """

    group: str
    title: str
    area: str
    arch: str
    name: str
    op: Op
    attr: str
    old: str
    new: str
    terms: tuple[str, ...]
    text: str
    weight: Grade
    visible_to: tuple[Observer, ...]
    direction: tuple[Direction, ...]
    knob: KnobKind
    pin: Pin | None
    old_at: Place | None
    new_at: Place | None
    commits: tuple[Commit, ...] = ()


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from ``old`` to ``new`` (as the user called them), and the pin list."""

    schema: int = SCHEMA
    tool: ToolInfo
    old: str
    new: str
    entries: tuple[Entry, ...]
    pins: tuple[Pin, ...]
    missing: tuple[str, ...] = ()


def encode(document: Surface | Ledger) -> bytes:
    """The document as one line of JSON (UTF-8, no newline), always the same bytes for the same document."""
    return msgspec.json.encode(document, order="deterministic")
