# SPDX-License-Identifier: GPL-2.0-or-later
"""A public-inbox over HTTP: what is new, a thread, and whether a mail is there.

``docs/bot.md`` says what each way misses. The search is ``POST ?x=m&q=rt:…`` with an empty body: the matching mails
only, as mbox.gz; 404 means that there are none (public-inbox 1.9 and 2.x).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from abireview import limits
from abireview.errors import ServerError
from abireview.lore.feed import FeedError, feed_ids
from abireview.lore.http import Answer, Http, gunzip
from abireview.mail.mbox import split_mbox

MANIFEST: Final = "manifest.js.gz"


class Inbox:
    """One inbox; ``base`` is its address, such as https://lore.kernel.org/kvm."""

    def __init__(self, http: Http, base: str) -> None:
        self._http = http
        self.base = base.rstrip("/")
        self._told: dict[str, Answer] = {}

    def keep(self) -> None:
        """All that was told so far is safe in the store: from now on "not modified" is an answer."""
        for url, answer in self._told.items():
            self._http.keep(url, answer)
        self._told.clear()

    def _get(self, name: str, limit: int) -> Answer:
        url = f"{self.base}/{name}"
        answer = self._http.get(url, limit=limit, conditional=True)
        self._told[url] = answer
        return answer

    def feed(self) -> tuple[str, ...] | None:
        """The message-ids of the feed, None if it has not changed. Raises FeedError and ServerError."""
        answer = self._get("new.atom", limits.MAX_FEED_BYTES)
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise FeedError(f"{self.base} has no feed ({answer.status})")
        return feed_ids(answer.body, self.base)

    def search(self, query: str) -> list[bytes]:
        """The mails that match, oldest first. Raises ServerError and LimitError."""
        url = f"{self.base}/?x=m&q={quote(query, safe=':')}"
        answer = self._http.post(url, b"", limit=limits.MAX_THREAD_PACKED_BYTES)
        if answer.status != 200:
            return []
        # newest first, as the server gives them
        return self._mails(answer.body)[::-1]

    def thread(self, msgid: str) -> list[bytes]:
        """The whole thread of a mail, [] if the inbox does not have it. Raises ServerError and LimitError."""
        answer = self._http.get(f"{self._mail(msgid)}/t.mbox.gz", limit=limits.MAX_THREAD_PACKED_BYTES)
        return self._mails(answer.body) if answer.status == 200 else []

    def has(self, msgid: str) -> bool:
        """True if the inbox has the mail. Raises ServerError."""
        answer = self._http.get(f"{self._mail(msgid)}/raw", limit=limits.MAX_THREAD_PACKED_BYTES)
        return answer.status == 200

    def epochs(self) -> dict[int, str] | None:
        """The inbox's git repositories: number to fingerprint; None if nothing changed. Raises ServerError."""
        answer = self._get(MANIFEST, limits.MAX_MANIFEST_BYTES)
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise ServerError(f"{self.base} has no manifest ({answer.status})")
        what = f"the manifest of {self.base}"
        try:
            found = msgspec.json.decode(gunzip(answer.body, limits.MAX_MANIFEST_BYTES, what), type=dict[str, _Epoch])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ServerError(f"{what} cannot be read") from error
        name = urlsplit(self.base).path.rstrip("/").rpartition("/")[2]
        epochs: dict[int, str] = {}
        for path, epoch in found.items():
            start, _, last = path.rpartition("/git/")
            number = last.removesuffix(".git")
            if start.rpartition("/")[2] == name and number.isdigit() and len(number) < 6:
                epochs[int(number)] = epoch.fingerprint
        return epochs

    def _mail(self, msgid: str) -> str:
        return f"{self.base}/{quote(msgid, safe='@')}"

    def _mails(self, packed: bytes) -> list[bytes]:
        raw = gunzip(packed, limits.MAX_THREAD_BYTES, f"the answer of {self.base}")
        if raw and not raw.startswith(b"From "):
            raise ServerError(f"{self.base} answered with something that is no mailbox")
        return split_mbox(raw)


class _Epoch(msgspec.Struct, frozen=True):
    fingerprint: str = ""
