# SPDX-License-Identifier: GPL-2.0-or-later
"""What others have said in the thread already: a point that a reviewer or another bot raised is not raised again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from abireview import limits
from abireview.findings.model import Finding
from abireview.mail.model import Message
from abireview.reply.trailers import SIGNATURE

NEAR = 12  # quoted lines above a comment that it is taken to be about
MIN_SYMBOL = 5  # characters a name must have to tell what is talked about

# Words of somebody who talks about compatibility, in the forms the lists use.
_WORDS = re.compile(
    r"userspace|user space|\bVMMs?\b|\bguests?\b|migrat|\bABI\b|\bAPI\b|compatib|roll(?:ed|ing)?[- ]?back"
    r"|opt[- ]?(?:in|out)|regress|break|broke|existing VM|old(?:er)? kernel|capabilit|default|visible|restor",
    re.IGNORECASE,
)
_TRAILER = re.compile(r"\s*[A-Z][A-Za-z-]{2,30}: .{1,200}")
_HUNK = re.compile(r"> ?(?:@@ |diff --git |--- |\+\+\+ |index )")


def raised(findings: Iterable[Finding], replies: Sequence[Message], *, author: str) -> dict[str, str]:
    """The fingerprints of the findings that somebody else has raised, each with the message-id that did.

    ``replies`` are the mails of the thread that are no patches and not the bot's own; what ``author`` (an address)
    wrote is an answer, not a question. A point is raised by a paragraph that stands right below a quote of one of its
    lines and asks or talks about compatibility, or that names its symbol and talks about compatibility.
    """
    asked = list(findings)
    found: dict[str, str] = {}
    for reply in replies:
        if reply.author.email.lower() == author.lower():
            continue
        pieces = _pieces(reply.body[: limits.MAX_SPOKEN_CHARS])
        for finding in asked:
            if finding.fingerprint not in found and any(_is_about(finding, *piece) for piece in pieces):
                found[finding.fingerprint] = reply.msgid
    return found


def _is_about(finding: Finding, quoted: frozenset[str], text: str) -> bool:
    compatible = bool(_WORDS.search(text))
    lines = {_plain(line) for line in finding.evidence}
    if not quoted.isdisjoint(line for line in lines if len(line) > MIN_SYMBOL):
        return compatible or "?" in text
    name = finding.symbol
    if len(name) < MIN_SYMBOL:
        return False
    return compatible and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _pieces(body: str) -> list[tuple[frozenset[str], str]]:
    """Each own paragraph block with the last quoted lines above it (file and hunk headers do not count)."""
    pieces: list[tuple[frozenset[str], str]] = []
    quoted: list[str] = []
    said: list[str] = []

    def close() -> None:
        text = "\n".join(line for line in said if not _TRAILER.fullmatch(line)).strip()
        if text:
            pieces.append((frozenset(_plain(line) for line in quoted[-NEAR:]), text))

    for line in body.split(SIGNATURE, 1)[0].split("\n"):
        if line.startswith(">"):
            if any(text.strip() for text in said):
                close()
                quoted = []
            said = []
            if not _HUNK.match(line):
                quoted.append(line[2:] if line.startswith("> ") else line[1:])
        else:
            said.append(line)
    close()
    return pieces


def _plain(line: str) -> str:
    """A diff line without mark and white space: quoting damages both."""
    return "".join(line[1:].split()) if line[:1] in {"+", "-", " "} else "".join(line.split())
