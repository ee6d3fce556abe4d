# SPDX-License-Identifier: GPL-2.0-or-later
"""A ledger as one self-contained HTML file: readable without script, filtered with a little of it, and printable."""

from __future__ import annotations

from abireview.ledger.model import Ledger, Surface
from abireview.ledger.report import DIRECTIONS, KNOBS, counts, gathered, sections, seen, where
from abireview.markup import page
from abireview.render import Style


def render(document: Surface | Ledger, style: Style) -> str:
    """The whole page."""
    assert isinstance(document, Ledger)
    entries = document.entries
    return page(
        "ledger.html.j2",
        ledger=document,
        counts=counts(document),
        pins=gathered(document.pins),
        sections=sections(entries),
        archs=list(dict.fromkeys(entry.arch for entry in entries)),
        areas=sorted({entry.area for entry in entries}),
        knobs={kind: words for kind, words in KNOBS.items() if kind and any(e.knob == kind for e in entries)},
        directions=DIRECTIONS,
        KNOBS=KNOBS,
        pairs=lambda values: [(value, value) for value in values],
        seen=seen,
        where=where,
    )
