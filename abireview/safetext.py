# SPDX-License-Identifier: GPL-2.0-or-later
"""Text from mails made safe to show: no control character, escape or invisible direction change gets through."""

from __future__ import annotations

import re

# C0 without \t and \n, DEL, C1; bidirectional controls and isolates (Unicode TR 36, "Trojan Source"); zero-width and
# invisible format characters, line/paragraph separators, interlinear annotation, tags, lone surrogates, BOM.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\ud800-\udfff]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def safe(text: str) -> str:
    """``text`` with every character that could move the cursor, change the screen or reorder text made visible.

    C0 characters become the control pictures (``␛`` for ESC), the others ``\\xNN`` or ``\\uNNNN``. Newline and tab
    stay. Markup of a screen library (``[red]``) is not touched: that is the screen's business.
    """
    return _UNSAFE.sub(_visible, text)


def safe_line(text: str) -> str:
    """As ``safe``, on one line: newlines and tabs become blanks."""
    return safe(text.replace("\n", " ").replace("\t", " "))
