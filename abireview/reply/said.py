# SPDX-License-Identifier: GPL-2.0-or-later
"""What people said in the thread about a piece of a patch: the answers below quotes of its lines."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from abireview import limits
from abireview.mail.model import Message, Person

_WORTH = 6  # characters a quoted line must have to tell which line it is ("}" is everywhere)


class Comment(msgspec.Struct, frozen=True):
    """One comment: who, in which mail, and the text below the quoted line."""

    author: Person
    msgid: str
    date: int | None
    text: str


def said_about(lines: Iterable[str], replies: Iterable[Message]) -> tuple[Comment, ...]:
    """The comments in ``replies`` that stand below a quote of one of ``lines`` (lines of the diff, with their mark)."""
    wanted = {_plain(line) for line in lines}
    wanted = {line for line in wanted if len(line) >= _WORTH}
    found: list[Comment] = []
    for reply in replies:
        for quoted, text in _pieces(reply.body):
            if text and not wanted.isdisjoint(quoted):
                found.append(Comment(reply.author, reply.msgid, reply.date, text[: limits.MAX_COMMENT_CHARS]))
                if len(found) == limits.MAX_COMMENTS:
                    return tuple(found)
    return tuple(found)


def _plain(line: str) -> str:
    """A diff line without mark and white space: quoting often damages both."""
    return "".join(line[1:].split()) if line[:1] in {"+", "-", " "} else "".join(line.split())


def _pieces(body: str) -> list[tuple[set[str], str]]:
    """The body as (the quoted lines above, what is said below them); quotes within quotes do not count."""
    pieces: list[tuple[set[str], str]] = []
    quoted: set[str] = set()
    said: list[str] = []
    for line in body.split("\n-- \n", 1)[0].split("\n"):
        if line.startswith(">"):
            if any(text.strip() for text in said):
                pieces.append((quoted, "\n".join(said).strip()))
                quoted = set()
            said = []
            inner = line[2:] if line.startswith("> ") else line[1:]
            if not inner.startswith(">"):
                quoted.add(_plain(inner))
        else:
            said.append(line)
    if any(text.strip() for text in said):
        pieces.append((quoted, "\n".join(said).strip()))
    return [(quotes, text) for quotes, text in pieces if quotes]
