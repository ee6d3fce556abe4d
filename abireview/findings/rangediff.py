# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed between two versions of one patch, from the mails alone (as git range-diff does with commits).

Line numbers of hunks and blob ids of ``index`` lines do not count, so a mere rebase shows nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from abireview import limits
from abireview.mail.model import Patch, Series
from abireview.mail.subject import normal_title, parse_subject

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


def patch_text(patch: Patch) -> list[str]:
    """A patch as lines to compare: subject, message, trailers, then each file's hunks without numbers."""
    lines = [parse_subject(patch.subject).title, "", *patch.log.strip("\n").split("\n"), ""]
    lines += [f"{trailer.name}: {trailer.value}" for trailer in patch.trailers]
    for file in patch.files:
        lines.append(f"## {file.path} ({file.change}) ##")
        for hunk in file.hunks:
            lines.append(f"@@ {hunk.section}".rstrip())
            lines += [f"{line.kind}{line.text}" for line in hunk.lines]
    return lines[: limits.MAX_COMPARED_LINES]


def pair(patch: Patch, older: Series) -> Patch | None:
    """The patch of ``older`` that became ``patch``: same title, else the one that shares most added lines."""
    title = normal_title(parse_subject(patch.subject).title)
    for known in older.patches:
        if normal_title(parse_subject(known.subject).title) == title:
            return known
    mine = _changed(patch)
    scored = [(len(mine & _changed(known)), -known.n, known) for known in older.patches]
    best = max(scored, key=lambda item: item[:2], default=None)
    if best is None or not mine or best[0] * 2 < len(mine):
        return None
    return best[2]


def _changed(patch: Patch) -> set[str]:
    return {
        f"{line.kind}{line.text.strip()}"
        for file in patch.files
        for hunk in file.hunks
        for line in hunk.lines
        if line.kind in "+-" and line.text.strip()
    }


def difference(older: Patch | None, newer: Patch, *, context: int = 3) -> list[str]:
    """The lines of a unified diff of two patches, without file headers; empty if they say the same."""
    before = [] if older is None else patch_text(older)
    found = list(difflib.unified_diff(before, patch_text(newer), n=context, lineterm=""))
    return ["@@" if _HUNK.match(line) else line for line in found[2:]]


def overview(older: Series, newer: Series) -> list[tuple[str, Patch | None, Patch | None]]:
    """As git range-diff's first lines: ("=", "!", ">" or "<", old patch, new patch), in the newer version's order."""
    left = {patch.msgid for patch in older.patches}
    rows: list[tuple[str, Patch | None, Patch | None]] = []
    for patch in newer.patches:
        known = pair(patch, older)
        if known is None or known.msgid not in left:
            rows.append((">", None, patch))
            continue
        left.discard(known.msgid)
        rows.append(("!" if difference(known, patch) else "=", known, patch))
    rows += [("<", patch, None) for patch in older.patches if patch.msgid in left]
    return rows


def styled(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Difference lines with the style the screen draws them in."""
    marks = {"+": "add", "-": "del", "@": "accent"}
    return [(line, marks.get(line[:1], "plain")) for line in lines]
