# SPDX-License-Identifier: GPL-2.0-or-later
"""The store: one file, many processes, every version of it."""

from __future__ import annotations

import multiprocessing
import os
import re
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from abireview import places
from abireview.errors import StoreError
from abireview.store import db, threads
from abireview.store.db import Store, default_path, migrate, parts
from abireview.store.threads import Threads
from tests.mails import mbox, series


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_version_counts_every_sql_text() -> None:
    """Whoever adds a table or a migration raises VERSION, else older files would not get it."""
    assert sum(len(texts) for texts in parts().values()) == db.VERSION


def test_a_new_store_has_all_tables(tmp_path: Path) -> None:
    with Store(tmp_path / "a" / "b" / "store.db") as store:
        made = {name for texts in parts().values() for name in re.findall(r"CREATE TABLE (\w+)", texts[0])}
        assert {"threads", "thread_members", "outbox"} <= made <= tables(store.connection)
        assert store.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
        assert {"threads", "outbox"} <= set(store.utils().table_names())


def test_opening_again_migrates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "store.db").connection.close()
    monkeypatch.setattr(db, "migrate", lambda _: pytest.fail("migrated again"))
    with Store(tmp_path / "store.db") as store:
        assert "threads" in tables(store.connection)


def test_an_older_store_is_migrated_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "store.db") as store:
        Threads.of(store).put(mbox(series()), "http://x", 1.0)
    monkeypatch.setattr(
        threads, "MIGRATIONS", ("ALTER TABLE threads ADD COLUMN note TEXT NOT NULL DEFAULT 'x';",), False
    )
    monkeypatch.setattr(db, "VERSION", db.VERSION + 1)
    with Store(tmp_path / "store.db") as store:
        assert store.connection.execute("SELECT note, mails FROM threads").fetchall() == [("x", 4)]
        assert store.connection.execute("PRAGMA user_version").fetchone()[0] == db.VERSION


def test_a_failing_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "store.db").connection.close()
    bad = ("CREATE TABLE one (x); CREATE TABLE threads (y);",)
    monkeypatch.setattr(threads, "MIGRATIONS", bad, False)
    monkeypatch.setattr(db, "VERSION", db.VERSION + 1)
    with pytest.raises(StoreError, match="already exists"):
        _ = Store(tmp_path / "store.db").connection
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert "one" not in tables(connection)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == db.VERSION - 1
    connection.close()


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.connection.execute(f"PRAGMA user_version={db.VERSION + 3:d}")
    store.close()
    with pytest.raises(StoreError, match="newer abireview"):
        _ = Store(tmp_path / "store.db").connection


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        _ = Store(tmp_path / "store.db").connection


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        _ = Store(tmp_path / "file" / "store.db").connection


def test_a_read_only_store_is_read_but_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    Threads.of(store).put(mbox(series()), "http://x", 1.0)
    store.connection.execute("PRAGMA query_only=ON")
    cached = Threads.of(store)
    assert cached.get("v1-1@example.org") is not None
    for write in (lambda: cached.put(mbox(series(2)), "x", 1.0), cached.clear, lambda: cached.prune(0)):
        with pytest.raises(StoreError, match="cache cannot be written"):
            write()
    store.close()


def test_a_full_disk(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count={pages + 2:d}")
        big = mbox([raw + os.urandom(40_000).hex().encode() for raw in series()])
        with pytest.raises(StoreError, match="full"):
            Threads.of(store).put(big, "http://x", 1.0)
        assert Threads.of(store).list() == ()
        assert not store.connection.in_transaction


def _fill(path: str, source: str, count: int) -> None:
    with Store(Path(path)) as store:
        for i in range(count):
            Threads.of(store).put(mbox(series()), f"{source}/{i % 3}", float(i))


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_fill, args=(str(tmp_path / "store.db"), f"s{n}", 12)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    with Store(tmp_path / "store.db") as store:
        assert len(Threads.of(store).list()) == 12
        assert store.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_threads_have_connections_of_their_own(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        found = [store.connection]
        worker = threading.Thread(target=lambda: found.append(store.connection))
        worker.start()
        worker.join(10)
        assert found[0] is store.connection
        assert found[1] is not found[0]


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABIREVIEW_CACHE", str(tmp_path / "named"))
    assert default_path() == tmp_path / "named" / db.FILE_NAME
    monkeypatch.delenv("ABIREVIEW_CACHE")
    package = tmp_path / "tree" / "abireview" / "store"
    package.mkdir(parents=True)
    monkeypatch.setattr(places, "__file__", str(package.parent / "places.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_path() == tmp_path / "xdg" / "abireview" / db.FILE_NAME
    (tmp_path / "tree" / "pyproject.toml").write_text("")
    assert default_path().parent.parent == tmp_path / "xdg"
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere")
    assert default_path() == tmp_path / "tree" / "cache" / db.FILE_NAME


def test_migrating_twice_at_once_is_once(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    migrate(connection)
    migrate(connection)
    assert "threads" in tables(connection)
    connection.close()
