# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache: threads as they were fetched, found by any message-id in them."""

from __future__ import annotations

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from abireview import limits
from abireview.errors import StoreError
from abireview.mail.decode import decode_head
from abireview.mail.mbox import split_mbox
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

SCHEMA = """
CREATE TABLE threads (
  id INTEGER PRIMARY KEY,
  msgid TEXT NOT NULL,
  subject TEXT NOT NULL,
  source TEXT NOT NULL,
  fetched_at REAL NOT NULL,
  mails INTEGER NOT NULL,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX threads_fetched ON threads (fetched_at);
CREATE TABLE thread_members (
  msgid TEXT NOT NULL,
  thread INTEGER NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
  PRIMARY KEY (msgid, thread)
) WITHOUT ROWID;
CREATE INDEX thread_members_thread ON thread_members (thread);
"""

_COLUMNS = "id, msgid, subject, source, fetched_at, mails, size"


class ThreadInfo(msgspec.Struct, frozen=True):
    """A cached thread without its mails: ``msgid`` and ``subject`` are those of its first mail.

    ``source`` is the server's address, ``fetched_at`` seconds since 1970, ``size`` the bytes of the mailbox.
    """

    id: int
    msgid: str
    subject: str
    source: str
    fetched_at: float
    mails: int
    size: int

    def age(self, now: float | None = None) -> float:
        """Seconds since it was fetched, never negative."""
        return max(0.0, (time.time() if now is None else now) - self.fetched_at)


class CachedThread(msgspec.Struct, frozen=True):
    """A cached thread; ``raw`` is the mailbox as the server gave it (unpacked)."""

    info: ThreadInfo
    raw: bytes


class Threads:
    """The cached threads of one store. Every method raises ``StoreError`` if the store cannot be used."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def of(cls, store: Store) -> Threads:
        """The threads of ``store``."""
        return cls(store.connection)

    def put(self, raw: bytes, source: str, fetched_at: float) -> ThreadInfo:
        """Keep the mailbox ``raw``; it replaces threads of the same source all of whose mails it has.

        Only a mailbox that was read to its end may be given: what is here counts as the whole thread.
        """
        heads = [decode_head(mail) for mail in split_mbox(raw)]
        members = list(dict.fromkeys(head.msgid for head in heads))
        if not members:
            raise StoreError("an empty thread was not kept", hint="")
        digest = hashlib.sha256(raw).hexdigest()
        with transaction(self._db, "the cache"):
            for old in self._covered(members, source):
                self._db.execute("DELETE FROM thread_members WHERE thread = ?", (old,))
                self._db.execute("DELETE FROM threads WHERE id = ?", (old,))
            cursor = self._db.execute(
                "INSERT INTO threads (msgid, subject, source, fetched_at, mails, size, digest, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    members[0],
                    heads[0].subject[:500],
                    source,
                    fetched_at,
                    len(members),
                    len(raw),
                    digest,
                    zlib.compress(raw, 3),
                ),
            )
            number = int(cursor.lastrowid or 0)
            self._db.executemany(
                "INSERT INTO thread_members (msgid, thread) VALUES (?, ?)", [(msgid, number) for msgid in members]
            )
        return ThreadInfo(number, members[0], heads[0].subject[:500], source, fetched_at, len(members), len(raw))

    def get(self, msgid: str, *, source: str | None = None) -> CachedThread | None:
        """The newest thread that has the mail ``msgid`` (of ``source`` only, if given), None if there is none."""
        rows = self._rows(
            f"SELECT {_COLUMNS}, data, digest FROM threads WHERE id IN"  # noqa: S608  (constant text)
            " (SELECT thread FROM thread_members WHERE msgid = ?) AND (? IS NULL OR source = ?)"
            " ORDER BY fetched_at DESC, id DESC LIMIT 1",
            (msgid, source, source),
        )
        return _thread(rows[0]) if rows else None

    def list(self) -> tuple[ThreadInfo, ...]:
        """All threads, newest first."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM threads ORDER BY fetched_at DESC, id DESC", ())  # noqa: S608
        return tuple(ThreadInfo(*row) for row in rows)

    def prune(self, older_than: float, *, now: float | None = None) -> int:
        """Drop the threads that were fetched more than ``older_than`` seconds ago; returns how many."""
        limit = (time.time() if now is None else now) - older_than
        return self._drop("fetched_at < ?", (limit,))

    def remove(self, msgid: str) -> int:
        """Drop the threads that have the mail ``msgid``; returns how many."""
        return self._drop("id IN (SELECT thread FROM thread_members WHERE msgid = ?)", (msgid,))

    def clear(self) -> int:
        """Drop all threads and give the space back; returns how many there were."""
        count = self._drop("1", ())
        try:
            self._db.execute("VACUUM")
        except sqlite3.Error as error:
            raise StoreError(f"the cache cannot be written: {error}") from error
        return count

    def _drop(self, where: str, values: Sequence[object]) -> int:
        with transaction(self._db, "the cache"):
            ids = [row[0] for row in self._db.execute(f"SELECT id FROM threads WHERE {where}", values)]  # noqa: S608
            self._db.executemany("DELETE FROM thread_members WHERE thread = ?", [(i,) for i in ids])
            self._db.executemany("DELETE FROM threads WHERE id = ?", [(i,) for i in ids])
        return len(ids)

    def _covered(self, members: Sequence[str], source: str) -> Sequence[int]:
        """The threads of ``source`` all of whose mails are among ``members``."""
        have = set(members)
        near: set[int] = set()
        for msgid in members:
            near.update(
                row[0]
                for row in self._db.execute(
                    "SELECT thread FROM thread_members JOIN threads ON threads.id = thread"
                    " WHERE thread_members.msgid = ? AND source = ?",
                    (msgid, source),
                )
            )
        return [
            thread
            for thread in sorted(near)
            if have.issuperset(
                row[0] for row in self._db.execute("SELECT msgid FROM thread_members WHERE thread = ?", (thread,))
            )
        ]

    def _rows(self, query: str, values: Sequence[object]) -> Sequence[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"the cache cannot be read: {error}") from error


def _thread(row: Sequence[Any]) -> CachedThread:
    info = ThreadInfo(*row[:7])
    broken = StoreError(
        f"the cached thread {info.msgid} is damaged", hint="'abireview cache clear' drops it; then fetch it again"
    )
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(row[7], limits.MAX_THREAD_BYTES)
    except zlib.error as error:
        raise broken from error
    if hashlib.sha256(raw).hexdigest() != row[8]:
        raise broken
    return CachedThread(info, raw)
