# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON lines: one result document a line, for as many series as there are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from abireview.findings.model import Result, encode
from abireview.render import Style

# What JSON lets stand in a string and a terminal may act on: DEL, the C1 controls, bidirectional controls.
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def render(results: Iterable[Result], style: Style) -> str:
    """One line of JSON for each result (DESIGN.md section 3); control characters only as ``\\uNNNN``."""
    return "".join(_line(result) for result in results)


def escaped(text: str) -> str:
    """JSON ``text`` with the characters that a terminal may act on as ``\\uNNNN``; it means the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _line(result: Result) -> str:
    return escaped(encode(result).decode()) + "\n"
