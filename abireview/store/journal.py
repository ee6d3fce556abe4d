# SPDX-License-Identifier: GPL-2.0-or-later
"""The journal of a scan: what was read of the archive, which mails belong together, and the results so far.

A SQLite file of its own beside the output, not part of the store. Everything in it can be made again; it is there so
that a killed scan goes on where it was, and so that memory stays small whatever the archive's size. A message-id is a
64-bit hash here; mails are ordered by (date, hash), which does not depend on where they came from.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from abireview.errors import StoreError, UsageError

FORMAT: Final = "1"  # raised when the tables or what is in them changes
_KNOWN_NAMES: Final = 100_000  # message-ids whose numbers are kept in memory while reading

_TABLES = """
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE name (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL UNIQUE);
CREATE TABLE mail (seq INTEGER PRIMARY KEY, name INTEGER NOT NULL, hash INTEGER NOT NULL, date INTEGER NOT NULL,
  size INTEGER NOT NULL, open INTEGER NOT NULL, place TEXT NOT NULL, head BLOB NOT NULL, links BLOB NOT NULL,
  team INTEGER, packed BLOB);
CREATE INDEX mail_date ON mail (date, hash);
CREATE TABLE trait (key INTEGER NOT NULL, date INTEGER NOT NULL, hash INTEGER NOT NULL, name INTEGER NOT NULL,
  version TEXT NOT NULL, author INTEGER NOT NULL, PRIMARY KEY (key, date, hash)) WITHOUT ROWID;
CREATE TABLE team (id INTEGER PRIMARY KEY, date INTEGER NOT NULL, hash INTEGER NOT NULL, size INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE result (date INTEGER NOT NULL, id TEXT NOT NULL, found INTEGER NOT NULL, lost INTEGER NOT NULL,
  line BLOB NOT NULL, facts BLOB NOT NULL);
"""
_INDEXES = """
CREATE INDEX mail_team ON mail (team);
CREATE INDEX team_date ON team (date, hash, id);
"""


def hash_of(*parts: str) -> int:
    """64 bits of ``parts`` as SQLite keeps them (signed)."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


class Trait(msgspec.Struct, frozen=True):
    """What makes versions of a series known to each other: ``key`` is a hash of a title or change-id."""

    key: int
    version: str
    author: int


class Read(msgspec.Struct, frozen=True):
    """One mail as it was read. ``size`` is 0 for one that is no patch; ``packed`` is zlib data, b"" for one that can be
    read again at its ``place``. ``open`` is True for a patch that answers nothing. ``head`` is packed by the caller.
    """

    msgid: str
    date: int
    size: int
    open: bool
    place: str
    head: bytes
    links: tuple[str, ...]
    traits: tuple[Trait, ...] = ()
    packed: bytes = b""


class Kept(msgspec.Struct, frozen=True):
    """One mail of a team, as it was given."""

    size: int
    place: str
    head: bytes
    packed: bytes


class Outcome(msgspec.Struct, frozen=True):
    """One series: what orders it, whether it has findings, its line of JSON, and (packed) what the queue wants of it.

    ``lost`` is True for one that could not be checked.
    """

    date: int
    id: str
    found: bool
    line: bytes
    facts: bytes = b""
    lost: bool = False


class Journal:
    """One journal file. ``identity`` says what is scanned and how: a file with another one is begun anew.

    ``resumed`` is True if something was there to go on with. Raises UsageError if another scan uses the file, and
    StoreError where it cannot be used.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.resumed = False
        self._names: dict[int, int] = {}
        with self._explained():
            self._db = self._open()
        try:
            with self._explained():
                if self._state("identity") != f"{FORMAT} {identity}":
                    self._begin(f"{FORMAT} {identity}")
                else:
                    self.resumed = True
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it stays."""
        self._db.close()

    def remove(self) -> None:
        """Close the file and delete it: the scan is done."""
        self.close()
        for name in (self.path.name, f"{self.path.name}-wal", f"{self.path.name}-shm"):
            self.path.with_name(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(
                    f"another scan uses {self.path}", hint="wait for it, or write to another file with --output"
                ) from error
            raise self._broken(error) from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> StoreError:
        return StoreError(f"the journal {self.path} cannot be used: {error}", hint="delete it and scan again")

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=0.5, isolation_level=None)
        try:
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA cache_size=-32768")
            db.execute("PRAGMA temp_store=FILE")
            db.execute("BEGIN IMMEDIATE")  # takes the lock that is kept from now on
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _begin(self, identity: str) -> None:
        tables = [row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        foreign = set(tables) - {"state", "name", "mail", "trait", "team", "result"}
        if foreign:
            raise UsageError(f"{self.path} is no journal of a scan", hint="name another file")
        with self._transaction():
            for table in tables:
                self._db.execute(f"DROP TABLE {table}")
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO state VALUES ('identity', ?)", (identity,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _state(self, key: str) -> str:
        with contextlib.suppress(sqlite3.OperationalError):
            row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
            return str(row[0]) if row else ""
        return ""

    def _set(self, key: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, str(value)))

    # reading

    @property
    def mails_read(self) -> int:
        """Mails of the source that are behind us, also those that were passed over."""
        return int(self._state("read") or 0)

    def add(self, mails: Sequence[Read], read: int, bad: int) -> None:
        """Keep ``mails``; ``read`` is how many mails of the source were read by now, ``bad`` how many are none."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO mail (name, hash, date, size, open, place, head, links, packed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [self._row(mail) for mail in mails],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO trait VALUES (?, ?, ?, ?, ?, ?)",
                [row for mail in mails if mail.traits for row in self._trait_rows(mail)],
            )
            self._set("read", read)
            self._set("bad", bad)

    def _trait_rows(self, mail: Read) -> Iterator[tuple[object, ...]]:
        key = hash_of(mail.msgid)
        name = self._name(key)
        return ((trait.key, mail.date, key, name, trait.version, trait.author) for trait in mail.traits)

    def _row(self, mail: Read) -> tuple[object, ...]:
        links = array("I", [self._name(hash_of(link)) for link in mail.links]).tobytes()
        key = hash_of(mail.msgid)
        return (
            self._name(key),
            key,
            mail.date,
            mail.size,
            mail.open,
            mail.place,
            mail.head,
            links,
            mail.packed,
        )

    def _name(self, key: int) -> int:
        """The number of the message-id with this hash, the same in all mails."""
        known = self._names.get(key)
        if known is None:
            row = self._db.execute("SELECT id FROM name WHERE hash = ?", (key,)).fetchone()
            known = row[0] if row else self._db.execute("INSERT INTO name (hash) VALUES (?)", (key,)).lastrowid or 0
            if len(self._names) >= _KNOWN_NAMES:
                self._names.clear()
            self._names[key] = known
        return int(known)

    def end_reading(self, broken: str) -> None:
        """The source was read to its end; ``broken`` says what of it could not be."""
        self._names.clear()
        with self._transaction():
            self._set("broken", broken)
            self._set("whole", 1)

    @property
    def is_read(self) -> bool:
        """True once the source was read to its end."""
        return bool(self._state("whole"))

    @property
    def broken(self) -> str:
        """What of the source could not be read."""
        return self._state("broken")

    @property
    def bad(self) -> int:
        """How many pieces of the source are no mails."""
        return int(self._state("bad") or 0)

    # grouping

    @property
    def names(self) -> int:
        """The highest number of a message-id."""
        return int(self._db.execute("SELECT COALESCE(MAX(id), 0) FROM name").fetchone()[0])

    def sizes(self) -> Iterator[tuple[int, int]]:
        """(number of the message-id, size) of every mail."""
        yield from self._db.execute("SELECT name, size FROM mail")

    def links(self) -> Iterator[tuple[int, array[int]]]:
        """(number, numbers of the mails it answers) of every mail, by date."""
        for name, packed in self._db.execute("SELECT name, links FROM mail ORDER BY date, hash"):
            found = array("I")
            found.frombytes(packed)
            yield name, found

    def open_heads(self) -> Iterator[tuple[int, bytes]]:
        """(number, head) of every patch that answers nothing, by date."""
        yield from self._db.execute("SELECT name, head FROM mail WHERE open ORDER BY date, hash")

    def traits(self) -> Iterator[tuple[int, int, int, str, int]]:
        """(key, date, number, version, author) of every trait, by key and date."""
        yield from self._db.execute("SELECT key, date, name, version, author FROM trait ORDER BY key, date, hash")

    def set_teams(self, teams: Sequence[int] | array[int]) -> None:
        """``teams[number]`` is the team of a message-id. Teams without a patch are not worked on."""
        with self._transaction():
            for name in ("mail_team", "team_date"):
                self._db.execute(f"DROP INDEX IF EXISTS {name}")
            self._db.execute("DELETE FROM team")
            self._db.create_function("team_of", 1, lambda name: teams[name], deterministic=True)
            self._db.execute("UPDATE mail SET team = team_of(name)")
            self._db.execute(
                "INSERT INTO team (id, date, hash, size)"
                " SELECT team, date, hash, total FROM (SELECT team, date, hash, SUM(size) OVER (PARTITION BY team)"
                " AS total, ROW_NUMBER() OVER (PARTITION BY team ORDER BY date, hash) AS place FROM mail)"
                " WHERE place = 1 AND total > 0"
            )
            for statement in _INDEXES.split(";"):
                self._db.execute(statement)
            self._set("grouped", 1)

    @property
    def is_grouped(self) -> bool:
        """True once every mail has its team."""
        return bool(self._state("grouped"))

    # checking

    def todo(self, shard: int, shards: int) -> Iterator[tuple[int, int]]:
        """(team, size) of what is left to check of shard ``shard`` (from 0) of ``shards``, by date.

        Results may be kept meanwhile.
        """
        after = (-(2**62), 0, 0)
        while True:
            page = self._db.execute(
                "SELECT date, hash, id, size, done FROM team WHERE (date, hash, id) > (?, ?, ?)"
                " ORDER BY date, hash, id LIMIT 1000",
                after,
            ).fetchall()
            for _, key, team, size, done in page:
                if key % shards == shard and not done:
                    yield team, size
            if not page:
                return
            after = page[-1][:3]

    def totals(self, shard: int, shards: int) -> tuple[int, int]:
        """(size of what is done, size of all) of a shard."""
        done = total = 0
        for size, key, state in self._db.execute("SELECT size, hash, done FROM team"):
            if key % shards == shard:
                total += size
                done += size if state else 0
        return done, total

    def team(self, team: int) -> list[Kept]:
        """The mails of a team, by date."""
        rows = self._db.execute(
            "SELECT size, place, head, packed FROM mail WHERE team = ? ORDER BY date, hash, seq", (team,)
        )
        return [Kept(*row) for row in rows]

    def size_of(self, team: int) -> int:
        """Bytes of the patches of a team."""
        return int(self._db.execute("SELECT size FROM team WHERE id = ?", (team,)).fetchone()[0])

    @property
    def lost(self) -> int:
        """How many outcomes say that nothing could be checked."""
        return int(self._db.execute("SELECT COUNT(*) FROM result WHERE lost").fetchone()[0])

    def finish(self, outcomes: Iterable[Outcome], teams: Sequence[int]) -> None:
        """Keep the outcomes of ``teams`` and mark these as done, all or nothing."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)",
                [(one.date, one.id, one.found, one.lost, one.line, one.facts) for one in outcomes],
            )
            self._db.executemany("UPDATE team SET done = 1 WHERE id = ?", [(team,) for team in teams])

    def outcomes(self, *, found: bool = False) -> Iterator[Outcome]:
        """All outcomes by date and message-id, only those with findings if ``found``."""
        rows = self._db.execute(
            "SELECT date, id, found, line, facts, lost FROM result WHERE found >= ? ORDER BY date, id, line",
            (int(found),),
        )
        for date, key, has, line, facts, lost in rows:
            yield Outcome(date, key, bool(has), line, facts, bool(lost))

    def count(self, *, found: bool = False) -> int:
        """How many outcomes there are."""
        row = self._db.execute("SELECT COUNT(*) FROM result WHERE found >= ?", (int(found),)).fetchone()
        return int(row[0])
