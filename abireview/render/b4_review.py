# SPDX-License-Identifier: GPL-2.0-or-later
"""The files from which ``b4 review`` takes another reviewer's comments (b4 0.16, ``.git/b4-review/<tip>/``).

``identity.txt`` says who, ``series.txt`` is a note on the series, ``NNNN.txt`` one on a patch: a free note, then the
diff with every line quoted and the comments as bare lines below the line they are about. b4 looks the quoted line up
in the real diff by its content, so only the lines that a finding is about are quoted.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from abireview.findings.model import Finding, Result
from abireview.render import Style
from abireview.render._unchecked import unchecked
from abireview.safetext import safe, safe_line

DIRECTORY = True
EXIT_ZERO = True
ONE = True

IDENTITY = "abireview <noreply@abireview.invalid>"
WIDTH = 72

# What b4 takes for a trailer and might collect into a commit: a word, a colon and an address, a link or a commit id.
_TRAILER = re.compile(r"^\s*[\w-]+:\s")


def render(results: Iterable[Result], style: Style) -> str:
    """All files of the only result one after the other, each below its name; they are written by their directory."""
    (result,) = results
    files = drop(result, [patch.msgid for patch in result.series.patches])
    return "".join(f"==> {name} <==\n{text}\n" for name, text in files.items())


def drop(result: Result, patches: Sequence[str], known: str = "") -> dict[str, str]:
    """The files by name; ``patches`` are the message-ids of the branch's patches in their order.

    A finding whose fingerprint stands in ``known`` (the text of the comments that are there) is left out. Empty if
    there is nothing new to say.
    """
    open_ = [one for one in result.findings if one.state in ("new", "carried") and one.fingerprint not in known]
    files: dict[str, str] = {}
    for number, msgid in enumerate(patches, 1):
        mine = [finding for finding in open_ if finding.patch == msgid]
        if mine:
            files[f"{number:04}.txt"] = _patch(mine)
    if not files:
        return {}
    return {"identity.txt": f"{IDENTITY}\n", "series.txt": _series(result, open_), **files}


def _series(result: Result, findings: Sequence[Finding]) -> str:
    flags = sum(one.level == "flag" for one in findings)
    notes = len(findings) - flags
    parts = [f"{n} {word}{'s' * (n != 1)}" for n, word in ((flags, "flag"), (notes, "note")) if n]
    lines = [f"abireview: {', '.join(parts)}", ""]
    lines += _paragraph("What the series changes for guests and VMMs, as comments on the lines; each is a question.")
    for place, why in unchecked(result):
        lines += _paragraph(f"Not checked: {place} {why}")
    lines += ["", f"(abireview {result.tool.version}, rules {result.tool.rules})"]
    return "\n".join(lines) + "\n"


def _patch(findings: Sequence[Finding]) -> str:
    """The comments on one patch, in the order of files and lines; those without a line stand above as a note."""
    placed = [finding for finding in findings if _quoted(finding)]
    lines: list[str] = []
    for finding in findings:
        if finding not in placed:
            lines += [*_comment(finding), ""]
    path = ""
    for finding in sorted(placed, key=lambda one: (one.file, one.line, one.rule)):
        if finding.file != path:
            path = finding.file
            name = safe_line(path)
            lines += [f"> diff --git a/{name} b/{name}", f"> --- a/{name}", f"> +++ b/{name}"]
        quoted = _quoted(finding)
        old = sum(line[0] != "+" for line in quoted)
        lines.append(f"> @@ -{finding.line},{old} +{finding.line},{len(quoted) - sum(q[0] == '-' for q in quoted)} @@")
        lines += [f"> {line}" for line in quoted]
        lines += ["", *_comment(finding), ""]
    return "\n".join(lines) + "\n"


def _quoted(finding: Finding) -> list[str]:
    """The evidence that is lines of the diff, as it is there."""
    if not finding.file or not finding.line:
        return []
    return [safe(line) for line in finding.evidence if line[:1] in ("+", "-", " ") and "\n" not in line]


def _comment(finding: Finding) -> list[str]:
    lines = _paragraph(finding.message)
    if finding.knob:
        lines += _paragraph(f"Way back: {finding.knob.what} ({finding.knob.kind}).")
    elif finding.question:
        lines += _paragraph(finding.question)
    return [*lines, f"({finding.level}, rule {safe_line(finding.rule)}, {safe_line(finding.fingerprint)})"]


def _paragraph(text: str) -> list[str]:
    """TEXT in lines that are neither quotes nor trailers."""
    lines = textwrap.wrap(" ".join(safe_line(text).split()), WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"- {line}" if line.startswith(">") or _TRAILER.match(line) else line for line in lines]
