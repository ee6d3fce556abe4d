# SPDX-License-Identifier: GPL-2.0-or-later
"""Message-ids and the addresses people paste for them.

As ``b4.parse_msgid`` (b4 0.16), but without importing b4 (0.3 s) and without changing its configuration: the server of
a foreign URL is returned. A test compares the two.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from abireview import limits
from abireview.errors import UsageError

_MSGID = re.compile(r"[^\s<>@\x00-\x20\x7f]+@[^\s<>@\x00-\x20\x7f]+")
_MARK = re.compile(r"(?:message-id:|rfc822msgid:|msgid:|id:)\s*", re.IGNORECASE)
# Hosts whose addresses only point at lore; anything else with /LIST/MSGID/ is taken for a public-inbox server.
_POINTERS = ("lore.kernel.org", "patch.msgid.link", "msgid.link")


class Address(NamedTuple):
    """A message-id without brackets and the server that the address names ("" for the usual one)."""

    msgid: str
    server: str


def parse_address(text: str) -> Address | None:
    """The message-id in ``text``: bare, in brackets, after ``id:``, or in a lore, patchwork or msgid.link URL.

    None if there is none.
    """
    text = text.strip().strip("<>").strip()
    if re.match(r"https?://", text, re.IGNORECASE):
        return _from_url(text)
    text = _MARK.sub("", text, count=1) if _MARK.match(text) else text
    msgid = text.strip("<>")
    return Address(msgid, "") if is_msgid(msgid) else None


def is_msgid(text: str) -> bool:
    """True if ``text`` can be a message-id (without brackets)."""
    return len(text) <= limits.MAX_MSGID_CHARS and _MSGID.fullmatch(text) is not None


def _from_url(url: str) -> Address | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    pieces = [piece for piece in parts.path.split("/") if piece]
    at = next((i for i, piece in enumerate(pieces) if is_msgid(unquote(piece))), None)
    if at is None:
        return None
    msgid = unquote(pieces[at])
    pointer = host in _POINTERS or host.startswith("patchwork.") or "project" in pieces[:at] or at == 0
    if pointer:
        return Address(msgid, "")
    return Address(msgid, f"{parts.scheme.lower()}://{parts.netloc}/{'/'.join(pieces[:at])}")


def server_address(text: str) -> str:
    """``--server`` as a base URL: ``%s`` and the slash at the end cut, ``/all`` added to a bare host (as b4 does).

    Raises ``UsageError`` for anything but http and https.
    """
    base = text.strip().replace("/%s", "").rstrip("/")
    try:
        parts = urlsplit(base)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or True)
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in base):
        raise UsageError(f"{text!r} is no server address", hint="for example --server https://lore.kernel.org/all")
    return base if parts.path.strip("/") else f"{base}/all"


def mail_url(msgid: str, base: str = "https://lore.kernel.org/r") -> str:
    """Where a person can read the mail; the message-id is quoted, for it may hold ``/``, ``?`` and ``%``."""
    return f"{base.rstrip('/')}/{quote(msgid, safe='@')}"
