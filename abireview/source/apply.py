# SPDX-License-Identifier: GPL-2.0-or-later
"""Applying hunks to a file's text with offset and fuzz, as patch(1) does, and keeping both sides line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from abireview.limits import MAX_FUZZ, MAX_OFFSET, MAX_PLACES
from abireview.source.model import FileDiff, Hunk, Line


@dataclass(slots=True)
class Merged:
    """A file with hunks laid into it.

    ``lines`` are all its lines, unchanged ones as context, with the numbers they have in the file; ``bare`` says that
    the new text ends without a newline. ``rejects`` are the hunks that found no place, ``present`` those of them whose
    new side is in the file already. ``notes`` are sentences on offsets and fuzz.
    """

    lines: list[Line]
    bare: bool
    rejects: list[Hunk] = field(default_factory=list)
    present: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the new side."""
        joined = "\n".join([line.text for line in self.lines if line.kind != "-"])
        return joined if self.bare or (not joined and not self._any()) else f"{joined}\n"

    def _any(self) -> bool:
        return any(line.kind != "-" for line in self.lines)


@dataclass(slots=True)
class Applied:
    """The text after a file's hunks, the hunks that did not apply, and sentences on offsets and fuzz."""

    text: str
    rejects: tuple[Hunk, ...]
    notes: tuple[str, ...]


def apply(text: str, file: FileDiff) -> Applied:
    """``text`` (the file before) with the hunks of ``file``; hunks that find no place are left out and returned.

    A hunk may have moved by MAX_OFFSET lines and differ in up to MAX_FUZZ lines of context at its ends; hunks apply in
    order and do not overlap. Source: patch(1), sections on offset and fuzz.
    """
    merged = merge(text, file.hunks)
    return Applied(merged.text, tuple(merged.rejects), tuple(merged.notes))


def split_lines(text: str) -> tuple[list[str], bool]:
    """The lines of ``text`` and whether the last one lacks its newline."""
    if not text:
        return [], False
    lines = text.split("\n")
    if lines[-1]:
        return lines, True
    lines.pop()
    return lines, False


def merge(text: str, hunks: Sequence[Hunk]) -> Merged:
    """Lay ``hunks`` into ``text``, keeping what is removed as ``-`` lines."""
    old, bare = split_lines(text)
    file = _File(old)
    merged = Merged([], bare)
    done = 0  # lines of ``old`` already copied
    shift = 0  # where the last hunk lay, against its header
    for hunk in hunks:
        place = _place(file, hunk, done, shift)
        if place is None:
            merged.rejects.append(hunk)
            merged.present += _is_present(file, hunk)
            continue
        at, lead, tail = place
        shift = at - lead - _expected(hunk)
        if shift or lead or tail:
            merged.notes.append(_note(hunk, shift, max(lead, tail)))
        _copy(merged, old, done, at)
        done = _lay(merged, hunk, at, lead, tail)
        if done >= len(old) and (hunk.old_bare or hunk.new_bare):
            merged.bare = hunk.new_bare
    _copy(merged, old, done, len(old))
    return merged


def _expected(hunk: Hunk) -> int:
    """The index (from 0) of the old line that a hunk's header points at."""
    return hunk.old_start - 1 if hunk.old_length else hunk.old_start


def _old_side(hunk: Hunk) -> list[str]:
    return [line.text for line in hunk.lines if line.kind != "+"]


def _place(file: _File, hunk: Hunk, first: int, shift: int) -> tuple[int, int, int] | None:
    """Where the hunk goes: (index of its first kept line, leading and trailing context lines left out)."""
    pattern = _old_side(hunk)
    lead, tail = _context(hunk.lines), _context(hunk.lines[::-1])
    for fuzz in range(MAX_FUZZ + 1):
        skip_lead, skip_tail = min(fuzz, lead), min(fuzz, tail)
        if fuzz and skip_lead < fuzz and skip_tail < fuzz:
            break
        part = pattern[skip_lead : len(pattern) - skip_tail]
        if fuzz and not part:
            break
        at = file.search(part, first, _expected(hunk) + shift + skip_lead)
        if at is not None:
            return at, skip_lead, skip_tail
    return None


def _context(lines: Sequence[Line]) -> int:
    """The number of context lines that ``lines`` begin with."""
    for count, line in enumerate(lines):
        if line.kind != " ":
            return count
    return len(lines)


class _File:
    """The lines of the old side, with an index of where each stands that is made when it is first needed."""

    __slots__ = ("_index", "lines")

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self._index: dict[str, list[int]] = {}

    def search(self, part: list[str], first: int, expected: int) -> int | None:
        """The index nearest to ``expected``, not before ``first``, at which ``part`` stands."""
        size = len(part)
        last = len(self.lines) - size
        if not part:
            return expected if first <= expected <= last else None
        if first <= expected <= last and self.lines[expected : expected + size] == part:
            return expected
        if not self._index:
            for at, line in enumerate(self.lines):
                self._index.setdefault(line, []).append(at)
        rare = min(range(size), key=lambda at: len(self._index.get(part[at], ())))
        places = [at - rare for at in self._index.get(part[rare], ()) if first <= at - rare <= last]
        places.sort(key=lambda at: (abs(at - expected), -at))
        for at in places[:MAX_PLACES]:
            if abs(at - expected) <= MAX_OFFSET and self.lines[at : at + size] == part:
                return at
        return None


def _is_present(file: _File, hunk: Hunk) -> bool:
    """Whether the hunk's new side already stands in the file."""
    part = [line.text for line in hunk.lines if line.kind != "-"]
    added = any(line.kind == "+" and line.text.strip() for line in hunk.lines)
    return added and file.search(part, 0, max(0, hunk.new_start - 1)) is not None


def _note(hunk: Hunk, shift: int, fuzz: int) -> str:
    words = f"the hunk at line {hunk.old_start} applies"
    if shift:
        words += f" {abs(shift)} line{'s' * (abs(shift) != 1)} {'down' if shift > 0 else 'up'}"
    return f"{words} with {fuzz} lines of context left out" if fuzz else words


def _copy(merged: Merged, old: list[str], begin: int, end: int) -> None:
    """Copy lines of the file as context."""
    if begin >= end:
        return
    number = _next_new(merged)
    merged.lines.extend(
        [Line(" ", text, at + 1, number + at - begin) for at, text in enumerate(old[begin:end], begin)],
    )


def _next_new(merged: Merged) -> int:
    """The number of the next line on the new side."""
    for line in reversed(merged.lines):
        if line.new_no is not None:
            return line.new_no + 1
    return 1


def _lay(merged: Merged, hunk: Hunk, at: int, lead: int, tail: int) -> int:
    """Append the hunk's lines, without the context that fuzz left out; the index of the next old line."""
    number = _next_new(merged)
    for line in hunk.lines[lead : len(hunk.lines) - tail]:
        old_no = None if line.kind == "+" else at + 1
        new_no = None if line.kind == "-" else number
        merged.lines.append(Line(line.kind, line.text, old_no, new_no, line.at))
        at += line.kind != "+"
        number += line.kind != "-"
    return at
