# SPDX-License-Identifier: GPL-2.0-or-later
"""The first text of a reply: the hunks that findings are about, quoted, with their questions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from abireview.findings.model import Finding
from abireview.mail.model import Message
from abireview.reply.mail import clean_header
from abireview.reply.quote import DEFAULT_CONTEXT, ELLIPSIS, Note, find_line, quote, quote_line
from abireview.reply.template import Templates

GREETING_LINES = 6  # how much of a cover letter is quoted above the findings


class CoverPart(msgspec.Struct, frozen=True):
    """What a reply to the cover says about one patch."""

    n: int
    m: int
    quoted: str


def notes_for(message: Message, findings: Sequence[Finding], templates: Templates) -> list[Note]:
    """One note a finding, at its line of the mail's body (looked for by its evidence where the finding has none)."""
    notes = []
    for finding in findings:
        at = finding.at or find_line(message.body, finding.evidence, finding.file)
        text = templates.render("question.j2", {"finding": finding}).strip("\n")
        if not at:
            place = ", ".join(filter(None, (finding.file, finding.symbol)))
            text = f"{place}:\n\n{text}" if place else text
        notes.append(Note(at, text))
    return sorted(notes, key=lambda note: note.at)


def draft_for_patch(
    message: Message,
    findings: Sequence[Finding],
    templates: Templates,
    *,
    signature: str = "",
    context: int = DEFAULT_CONTEXT,
) -> str:
    """The body of a reply to one mail (a patch, or any other); without findings its first lines are quoted."""
    quoted = quote(message.body, notes_for(message, findings, templates), context=context) or _greeting(message)
    values = {
        "message": message,
        "author": _author(message),
        "quoted": quoted,
        "findings": tuple(findings),
        "signature": signature.strip("\n"),
    }
    return _finish(templates.render("patch.j2", values))


def draft_for_cover(
    cover: Message,
    patches: Sequence[tuple[Message, Sequence[Finding]]],
    templates: Templates,
    *,
    signature: str = "",
    context: int = DEFAULT_CONTEXT,
) -> str:
    """The body of one reply to the cover letter about findings of several patches."""
    parts = []
    for message, findings in patches:
        if findings:
            quoted = quote(message.body, notes_for(message, findings, templates), context=context)
            parts.append(CoverPart(findings[0].n, findings[0].m, quoted))
    values = {
        "message": cover,
        "author": _author(cover),
        "greeting": _greeting(cover),
        "parts": tuple(parts),
        "signature": signature.strip("\n"),
    }
    return _finish(templates.render("cover.j2", values))


def _author(message: Message) -> str:
    return clean_header(message.author.name or message.author.email) or "somebody"


def _greeting(message: Message) -> str:
    """The first lines of the text above the diff, quoted."""
    lines = []
    for line in message.body.strip("\n").split("\n"):
        if line in {"---", "-- "} or line.startswith(("diff --git ", "---\t")):
            break
        lines.append(line)
    shown = [quote_line(line) for line in lines[:GREETING_LINES]]
    while shown and shown[-1] == ">":
        shown.pop()
    return "\n".join([*shown, ELLIPSIS] if len(lines) > GREETING_LINES else shown)


def _finish(text: str) -> str:
    return text.strip("\n") + "\n"
