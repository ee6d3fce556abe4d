# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers that were given, kept for later versions; an answer that is taken back stays on record."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from abireview.errors import StoreError
from abireview.findings.answers import Answer, related
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

SCHEMA = """
CREATE TABLE answer (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  lineage TEXT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  by TEXT NOT NULL,
  "when" INTEGER NOT NULL,
  until INTEGER,
  link TEXT NOT NULL,
  rule TEXT NOT NULL,
  undone INTEGER
);
CREATE INDEX answer_fingerprint ON answer (fingerprint);
"""

_COLUMNS = 'fingerprint, lineage, kind, text, by, "when", until, link, rule'


class Answers:
    """The answers of one store."""

    def __init__(self, db: sqlite3.Connection, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    @classmethod
    def of(cls, store: Store) -> Answers:
        """The answers in ``store``."""
        return cls(store.connection)

    def give(self, answer: Answer) -> int:
        """Remember ``answer`` (its ``when`` is set to now if it is 0); its number, for ``undo``."""
        values = msgspec.structs.astuple(msgspec.structs.replace(answer, when=answer.when or int(self._clock())))
        row = [json.dumps(value) if isinstance(value, tuple) else value for value in values]
        with transaction(self._db, "the answer"):
            marks = ", ".join("?" * len(row))
            cursor = self._db.execute(f"INSERT INTO answer ({_COLUMNS}) VALUES ({marks})", row)  # noqa: S608
        return int(cursor.lastrowid or 0)

    def undo(self, number: int) -> Answer:
        """Take an answer back: it counts no longer. Raises StoreError if there is none or it was taken back."""
        with transaction(self._db, "the answer"):
            row = self._db.execute(f"SELECT {_COLUMNS}, undone FROM answer WHERE id = ?", (number,)).fetchone()  # noqa: S608
            if row is None or row[-1] is not None:
                raise StoreError(
                    f"there is no answer {number} to take back", hint="'abireview answer --list' shows them"
                )
            self._db.execute("UPDATE answer SET undone = ? WHERE id = ?", (int(self._clock()), number))
        return _answer(row[:-1])

    def listed(self, lineage: Collection[str] | None = None) -> list[tuple[int, Answer]]:
        """The answers that count, with their numbers, oldest first; of one lineage, or all."""
        rows = self._db.execute(f"SELECT id, {_COLUMNS} FROM answer WHERE undone IS NULL ORDER BY id")  # noqa: S608
        found = [(int(row[0]), _answer(row[1:])) for row in rows]
        return [(number, answer) for number, answer in found if lineage is None or related(answer.lineage, lineage)]

    def for_lineage(self, lineage: Collection[str]) -> list[Answer]:
        """The answers that count for one series, oldest first."""
        return [answer for _, answer in self.listed(lineage)]

    def last(self, fingerprint: str, lineage: Collection[str]) -> int | None:
        """The number of the latest answer that counts for a finding."""
        found = [number for number, answer in self.listed(lineage) if answer.fingerprint == fingerprint]
        return found[-1] if found else None


def _answer(row: tuple[object, ...]) -> Answer:
    values = dict(zip(Answer.__struct_fields__, row, strict=True))
    values["lineage"] = json.loads(str(values["lineage"]))
    return msgspec.convert(values, Answer)
