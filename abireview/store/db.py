# SPDX-License-Identifier: GPL-2.0-or-later
"""The store's door: one SQLite file in WAL mode for the cache, answers, drafts, outbox and queue.

A part of the store is a module of this package with ``SCHEMA``, the SQL that makes its tables, and, once released,
``MIGRATIONS``, a tuple of SQL texts that bring an older file up to date, in order. ``VERSION`` is the number of all
these texts (a test counts them): a file with that number is opened without looking further, an older one is migrated
in one transaction through sqlite-utils, a newer one is refused.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from abireview import places
from abireview.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

VERSION: Final = 8
"""SQL texts of all parts together."""

BUSY_SECONDS: Final = 10.0
"""How long to wait for another process that writes; a write takes milliseconds."""

FILE_NAME: Final = "abireview.db"


def default_path() -> Path:
    """Where the store is: a file in ``places.cache_dir()``."""
    return places.cache_dir() / FILE_NAME


class Store:
    """One store file, made when first used. Safe for several threads and processes.

    ``connection`` is the calling thread's own connection; each part wraps it (``Threads.of(store)``).
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path: Final[Path] = path or default_path()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[sqlite3.Connection] = []

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection of this thread, with all tables up to date. Raises ``StoreError``."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._open()
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
        return found

    def utils(self) -> Database:
        """The connection as a sqlite-utils database (costs 0.15 s of CPU the first time)."""
        from sqlite_utils import Database

        return Database(self.connection, execute_plugins=False)

    def close(self) -> None:
        """Close all connections of all threads."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                # drafts and answers are the user's own
                self.path.touch(mode=0o600)
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        try:
            with self._explained():
                connection.execute("PRAGMA foreign_keys=ON")
                if _version(connection) != VERSION:
                    connection.execute("PRAGMA journal_mode=WAL")
                    migrate(connection)
                connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the store {self.path} cannot be used: {error}") from error
        except OSError as error:
            raise StoreError(f"the store {self.path} cannot be used: {error.strerror or error}") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def parts() -> dict[str, tuple[str, ...]]:
    """The parts of the store and their SQL texts, in order."""
    import importlib
    import pkgutil

    import abireview.store as package

    found: dict[str, tuple[str, ...]] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module: Any = importlib.import_module(f"abireview.store.{info.name}")
        if hasattr(module, "SCHEMA"):
            found[info.name] = (module.SCHEMA, *getattr(module, "MIGRATIONS", ()))
    return found


def migrate(connection: sqlite3.Connection) -> None:
    """Run every SQL text that the file has not seen, in one transaction. Raises ``StoreError`` for a newer file."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version > VERSION:
            raise StoreError(
                f"the store was written by a newer abireview (version {version}, this one knows {VERSION})",
                hint="upgrade abireview, or name another cache directory with ABIREVIEW_CACHE",
            )
        database = Database(connection, execute_plugins=False)
        for name, texts in parts().items():
            migrations = Migrations(name)
            for number, text in enumerate(texts, 1):
                migrations(name=f"{number:03}")(_runner(text))
            migrations.apply(database)
        connection.execute(f"PRAGMA user_version={VERSION:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _runner(text: str) -> Any:
    def run(database: Database) -> None:
        for statement in _statements(text):
            database.conn.execute(statement)

    return run


def _statements(text: str) -> Iterator[str]:
    """Single statements; ``executescript`` would commit the transaction."""
    piece = ""
    for part in re.split(r"(?<=;)", text):
        piece += part
        if sqlite3.complete_statement(piece):
            yield piece
            piece = ""
    if piece.strip():
        yield piece
