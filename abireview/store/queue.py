# SPDX-License-Identifier: GPL-2.0-or-later
"""The reviewer's queue: tracked series, one row each, with the results of every version that was seen."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from abireview.errors import StoreError
from abireview.findings.model import Result, encode
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

RowState = Literal["new", "reviewing", "waiting", "replied", "snoozed", "done"]
STATES: tuple[RowState, ...] = get_args(RowState)

SCHEMA = """
CREATE TABLE tracked (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  origin TEXT NOT NULL,
  lineage TEXT NOT NULL,
  series TEXT NOT NULL,
  title TEXT NOT NULL,
  tag TEXT NOT NULL,
  author TEXT NOT NULL,
  date INTEGER,
  arch TEXT NOT NULL,
  high INTEGER NOT NULL DEFAULT 0,
  medium INTEGER NOT NULL DEFAULT 0,
  low INTEGER NOT NULL DEFAULT 0,
  notes INTEGER NOT NULL DEFAULT 0,
  new INTEGER NOT NULL DEFAULT 0,
  carried INTEGER NOT NULL DEFAULT 0,
  answered INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  wake INTEGER,
  problem TEXT NOT NULL DEFAULT '',
  added REAL NOT NULL,
  changed REAL NOT NULL
);
CREATE UNIQUE INDEX tracked_series ON tracked (series) WHERE series <> '';
CREATE TABLE tracked_key (
  key TEXT NOT NULL,
  tracked INTEGER NOT NULL REFERENCES tracked (id) ON DELETE CASCADE,
  PRIMARY KEY (key, tracked)
) WITHOUT ROWID;
CREATE TABLE tracked_version (
  tracked INTEGER NOT NULL REFERENCES tracked (id) ON DELETE CASCADE,
  series TEXT NOT NULL,
  version INTEGER NOT NULL,
  result BLOB NOT NULL,
  PRIMARY KEY (tracked, series)
);
"""

_COLUMNS = (
    "id, source, origin, lineage, series, title, tag, author, date, arch, high, medium, low, notes, new, carried,"
    " answered, state, wake, problem, added, changed"
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One tracked series, as its newest version stands.

    ``source`` is what to load it from (a message-id or a path), ``origin`` who added it ("msgid", "mbox", "watch",
    "bot"), ``tag`` the text ``v3 4/12`` (version, patches found and announced), ``high``/``medium``/``low`` the open
    flags by severity, ``notes`` the open notes, ``new``/``carried``/``answered`` the findings by state (suppressed
    ones count as answered), ``problem`` why it could not be fetched or checked ("" if it could), ``wake`` until when
    it is snoozed. Times are seconds since 1970.
    """

    id: int
    source: str
    origin: str
    lineage: tuple[str, ...]
    series: str
    title: str
    tag: str
    author: str
    date: int | None
    arch: str
    high: int
    medium: int
    low: int
    notes: int
    new: int
    carried: int
    answered: int
    state: RowState
    wake: int | None
    problem: str
    added: float
    changed: float


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found out about a row's series."""

    lineage: tuple[str, ...]
    title: str
    tag: str
    author: str
    date: int | None
    result: Result


class Queue:
    """The queue of one store."""

    def __init__(self, db: sqlite3.Connection, *, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock

    @classmethod
    def of(cls, store: Store) -> Queue:
        """The queue in ``store``."""
        return cls(store.connection)

    def add(self, source: str, origin: str = "msgid") -> Row:
        """A row for ``source``, to be fetched; the row that has this source or series id already, if there is one."""
        with transaction(self._db, "the queue"):
            known = self._db.execute(
                f"SELECT {_COLUMNS} FROM tracked WHERE source = ? OR series = ? ORDER BY id LIMIT 1",  # noqa: S608
                (source, source),
            ).fetchone()
            if known is not None:
                return _row(known)
            now = self._clock()
            cursor = self._db.execute(
                "INSERT INTO tracked (source, origin, lineage, series, title, tag, author, arch, state, added, changed)"
                " VALUES (?, ?, '[]', '', ?, '', '', '', 'new', ?, ?)",
                (source, origin, source, now, now),
            )
            return self.get(int(cursor.lastrowid or 0))

    def record(self, number: int, facts: Facts) -> Row:
        """Note down what a check found; the row is merged into an older one of the same lineage, which is returned.

        The columns are those of the newest version seen: a result of an older one is only kept beside it.
        A row that was waiting, replied, snoozed or done becomes new again when a newer version arrives.
        """
        with transaction(self._db, "the queue"):
            row = self._merge(self.get(number), facts)
            seen = self._db.execute("SELECT MAX(version) FROM tracked_version WHERE tracked = ?", (row.id,)).fetchone()[
                0
            ]
            version = facts.result.series.version
            self._keep(row.id, facts.result)
            if seen is not None and version < seen:
                return self.get(row.id)
            newer = seen is not None and version > seen
            state = "new" if newer and row.state != "reviewing" else row.state
            wake = None if newer else row.wake
            counts = _counts(facts.result)
            self._db.execute(
                "UPDATE tracked SET lineage = ?, series = ?, title = ?, tag = ?, author = ?, date = ?, arch = ?,"
                " high = ?, medium = ?, low = ?, notes = ?, new = ?, carried = ?, answered = ?, state = ?, wake = ?,"
                " problem = '', changed = ? WHERE id = ?",
                (
                    json.dumps(list(dict.fromkeys((*row.lineage, *facts.lineage)))),
                    facts.result.series.id,
                    facts.title,
                    facts.tag,
                    facts.author,
                    facts.date,
                    " ".join(sorted({finding.arch for finding in facts.result.findings})),
                    *counts,
                    state,
                    wake,
                    self._clock(),
                    row.id,
                ),
            )
            return self.get(row.id)

    def keep_version(self, number: int, result: Result) -> None:
        """Remember the result of another version of a row's series."""
        with transaction(self._db, "the queue"):
            self._keep(number, result)

    def recount(self, number: int, result: Result) -> Row:
        """The counts of a row again, after answers changed the states in ``result``."""
        with transaction(self._db, "the queue"):
            self._db.execute(
                "UPDATE tracked SET high = ?, medium = ?, low = ?, notes = ?, new = ?, carried = ?, answered = ?,"
                " changed = ? WHERE id = ?",
                (*_counts(result), self._clock(), number),
            )
        return self.get(number)

    def fail(self, number: int, problem: str) -> Row:
        """Note down why a row could not be fetched or checked."""
        with transaction(self._db, "the queue"):
            self._db.execute(
                "UPDATE tracked SET problem = ?, changed = ? WHERE id = ?", (problem[:500], self._clock(), number)
            )
        return self.get(number)

    def set_state(self, number: int, state: RowState, wake: int | None = None) -> Row:
        """Change a row's state; ``wake`` is until when it is snoozed."""
        if state not in STATES:
            raise StoreError(f"'{state}' is no state of the queue")
        with transaction(self._db, "the queue"):
            self._db.execute(
                "UPDATE tracked SET state = ?, wake = ?, changed = ? WHERE id = ?",
                (state, wake if state == "snoozed" else None, self._clock(), number),
            )
        return self.get(number)

    def remove(self, number: int) -> None:
        """Forget a row and its results (not its answers)."""
        with transaction(self._db, "the queue"):
            for table in ("tracked_version", "tracked_key"):
                self._db.execute(f"DELETE FROM {table} WHERE tracked = ?", (number,))  # noqa: S608
            self._db.execute("DELETE FROM tracked WHERE id = ?", (number,))

    def wake(self) -> int:
        """Make snoozed rows whose time has come new again; how many."""
        with transaction(self._db, "the queue"):
            return self._db.execute(
                "UPDATE tracked SET state = 'new', wake = NULL WHERE state = 'snoozed' AND wake <= ?", (self._clock(),)
            ).rowcount

    def get(self, number: int) -> Row:
        """The row with this number; StoreError if there is none."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM tracked WHERE id = ?", (number,)).fetchone()  # noqa: S608
        if row is None:
            raise StoreError(f"there is no series {number} in the queue")
        return _row(row)

    def rows(self) -> list[Row]:
        """All rows, newest series first, those without date at the top."""
        found = self._db.execute(f"SELECT {_COLUMNS} FROM tracked ORDER BY date IS NOT NULL, date DESC, id DESC")  # noqa: S608
        return [_row(row) for row in found]

    def results(self, number: int) -> list[Result]:
        """The results of all versions that were seen, oldest version first, as the check gave them."""
        rows = self._db.execute(
            "SELECT result FROM tracked_version WHERE tracked = ? ORDER BY version, series", (number,)
        ).fetchall()
        return _decoded(bytes(row[0]) for row in rows)

    def find(self, lineage: Collection[str]) -> Row | None:
        """The oldest row of a lineage."""
        number = self._oldest(lineage)
        return None if number is None else self.get(number)

    def _oldest(self, lineage: Collection[str]) -> int | None:
        marks = ", ".join("?" * len(lineage))
        query = f"SELECT MIN(tracked) FROM tracked_key WHERE key IN ({marks})"  # noqa: S608
        found = self._db.execute(query, tuple(lineage)).fetchone()[0]
        return None if found is None else int(found)

    def _keep(self, number: int, result: Result) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO tracked_version (tracked, series, version, result) VALUES (?, ?, ?, ?)",
            (number, result.series.id, result.series.version, encode(result)),
        )

    def _merge(self, row: Row, facts: Facts) -> Row:
        """The older row of the same series or lineage takes this one over."""
        keys = tuple(dict.fromkeys((*row.lineage, *facts.lineage)))
        same = self._db.execute("SELECT id FROM tracked WHERE series = ?", (facts.result.series.id,)).fetchone()
        older = [number for number in (self._oldest(keys), same and int(same[0])) if number and number != row.id]
        target = min((*older, row.id)) if older else row.id
        for number in {row.id, *older} - {target}:
            self._db.execute("UPDATE OR IGNORE tracked_version SET tracked = ? WHERE tracked = ?", (target, number))
            self._db.execute("DELETE FROM tracked_version WHERE tracked = ?", (number,))
            self._db.execute("DELETE FROM tracked_key WHERE tracked = ?", (number,))
            self._db.execute("DELETE FROM tracked WHERE id = ?", (number,))
        if target != row.id:
            self._db.execute("UPDATE tracked SET source = ? WHERE id = ?", (row.source, target))
        self._db.executemany(
            "INSERT OR IGNORE INTO tracked_key (key, tracked) VALUES (?, ?)", [(key, target) for key in keys]
        )
        return self.get(target)


def _counts(result: Result) -> tuple[int, int, int, int, int, int, int]:
    """high, medium, low flags and notes that are open; new, carried and settled findings."""
    asked = [finding for finding in result.findings if finding.state in {"new", "carried"}]
    flags = [finding.severity for finding in asked if finding.level == "flag"]
    states = [finding.state for finding in result.findings]
    return (
        flags.count("high"),
        flags.count("medium"),
        flags.count("low"),
        len(asked) - len(flags),
        states.count("new"),
        states.count("carried"),
        len(states) - len(asked),
    )


def _decoded(blobs: Iterable[bytes]) -> list[Result]:
    """Results that this version can read; those of another schema are left out (they are only memory)."""
    found = []
    for blob in blobs:
        try:
            found.append(msgspec.json.decode(blob, type=Result))
        except msgspec.DecodeError:
            continue
    return found


def _row(row: tuple[object, ...]) -> Row:
    values = dict(zip(Row.__struct_fields__, row, strict=True))
    values["lineage"] = json.loads(str(values["lineage"]))
    return msgspec.convert(values, Row)
