# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher took in: mails, where each source stands, and how a server wants to be treated.

A mail and the cursor it came with are written in one transaction: a crash neither loses a mail nor takes it twice.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from abireview import limits
from abireview.mail.decode import Head, decode_head
from abireview.mail.subject import parse_subject
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

SCHEMA = """
CREATE TABLE bot_mail (
  msgid TEXT PRIMARY KEY,
  thread TEXT NOT NULL,
  parent TEXT NOT NULL,
  posting INTEGER NOT NULL,
  date INTEGER,
  taken REAL NOT NULL,
  fresh INTEGER NOT NULL DEFAULT 1,
  unread INTEGER NOT NULL DEFAULT 1,
  raw BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX bot_mail_thread ON bot_mail (thread, posting);
CREATE INDEX bot_mail_fresh ON bot_mail (thread) WHERE fresh = 1;
CREATE INDEX bot_mail_unread ON bot_mail (taken) WHERE unread = 1;
CREATE INDEX bot_mail_taken ON bot_mail (taken);
CREATE TABLE bot_mail_list (
  msgid TEXT NOT NULL,
  list TEXT NOT NULL,
  PRIMARY KEY (msgid, list)
) WITHOUT ROWID;
CREATE TABLE bot_source (
  name TEXT PRIMARY KEY,
  cursor TEXT NOT NULL,
  polled REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE bot_server (
  host TEXT PRIMARY KEY,
  not_before REAL NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE bot_validator (
  url TEXT PRIMARY KEY,
  etag TEXT NOT NULL,
  modified TEXT NOT NULL
) WITHOUT ROWID;
"""


class Taken(msgspec.Struct, frozen=True):
    """A mail as it was taken in. ``taken`` is when (seconds since 1970); ``lists`` names where it was read."""

    msgid: str
    thread: str
    posting: bool
    taken: float
    raw: bytes
    lists: tuple[str, ...] = ()


class BotMail:
    """The watcher's mails in one store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def of(cls, store: Store) -> BotMail:
        """The mails in ``store``."""
        return cls(store.connection)

    # mails

    def take(
        self, source: str, lists: Sequence[str], raws: Iterable[bytes], cursor: dict[str, Any] | None, now: float
    ) -> int:
        """Keep the mails of one poll and where the source stands now; how many were new.

        ``cursor`` None keeps the one that is known. A mail that is known only gains the lists it was read on.
        """
        new = 0
        with transaction(self._db, "the watcher's mails"):
            for raw in raws:
                head = decode_head(raw)
                new += self._insert(head, raw, now)
                gained = self._db.executemany(
                    "INSERT OR IGNORE INTO bot_mail_list (msgid, list) VALUES (?, ?)",
                    [(head.msgid, name) for name in lists],
                ).rowcount
                if gained > 0:
                    # its posting is under another list's policy too
                    self._db.execute("UPDATE bot_mail SET fresh = 1 WHERE msgid = ?", (head.msgid,))
            if cursor is not None:
                self._db.execute(
                    "INSERT INTO bot_source (name, cursor, polled) VALUES (?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
                    (source, json.dumps(cursor, sort_keys=True), now),
                )
        return new

    def _insert(self, head: Head, raw: bytes, now: float) -> int:
        if self._db.execute("SELECT 1 FROM bot_mail WHERE msgid = ?", (head.msgid,)).fetchone():
            return 0
        thread = self._thread_of(head)
        subject = parse_subject(head.subject)
        self._db.execute(
            "INSERT INTO bot_mail (msgid, thread, parent, posting, date, taken, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                head.msgid,
                thread,
                head.in_reply_to,
                int(subject.posted_as_patch),
                head.date,
                now,
                zlib.compress(raw[: limits.MAX_MAIL_BYTES], 3),
            ),
        )
        # answers that came before the mail they answer
        self._db.execute("UPDATE bot_mail SET thread = ?, fresh = 1 WHERE thread = ?", (thread, head.msgid))
        return 1

    def _thread_of(self, head: Head) -> str:
        above = [*head.references, *([head.in_reply_to] if head.in_reply_to else [])]
        for msgid in reversed(above):
            row = self._db.execute("SELECT thread FROM bot_mail WHERE msgid = ?", (msgid,)).fetchone()
            if row is not None:
                return str(row[0])
        return next((msgid for msgid in above if msgid != head.msgid), head.msgid)

    def known(self, msgids: Collection[str]) -> set[str]:
        """Those of ``msgids`` that were taken in."""
        found: set[str] = set()
        for msgid in msgids:
            if self._db.execute("SELECT 1 FROM bot_mail WHERE msgid = ?", (msgid,)).fetchone():
                found.add(msgid)
        return found

    def fresh_threads(self) -> list[str]:
        """The threads with mails that nobody looked at, in order of arrival."""
        rows = self._db.execute("SELECT thread, MIN(taken) FROM bot_mail WHERE fresh = 1 GROUP BY thread ORDER BY 2, 1")
        return [str(row[0]) for row in rows]

    def looked_at(self, thread: str) -> None:
        """Note down that the mails of ``thread`` were looked at; call it inside the transaction that keeps the rest."""
        self._db.execute("UPDATE bot_mail SET fresh = 0 WHERE thread = ? AND fresh = 1", (thread,))

    def postings(self, thread: str) -> list[Taken]:
        """The mails of a thread that were posted as patches or covers, in order of arrival."""
        return self._rows("thread = ? AND posting = 1", (thread,), limits.MAX_BOT_POSTINGS)

    def replies(self, thread: str) -> list[Taken]:
        """The other mails of a thread, the latest of them if there are very many."""
        return self._rows("thread = ? AND posting = 0", (thread,), limits.MAX_BOT_REPLIES)

    def unread(self) -> list[Taken]:
        """The mails that were not searched for commands, in order of arrival."""
        return self._rows("unread = 1", (), limits.MAX_POLL_MAILS, latest=False)

    def read(self, msgid: str) -> None:
        """Note down that a mail was searched for commands; call it inside the transaction that keeps the outcome."""
        self._db.execute("UPDATE bot_mail SET unread = 0 WHERE msgid = ?", (msgid,))

    def get(self, msgid: str) -> Taken | None:
        """One mail."""
        found = self._rows("msgid = ?", (msgid,), 1)
        return found[0] if found else None

    def thread_of(self, msgid: str) -> str:
        """The thread of a mail, "" if it is not known."""
        row = self._db.execute("SELECT thread FROM bot_mail WHERE msgid = ?", (msgid,)).fetchone()
        return "" if row is None else str(row[0])

    def count(self) -> int:
        """How many mails are kept."""
        return int(self._db.execute("SELECT COUNT(*) FROM bot_mail").fetchone()[0])

    def prune(self, before: float) -> int:
        """Forget mails that were taken in before that time; how many."""
        with transaction(self._db, "the watcher's mails"):
            self._db.execute(
                "DELETE FROM bot_mail_list WHERE msgid IN (SELECT msgid FROM bot_mail WHERE taken < ?)", (before,)
            )
            return self._db.execute("DELETE FROM bot_mail WHERE taken < ?", (before,)).rowcount

    def _rows(self, where: str, values: Sequence[object], most: int, *, latest: bool = True) -> list[Taken]:
        order = "DESC" if latest else "ASC"
        rows = self._db.execute(
            f"SELECT msgid, thread, posting, taken, raw FROM bot_mail WHERE {where}"  # noqa: S608  (constant text)
            f" ORDER BY taken {order}, date {order}, msgid LIMIT ?",
            (*values, most),
        ).fetchall()
        found = [
            Taken(msgid, thread, bool(posting), taken, zlib.decompress(raw), self._lists(msgid))
            for msgid, thread, posting, taken, raw in rows
        ]
        return found[::-1] if latest else found

    def _lists(self, msgid: str) -> tuple[str, ...]:
        rows = self._db.execute("SELECT list FROM bot_mail_list WHERE msgid = ? ORDER BY list", (msgid,))
        return tuple(str(row[0]) for row in rows)

    # sources

    def cursor(self, source: str) -> tuple[dict[str, Any], float]:
        """Where a source stands ({} at first) and when it was polled last (0: never)."""
        row = self._db.execute("SELECT cursor, polled FROM bot_source WHERE name = ?", (source,)).fetchone()
        return ({}, 0.0) if row is None else (dict(json.loads(row[0])), float(row[1]))

    def polling(self, source: str, now: float) -> None:
        """Note down that a source is polled now, before the request: who dies over it does not ask again at once."""
        with transaction(self._db, "the watcher's sources"):
            self._db.execute(
                "INSERT INTO bot_source (name, cursor, polled) VALUES (?, '{}', ?)"
                " ON CONFLICT (name) DO UPDATE SET polled = excluded.polled",
                (source, now),
            )

    # servers (abireview.lore.http.Memory)

    def server(self, host: str) -> tuple[float, int]:
        """Until when ``host`` wants peace (seconds since 1970), and how often it failed in a row."""
        row = self._db.execute("SELECT not_before, failures FROM bot_server WHERE host = ?", (host,)).fetchone()
        return (0.0, 0) if row is None else (float(row[0]), int(row[1]))

    def set_server(self, host: str, not_before: float, failures: int, problem: str = "") -> None:
        """Note down how ``host`` wants to be treated."""
        with transaction(self._db, "the watcher's servers"):
            self._db.execute(
                "INSERT OR REPLACE INTO bot_server (host, not_before, failures, problem) VALUES (?, ?, ?, ?)",
                (host, not_before, failures, problem[:500]),
            )

    def servers(self) -> list[tuple[str, float, int, str]]:
        """All servers: host, until when it wants peace, failures in a row, why."""
        rows = self._db.execute("SELECT host, not_before, failures, problem FROM bot_server ORDER BY host")
        return [(str(host), float(until), int(failures), str(why)) for host, until, failures, why in rows]

    def validator(self, url: str) -> tuple[str, str]:
        """ETag and Last-Modified that ``url`` had, "" where it had none."""
        row = self._db.execute("SELECT etag, modified FROM bot_validator WHERE url = ?", (url,)).fetchone()
        return ("", "") if row is None else (str(row[0]), str(row[1]))

    def set_validator(self, url: str, etag: str, modified: str) -> None:
        """Remember them for the next request."""
        with transaction(self._db, "the watcher's servers"):
            self._db.execute(
                "INSERT OR REPLACE INTO bot_validator (url, etag, modified) VALUES (?, ?, ?)", (url, etag, modified)
            )
