# SPDX-License-Identifier: GPL-2.0-or-later
"""The Atom feed of a public-inbox: which mails are new. Only their message-ids are taken from it, nothing is followed.

The feed shows the 25 mails received last and misses one that arrives late: it says that there is something, the search
says what. RFC 4287 for the format, RFC 3023 and expat for what an XML file may not do here: no document type, so no
entity is ever expanded.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit
from xml.parsers import expat

from abireview import limits
from abireview.errors import ServerError
from abireview.lore.address import is_msgid

_ATOM = "http://www.w3.org/2005/Atom"


class FeedError(ServerError):
    """The feed cannot be used; the search may."""


class _Refused(Exception):  # noqa: N818  (leaves the parser)
    pass


def feed_ids(data: bytes, base: str) -> tuple[str, ...]:
    """The message-ids of the entries in ``data``, in the feed's order, each once.

    ``base`` is the address of the inbox: an entry that links anywhere else is left out. Raises FeedError for what is
    no Atom feed, has a document type, or is larger than the limits.
    """
    if len(data) > limits.MAX_FEED_BYTES:
        raise FeedError(f"the feed is larger than {limits.MAX_FEED_BYTES} bytes")
    reader = _Reader(base)
    # UTF-8 whatever it declares, as public-inbox sends it: Python would look any other name up among its codecs
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.ExternalEntityRefHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FeedError(f"the feed is no XML ({expat.errors.messages.get(error.code, 'unreadable')})") from error
    except _Refused as error:
        raise FeedError(f"the feed is refused: {error}") from error
    if not reader.is_feed:
        raise FeedError("the feed is no Atom feed")
    return tuple(dict.fromkeys(reader.found))


class _Reader:
    """Takes the links of entries; expat calls it."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._host = parts.netloc.lower()
        self._path = parts.path.rstrip("/") + "/"
        self._depth = 0
        self._entry = 0
        self._entries = 0
        self.is_feed = False
        self.found: list[str] = []

    def refuse(self, *_: object) -> int:
        raise _Refused("it has a document type or entities")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > 100:
            raise _Refused("it is nested too deeply")
        if self._depth == 1:
            self.is_feed = name == f"{_ATOM} feed"
        if name == f"{_ATOM} entry" and self._depth == 2:
            self._entry = self._depth
            self._entries += 1
            if self._entries > limits.MAX_FEED_ENTRIES:
                raise _Refused("it has too many entries")
        if name == f"{_ATOM} link" and self._entry and self._depth == self._entry + 1:
            msgid = self._msgid(attributes.get("href", ""))
            if msgid:
                self.found.append(msgid)

    def end(self, _: str) -> None:
        if self._depth == self._entry:
            self._entry = 0
        self._depth -= 1

    def _msgid(self, href: str) -> str:
        try:
            parts = urlsplit(href)
        except ValueError:
            return ""
        if parts.netloc and parts.netloc.lower() != self._host:
            return ""
        if parts.scheme not in {"", "http", "https"} or not parts.path.startswith(self._path):
            return ""
        msgid = unquote(parts.path[len(self._path) :].strip("/").partition("/")[0])
        return msgid if is_msgid(msgid) else ""
