# SPDX-License-Identifier: GPL-2.0-or-later
"""Lengths of time as a person writes them: ``90s``, ``30m``, ``6h``, ``2d``."""

from __future__ import annotations

import re

from abireview.errors import ConfigError

_FORM = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """``text`` in seconds. Raises ConfigError."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"'{text[:40]}' is no length of time", hint="for example 90s, 30m, 6h or 2d")
    return int(match[1]) * _UNITS[match[2]]


def words(length: float) -> str:
    """``length`` in seconds as ``2 d 3 h``, ``6 h``, ``5 min`` or ``40 s``: the two largest units."""
    left = max(0, int(length))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
