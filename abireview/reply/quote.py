# SPDX-License-Identifier: GPL-2.0-or-later
"""Quoting a mail as kernel reviewers do: only the hunks concerned, few context lines, the comment below its line.

The file header (``diff --git``, ``---``, ``+++``) and the ``@@`` line of a quoted hunk are always kept: that is how
``b4 review`` finds the line a comment belongs to (b4 0.16, ``_extract_comments_from_quoted_reply``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from abireview import limits
from abireview.safetext import safe

ELLIPSIS = "> [...]"
DEFAULT_CONTEXT = 5  # b4 review quotes as many lines above a comment

_HUNK = re.compile(r"^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


class Note(msgspec.Struct, frozen=True):
    """A comment: ``text`` goes below line ``at`` of the body (from 1); 0 puts it above everything quoted."""

    at: int
    text: str


class _Block(msgspec.Struct, frozen=True):
    """Lines that are quoted together, as indices from 0: always ``heads``, and of ``first``..``last`` what is near."""

    heads: tuple[int, ...]
    first: int
    last: int
    file: int


def quote_line(text: str) -> str:
    """One line, quoted; escapes made visible, blank lines become ``>``, overlong ones are cut."""
    text = safe(text)
    if len(text) > limits.MAX_QUOTED_LINE_CHARS:
        text = text[: limits.MAX_QUOTED_LINE_CHARS] + " [...]"
    return f"> {text}" if text.strip() else ">"


def quote(body: str, notes: Sequence[Note], *, context: int = DEFAULT_CONTEXT) -> str:
    """The parts of ``body`` that ``notes`` are about, quoted, with each note below its line.

    Lines of the diff bring their file header and ``@@`` line along; lines of the text above it only what is near.
    Notes for one line appear in the order given. The result has no newline at the end; it is "" without notes.
    """
    lines = body.split("\n")
    blocks = _blocks(lines)
    placed: dict[int, dict[int, list[str]]] = {}
    loose: list[str] = []
    for note in notes:
        index = note.at - 1
        number = next((k for k, block in enumerate(blocks) if index <= block.last), None)
        if number is None or not 0 <= index < len(lines):
            loose.append(note.text)
        else:
            placed.setdefault(number, {}).setdefault(index, []).append(note.text)
    out: list[str] = []
    for text in loose:
        out += [text.strip("\n"), ""]
    previous = -1
    file = -1
    for number in sorted(placed):
        block = blocks[number]
        previous = _emit(lines, block, placed[number], context, previous, block.file != file, out)
        file = block.file
    return "\n".join(out).strip("\n")


def _emit(
    lines: list[str],
    block: _Block,
    notes: dict[int, list[str]],
    context: int,
    previous: int,
    new_file: bool,
    out: list[str],
) -> int:
    """Append one block to ``out``; ``previous`` is the last line quoted so far, the new one is returned."""
    heads = [index for index in block.heads if new_file or index == block.first]
    start = heads[0] if heads else max(block.first, min(notes) - context)
    if start > previous + 1 and not (previous < 0 and not any(text.strip() for text in lines[:start])):
        out.append(ELLIPSIS)
    for index in heads:
        out.append(quote_line(lines[index]))
        previous = index
    for index in sorted(notes):
        begin = max(previous + 1, index - context)
        if begin == previous + 2:  # a mark in place of one line saves nothing
            begin -= 1
        if begin > previous + 1 and previous >= block.first:
            out.append(ELLIPSIS)
        out += [quote_line(text) for text in lines[begin : index + 1]]
        previous = max(previous, index)
        for text in notes[index]:
            out += ["", text.strip("\n")]
        out.append("")
    return previous


def _blocks(lines: list[str]) -> list[_Block]:
    """The body cut into blocks: text (no heads) and hunks (file header and ``@@`` line are heads)."""
    blocks: list[_Block] = []
    header: list[int] = []
    file = 0
    text = index = 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("diff --git ") or (line.startswith("--- ") and not header and _plus(lines, index)):
            file += 1
            header = [index]
        elif header and line.startswith(("--- ", "+++ ")):
            header.append(index)
        match = _HUNK.match(line)
        if match is None:
            index += 1
            continue
        if text < index:
            blocks.append(_Block((), text, index - 1, file))
        end = _hunk_end(lines, index, int(match[2] or 1), int(match[4] or 1))
        blocks.append(_Block((*header, index), index, end, file))
        text = index = end + 1
        if index < len(lines) and not lines[index].startswith("@@ "):
            header = []
    if text < len(lines):
        blocks.append(_Block((), text, len(lines) - 1, file))
    return blocks


def _plus(lines: list[str], index: int) -> bool:
    return index + 1 < len(lines) and lines[index + 1].startswith("+++ ")


def _hunk_end(lines: list[str], start: int, old: int, new: int) -> int:
    """The index of the last line of the hunk whose ``@@`` line is ``start``; damaged hunks end where they stop."""
    index = start + 1
    while index < len(lines) and (old > 0 or new > 0):
        mark = lines[index][:1]
        if mark == "+":
            new -= 1
        elif mark == "-":
            old -= 1
        elif mark in {" ", "", "\t"}:
            old -= 1
            new -= 1
        elif mark != "\\":
            break
        index += 1
    return index - 1


def find_line(body: str, evidence: Iterable[str], path: str = "") -> int:
    """The body's line (from 1) of the first evidence line found, after ``path``'s file header if that is given.

    0 when nothing is found. For findings that do not know their line in the mail.
    """
    lines = body.split("\n")
    start = 0
    if path:
        start = next((k for k, text in enumerate(lines) if text.startswith(("+++ ", "--- ")) and path in text), 0)
    wanted = [text.rstrip() for text in evidence if text.strip()]
    for text in wanted:
        for index in range(start, len(lines)):
            if lines[index].rstrip() == text:
                return index + 1
    return 0
