# SPDX-License-Identifier: GPL-2.0-or-later
"""What the mail pane shows, as plain rows: headers, text, diff, and each finding below the line it is about.

Pure: no widget, no colour. Rows are cut from the mail once; escapes are made visible and tabs expanded when a row is
shown, so opening a patch of 20 000 lines costs milliseconds.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Literal, NamedTuple

from abireview import limits
from abireview.findings.model import Finding
from abireview.mail.model import Message
from abireview.reply.quote import find_line
from abireview.reply.template import mail_date
from abireview.safetext import safe_line

Kind = Literal["header", "subject", "text", "meta", "hunk", "add", "del", "ctx", "quote", "quote2", "finding", "blank"]

FINDING_WIDTH = 96  # columns a finding's text is filled to, also where the pane is wider
_HUNK = re.compile(r"^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_META = ("diff --git ", "index ", "--- ", "+++ ", "new file mode", "deleted file mode", "old mode", "new mode")
_META_MORE = ("rename from ", "rename to ", "similarity index", "copy from ", "copy to ", "Binary files ", "GIT binary")


class Row(NamedTuple):
    """One row: ``at`` is the line of the body (from 1, 0 for what is not of the body), ``finding`` an index or -1.

    ``path`` is the file for rows of a diff. ``other`` is the right half where the diff stands side by side.
    """

    kind: Kind
    text: str
    at: int = 0
    finding: int = -1
    path: str = ""
    other: str = ""
    other_kind: Kind = "blank"


class Document:
    """The rows of one mail. ``findings`` are those of this patch, in the order of their lines.

    ``rows[i].finding >= 0`` marks both the line a finding is about and the rows of its text below.
    """

    def __init__(
        self, message: Message, findings: Sequence[Finding] = (), width: int = 80, *, split: bool = False
    ) -> None:
        self.message = message
        placed = [
            (finding.at or find_line(message.body, finding.evidence, finding.file), finding) for finding in findings
        ]
        placed.sort(key=lambda item: item[0])
        self.findings = [finding for _, finding in placed]
        self.lines = [at for at, _ in placed]
        self.width = width
        self.split = split
        rows = _with_findings([*_headers(message), *body_rows(message.body)], self.findings, self.lines, width)
        self.rows = side_by_side(rows) if split else rows
        self.longest = _longest(self.rows)

    def row_of(self, finding: int) -> int:
        """The index of the first row of a finding."""
        return next((index for index, row in enumerate(self.rows) if row.finding == finding), 0)

    def row_at(self, line: int) -> int:
        """The index of the row of a line of the body."""
        return next((index for index, row in enumerate(self.rows) if row.at >= line > 0), 0)

    def finding_near(self, index: int) -> int:
        """The finding whose rows are at ``index``, or the last one above it, or the first; -1 without findings."""
        if not self.findings:
            return -1
        for row in reversed(self.rows[: index + 1]):
            if row.finding >= 0:
                return row.finding
        return 0

    def hunk_around(self, index: int) -> tuple[int, int]:
        """First and last line of the body of the hunk that row ``index`` is in, (0, 0) outside of a diff."""
        if not 0 <= index < len(self.rows) or self.rows[index].kind not in {"hunk", "add", "del", "ctx", "finding"}:
            return 0, 0
        first = last = index
        while first > 0 and self.rows[first].kind in {"add", "del", "ctx", "finding"}:
            first -= 1
        while last + 1 < len(self.rows) and self.rows[last + 1].kind in {"add", "del", "ctx", "finding"}:
            last += 1
        lines = [row.at for row in self.rows[first : last + 1] if row.at]
        return (min(lines), max(lines)) if lines else (0, 0)


def shown(text: str) -> str:
    """A line as it may stand on a screen: tabs at eight columns, escapes visible, not endless."""
    if len(text) > limits.MAX_SHOWN_LINE_CHARS:
        text = text[: limits.MAX_SHOWN_LINE_CHARS] + " [...]"
    return safe_line(text.expandtabs(8))


def _headers(message: Message) -> list[Row]:
    rows = [
        Row("header", f"From:    {message.author}"),
        Row("header", f"Date:    {mail_date(message.date) or 'none'}"),
        Row("subject", f"Subject: {message.subject or '(no subject)'}"),
    ]
    for name, people in (("To:     ", message.to), ("Cc:     ", message.cc)):
        if people:
            more = f" and {len(people) - 6} more" if len(people) > 6 else ""
            rows.append(Row("header", f"{name} {', '.join(map(str, people[:6]))}{more}"))
    rows += [Row("header", f"Note:    {note}") for note in (*message.repaired, *message.damaged)]
    rows.append(Row("blank", ""))
    return [row._replace(text=row.text.replace("\n", " ")) for row in rows]


def body_rows(body: str) -> list[Row]:
    """The rows of a mail's body: text, quotes, and diffs by the counts of their hunk headers."""
    rows: list[Row] = []
    path = ""
    old = new = 0
    in_diff = False
    for number, line in enumerate(body.rstrip("\n").split("\n"), 1):
        if old > 0 or new > 0:
            mark = line[:1]
            if mark == "+":
                new -= 1
                rows.append(Row("add", line, number, -1, path))
                continue
            if mark == "-":
                old -= 1
                rows.append(Row("del", line, number, -1, path))
                continue
            if mark in {" ", "", "\t"}:
                old, new = old - 1, new - 1
                rows.append(Row("ctx", line, number, -1, path))
                continue
            if mark == "\\":
                rows.append(Row("ctx", line, number, -1, path))
                continue
            old = new = 0
        match = _HUNK.match(line)
        if match:
            old, new = int(match[2] or 1), int(match[4] or 1)
            rows.append(Row("hunk", line, number, -1, path))
        elif line.startswith("diff --git ") or (in_diff and line.startswith((*_META, *_META_MORE))):
            in_diff = True
            path = _path(line) or path
            rows.append(Row("meta", line, number, -1, path))
        else:
            in_diff = in_diff and not line.startswith("-- ")
            kind: Kind = "text"
            if line.startswith(">"):
                kind = "quote2" if line.startswith((">>", "> >")) else "quote"
            rows.append(Row(kind, line, number))
            if line.startswith("--- "):
                in_diff = True
    return rows


def _path(line: str) -> str:
    if line.startswith("diff --git ") and " b/" in line:
        return line.rsplit(" b/", 1)[1]
    return line[6:].split("\t", maxsplit=1)[0] if line.startswith("+++ b/") else ""


def finding_rows(finding: Finding, index: int, width: int) -> list[Row]:
    """The rows that show a finding below its line."""
    fill = max(30, min(width - 4, FINDING_WIDTH))
    state = "" if finding.state == "new" else f" · {finding.state}"
    head = f"▲ {finding.level} {finding.severity} · {finding.rule}{state}"
    text = finding.reason if finding.state in {"answered", "suppressed"} else finding.question or finding.message
    wrapped = textwrap.wrap(" ".join(text.split()), fill, break_on_hyphens=False)[:12]
    return [Row("finding", f"  {part}", 0, index) for part in (head, *(f"  {line}" for line in wrapped))]


def _with_findings(rows: list[Row], findings: list[Finding], lines: list[int], width: int) -> list[Row]:
    if not findings:
        return rows
    by_line: dict[int, list[int]] = {}
    for index, line in enumerate(lines):
        by_line.setdefault(line, []).append(index)
    out: list[Row] = []
    for index in by_line.get(0, ()):
        out += finding_rows(findings[index], index, width)
    top = len(out)
    for row in rows:
        here = by_line.get(row.at, ()) if row.at else ()
        out.append(row._replace(finding=here[0]) if here else row)
        for index in here:
            out += finding_rows(findings[index], index, width)
    return out[top:] if not top else [*rows[: _header_count(rows)], *out[:top], *out[top + _header_count(rows) :]]


def _longest(rows: Sequence[Row]) -> int:
    """The columns of the longest row, as shown."""
    return max((len(row.text[: limits.MAX_SHOWN_LINE_CHARS].expandtabs(8)) for row in rows), default=0)


def _header_count(rows: list[Row]) -> int:
    return next((index for index, row in enumerate(rows) if row.at), len(rows))


def side_by_side(rows: Sequence[Row]) -> list[Row]:
    """The same rows with removed lines left and added lines right of them; other rows stay as they are.

    A finding's rows follow the pair its line is in.
    """
    out: list[Row] = []
    index = 0
    while index < len(rows):
        if rows[index].kind not in {"add", "del"}:
            row = rows[index]
            out.append(row._replace(other=row.text, other_kind="ctx") if row.kind == "ctx" else row)
            index += 1
            continue
        block: list[Row] = []
        while index < len(rows) and (
            rows[index].kind in {"add", "del"} or (rows[index].kind == "finding" and rows[index].finding >= 0)
        ):
            block.append(rows[index])
            index += 1
        out += _pairs(block)
    return out


def _pairs(block: list[Row]) -> list[Row]:
    """One run of removed and added lines in pairs; what is said about a line comes after its pair."""
    said: dict[int, list[Row]] = {}
    for row in block:
        if row.kind == "finding":
            said.setdefault(row.finding, []).append(row)
    out: list[Row] = []
    left: list[Row] = []
    right: list[Row] = []

    def flush() -> None:
        for at in range(max(len(left), len(right))):
            gone = left[at] if at < len(left) else None
            come = right[at] if at < len(right) else None
            first = come or gone
            assert first is not None
            mark = next((row.finding for row in (gone, come) if row is not None and row.finding >= 0), -1)
            out.append(
                Row(
                    "del" if gone else "blank",
                    gone.text if gone else "",
                    first.at,
                    mark,
                    first.path,
                    come.text if come else "",
                    "add" if come else "blank",
                )
            )
            for row in (gone, come):
                if row is not None and row.finding >= 0:
                    out.extend(said.pop(row.finding, ()))
        left.clear()
        right.clear()

    for row in block:
        if row.kind == "del":
            if right:
                flush()
            left.append(row)
        elif row.kind == "add":
            right.append(row)
    flush()
    for rest in said.values():
        out += rest
    return out
