# SPDX-License-Identifier: GPL-2.0-or-later
"""Series made from texts: each patch is the git-like diff between two states of a few files."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence

from abireview.mail.model import Patch, Person, Series
from abireview.source.diff import parse_diff

AUTHOR = Person("A Developer", "dev@example.org")
SECTION = re.compile(r"^[A-Za-z_$]")
Files = Mapping[str, str]


def diff(before: Files, after: Files, context: int = 3) -> str:
    """A git diff from BEFORE to AFTER, with section headers as git finds them for C."""
    out = []
    for path in sorted({*before, *after}):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            out.append(_file(path, old, new, context, path in before, path in after))
    return "".join(out)


def _file(path: str, old: str, new: str, context: int, had: bool, has: bool) -> str:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=context))[2:]
    kept = old.splitlines()
    body = []
    for line in lines:
        found = re.match(r"@@ -(\d+)", line)
        if found:
            above = kept[: max(0, int(found.group(1)) - 1)]
            section = next((text for text in reversed(above) if SECTION.match(text)), "")
            line = f"{line} {section}".rstrip()
        body.append(line)
    head = f"diff --git a/{path} b/{path}\n"
    head += "" if had else "new file mode 100644\n"
    head += "" if has else "deleted file mode 100644\n"
    head += f"--- {'a/' + path if had else '/dev/null'}\n+++ {'b/' + path if has else '/dev/null'}\n"
    return head + "\n".join(body) + "\n"


def series(states: Sequence[Files], *, log: str = "Change a thing.", context: int = 3) -> Series:
    """The series whose patch n goes from state n-1 to state n."""
    patches = []
    count = len(states) - 1
    for number, (before, after) in enumerate(itertools.pairwise(states), 1):
        msgid = f"{number}.synth@example.org"
        body = (
            f"{log}\n\nSigned-off-by: A Developer <dev@example.org>\n---\n{diff(before, after, context)}-- \n2.43.0\n"
        )
        files, skipped = parse_diff(body, msgid)
        assert not skipped, skipped
        patches.append(Patch(msgid, number, count, f"patch {number}", log, (), files, skipped, AUTHOR, 0))
    return Series(
        id=patches[0].msgid,
        subject="[PATCH] a series",
        version=1,
        version_text="1",
        author=AUTHOR,
        date=0,
        kernel=True,
        kind="kernel",
        cover=None,
        patches=tuple(patches),
        expected=count,
    )
