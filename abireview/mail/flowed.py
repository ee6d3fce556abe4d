# SPDX-License-Identifier: GPL-2.0-or-later
"""format=flowed (RFC 3676): undone where that mends a diff, left alone where the diff is intact as it is."""

from __future__ import annotations

import re

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")


def hunk_faults(text: str) -> int:
    """How many hunks of the diffs in ``text`` have fewer or other lines than their headers say (0 for no diff)."""
    lines = text.split("\n")
    faults = 0
    at = 0
    while at < len(lines):
        match = _HUNK.match(lines[at])
        at += 1
        if match:
            at, whole = _hunk(lines, at, int(match.group(1) or 1), int(match.group(2) or 1))
            faults += not whole
    return faults


def _hunk(lines: list[str], at: int, old: int, new: int) -> tuple[int, bool]:
    """Walk one hunk's lines from ``at``: (where it stops, whether it was whole)."""
    while (old > 0 or new > 0) and at < len(lines):
        mark = lines[at][:1]
        if mark == "\\":
            pass
        elif mark == "+":
            new -= 1
        elif mark == "-":
            old -= 1
        elif mark in (" ", "\t") or (mark == "" and at + 1 < len(lines)):
            old -= 1
            new -= 1
        else:
            return at, False
        at += 1
    return at, old == 0 and new == 0


def unflow(text: str, *, delsp: bool = False) -> str:
    """``text`` with soft line breaks joined and space-stuffing removed (RFC 3676 section 4)."""
    joined: list[str] = []
    pending: list[str] = []  # the lines of a paragraph that still goes on
    for line in text.split("\n"):
        line = line.removeprefix(" ")
        soft = line.endswith(" ") and line != "-- "
        pending.append(line[:-1] if soft and delsp else line)
        if not soft:
            joined.append("".join(pending))
            pending = []
    if pending:
        joined.append("".join(pending))
    return "\n".join(joined)


def unstuff(text: str) -> str:
    """``text`` with only the space-stuffing removed: what a client does that stuffs but does not wrap."""
    return "\n".join(line.removeprefix(" ") for line in text.split("\n"))


def mend(text: str, *, delsp: bool = False) -> tuple[str, str, str]:
    """Of ``text`` as it is, unstuffed and unflowed take the one whose hunks are whole: (text, repaired, damaged)."""
    best = hunk_faults(text)
    chosen, how = text, ""
    if best == 0:
        return text, "", ""
    for candidate, name in (
        (unflow(text, delsp=delsp), "undone"),
        (unstuff(text), "half undone (space-stuffing only)"),
    ):
        # a candidate that loses hunk headers is no improvement
        if candidate.count("\n@@ -") == text.count("\n@@ -") and (faults := hunk_faults(candidate)) < best:
            best, chosen, how = faults, candidate, name
    repaired = f"the mail was wrapped as format=flowed; the wrapping was {how}" if how else ""
    damaged = f"the mail was wrapped as format=flowed and {best} hunks stayed damaged" if best else ""
    return chosen, repaired, damaged
