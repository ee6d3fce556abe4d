# SPDX-License-Identifier: GPL-2.0-or-later
"""The postings that the watcher saw: growing, checked, or not checked and why; with the result of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from abireview.findings.model import Result, encode
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.store.db import Store

SeriesState = Literal["growing", "due", "checked", "left", "failed"]
STATES: tuple[SeriesState, ...] = get_args(SeriesState)

SCHEMA = """
CREATE TABLE bot_series (
  id TEXT PRIMARY KEY,
  thread TEXT NOT NULL,
  lists TEXT NOT NULL,
  lineage TEXT NOT NULL,
  subject TEXT NOT NULL,
  version INTEGER NOT NULL,
  author TEXT NOT NULL,
  date INTEGER,
  members INTEGER NOT NULL,
  seen REAL NOT NULL,
  grown REAL NOT NULL,
  fetched INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('growing', 'due', 'checked', 'left', 'failed')),
  action TEXT NOT NULL DEFAULT '',
  reasons TEXT NOT NULL DEFAULT '[]',
  rules TEXT NOT NULL DEFAULT '',
  checked REAL,
  result BLOB
) WITHOUT ROWID;
CREATE INDEX bot_series_state ON bot_series (state);
CREATE INDEX bot_series_thread ON bot_series (thread);
CREATE TABLE bot_series_key (
  key TEXT NOT NULL,
  series TEXT NOT NULL REFERENCES bot_series (id) ON DELETE CASCADE,
  PRIMARY KEY (key, series)
) WITHOUT ROWID;
CREATE TABLE bot_check (
  patch TEXT NOT NULL,
  server TEXT NOT NULL,
  state TEXT NOT NULL,
  url TEXT NOT NULL,
  text TEXT NOT NULL,
  posted REAL,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (patch, server)
) WITHOUT ROWID;
CREATE INDEX bot_check_open ON bot_check (not_before) WHERE posted IS NULL;
"""

_COLUMNS = (
    "id, thread, lists, lineage, subject, version, author, date, members, seen, grown, fetched, state, action,"
    " reasons, rules, checked"
)


class SeriesRow(msgspec.Struct, frozen=True, kw_only=True):
    """One posting. ``lists`` are the policy's names, ``action`` and ``reasons`` what was decided (``bot.decide``).

    Times are seconds since 1970: ``seen`` when its first mail came, ``grown`` when its latest did, ``checked`` when it
    was checked. ``fetched`` says that the whole thread was asked for because mails were missing.
    """

    id: str
    thread: str
    lists: tuple[str, ...]
    lineage: tuple[str, ...]
    subject: str
    version: int
    author: str
    date: int | None
    members: int
    seen: float
    grown: float
    fetched: bool
    state: SeriesState
    action: str
    reasons: tuple[str, ...]
    rules: str
    checked: float | None


class BotSeries:
    """The watcher's postings in one store. Methods that do not say so write in the caller's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def of(cls, store: Store) -> BotSeries:
        """The postings in ``store``."""
        return cls(store.connection)

    def put(self, row: SeriesRow, result: Result | None = None) -> None:
        """Keep ``row``; a result that is known stays unless another is given."""
        values = [json.dumps(value) if isinstance(value, tuple) else value for value in msgspec.structs.astuple(row)]
        sets = ", ".join(f"{name} = excluded.{name}" for name in SeriesRow.__struct_fields__ if name != "id")
        self._db.execute(
            f"INSERT INTO bot_series ({_COLUMNS}, result) VALUES ({', '.join('?' * (len(values) + 1))})"  # noqa: S608
            f" ON CONFLICT (id) DO UPDATE SET {sets}, result = COALESCE(excluded.result, result)",
            (*values, None if result is None else encode(result)),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO bot_series_key (key, series) VALUES (?, ?)", [(key, row.id) for key in row.lineage]
        )

    def save(self, row: SeriesRow, result: Result | None = None) -> None:
        """``put`` in a transaction of its own."""
        with transaction(self._db, "the watcher's series"):
            self.put(row, result)

    def remove(self, series: str) -> None:
        """Forget a posting that turned out to be part of another."""
        self._db.execute("DELETE FROM bot_series_key WHERE series = ?", (series,))
        self._db.execute("DELETE FROM bot_series WHERE id = ?", (series,))

    def get(self, series: str) -> SeriesRow | None:
        """The posting with this id."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM bot_series WHERE id = ?", (series,)).fetchone()  # noqa: S608
        return None if row is None else _row(row)

    def result(self, series: str) -> Result | None:
        """The result of a posting, None if it was not checked or the result is of another schema."""
        row = self._db.execute("SELECT result FROM bot_series WHERE id = ?", (series,)).fetchone()
        if row is None or row[0] is None:
            return None
        try:
            return msgspec.json.decode(bytes(row[0]), type=Result)
        except msgspec.DecodeError:
            return None

    def rows(self, states: Collection[SeriesState] = ()) -> list[SeriesRow]:
        """All postings, or those in one of ``states``, in order of arrival."""
        chosen = tuple(states) or STATES
        marks = ", ".join("?" * len(chosen))
        query = f"SELECT {_COLUMNS} FROM bot_series WHERE state IN ({marks}) ORDER BY seen, id"  # noqa: S608
        return [_row(row) for row in self._db.execute(query, chosen)]

    def of_thread(self, thread: str) -> list[SeriesRow]:
        """The postings of one thread, in order of arrival."""
        query = f"SELECT {_COLUMNS} FROM bot_series WHERE thread = ? ORDER BY seen, id"  # noqa: S608
        return [_row(row) for row in self._db.execute(query, (thread,))]

    def relatives(self, lineage: Sequence[str]) -> list[SeriesRow]:
        """The postings with a key in common, oldest version first."""
        if not lineage:
            return []
        marks = ", ".join("?" * len(lineage))
        query = (
            f"SELECT {_COLUMNS} FROM bot_series WHERE id IN (SELECT series FROM bot_series_key WHERE key IN ({marks}))"  # noqa: S608
            " ORDER BY version, seen, id"
        )
        return [_row(row) for row in self._db.execute(query, tuple(lineage))]

    def stamp(self) -> tuple[object, ...]:
        """Another value after any posting was checked."""
        return tuple(self._db.execute("SELECT COUNT(*), MAX(checked), SUM(checked) FROM bot_series").fetchone())

    def counts(self) -> dict[str, int]:
        """How many postings are in each state."""
        rows = self._db.execute("SELECT state, COUNT(*) FROM bot_series GROUP BY state")
        return {str(state): int(count) for state, count in rows}

    # checks for patchwork

    def want_check(self, patch: str, server: str, state: str, url: str, text: str) -> None:
        """A check that should stand at a patch; one that is posted is posted again only if it says something else."""
        self._db.execute(
            "INSERT INTO bot_check (patch, server, state, url, text) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (patch, server) DO UPDATE SET state = excluded.state, url = excluded.url,"
            " text = excluded.text, posted = NULL, attempts = 0, not_before = 0"
            " WHERE state <> excluded.state OR text <> excluded.text",
            (patch, server, state, url, text),
        )

    def open_checks(self, now: float) -> list[tuple[str, str, str, str, str, int]]:
        """Checks to post: patch, server, state, url, text, attempts so far."""
        rows = self._db.execute(
            "SELECT patch, server, state, url, text, attempts FROM bot_check"
            " WHERE posted IS NULL AND not_before <= ? ORDER BY patch, server",
            (now,),
        )
        return [(str(a), str(b), str(c), str(d), str(e), int(f)) for a, b, c, d, e, f in rows]

    def check_posted(self, patch: str, server: str, now: float) -> None:
        """The check stands there now (its own transaction)."""
        with transaction(self._db, "the checks"):
            self._db.execute("UPDATE bot_check SET posted = ? WHERE patch = ? AND server = ?", (now, patch, server))

    def check_failed(self, patch: str, server: str, not_before: float) -> None:
        """Try the check again later (its own transaction)."""
        with transaction(self._db, "the checks"):
            self._db.execute(
                "UPDATE bot_check SET attempts = attempts + 1, not_before = ? WHERE patch = ? AND server = ?",
                (not_before, patch, server),
            )


def _row(row: tuple[object, ...]) -> SeriesRow:
    values = dict(zip(SeriesRow.__struct_fields__, row, strict=True))
    for name in ("lists", "lineage", "reasons"):
        values[name] = json.loads(str(values[name]))
    values["fetched"] = bool(values["fetched"])
    return msgspec.convert(values, SeriesRow)
