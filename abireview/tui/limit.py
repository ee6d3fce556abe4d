# SPDX-License-Identifier: GPL-2.0-or-later
"""Filtering and sorting the queue: pure functions over its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from abireview.store.queue import Row

HELP = (
    "words match title, author, tag and architecture; f:NAME author, a:ARCH architecture, "
    "s:STATE state, o:ORIGIN origin, is:flagged, is:new, is:failed, is:draft, -word excludes"
)


def limited(rows: Sequence[Row], text: str, drafted: Collection[int] = ()) -> list[Row]:
    """The rows that match every term of ``text`` (see ``HELP``); all for an empty text.

    ``drafted`` are the numbers of the rows about which the bot has a draft.
    """
    terms = text.lower().split()
    return [row for row in rows if all(_matches(row, term, row.id in drafted) for term in terms)]


def _matches(row: Row, term: str, drafted: bool) -> bool:
    if term.startswith("-") and len(term) > 1:
        return not _matches(row, term[1:], drafted)
    name, colon, value = term.partition(":")
    fields: dict[str, str] = {"f": row.author, "a": row.arch, "s": row.state, "o": row.origin}
    if colon and name in fields:
        return value in fields[name].lower()
    if colon and name == "is":
        return {
            "flagged": bool(row.high or row.medium or row.low),
            "new": bool(row.new),
            "failed": bool(row.problem),
            "draft": drafted,
        }.get(value, False)
    return term in f"{row.title} {row.author} {row.tag} {row.arch}".lower()


def _severity(row: Row) -> tuple[int, int, int, int]:
    return (-row.high, -row.medium, -row.low, -row.notes)


_ORDER = {"new": 0, "reviewing": 1, "waiting": 2, "replied": 3, "snoozed": 4, "done": 5}

SORTS: dict[str, Callable[[Row], Any]] = {
    "date": lambda row: (row.date is not None, -(row.date or 0), -row.id),
    "severity": lambda row: (_severity(row), -(row.date or 0), -row.id),
    "state": lambda row: (_ORDER[row.state], -(row.date or 0), -row.id),
    "author": lambda row: (row.author.lower(), -(row.date or 0), -row.id),
    "title": lambda row: (row.title.lower(), -row.id),
}


def ordered(rows: Sequence[Row], by: str) -> list[Row]:
    """The rows sorted by one of ``SORTS``."""
    return sorted(rows, key=SORTS[by])
