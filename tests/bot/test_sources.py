# SPDX-License-Identifier: GPL-2.0-or-later
"""Where news comes from: a real public-inbox by search and by git, and maildirs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abireview import limits
from abireview.bot.sources import GitSource, MaildirSource, Place, SearchSource, Source
from abireview.errors import NotFoundError, ServerError
from abireview.lore.git import fetch, git
from abireview.lore.http import Http
from abireview.lore.inbox import Inbox as Archive
from abireview.mail.decode import decode_head
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from tests.bot.lists import Inbox
from tests.bot.world import START, mail

NOW = START + 86400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "abireview.db") as made:
        yield made


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path / "served", "widgets").serve() as made:
        yield made


@pytest.fixture
def http(store: Store, tmp_path: Path) -> Iterator[Http]:
    with Http(BotMail.of(store), tmp_path, gap=0.0) as made:
        yield made


def place(**keys: Any) -> Place:
    return Place(**{"name": "widgets", "lists": ("widgets",), "interval": 300.0, "reach": 5 * 86400.0, **keys})


def numbered(*numbers: int, at: float = START) -> list[bytes]:
    return [mail(f"mail {n}", f"m{n}@x", f"Text {n}.\n", at=at + 60 * n) for n in numbers]


class Reader:
    """Polls a source as the watcher does, and says what was new."""

    def __init__(self, store: Store, source: Source) -> None:
        self.mail, self.source = BotMail.of(store), source

    def poll(self, now: float = NOW) -> list[str]:
        cursor, _ = self.mail.cursor(self.source.name)
        new: list[str] = []
        for raws, after in self.source.poll(cursor, now):
            ids = [decode_head(raw).msgid for raw in raws]
            new += [msgid for msgid in ids if msgid not in self.mail.known(ids) and msgid not in new]
            self.mail.take(self.source.name, self.source.lists, raws, after, now)
        self.source.keep()
        return new


# search


@pytest.mark.server
def test_search_finds_what_is_new_once(store: Store, inbox: Inbox, http: Http) -> None:
    source = SearchSource(place(), Archive(http, inbox.url), BotMail.of(store).known, overlap=7200)
    reader = Reader(store, source)
    inbox.deliver(numbered(1, 2))
    assert reader.poll() == ["m1@x", "m2@x"]
    assert reader.poll(NOW + 300) == []
    inbox.deliver(numbered(3, at=NOW))
    assert reader.poll(NOW + 600) == ["m3@x"]


@pytest.mark.server
def test_search_can_be_narrowed(store: Store, inbox: Inbox, http: Http) -> None:
    source = SearchSource(place(), Archive(http, inbox.url), BotMail.of(store).known, overlap=7200, query="s:seven")
    inbox.deliver([*numbered(1, 2), mail("seven", "seven@x", "x\n", at=START)])
    assert Reader(store, source).poll() == ["seven@x"]


@pytest.mark.server
def test_search_takes_mails_back_that_were_archived_late(store: Store, inbox: Inbox, http: Http) -> None:
    source = SearchSource(place(), Archive(http, inbox.url), BotMail.of(store).known, overlap=7200)
    reader = Reader(store, source)
    inbox.deliver(numbered(1))
    reader.poll()
    inbox.deliver(numbered(2, at=NOW - 86400))  # a day late
    assert reader.poll(NOW + 7200) == []
    assert reader.poll(NOW + 90_000) == ["m2@x"]


# git


@pytest.mark.server
def test_git_misses_nothing_whatever_the_dates(store: Store, inbox: Inbox, http: Http) -> None:
    inbox.deliver(numbered(1, 2))
    reader = Reader(store, GitSource(place(), Archive(http, inbox.url), store.path.with_name("epochs")))
    assert reader.poll() == ["m1@x", "m2@x"]
    assert reader.poll() == []
    inbox.deliver([*numbered(3, at=START - 40 * 86400), mail("future", "f@x", "x\n", at=START + 9e6)])
    assert reader.poll() == ["m3@x", "f@x"]


@pytest.mark.server
def test_git_begins_where_it_is_told(store: Store, inbox: Inbox, http: Http) -> None:
    inbox.deliver([*numbered(1, at=START - 99 * 86400), *numbered(2)])
    reader = Reader(store, GitSource(place(), Archive(http, inbox.url), store.path.with_name("epochs")))
    assert reader.poll() == ["m2@x"]
    inbox.deliver(numbered(3))
    assert reader.poll() == ["m3@x"]


@pytest.mark.server
def test_git_goes_on_with_the_next_epoch(store: Store, inbox: Inbox, http: Http) -> None:
    inbox.deliver(numbered(1))
    reader = Reader(store, GitSource(place(), Archive(http, inbox.url), store.path.with_name("epochs")))
    assert reader.poll() == ["m1@x"]
    inbox.deliver(numbered(2))
    subprocess.run(
        ["git", "clone", "-q", "--bare", str(inbox.top / "git" / "0.git"), str(inbox.top / "git" / "1.git")], check=True
    )
    inbox.deliver(numbered(3), epoch=1)
    assert reader.poll() == ["m2@x", "m3@x"]
    inbox.deliver(numbered(4), epoch=1)
    assert reader.poll() == ["m4@x"]


@pytest.mark.server
def test_git_takes_the_oldest_first_when_there_is_too_much(
    store: Store, inbox: Inbox, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_POLL_MAILS", 3)
    inbox.deliver(numbered(1))
    reader = Reader(store, GitSource(place(), Archive(http, inbox.url), store.path.with_name("epochs")))
    assert reader.poll() == ["m1@x"]
    inbox.deliver(numbered(*range(2, 10)))
    looks = [reader.poll(NOW + 300 * look) for look in range(1, 5)]
    assert looks == [["m2@x", "m3@x", "m4@x"], ["m5@x", "m6@x", "m7@x"], ["m8@x", "m9@x"], []]


@pytest.mark.server
def test_git_survives_a_rewritten_history_and_a_removed_mail(store: Store, inbox: Inbox, http: Http) -> None:
    inbox.deliver(numbered(1, 2))
    reader = Reader(store, GitSource(place(), Archive(http, inbox.url), store.path.with_name("epochs")))
    reader.poll()
    inbox.purge(numbered(1, 3))
    assert reader.poll() == ["m3@x"]
    inbox.remove()
    inbox.deliver(numbered(4))
    assert reader.poll() == ["m4@x"]


def test_git_asks_nobody_and_speaks_only_http(tmp_path: Path) -> None:
    seen: list[Any] = []

    def run(command: list[str], **keys: Any) -> Any:
        seen.append((command, keys))
        return subprocess.CompletedProcess(command, 0, b"", b"")

    git("fetch", folder=tmp_path, seconds=9, run=run)
    command, keys = seen[0]
    assert "protocol.allow=never" in command
    assert "http.followRedirects=false" in command
    assert keys["env"]["GIT_TERMINAL_PROMPT"] == "0"
    assert keys["timeout"] == 9
    git("init", "-q", "--bare", folder=tmp_path, seconds=9)
    with pytest.raises(ServerError, match="not allowed"):
        fetch(tmp_path, f"file://{tmp_path}", seconds=9)


# maildir


def maildir(folder: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    return folder


def test_a_maildir_is_read_and_left_alone(store: Store, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "mail")
    reader = Reader(store, MaildirSource(place(), folder))
    first, second, third = numbered(1, 2, 3)
    (folder / "new" / "1").write_bytes(first)
    (folder / "cur" / "2:2,S").write_bytes(second)
    (folder / "tmp" / "3").write_bytes(third)
    assert sorted(reader.poll()) == ["m1@x", "m2@x"]
    (folder / "new" / "1").rename(folder / "cur" / "1:2,S")
    assert reader.poll() == []
    (folder / "new" / "3").write_bytes(third)
    assert reader.poll() == ["m3@x"]
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["1:2,S", "2:2,S", "3", "3"]


def test_old_files_are_not_read_again_and_links_not_followed(store: Store, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "mail")
    (folder / "new" / "1").write_bytes(numbered(1)[0])
    secret = tmp_path / "secret"
    secret.write_bytes(numbered(2)[0])
    (folder / "new" / "2").symlink_to(secret)
    reader = Reader(store, MaildirSource(place(), folder))
    assert reader.poll() == ["m1@x"]
    old = folder / "new" / "3"
    old.write_bytes(numbered(3)[0])
    before = time.time() - 86400
    os.utime(old, (before, before))
    assert reader.poll() == []


def test_what_is_no_maildir_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no maildir"):
        Reader(store, MaildirSource(place(), tmp_path)).poll()
