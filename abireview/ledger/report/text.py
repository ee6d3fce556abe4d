# SPDX-License-Identifier: GPL-2.0-or-later
"""A surface as a table, a ledger as a list: for a person at a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from abireview.ledger.model import Entry, Item, Ledger, Surface
from abireview.ledger.report import KNOBS, counts, gathered, sections, seen, where
from abireview.render import Style
from abireview.safetext import safe_line

NARROWEST, WIDEST = 60, 110
WEIGHT_COLORS = {"high": "1;31", "medium": "33", "low": "2"}
BOLD = "1"


def render(document: Surface | Ledger, style: Style) -> str:
    """The whole document."""
    writer = _Text(style)
    lines = writer.surface(document) if isinstance(document, Surface) else writer.ledger(document)
    return "".join(f"{line}\n" for line in lines)


class _Text:
    def __init__(self, style: Style) -> None:
        self.color = style.color
        self.width = max(NARROWEST, min(style.width, WIDEST))

    def surface(self, surface: Surface) -> Iterator[str]:
        total = sum(len(group.items) for group in surface.groups)
        surfaces = f"{len(surface.groups)} surface{'s' * (len(surface.groups) != 1)}"
        yield safe_line(f"{surface.tree}: {total} facts in {surfaces}")
        for group in surface.groups:
            yield ""
            yield self._paint(BOLD, f"{group.arch} · {group.area} · {group.title} ({len(group.items)})")
            width = min(max(len(item.name) for item in group.items), self.width // 2)
            for item in group.items:
                yield from self._item(item, width)
        if surface.missing:
            yield ""
            yield from self._wrapped(f"not in this tree: {', '.join(surface.missing)}", "")

    def _item(self, item: Item, width: int) -> Iterator[str]:
        parts = [f"{attr}: {value}" for attr, value in item.facts.items()]
        parts += [f"{attr}: {', '.join(terms)}" for attr, terms in item.sets.items()]
        first = f"  {safe_line(item.name).ljust(width)}  "
        yield from self._wrapped("; ".join(parts), first, " " * min(len(first), self.width // 2 + 4))

    def ledger(self, ledger: Ledger) -> Iterator[str]:
        numbers = ", ".join(f"{number} {words}" for words, number in counts(ledger))
        yield from self._wrapped(f"{ledger.old} → {ledger.new}: {len(ledger.entries)} differences", "")
        if numbers:
            yield from self._wrapped(numbers, "  ")
        if ledger.pins:
            yield from self._pins(ledger)
        for head, entries in sections(ledger.entries):
            yield ""
            yield self._paint(BOLD, f"{head.arch} · {head.area} · {head.title}")
            for entry in entries:
                yield from self._entry(entry)

    def _pins(self, ledger: Ledger) -> Iterator[str]:
        yield ""
        yield self._paint(BOLD, safe_line(f"What to set on {ledger.new} to stay as on {ledger.old}"))
        for pin, names in gathered(ledger.pins):
            yield from self._wrapped(f"{pin.arch}: {', '.join(names)} = {pin.to}", "  ", "    ")
            yield from self._wrapped(pin.how, "      ")

    def _entry(self, entry: Entry) -> Iterator[str]:
        mark = self._paint(WEIGHT_COLORS[entry.weight], entry.weight.ljust(6))
        lines = list(self._wrapped(entry.text, "  " + " " * 8))
        yield f"  {mark}  {lines[0].strip()}" if lines else f"  {mark}"
        yield from lines[1:]
        about = [seen(entry), KNOBS[entry.knob], where(entry)]
        yield from self._wrapped("; ".join(part for part in about if part), " " * 12)
        for commit in entry.commits:
            yield from self._wrapped(f'{commit.id[:12]} ("{commit.subject}")', " " * 12)

    def _wrapped(self, text: str, first: str, rest: str | None = None) -> Iterator[str]:
        indent = first if rest is None else rest
        lines = textwrap.wrap(
            safe_line(text), self.width, initial_indent=first, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        yield from lines or ([first.rstrip()] if first.strip() else [])

    def _paint(self, color: str, text: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self.color else text
