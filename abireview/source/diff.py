# SPDX-License-Identifier: GPL-2.0-or-later
"""The diff of a patch mail, read file by file through unidiff, so that a fault costs one file and not the mail.

What unidiff drops in silence (lines after a hunk whose header is too short, combined diffs, CRLF in names) is looked
for before it is asked; what it refuses is read by the tolerant scan of hunks.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from abireview.limits import MAX_DIFF_FILES, MAX_DIFF_LINES
from abireview.source import paths
from abireview.source.hunks import Mended, Section, introduces, is_signature, mend, walk
from abireview.source.model import Change, FileDiff, Hunk, Line, Skipped

if TYPE_CHECKING:
    from unidiff.patch import Hunk as Counted

_STAT = re.compile(r"^ ?(\d{1,9}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?\s*$")
_INDEX = re.compile(r"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})")
_HEADER = ("--- a/f", "+++ b/f")  # names are read by _header: unidiff keeps quotes and takes time over long ones
_RULE = re.compile(r"^---\s*$")


def parse_diff(
    body: str, msgid: str, wanted: Callable[[str], bool] | None = None
) -> tuple[tuple[FileDiff, ...], tuple[Skipped, ...]]:
    """The files that the patch in ``body`` changes, and what of its diff could not be read.

    Files of which ``wanted`` says no (old and new path) are given without their hunks.

    ``body`` is a decoded mail body: commit message, ``---``, diffstat, diff, signature, in any line-end style.
    ``msgid`` names the patch in each Skipped. Line.at counts from 1 in ``body``. A body without a diff gives two empty
    tuples; nothing raises. An example diff in the commit message (above ``---``), an indented or a quoted one is no
    file. Source: the format git-format-patch and git-am (mailinfo.c) agree on, unidiff 1.0's documented behaviour.
    """
    lines = body.replace("\r\n", "\n").split("\n")
    skipped: list[Skipped] = []
    if len(lines) > MAX_DIFF_LINES:
        skipped.append(Skipped(msgid, "", f"the mail has more than {MAX_DIFF_LINES} lines; the rest was not read"))
        del lines[MAX_DIFF_LINES:]
    sections, stats = _sections(lines)
    if len(sections) > MAX_DIFF_FILES:
        skipped.append(Skipped(msgid, "", f"the patch has more than {MAX_DIFF_FILES} files; the rest was not read"))
        del sections[MAX_DIFF_FILES:]
    found: list[tuple[Section, FileDiff]] = []
    for section in sections:
        file, lost = _read(lines, section, wanted)
        path = file.path if file else _combined_path(lines[section.start])
        skipped.extend(Skipped(msgid, path, why) for why in lost)
        if file:
            found.append((section, file))
    if len(stats) == 1 and found and not skipped:
        changed = [_changed(section, file) for section, file in found]
        skipped.extend(_against_stat(lines[stats[0]], [file for _, file in found], changed, msgid))
    return tuple(file for _, file in found), tuple(skipped)


def diff_start(body: str) -> int:
    """The line (from 1) where the diff of ``body`` begins, 0 if it has none."""
    sections, _ = _sections(body.replace("\r\n", "\n").split("\n"))
    return sections[0].start + 1 if sections else 0


def _sections(lines: list[str]) -> tuple[list[Section], list[int]]:
    """The files of the diff, and the lines of its diffstat summaries."""
    found: list[Section] = []
    stats: list[int] = []
    rule = -1  # the first '---' outside a hunk
    signed = False
    i, total = 0, len(lines)
    while i < total:
        line = lines[i]
        head = line[:1]
        if head == "d" or (head == "-" and line.startswith("--- ")):
            form = introduces(lines, i)
            if form:
                section = walk(lines, i, form)
                found.append(section)
                i = max(section.end, i + 1)
                continue
        if head == "-":
            if rule < 0 and _RULE.match(line):
                rule = i
                if found and _more_files(lines, i):  # all before it stood in the commit message
                    found.clear()
                stats.clear()
            elif is_signature(lines, i):
                signed = True
        elif "changed" in line and _STAT.match(line):
            if found and not stats and not signed and _more_files(lines, i):
                found.clear()  # what came before was a diff between two versions, in the notes
            stats.append(i)
        i += 1
    return found, stats


def _more_files(lines: list[str], i: int) -> bool:
    return any(lines[j][:1] in ("d", "-") and introduces(lines, j) for j in range(i, len(lines)))


def _read(
    lines: list[str], section: Section, wanted: Callable[[str], bool] | None
) -> tuple[FileDiff | None, list[str]]:
    """One file, and sentences on what of it is lost."""
    if section.form == "combined":
        return None, ["a combined diff of a merge cannot be read"]
    header = lines[section.start : section.header_end]
    old, new, change, blobs = _header(header, section.binary)
    if not old and not new:
        return None, [f"the file name on line {section.start + 1} cannot be read"]
    mended: Mended | None = None
    hunks: list[Hunk] = []
    if not section.fault and wanted is not None and not any(wanted(path) for path in (old, new) if path):
        return FileDiff(old, new, change, (), *blobs), []
    if section.hunks and not section.fault:
        hunks, mended = _by_unidiff(lines, section)
    elif section.fault:
        mended = mend(lines, section)
    if mended is not None:
        hunks = mended.hunks
    file = FileDiff(old, new, change, tuple(hunks), *blobs)
    return file, mended.lost if mended else []


def _by_unidiff(lines: list[str], section: Section) -> tuple[list[Hunk], Mended | None]:
    """The hunks as unidiff finds and checks them; their lines are taken from the mail."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    first = section.hunks[0]
    try:
        parsed = PatchSet([*_HEADER, *lines[first : section.end]], metadata_only=True)
    except UnidiffParseError:
        return [], mend(lines, section)
    if len(parsed) != 1 or len(parsed[0]) != len(section.hunks):
        return [], mend(lines, section)
    return [_filled(hunk, lines, at + 1) for hunk, at in zip(parsed[0], section.hunks, strict=True)], None


def _filled(hunk: Counted, lines: list[str], at: int) -> Hunk:
    """One of unidiff's hunks as ours, with its lines, which begin at index ``at``."""
    out: list[Line] = []
    bare = {"+": False, "-": False}
    old, new = hunk.source_start, hunk.target_start
    old_end, new_end = old + hunk.source_length, new + hunk.target_length
    total = len(lines)
    while at < total:
        text = lines[at]
        kind = text[:1] or " "
        if kind == "\\":
            last = out[-1].kind if out else " "
            for side in "+-" if last == " " else last:
                bare[side] = True
        elif old >= old_end and new >= new_end:
            break
        elif kind == " ":
            out.append(Line(kind, text[1:], old, new, at + 1))
            old += 1
            new += 1
        elif kind == "+":
            out.append(Line(kind, text[1:], None, new, at + 1))
            new += 1
        else:
            out.append(Line(kind, text[1:], old, None, at + 1))
            old += 1
        at += 1
    return Hunk(
        hunk.source_start,
        hunk.source_length,
        hunk.target_start,
        hunk.target_length,
        hunk.section_header.rstrip(),
        tuple(out),
        old_bare=bare["-"],
        new_bare=bare["+"],
    )


def _header(header: list[str], binary: bool) -> tuple[str | None, str | None, Change, tuple[str, str]]:
    """Old path, new path, kind of change and blob ids, from a file's header lines."""
    old = new = ""
    blobs = ("", "")
    moved: dict[str, str] = {}
    words: set[str] = set()
    for line in header:
        if line.startswith("diff --git "):
            old, new = paths.git_names(line)
        elif line.startswith("--- "):
            old = paths.header_name(line)
        elif line.startswith("+++ "):
            new = paths.header_name(line)
        elif match := _INDEX.match(line):
            blobs = match.group(1), match.group(2)
        else:
            for key in ("rename from ", "rename to ", "copy from ", "copy to "):
                if line.startswith(key):
                    moved[key] = paths.unquote(line[len(key) :])
            words.add(line.partition(" ")[0])
    old_path, new_path = paths.strip_prefix(old, new)
    change: Change = "binary" if binary else "modified"
    if "new" in words and any(line.startswith("new file mode") for line in header):
        old_path, change = None, "binary" if binary else "added"
    elif "deleted" in words:
        new_path, change = None, "binary" if binary else "deleted"
    elif "rename from " in moved and "rename to " in moved:
        old_path, new_path, change = moved["rename from "], moved["rename to "], "renamed"
    elif "copy from " in moved and "copy to " in moved:
        old_path, new_path, change = moved["copy from "], moved["copy to "], "copied"
    elif old_path is None:
        change = "added"
    elif new_path is None:
        change = "deleted"
    elif "old" in words and not any(line.startswith("+++ ") for line in header):
        change = "binary" if binary else "mode"
    return old_path, new_path, change, blobs


def _changed(section: Section, file: FileDiff) -> tuple[int, int]:
    """How many lines the file's hunks add and remove."""
    if not section.fault:
        return section.added, section.removed
    marks = [line.kind for hunk in file.hunks for line in hunk.lines]
    return marks.count("+"), marks.count("-")


def _combined_path(line: str) -> str:
    return paths.unquote(line.split(" ", 2)[2]) if line.startswith(("diff --cc ", "diff --combined ")) else ""


def _against_stat(summary: str, files: list[FileDiff], changed: list[tuple[int, int]], msgid: str) -> list[Skipped]:
    """A Skipped if the diffstat counts other lines than were read."""
    match = _STAT.match(summary)
    if match is None:
        return []
    if any(
        file.change in ("deleted", "binary") and count == (0, 0) for file, count in zip(files, changed, strict=True)
    ):
        return []  # 'git format-patch -D' and binary files: the diffstat counts what the diff does not show
    want = int(match.group(1)), int(match.group(2) or 0), int(match.group(3) or 0)
    have = len(files), sum(added for added, _ in changed), sum(removed for _, removed in changed)
    if want == have:
        return []
    words = "the diffstat says {} files, {} lines added, {} removed; the diff has {}, {}, {}"
    return [Skipped(msgid, "", words.format(*want, *have))]
