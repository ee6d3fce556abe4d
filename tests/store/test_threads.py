# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache of threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from abireview.errors import StoreError
from abireview.store.db import Store
from abireview.store.threads import Threads
from tests.mails import mail, mbox, series

RAW = mbox(series())


@pytest.fixture
def cached(tmp_path: Path) -> Iterator[Threads]:
    with Store(tmp_path / "store.db") as store:
        yield Threads.of(store)


def test_any_member_finds_the_thread_byte_for_byte(cached: Threads) -> None:
    info = cached.put(RAW, "http://a", 100.0)
    assert (info.msgid, info.subject, info.mails, info.size) == (
        "v1-0@example.org",
        "[PATCH 0/3] Do things",
        4,
        len(RAW),
    )
    for n in range(4):
        found = cached.get(f"v1-{n}@example.org")
        assert found is not None
        assert found.raw == RAW
        assert found.info == info
    assert cached.get("nobody@x") is None
    assert info.age(160.0) == 60.0
    assert info.age(10.0) == 0.0


def test_a_longer_thread_replaces_the_shorter(cached: Threads) -> None:
    cached.put(RAW, "http://a", 100.0)
    longer = mbox([*series(), mail("Re: [PATCH 0/3] Do things", "r@x", "Hm\n", parent="v1-0@example.org")])
    cached.put(longer, "http://a", 200.0)
    assert [info.mails for info in cached.list()] == [5]
    found = cached.get("v1-2@example.org")
    assert found is not None
    assert found.raw == longer


def test_another_server_or_a_shorter_answer_replaces_nothing(cached: Threads) -> None:
    cached.put(RAW, "http://a", 100.0)
    cached.put(mbox(series()[:2]), "http://a", 150.0)
    cached.put(RAW, "http://b", 200.0)
    assert [(info.source, info.mails) for info in cached.list()] == [("http://b", 4), ("http://a", 2), ("http://a", 4)]
    newest = cached.get("v1-3@example.org")
    assert newest is not None
    assert newest.info.source == "http://b"
    own = cached.get("v1-3@example.org", source="http://a")
    assert own is not None
    assert own.info.mails == 4


def test_dropping(cached: Threads) -> None:
    for n, at in ((1, 100.0), (2, 200.0), (3, 300.0)):
        cached.put(mbox(series(n)), "http://a", at)
    assert cached.prune(250.0, now=400.0) == 1
    assert cached.get("v1-1@example.org") is None
    assert cached.remove("v2-3@example.org") == 1
    assert cached.remove("v2-3@example.org") == 0
    assert [info.msgid for info in cached.list()] == ["v3-0@example.org"]
    assert cached.clear() == 1
    assert cached.list() == ()


def test_an_empty_thread_is_not_kept(cached: Threads) -> None:
    with pytest.raises(StoreError, match="empty"):
        cached.put(b"", "http://a", 1.0)


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        cached = Threads.of(store)
        cached.put(RAW, "http://a", 1.0)
        for damage in (b"no zlib", None):
            data = damage if damage is not None else __import__("zlib").compress(RAW[:-1])
            store.connection.execute("UPDATE threads SET data = ?", (data,))
            with pytest.raises(StoreError, match="damaged"):
                cached.get("v1-0@example.org")


def test_message_ids_are_data(cached: Threads) -> None:
    evil = "a'; DROP TABLE threads;--@x"
    cached.put(mbox([mail("[PATCH] x", evil.replace(" ", "_"))]), "http://a", 1.0)
    assert cached.get(evil) is None
    assert cached.get(evil.replace(" ", "_")) is not None
