# SPDX-License-Identifier: GPL-2.0-or-later
"""The diff lines that show a fact, and where they stand in file and mail."""

from __future__ import annotations

from typing import NamedTuple

from abireview.facts.model import Fact
from abireview.rules.context import Context
from abireview.rules.match import Hit
from abireview.source.model import FragmentSide

MAX_LINES = 6  # changed lines shown for one side of one fact


class Position(NamedTuple):
    """``line`` in the file (from 1), ``at`` in the decoded mail body (0 if unknown)."""

    line: int
    at: int


def lines_of(hit: Hit, context: Context) -> list[str]:
    """The changed lines of both sides, verbatim with their ``-`` or ``+``; a context line where none is changed."""
    fragment = context.fragments[hit.fragment]
    found: list[str] = []
    delta = hit.delta
    if delta is not None and delta.old is not None:
        # a fact moved between patches has its old side elsewhere: only lines of this fragment are evidence here
        found += _changed(fragment.old, delta.old, "-")
    new = hit.fact if delta is None else delta.new
    if new is not None:
        found += _changed(fragment.new, new, "+")
    if found:
        return found
    side, fact = (fragment.new, new) if new is not None else (fragment.old, hit.fact)
    near = _nearest_changed(side, fact.line if fact else 0)
    return [near] if near else [" " + line for line in side.lines[hit.fact.line : hit.fact.line + 1]]


def _changed(side: FragmentSide, fact: Fact, mark: str) -> list[str]:
    last = min(fact.end + 1, len(side.lines))
    found = [mark + side.lines[index] for index in range(fact.line, last) if side.changed[index]]
    return found[:MAX_LINES]


def _nearest_changed(side: FragmentSide, line: int) -> str:
    """The changed line nearest to LINE: what made a fact differ whose own lines did not change."""
    best = min(
        (index for index, changed in enumerate(side.changed) if changed),
        key=lambda index: abs(index - line),
        default=None,
    )
    return "+" + side.lines[best] if best is not None else ""


def position(hit: Hit, context: Context) -> Position:
    """Where the first changed line of the fact stands."""
    fragment = context.fragments[hit.fragment]
    side = fragment.old if hit.delta is not None and hit.delta.new is None else fragment.new
    mark = "-" if side is fragment.old else "+"
    last = min(hit.fact.end + 1, len(side.lines))
    index = next((i for i in range(hit.fact.line, last) if side.changed[i]), hit.fact.line)
    if index >= len(side.numbers):
        return Position(0, 0)
    number = side.numbers[index]
    return Position(number, _mail_line(context, fragment.patch, fragment.path, mark, number))


def _mail_line(context: Context, patch: int, path: str, mark: str, number: int) -> int:
    for diff in context.patch(patch).files:
        if diff.path != path:
            continue
        for hunk in diff.hunks:
            for line in hunk.lines:
                if mark == "-" and line.old_no == number and line.kind != "+":
                    return line.at
                if mark == "+" and line.new_no == number and line.kind != "-":
                    return line.at
    return 0
