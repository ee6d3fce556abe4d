# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the files and hunks of a diff stand in a text, and a tolerant reading of damaged hunks.

The walk only counts lines as the ``@@`` headers tell it; reading the lines is unidiff's work (diff.py). Where the
counts are wrong or lines were wrapped by a mailer, ``mend`` reads the hunk by its line markers instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from abireview.source.model import Hunk, Line

HUNK = re.compile(r"^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)$")
EXTENDED = (
    "index ", "old mode ", "new mode ", "deleted file mode ", "new file mode ", "similarity index ",
    "dissimilarity index ", "rename from ", "rename to ", "copy from ", "copy to ",
)  # fmt: skip
_AFTER_GIT = (*EXTENDED, "--- ", "Binary file", "GIT binary patch")
_COMBINED = ("diff --cc ", "diff --combined ")
_FOOTER = re.compile(r"^_{20,}$")


@dataclass(slots=True)
class Section:
    """One file's part of a diff: line indices (from 0) of its header, of each ``@@`` line, and of its end.

    ``fault`` is "" when every hunk has as many lines as its header says; then ``added`` and ``removed`` count them.
    ``form`` tells how it is introduced.
    """

    start: int
    form: str  # git | plain | combined
    header_end: int
    end: int
    hunks: list[int] = field(default_factory=list)
    fault: str = ""
    binary: bool = False
    added: int = 0
    removed: int = 0


def introduces(lines: list[str], i: int) -> str:
    """How line ``i`` introduces a file: "git", "plain", "combined", or "" if it does not."""
    line = lines[i]
    if line.startswith("diff --git "):
        after = lines[i + 1 : i + 4]
        return "git" if any(text.startswith(_AFTER_GIT) for text in after) else ""
    if line.startswith(_COMBINED):
        return "combined"
    if line.startswith("--- ") and i + 2 < len(lines):
        return "plain" if lines[i + 1].startswith("+++ ") and lines[i + 2].startswith("@@ -") else ""
    return ""


def is_signature(lines: list[str], i: int) -> bool:
    """Whether line ``i`` is mail's signature mark (``-- ``, its blank perhaps stripped) or a list footer."""
    line = lines[i]
    if line == "-- ":
        return True
    if line == "--":
        return i + 1 >= len(lines) or not lines[i + 1].startswith(("+", "-", "@@"))
    return bool(_FOOTER.match(line))


def walk(lines: list[str], i: int, form: str) -> Section:
    """The section of the file introduced at line ``i``; its end is the first line that is not part of it."""
    section = Section(i, form, i + 1, i + 1)
    if form == "combined":
        section.end = _next_file(lines, i + 1)
        return section
    j = _header(lines, i, section)
    section.header_end = j
    if section.binary:
        section.end = _next_file(lines, j, signature=True)
        return section
    while j < len(lines) and lines[j].startswith("@@ "):
        section.hunks.append(j)
        j, fault = _count(lines, j, section)
        if fault:
            section.fault = fault
            section.end = _next_file(lines, j)
            return section
        while j + 1 < len(lines) and lines[j] == "" and lines[j + 1].startswith("@@ -"):
            j += 1
    section.end = j
    return section


def _header(lines: list[str], i: int, section: Section) -> int:
    """The index of the first line after the file's header lines."""
    j = i + 1 if section.form == "git" else i
    while j < len(lines):
        line = lines[j]
        if line.startswith(EXTENDED):
            j += 1
        elif line.startswith("--- ") and j + 1 < len(lines) and lines[j + 1].startswith("+++ "):
            return j + 2
        elif line.startswith(("Binary file", "GIT binary patch")):
            section.binary = True
            return j + 1
        else:
            break
    return j


def _next_file(lines: list[str], i: int, *, signature: bool = False) -> int:
    for j in range(i, len(lines)):
        line = lines[j]
        if line[:1] in ("d", "-", "_") and (introduces(lines, j) or (signature and is_signature(lines, j))):
            return j
    return len(lines)


def _count(lines: list[str], at: int, section: Section) -> tuple[int, str]:
    """The index after the hunk whose header is at ``at``, and what is wrong with it ("" if nothing)."""
    match = HUNK.match(lines[at])
    if match is None:
        return at + 1, "header"
    old = int(match.group(2)) if match.group(2) is not None else 1
    new = int(match.group(4)) if match.group(4) is not None else 1
    removed, added, context = old, new, 0
    j, total = at + 1, len(lines)
    while old > 0 or new > 0:
        if j >= total:
            return j, "short"
        mark = lines[j][:1]
        if mark == " " or not mark:
            old -= 1
            new -= 1
            context += 1
        elif mark == "+":
            new -= 1
        elif mark == "-":
            old -= 1
        elif mark != "\\":
            return j, "short" if mark in ("@", "d") else "wrapped"
        j += 1
    if old < 0 or new < 0:
        return j, "counts"
    section.removed += removed - context
    section.added += added - context
    while j < total and lines[j].startswith("\\ "):
        j += 1
    return j, "long" if _orphans(lines, j) else ""


def _orphans(lines: list[str], j: int) -> bool:
    """Whether added or removed lines follow directly on a hunk that should have ended before line ``j``."""
    while j < len(lines) and lines[j][:1] in ("+", "-", " "):
        line = lines[j]
        if is_signature(lines, j) or introduces(lines, j) or not line.strip("-"):
            return False
        if line[0] != " ":
            return True
        j += 1
    return False


@dataclass(slots=True)
class Mended:
    """Hunks read by their markers: ``lost`` are sentences on what could not be read."""

    hunks: list[Hunk]
    lost: list[str]


def mend(lines: list[str], section: Section) -> Mended:
    """Read a damaged section's hunks: counts are recomputed, wrapped lines joined, no-break blanks taken as blanks."""
    mended = Mended([], [])
    j = section.header_end
    last = max((k for k in range(j, section.end) if lines[k].startswith(("@@ -", "+", "-"))), default=j)
    while j < section.end:
        if not lines[j].startswith("@@ "):
            if lines[j][:1] in ("+", "-") and not is_signature(lines, j) and lines[j].strip("-"):
                mended.lost.append(f"line {j + 1} is outside any hunk")
                j = _skip_orphans(lines, j, section.end)
            elif is_signature(lines, j):
                break
            else:
                j += 1
            continue
        match = HUNK.match(lines[j])
        if match is None:
            mended.lost.append(f"the hunk header on line {j + 1} cannot be read")
            j += 1
            while j < section.end and not lines[j].startswith("@@ "):
                j += 1
            continue
        j = _mend_hunk(lines, j, (section.end, last), match, mended)
    return mended


def _skip_orphans(lines: list[str], j: int, end: int) -> int:
    while j < end and lines[j][:1] in ("+", "-", " "):
        j += 1
    return j


def _mend_hunk(lines: list[str], at: int, ends: tuple[int, int], match: re.Match[str], mended: Mended) -> int:
    """Read one hunk; ``ends`` are the section's end and its last line with a hunk's marker."""
    end, last = ends
    want_old = int(match.group(2)) if match.group(2) is not None else 1
    want_new = int(match.group(4)) if match.group(4) is not None else 1
    section = match.group(5)
    got: list[tuple[str, str, int]] = []
    old = new = wrapped = 0
    j = at + 1
    while j < end:
        line = lines[j].replace("\xa0", " ")
        mark = line[:1] or " "
        full = old >= want_old and new >= want_new
        if mark == "@" and HUNK.match(line):
            break
        if is_signature(lines, j) and (full or j >= last):
            break
        if full and (mark not in "+-\\ " or not line):
            break
        if mark in "+- ":
            got.append((mark, line[1:], j + 1))
            old += mark != "+"
            new += mark != "-"
        elif mark != "\\":
            wrapped += 1
            if got:
                got[-1] = (got[-1][0], f"{got[-1][1]} {line.lstrip()}", got[-1][2])
            else:
                section = f"{section} {line}"
        j += 1
    _judge(at + 1, (want_old, want_new), (old, new), wrapped, got, mended)
    if got:
        mended.hunks.append(build(int(match.group(1)), int(match.group(3)), section.strip(), got))
    return j


def _judge(
    at: int, want: tuple[int, int], have: tuple[int, int], wrapped: int, got: list[tuple[str, str, int]], mended: Mended
) -> None:
    """Trim or complete blank context at the hunk's end, and note what is lost."""
    while have[0] > want[0] and have[1] > want[1] and got and got[-1][:2] == (" ", ""):
        got.pop()
        have = have[0] - 1, have[1] - 1
    short = want[0] - have[0], want[1] - have[1]
    if wrapped and short != (0, 0):
        mended.lost.append(f"lines of the hunk on line {at} were wrapped by a mailer and cannot all be put together")
    elif short[0] == short[1] and 0 < short[0] <= 3:
        got.extend((" ", "", 0) for _ in range(short[0]))  # blank context at the end of a mail is often stripped
    elif short[0] > 0 or short[1] > 0:
        mended.lost.append(f"the hunk on line {at} has fewer lines than its header says")


def build(old_start: int, new_start: int, section: str, got: list[tuple[str, str, int]]) -> Hunk:
    """A hunk from (marker, text, line of the body) triples, numbered from its header's starts."""
    old_no, new_no = old_start, new_start
    out = []
    for mark, text, at in got:
        out.append(Line(mark, text, None if mark == "+" else old_no, None if mark == "-" else new_no, at))
        old_no += mark != "+"
        new_no += mark != "-"
    return Hunk(old_start, old_no - old_start, new_start, new_no - new_start, section, tuple(out))
