# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of ``rules/surface/*.toml``: what is a surface in a tree, and what its changes mean.

A surface lists items (a register, a capability, a function …). Each item has facts (one value each) and sets (many
values); both are filled from the facts of C that ``read`` names. Regular expressions: ``scope``, ``key``, ``gate``,
``columns`` and ``name`` must match the whole text, the others anywhere in it; named groups capture.

``{name}`` in a template stands for a capture, a column of the row (``{0}``, ``{visibility}``) or one of ``scope``,
``key``, ``value``, ``number``, ``path``, ``arch``, ``gate``; ``{a|b|'text'}`` is the first that is not empty,
``{a:upper}``, ``{a:lower}`` and ``{a:hex}`` change the text. An attribute whose template gives nothing is not set.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from abireview.findings.model import Direction, Grade, Observer
from abireview.rules.schema import Base

Op = Literal["added", "removed", "changed", "gained", "lost"]
KnobKind = Literal["", "OPT_IN", "OPT_OUT", "PIN", "ACCEPT_IGNORE", "HOST_ONLY", "NONE"]


class Read(Base, frozen=True, kw_only=True):
    """Which facts of C give items, and what of them.

    ``kind``: kinds of abireview.facts.model; ``not_gate`` must match none of the fact's gates. ``expand``: a row's
    columns are those after the macros of its file (a macro may give several rows). ``each``: one item (or one value of
    a set) for every match of this expression in ``each_of``, a template. ``joins``: only fills items that another
    read found, makes none.
    """

    kind: tuple[str, ...]
    scope: str = ""
    key: str = ""
    not_key: str = ""
    value: str = ""
    not_value: str = ""
    gate: str = ""
    not_gate: str = ""
    path: str = ""
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    expand: bool = False
    each: str = ""
    each_of: str = "{value}"
    name: str = "{key}"
    set: dict[str, str] = msgspec.field(default_factory=dict)
    add: dict[str, str] = msgspec.field(default_factory=dict)
    joins: bool = False


class PinText(Base, frozen=True, kw_only=True):
    """What to set to keep the old behaviour: templates. ``what`` is the knob's name, ``to`` its value."""

    what: str
    to: str
    how: str


class Change(Base, frozen=True, kw_only=True):
    """What it means that an item comes, goes or changes; the first of a surface's changes that matches is taken.

    ``old``/``new`` are searched in the value before and after (for ``gained`` and ``lost`` in the set's term). ``has``
    and ``lacks`` ask for a term (a template) in a set of the new item; ``fact`` searches a fact of the new item,
    ``was`` one of the old item. Templates know ``name``, ``attr``, ``old``, ``new``, ``term``, the facts and sets of
    the new item, those of the old one as ``old_…``, and what ``old``, ``new`` and ``name`` captured; ``terms`` are all
    terms of the entry. ``together``: all items that come or go and match give one entry, whose terms they are.
    """

    op: tuple[Op, ...] = ()
    name: str = ""
    attr: str = ""
    old: str = ""
    new: str = ""
    has: dict[str, str] = msgspec.field(default_factory=dict)
    lacks: dict[str, str] = msgspec.field(default_factory=dict)
    fact: dict[str, str] = msgspec.field(default_factory=dict)
    was: dict[str, str] = msgspec.field(default_factory=dict)
    silent: bool = False
    together: bool = False
    say: str = ""
    weight: Grade = "low"
    visible_to: tuple[Observer, ...] | None = None
    direction: tuple[Direction, ...] = ()
    knob: KnobKind = ""
    pin: PinText | None = None


class SurfaceSpec(Base, frozen=True, kw_only=True):
    """One surface. ``files`` are paths, the last component may have ``*``; ``arch`` "" takes it from the path.

    ``normal``: pairs of expression and replacement, applied to what is read before it is looked at. ``less``: terms
    of the second set are taken out of the first. ``ordered``: sets that keep the order of the file. ``highest``: an
    item of that name whose ``number`` is the largest. ``shared``: the generic group's items count for every
    architecture, so that what moves between a common and an architecture's file neither comes nor goes.
    """

    id: str
    title: str
    area: str
    about: str
    files: tuple[str, ...]
    arch: str = ""
    visible_to: tuple[Observer, ...] = ("guest", "vmm")
    normal: tuple[tuple[str, str], ...] = ()
    less: tuple[tuple[str, str], ...] = ()
    ordered: tuple[str, ...] = ()
    highest: str = ""
    shared: bool = False
    read: tuple[Read, ...]
    change: tuple[Change, ...] = ()


class SurfaceFile(Base, frozen=True, kw_only=True):
    """A file of ``rules/surface``."""

    surface: tuple[SurfaceSpec, ...]
