# SPDX-License-Identifier: GPL-2.0-or-later
"""Until when: a date or a span of time, as a person writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from abireview.errors import UsageError

_SPAN = re.compile(r"(\d{1,4})\s*(d|day|days|w|week|weeks|m|month|months|y|year|years)")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def parse_until(text: str, now: float) -> int | None:
    """``2027-03-01``, ``30d``, ``6w``, ``3 months``, or "" for ever. Raises UsageError for anything else."""
    text = text.strip().lower()
    if not text:
        return None
    match = _SPAN.fullmatch(text)
    try:
        if match:
            moment = datetime.fromtimestamp(now, UTC) + timedelta(days=int(match[1]) * _DAYS[match[2][0]])
        else:
            moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"'{text[:40]}' is no date", hint="2027-03-01, 30d, 6w or 3 months") from error
    if moment.timestamp() <= now:
        raise UsageError(f"{moment:%Y-%m-%d} is over")
    return int(moment.timestamp())
