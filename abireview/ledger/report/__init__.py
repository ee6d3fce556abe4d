# SPDX-License-Identifier: GPL-2.0-or-later
"""Surface and ledger as documents: one module a format."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import cast

from abireview.errors import UsageError
from abireview.findings.model import Direction
from abireview.ledger.model import Entry, Ledger, Pin, Surface, encode
from abireview.render import Style
from abireview.render.jsonl import escaped

LEDGER_FORMATS = ("text", "json", "html", "markdown")
SURFACE_FORMATS = ("text", "json")

DIRECTIONS: dict[Direction, str] = {
    "boot": "fresh boot",
    "forward": "forward migration",
    "rollback": "rollback",
    "host": "migration to another host",
}
KNOBS = {
    "": "",
    "OPT_IN": "off until the VMM asks",
    "OPT_OUT": "the VMM can turn it off",
    "PIN": "the VMM can select the old one",
    "ACCEPT_IGNORE": "the old value is accepted and ignored",
    "HOST_ONLY": "for the whole host only",
    "NONE": "no way back",
}


def render(document: Surface | Ledger, format_name: str, style: Style) -> str:
    """DOCUMENT in the format of that name. Raises UsageError if there is none for this kind of document."""
    formats = LEDGER_FORMATS if isinstance(document, Ledger) else SURFACE_FORMATS
    if format_name not in formats:
        raise UsageError(f"no such format '{format_name}'", hint=f"formats are {', '.join(formats)}")
    if format_name == "json":
        return escaped(encode(document).decode()) + "\n"
    module = importlib.import_module(f"{__name__}.{format_name}")
    return cast(str, module.render(document, style))


def gathered(pins: Sequence[Pin]) -> list[tuple[Pin, list[str]]]:
    """The pin list for people: pins that differ only in what they are about stand on one line."""
    found: dict[tuple[str, str, str], tuple[Pin, list[str]]] = {}
    for pin in pins:
        _, names = found.setdefault((pin.arch, pin.to, pin.how), (pin, []))
        names.append(pin.what)
    return list(found.values())


def sections(entries: Sequence[Entry]) -> list[tuple[Entry, list[Entry]]]:
    """The entries by architecture and surface in their order; the first of each section stands for its heading."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.arch, entry.group), []).append(entry)
    return [(group[0], group) for group in found.values()]


def counts(ledger: Ledger) -> list[tuple[str, int]]:
    """How many entries there are by weight, by direction and by knob, as (words, number)."""
    rows = [
        (f"{weight} weight", sum(e.weight == weight for e in ledger.entries)) for weight in ("high", "medium", "low")
    ]
    rows += [(words, sum(one in e.direction for e in ledger.entries)) for one, words in DIRECTIONS.items()]
    rows += [(words, sum(e.knob == kind for e in ledger.entries)) for kind, words in KNOBS.items() if kind]
    return [(words, number) for words, number in rows if number]


def where(entry: Entry) -> str:
    """The lines that show the entry, before and after."""
    old, new = (f"{at.path}:{at.line}" if at else "" for at in (entry.old_at, entry.new_at))
    return f"{old} → {new}" if old and new else new or old


def seen(entry: Entry) -> str:
    """Who sees the entry, and when."""
    who = " and ".join({"guest": "guest", "vmm": "VMM"}[one] for one in entry.visible_to)
    when = ", ".join(DIRECTIONS[one] for one in entry.direction)
    return f"{who}; {when}" if when else who
