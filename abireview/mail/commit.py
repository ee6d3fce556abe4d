# SPDX-License-Identifier: GPL-2.0-or-later
"""The commit message of a patch mail: in-body header, log, trailers (git-mailinfo(1), git-interpret-trailers(1))."""

from __future__ import annotations

import re

import msgspec

from abireview import limits
from abireview.mail.header import author_of
from abireview.mail.model import Message, Person, Trailer

_IN_BODY = re.compile(r"(From|Subject|Date|Author|Sender): (.*)", re.IGNORECASE)
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(\S.*)")
_NOTE = re.compile(r"\[[^\]]{0,60}:.{0,2000}\]?$|\(cherry picked from commit [0-9a-f]{7,64}.*\)$")
_KNOWN = re.compile(
    r"(?:[a-z-]+-by|cc|fixes|link|closes|bug|buglink|message-id|change-id|reported|references|depends-on)$",
    re.IGNORECASE,
)
_DIFF_START = re.compile(r"diff --(?:git|cc|combined) |Index: \S")
_BASE = re.compile(r"^base-commit:[ \t]+([0-9a-f]{12,64})\b", re.MULTILINE)
_CHANGE_ID = re.compile(r"^change-id:[ \t]+([\w.+-]{1,200})[ \t]*$", re.MULTILINE | re.IGNORECASE)
_UPSTREAM = re.compile(
    r"^[ \t]*(?:commit [0-9a-f]{40} upstream\.?|\[ Upstream commit [0-9a-f]{40} \])\s*$", re.MULTILINE
)


class Commit(msgspec.Struct, frozen=True, gc=False):
    """A commit message taken apart: ``author`` and ``subject`` of the in-body header (None where there is none)."""

    author: Person | None
    subject: str | None
    log: str
    trailers: tuple[Trailer, ...]


def read_commit(body: str) -> Commit:
    """The commit message in the body of a patch mail: what stands above ``---`` or the diff."""
    lines = _above_diff(body.split("\n"))
    author, subject, start = _in_body_header(lines)
    log, trailers = _cut_trailers(lines[start:])
    return Commit(author, subject, "\n".join(log).strip("\n"), trailers)


def base_commit(message: Message) -> str | None:
    """The commit of a ``base-commit:`` line (git format-patch --base), None without one."""
    match = _BASE.search(message.body) if "base-commit:" in message.body else None
    return match.group(1) if match else None


def change_id(message: Message) -> str | None:
    """The value of a ``change-id:`` line below the message (b4 prep), None without one. Gerrit's I-ids do not count."""
    match = _CHANGE_ID.search(message.body) if "change-id:" in message.body.lower() else None
    return match.group(1) if match and not re.fullmatch(r"I[0-9a-f]{40}", match.group(1)) else None


def is_backport(body: str) -> bool:
    """True if the message names the upstream commit it was picked from, as stable backports do."""
    head = body[:4000]
    return "pstream" in head and _UPSTREAM.search(head) is not None


def _above_diff(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if line.rstrip() == "---" or _DIFF_START.match(line):
            return lines[:at]
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            return lines[:at]
    return lines


def _in_body_header(lines: list[str]) -> tuple[Person | None, str | None, int]:
    """From and Subject lines at the top of the body: (author, subject, index of the first line after them)."""
    author: Person | None = None
    subject: str | None = None
    at = 0
    while at < len(lines) and not lines[at].strip():
        at += 1
    start = at
    while at < len(lines) and (match := _IN_BODY.match(lines[at])):
        name = match.group(1).lower()
        if name == "from" and "@" in match.group(2):
            author = author_of(match.group(2))
        elif name == "subject":
            subject = match.group(2).strip()
        at += 1
    if at == start or (at < len(lines) and lines[at].strip()):
        return None, None, start
    return author, subject, at


def _cut_trailers(lines: list[str]) -> tuple[list[str], tuple[Trailer, ...]]:
    """Take the trailer paragraphs off the end."""
    end = len(lines)
    least = max(0, end - limits.MAX_TRAILER_LINES)
    found: list[Trailer] = []
    while end > least:
        while end > 0 and not lines[end - 1].strip():
            end -= 1
        start = end
        while start > least and lines[start - 1].strip():
            start -= 1
        begin, trailers = _trailer_run(lines[start:end])
        if not trailers:
            break
        found = trailers + found
        end = start + begin
        if begin:
            break
    return lines[:end], tuple(found)


def _trailer_run(paragraph: list[str]) -> tuple[int, list[Trailer]]:
    """The trailers at a paragraph's end: (index of the first, trailers); none if no known name is among them."""
    trailers: list[Trailer] = []
    begin = len(paragraph)
    continued: list[str] = []
    for at in range(len(paragraph) - 1, -1, -1):
        line = paragraph[at]
        if match := _TRAILER.match(line):
            value = " ".join([match.group(2).strip(), *reversed(continued)])
            trailers.insert(0, Trailer(match.group(1), value))
            continued = []
        elif line[:1] in (" ", "\t") and at:
            continued.append(line.strip())
            continue
        elif not _NOTE.match(line):
            break
        begin = at
    if not any(_KNOWN.match(trailer.name) for trailer in trailers):
        return len(paragraph), []
    return begin, trailers
