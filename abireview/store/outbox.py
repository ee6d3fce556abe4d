# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox: every mail that leaves goes through here, from a person or from the bot, and at most once.

    queued ──► handing-over ──► sent
      ▲             ├─────────► failed (certainly not taken; why)
      │             └─────────► unknown (the connection broke, or the sender died)
      ├──── retry ◄─ failed
      └── resolve ◄─ unknown, only after the archive was asked and enough time went by

The message-id is on disk before a mail is queued, and the state ``handing-over`` before the first byte leaves. One
lock serves all senders; whoever holds it and still sees ``handing-over`` knows that its sender died, and calls the
mail ``unknown``. Nothing sends an unknown mail again but ``resolve``, with the same message-id.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from abireview.errors import SendError, StoreError
from abireview.reply.mail import Outgoing
from abireview.reply.transport import MaybeTaken, NotTaken, Receipt, Transport
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

State = Literal["queued", "handing-over", "sent", "failed", "unknown", "dropped"]
LookUp = Callable[[str], bool | None]

GRACE = 3600.0  # seconds before a mail that the archive does not have may be sent again; lore lags by minutes
LOCK_WAIT = 10.0  # seconds to wait for another sender
REASON_MAX = 500  # characters of a server's answer that are kept

SCHEMA = """
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  msgid TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL,
  series TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipients TEXT NOT NULL,
  subject TEXT NOT NULL,
  in_reply_to TEXT NOT NULL,
  raw BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'handing-over', 'sent', 'failed', 'unknown', 'dropped')),
  reason TEXT NOT NULL DEFAULT '',
  transport TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  created REAL NOT NULL,
  handed REAL,
  changed REAL NOT NULL
);
CREATE INDEX outbox_state ON outbox (state);
"""

_COLUMNS = (
    "id, key, msgid, origin, series, sender, recipients, subject, in_reply_to, state, reason, transport, attempts, "
    "created, handed, changed"
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One mail of the outbox. Times are seconds since 1970; ``key`` is what may go out only once."""

    id: int
    key: str
    msgid: str
    origin: str
    series: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    in_reply_to: str
    state: State
    reason: str
    transport: str
    attempts: int
    created: float
    handed: float | None
    changed: float

    @property
    def of_bot(self) -> bool:
        """True for a mail that only the bot sends: by its own account, and asking the archives of its policy."""
        return self.origin == "bot"


class Outbox:
    """The outbox of one store; ``lock`` is the file that all senders of this store lock."""

    def __init__(
        self,
        db: sqlite3.Connection,
        lock: Path,
        *,
        render: Callable[[Outgoing], bytes] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._lock = lock
        self._render = render
        self._clock = clock

    @classmethod
    def of(cls, store: Store) -> Outbox:
        """The outbox of ``store``."""
        return cls(store.connection, store.path.with_name("send.lock"))

    def enqueue(self, mail: Outgoing, *, key: str, series: str = "", origin: str = "reply") -> Entry:
        """Put ``mail`` into the outbox under ``key``, exactly the bytes that will leave.

        What has this key already and is queued, sent or on its way stays as it is and is returned: the same thing
        cannot go out twice. A failed or dropped one is replaced. Raises SendError for a mail that could not be sent.
        """
        raw = self._bytes(mail)
        now = self._clock()
        with transaction(self._db, "the outbox"):
            row = self._db.execute("SELECT id, state FROM outbox WHERE key = ?", (key,)).fetchone()
            if row is not None and row[1] not in {"failed", "dropped"}:
                return self.get(row[0])
            if row is not None:
                self._db.execute("DELETE FROM outbox WHERE id = ?", (row[0],))
            try:
                cursor = self._db.execute(
                    "INSERT INTO outbox (key, msgid, origin, series, sender, recipients, subject, in_reply_to, raw,"
                    " state, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
                    (
                        key,
                        mail.msgid,
                        origin,
                        series,
                        mail.sender.email,
                        json.dumps(mail.recipients),
                        mail.subject,
                        mail.in_reply_to,
                        raw,
                        now,
                        now,
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise SendError(f"a mail with the message-id {mail.msgid} is in the outbox already") from error
            return self.get(int(cursor.lastrowid or 0))

    def get(self, number: int) -> Entry:
        """The entry with this number; StoreError if there is none."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", (number,)).fetchone()  # noqa: S608
        if row is None:
            raise StoreError(f"there is no mail {number} in the outbox", hint="'abireview send --list' shows it")
        return _entry(row)

    def find(self, key: str) -> Entry | None:
        """The entry with this key."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return None if row is None else _entry(row)

    def entries(self, states: Collection[State] = ()) -> list[Entry]:
        """All entries, or those in one of ``states``, oldest first."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY id")  # noqa: S608
        found = [_entry(row) for row in rows]
        return [entry for entry in found if not states or entry.state in states]

    def raw(self, number: int) -> bytes:
        """The bytes of a mail as they leave, LF line ends."""
        row = self._db.execute("SELECT raw FROM outbox WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise StoreError(f"there is no mail {number} in the outbox")
        return bytes(row[0])

    def drop(self, number: int) -> Entry:
        """Take a queued or failed mail out; it stays on record as dropped."""
        return self._move(number, {"queued", "failed"}, "dropped", "")

    def retry(self, number: int) -> Entry:
        """Queue a failed mail again."""
        return self._move(number, {"failed"}, "queued", "")

    def deliver(
        self, transport: Transport, *, only: Collection[int] | None = None, wait: float = LOCK_WAIT
    ) -> list[Entry]:
        """Hand over the queued mails (or those of ``only`` that are queued), oldest first; what became of each.

        Raises SendError if another sender holds the lock for ``wait`` seconds. A failure of one mail does not stop
        the others.
        """
        with self._sender_lock(wait), self._durable():
            self._recover()
            queued = [entry for entry in self.entries({"queued"}) if only is None or entry.id in only]
            return [self._hand_over(entry, transport) for entry in queued]

    def resolve(self, look_up: LookUp, *, grace: float = GRACE, wait: float = LOCK_WAIT) -> list[Entry]:
        """Settle the unknown mails: ``look_up(msgid)`` says whether the archive (or the maildir) has it.

        True makes it sent. False makes it queued again, but only ``grace`` seconds after it was handed over. None
        (the archive cannot be asked) leaves it. Returns the entries that were unknown, as they are now.
        """
        done = []
        with self._sender_lock(wait), self._durable():
            self._recover()
            for entry in self.entries({"unknown"}):
                found = look_up(entry.msgid)
                if found:
                    entry = self._move(entry.id, {"unknown"}, "sent", "found in the archive")
                elif found is False and self._clock() - (entry.handed or entry.changed) >= grace:
                    entry = self._move(entry.id, {"unknown"}, "queued", "not in the archive")
                done.append(entry)
        return done

    def _hand_over(self, entry: Entry, transport: Transport) -> Entry:
        now = self._clock()
        with transaction(self._db, "the outbox"):
            claimed = self._db.execute(
                "UPDATE outbox SET state = 'handing-over', reason = '', transport = ?, attempts = attempts + 1,"
                " handed = ?, changed = ? WHERE id = ? AND state = 'queued'",
                (transport.name, now, now, entry.id),
            ).rowcount
        if claimed != 1:
            return self.get(entry.id)
        try:
            receipt = transport.deliver(self.raw(entry.id), entry.sender, entry.recipients, entry.msgid)
        except NotTaken as error:
            return self._move(entry.id, {"handing-over"}, "failed", str(error))
        except MaybeTaken as error:
            return self._move(entry.id, {"handing-over"}, "unknown", str(error))
        except BaseException as error:
            self._move(entry.id, {"handing-over"}, "unknown", f"the sender stopped: {type(error).__name__}: {error}")
            raise
        return self._move(entry.id, {"handing-over"}, "sent", _said(receipt))

    def _recover(self) -> None:
        """Under the lock nobody else sends: what is still being handed over lost its sender."""
        with transaction(self._db, "the outbox"):
            self._db.execute(
                "UPDATE outbox SET state = 'unknown', reason = 'the program ended while it handed the mail over',"
                " changed = ? WHERE state = 'handing-over'",
                (self._clock(),),
            )

    def _move(self, number: int, before: Collection[State], after: State, reason: str) -> Entry:
        with transaction(self._db, "the outbox"):
            entry = self.get(number)
            if entry.state not in before:
                raise StoreError(f"mail {number} is {entry.state}", hint="'abireview send --list' shows the outbox")
            self._db.execute(
                "UPDATE outbox SET state = ?, reason = ?, changed = ? WHERE id = ?",
                (after, reason[:REASON_MAX], self._clock(), number),
            )
            return self.get(number)

    def _bytes(self, mail: Outgoing) -> bytes:
        if self._render is not None:
            return self._render(mail)
        from abireview.lore.b4mail import to_bytes

        return to_bytes(mail)

    @contextlib.contextmanager
    def _durable(self) -> Iterator[None]:
        """Every commit reaches the disk: a power cut must not forget that a mail was handed over."""
        before = int(self._db.execute("PRAGMA synchronous").fetchone()[0])
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA synchronous = {before}")

    @contextlib.contextmanager
    def _sender_lock(self, wait: float) -> Iterator[None]:
        end = time.monotonic() + wait
        try:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self._lock} cannot be opened: {error.strerror}") from error
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= end:
                        raise SendError("another abireview is sending", hint="try again when it is done") from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(handle)


def _said(receipt: Receipt) -> str:
    if not receipt.refused:
        return receipt.answer
    return f"{receipt.answer}; refused: {', '.join(receipt.refused)}"


def _entry(row: tuple[object, ...]) -> Entry:
    values = dict(zip(Entry.__struct_fields__, row, strict=True))
    values["recipients"] = json.loads(str(values["recipients"]))
    return msgspec.convert(values, Entry)
