# SPDX-License-Identifier: GPL-2.0-or-later
"""Drafts of replies, saved as they are typed: what a kill -9 leaves is what the person last saw."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from abireview import limits
from abireview.errors import StoreError
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

DraftState = Literal["open", "queued", "discarded"]

SCHEMA = """
CREATE TABLE draft (
  id INTEGER PRIMARY KEY,
  series TEXT NOT NULL,
  msgid TEXT NOT NULL,
  body TEXT NOT NULL,
  fingerprints TEXT NOT NULL DEFAULT '',
  to_line TEXT NOT NULL DEFAULT '',
  cc_line TEXT NOT NULL DEFAULT '',
  edited INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('open', 'queued', 'discarded')),
  created REAL NOT NULL,
  changed REAL NOT NULL
);
CREATE UNIQUE INDEX draft_open ON draft (msgid) WHERE state = 'open';
"""

_COLUMNS = "id, series, msgid, body, fingerprints, to_line, cc_line, edited, state, created, changed"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft. ``msgid`` is the mail it answers, ``series`` the id of the series, ``edited`` whether a person typed.

    ``fingerprints`` are the findings it was drafted for, separated by blanks. ``to_line`` and ``cc_line`` are the
    recipients where the person changed them (both "": those of a reply to all). Times are seconds since 1970.
    """

    id: int
    series: str
    msgid: str
    body: str
    fingerprints: str
    to_line: str
    cc_line: str
    edited: bool
    state: DraftState
    created: float
    changed: float

    @property
    def key(self) -> str:
        """The outbox's key: one draft goes out once."""
        return f"draft:{self.id}"


class Drafts:
    """The drafts of one store: at most one open draft a mail."""

    def __init__(self, db: sqlite3.Connection, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    @classmethod
    def of(cls, store: Store) -> Drafts:
        """The drafts in ``store``."""
        return cls(store.connection)

    def open(self, msgid: str, series: str, body: str, fingerprints: str = "") -> Draft:
        """The open draft that answers ``msgid``; a new one with ``body`` if there is none."""
        with transaction(self._db, "the draft"):
            known = self._find(msgid)
            if known is not None:
                return known
            now = self._clock()
            cursor = self._db.execute(
                "INSERT INTO draft (series, msgid, body, fingerprints, state, created, changed)"
                " VALUES (?, ?, ?, ?, 'open', ?, ?)",
                (series, msgid, _storable(body), fingerprints, now, now),
            )
            return self.get(int(cursor.lastrowid or 0))

    def save(self, number: int, body: str, *, edited: bool = True) -> None:
        """Keep what was typed. Only an open draft can change: StoreError for one that was queued or discarded."""
        with transaction(self._db, "the draft"):
            changed = self._db.execute(
                "UPDATE draft SET body = ?, edited = MAX(edited, ?), changed = ? WHERE id = ? AND state = 'open'",
                (_storable(body), int(edited), self._clock(), number),
            ).rowcount
        if changed != 1:
            raise StoreError(f"draft {number} is no longer open", hint="it was sent or discarded elsewhere")

    def address(self, number: int, to_line: str, cc_line: str) -> Draft:
        """Keep other recipients for an open draft; both "" means those of a reply to all."""
        with transaction(self._db, "the draft"):
            self._db.execute(
                "UPDATE draft SET to_line = ?, cc_line = ?, changed = ? WHERE id = ? AND state = 'open'",
                (_storable(to_line), _storable(cc_line), self._clock(), number),
            )
        return self.get(number)

    def close(self, number: int, state: Literal["queued", "discarded"]) -> None:
        """Mark an open draft as put into the outbox, or thrown away. Anything but an open draft stays as it is."""
        with transaction(self._db, "the draft"):
            self._db.execute(
                "UPDATE draft SET state = ?, changed = ? WHERE id = ? AND state = 'open'",
                (state, self._clock(), number),
            )

    def reopen(self, number: int) -> Draft:
        """Make a draft whose mail was not sent editable again. StoreError if there is a newer one for the mail."""
        draft = self.get(number)
        with transaction(self._db, "the draft"):
            other = self._find(draft.msgid)
            if other is not None and other.id != number:
                raise StoreError("there is a newer draft for the same mail")
            self._db.execute("UPDATE draft SET state = 'open', changed = ? WHERE id = ?", (self._clock(), number))
        return self.get(number)

    def get(self, number: int) -> Draft:
        """The draft with this number; StoreError if there is none."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM draft WHERE id = ?", (number,)).fetchone()  # noqa: S608
        if row is None:
            raise StoreError(f"there is no draft {number}")
        return _draft(row)

    def find(self, msgid: str) -> Draft | None:
        """The open draft that answers ``msgid``."""
        return self._find(msgid)

    def listed(self, series: str | None = None) -> list[Draft]:
        """The open drafts, oldest first; of one series, or all."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM draft WHERE state = 'open' ORDER BY id")  # noqa: S608
        found = [_draft(row) for row in rows]
        return [draft for draft in found if series is None or draft.series == series]

    def _find(self, msgid: str) -> Draft | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM draft WHERE msgid = ? AND state = 'open'",  # noqa: S608
            (msgid,),
        ).fetchone()
        return None if row is None else _draft(row)


def _storable(body: str) -> str:
    """SQLite stores UTF-8: what it cannot encode becomes ``?``; overlong text is refused, not cut."""
    if len(body) > limits.MAX_DRAFT_CHARS:
        raise StoreError(f"a draft is at most {limits.MAX_DRAFT_CHARS} characters long")
    return body.encode("utf-8", "replace").decode("utf-8")


def _draft(row: tuple[object, ...]) -> Draft:
    values = dict(zip(Draft.__struct_fields__, row, strict=True))
    values["edited"] = bool(values["edited"])
    return msgspec.convert(values, Draft)
