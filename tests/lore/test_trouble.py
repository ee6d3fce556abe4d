# SPDX-License-Identifier: GPL-2.0-or-later
"""Server trouble: each kind is one sentence, exit 3, and leaves the cache as it was."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from abireview import __version__
from abireview.errors import AbireviewError, LimitError, NotFoundError, ServerError, UsageError
from abireview.lore import b4door
from abireview.lore.load import LoadOptions, load
from abireview.store.db import Store
from abireview.store.threads import Threads
from tests.lore import faulty
from tests.mails import mbox, series

RAW = mbox(series())
MSGID = "v1-1@example.org"
HTML = lambda handler: faulty.answer(handler, 200, b"<!DOCTYPE html><html>Are you human?</html>", "text/html")  # noqa: E731
WORDS = lambda handler: faulty.answer(handler, 200, b"hello", "text/plain")  # noqa: E731
EMPTY = lambda handler: faulty.answer(handler, 200, b"")  # noqa: E731


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as found:
        yield found


TROUBLES = {
    "404": (faulty.status(404), NotFoundError, "does not have the message-id"),
    "403": (faulty.status(403), ServerError, "refuses (403)"),
    "429": (faulty.status(429, Retry_After="120"), ServerError, "asks to wait for 120 seconds (429"),
    "429 without a time": (faulty.status(429), ServerError, "asks to wait (429"),
    "500": (faulty.status(500), ServerError, "has trouble (500)"),
    "503": (faulty.status(503), ServerError, "has trouble (503)"),
    "truncated gzip": (faulty.truncated(RAW), ServerError, "cut off or damaged"),
    "connection cut in the body": (faulty.cut(RAW), ServerError, "cut off or damaged"),
    "endless body": (faulty.endless(), LimitError, "larger than"),
    "endless error page": (faulty.endless(code=500), ServerError, "has trouble (500)"),
    "endless redirect": (faulty.looping, ServerError, "cut off or damaged"),
    "html": (HTML, ServerError, "web page instead of a mailbox"),
    "words": (WORDS, ServerError, "no mailbox"),
    "empty": (EMPTY, ServerError, "empty answer"),
    "60 MB": (faulty.bomb(60_000_000), LimitError, "larger than 50 MiB"),
    "no mails": (faulty.mailbox(b"just text\n"), ServerError, "no mailbox"),
    "another thread": (faulty.mailbox(mbox(series(2))), ServerError, "lacks the mail"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_one_sentence(name: str, store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    behave, kind, words = TROUBLES[name]
    with faulty.serving(behave) as (url, _), pytest.raises(AbireviewError) as caught:
        load(MSGID, LoadOptions(server=url, store=store))
    _is_sentence(caught.value, kind, words)
    assert Threads.of(store).list() == ()
    assert capfd.readouterr() == ("", "")


def _is_sentence(error: AbireviewError, kind: type[AbireviewError], words: str) -> None:
    assert type(error) is kind
    assert words in str(error)
    assert error.exit_code == 3
    assert "\n" not in str(error)
    assert len(str(error)) < 250
    assert error.hint


def test_connection_refused(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerError) as caught:
        load(MSGID, LoadOptions(server=f"http://127.0.0.1:{port}/list", store=store))
    _is_sentence(caught.value, ServerError, "cannot be reached: connection refused")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("behave", [faulty.dripping, faulty.dripping_headers, faulty.silent])
def test_the_whole_fetch_has_a_limit(behave: faulty.Behave) -> None:
    with faulty.serving(behave) as (url, _), pytest.raises(ServerError) as caught:
        b4door.fetch_thread(MSGID, url, overall=0.4)
    _is_sentence(caught.value, ServerError, "did not answer within")


def test_a_silent_server_times_out_as_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    with faulty.serving(faulty.silent) as (url, seen):
        origin = url.removesuffix("/list")
        config.write_text(f'[liblore "{origin}"]\n\trequesttimeout = 1,0.3\n\tuseragentplus = ours\n')
        with pytest.raises(ServerError) as caught:
            b4door.fetch_thread(MSGID, url)
    _is_sentence(caught.value, ServerError, "did not answer in time")
    assert seen[0].endswith(f"abireview/{__version__}+ours")


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(ServerError) as caught:
        b4door.fetch_thread(MSGID, "http://no-such-host.invalid/list", overall=20)
    _is_sentence(caught.value, ServerError, "cannot be reached")


@pytest.mark.parametrize("server", ["ftp://x/y", "lore", "http://", "file:///etc/passwd", "http://[", "http://x:y/z"])
def test_addresses_that_are_none(server: str) -> None:
    with pytest.raises(UsageError, match="no server address"):
        load(MSGID, LoadOptions(server=server))


def test_the_cached_thread_survives_trouble(store: Store) -> None:
    with faulty.serving(faulty.mailbox(RAW)) as (url, seen):
        first = load(MSGID, LoadOptions(server=url, store=store))
        assert first.age is None
        assert load(MSGID, LoadOptions(server=url, store=store)).age is not None
        assert len(seen) == 1
        assert seen[0].startswith("GET /list/v1-1%40example.org/t.mbox.gz abireview/")
    before = Threads.of(store).list()
    with faulty.serving(faulty.truncated(RAW)) as (_, _), pytest.raises(ServerError) as caught:
        load(MSGID, LoadOptions(server=url, store=store, refresh=True))
    assert "--offline" in caught.value.hint
    assert Threads.of(store).list() == before
    again = load(MSGID, LoadOptions(store=store, offline=True))
    assert again.series == first.series
    assert again.source == url


def test_offline_asks_nobody(store: Store) -> None:
    with faulty.serving(faulty.mailbox(RAW)) as (url, seen):
        with pytest.raises(NotFoundError, match="cache does not have"):
            load(MSGID, LoadOptions(server=url, store=store, offline=True))
        with pytest.raises(NotFoundError):
            load(MSGID, LoadOptions(server=url, offline=True))
        assert seen == []


def test_a_failed_search_is_a_warning(store: Store) -> None:
    def behave(handler: object) -> None:
        post = handler.command == "POST"  # type: ignore[attr-defined]
        (faulty.status(501) if post else faulty.mailbox(RAW))(handler)  # type: ignore[arg-type]

    with faulty.serving(behave) as (url, _):
        loaded = load(MSGID, LoadOptions(server=url, store=store, history=True))
    assert loaded.series.id == "v1-0@example.org"
    assert "other versions were not looked for" in loaded.warnings[0]


def test_an_unwritable_cache_does_not_stop_the_check(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with faulty.serving(faulty.mailbox(RAW)) as (url, _), Store(blocked / "store.db") as store:
        loaded = load(MSGID, LoadOptions(server=url, store=store))
    assert len(loaded.series.patches) == 3
    assert "cannot be used" in loaded.warnings[0]


def test_a_redirect_from_the_bare_host_is_followed() -> None:
    def behave(handler: object) -> None:
        path = str(handler.path)  # type: ignore[attr-defined]
        if path.startswith("/real/"):
            faulty.mailbox(RAW)(handler)  # type: ignore[arg-type]
        elif path.startswith("/list/"):
            faulty.status(404)(handler)  # type: ignore[arg-type]
        else:
            faulty.answer(handler, 302, b"", Location="/real/v1-1@example.org/")  # type: ignore[arg-type]

    with faulty.serving(behave) as (url, _):
        assert b4door.fetch_thread(MSGID, url) == RAW
