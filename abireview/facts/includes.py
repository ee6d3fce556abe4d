# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers that a file includes: the key is the header's name without its brackets or quotes."""

from __future__ import annotations

import re

from abireview.facts.model import Fact
from abireview.facts.pieces import numbered, read
from abireview.source.model import Fragment, Side

_HEADER = re.compile(r"[<\"]([^>\"]+)[>\"]")


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The include facts of one side of a fragment, in the order of its lines."""
    piece = read(fragment, side)
    if not any("include" in line for line in piece.lines):
        return []
    facts = []
    for directive in piece.directives:
        match = _HEADER.match(directive.rest) if directive.word == "include" else None
        if match:
            facts.append(piece.fact("include", match[1], directive.line, directive.end))
    return list(numbered(facts))
