# SPDX-License-Identifier: GPL-2.0-or-later
"""What a server answers. The first byte says how the rest is wrapped: XML, gzip and JSON are read by C libraries that
coverage does not see into, so what stands inside is made well-formed here and the rest is given as it is.
"""

from __future__ import annotations

import gzip
import os
import unicodedata
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import quoteattr

from abireview import limits
from abireview.bot.patchwork import Patchwork
from abireview.bot.policy import PatchworkEntry
from abireview.errors import AbireviewError, LimitError, ServerError
from abireview.lore.feed import FeedError, feed_ids
from abireview.lore.http import Answer, _retry_after, gunzip
from abireview.lore.inbox import Inbox
from abireview.safetext import safe, safe_line

BASE = "https://lore.example/kvm"
ATOM = "http://www.w3.org/2005/Atom"
MOST = 100_000  # bytes that may come out of a packed input
ENTRY = PatchworkEntry(url="https://patchwork.example", lists=("kvm",), token_from="FUZZ_TOKEN")
os.environ.setdefault("FUZZ_TOKEN", "none")


def feed(data: bytes) -> None:
    """One answer of a server, of the kind that the first byte says."""
    KINDS[data[0] % len(KINDS) if data else 0](data[1:])


def atom(data: bytes) -> None:
    """A feed as it stands."""
    try:
        found = feed_ids(data, BASE)
    except FeedError as error:
        assert error.hint
        return
    assert len(set(found)) == len(found)
    for msgid in found:
        assert 0 < len(msgid) <= limits.MAX_MSGID_CHARS
        assert not any(char.isspace() or char in "<>" for char in msgid)


def links(data: bytes) -> None:
    """A well-formed feed: each line is the address of an entry, a tab in front makes it a child of the one before."""
    parts = []
    for line in data.decode("utf-8", "replace").split("\n"):
        line = "".join(char for char in line if (char >= " " and char not in "\ufffe\uffff") or char == "\t")
        link = f"<link href={quoteattr(line.lstrip(chr(9)))}/>"
        parts.append(f"<x>{link}</x>" if line.startswith("\t") else f"<entry>{link}</entry>")
    atom(f'<feed xmlns="{ATOM}">{"".join(parts)}</feed>'.encode())


def packed(data: bytes) -> None:
    """gzip as it stands, and a whole one with this inside, cut off and followed by something."""
    whole = gzip.compress(data, 1, mtime=0)
    assert gunzip(whole * 2, MOST, "fuzz") == data * 2
    for one in (data, whole + data[:9], whole[: -1 - len(data) % 20]):
        try:
            assert len(gunzip(one, MOST, "fuzz")) <= MOST
        except ServerError as error:
            assert error.hint
    try:
        assert not data or gunzip(whole, len(data) - 1, "fuzz") is None
    except LimitError as error:
        assert error.hint


def inbox(data: bytes) -> None:
    """A list of epochs, a search, a thread."""
    for body in (data, gzip.compress(data, 1, mtime=0)):
        served = Inbox(_Served(body), BASE)  # type: ignore[arg-type]
        for ask in (
            served.epochs,
            lambda served=served: served.search("rt:1.."),
            lambda served=served: served.thread("a@b"),
        ):
            try:
                ask()
            except (ServerError, LimitError) as error:
                assert error.hint


def patchwork(data: bytes) -> None:
    """Two answers of patchwork: the patch, and its checks."""
    door = Patchwork(None, None, _Served(*data.split(b"\0", 1)), log=print)  # type: ignore[arg-type]
    try:
        door._post(ENTRY, "a@b.c", "success", "", "nothing to ask")
    except AbireviewError as error:
        assert error.hint


def shown(data: bytes) -> None:
    """A header field, and text on a terminal."""
    text = data.decode("utf-8", "replace")
    assert 0 <= _retry_after(text, 0.0) <= 86400
    assert not set(safe_line(text)) & set("\n\t")
    for char in set(safe(text)) - set("\n\t"):
        assert unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class _Served:
    """Stands for the door to httpx: gives the bodies in turn."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = bodies
        self._asked = 0

    def get(self, url: str, **_: Any) -> Answer:
        body = self._bodies[min(self._asked, len(self._bodies) - 1)]
        self._asked += 1
        return Answer(200, body, {}, url)

    def post(self, url: str, body: bytes, **_: Any) -> Answer:
        return self.get(url)


KINDS: tuple[Callable[[bytes], None], ...] = (atom, links, packed, inbox, patchwork, shown)
