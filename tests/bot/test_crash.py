# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at every step between an approved draft and a mail that left: at most one mail, and in the end exactly one.

The bot runs in a fork that gets SIGKILL at its n-th step; a step is a statement of SQLite or one side of the hand-over.
What the fork left on disk is then carried on by another bot.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from abireview.mail.decode import decode_head
from abireview.reply.transport import Receipt
from abireview.store import db
from tests.bot.bot_make import entry
from tests.bot.world import ALSO_FLAGGED, BASE, CLEAN, FLAGGED, START, World, mail, patch, series


class Steps:
    """Counts steps; at ``last`` the process is killed as by the kernel."""

    last = 0
    done = 0

    @classmethod
    def step(cls) -> None:
        cls.done += 1
        if cls.last and cls.done == cls.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Connection(sqlite3.Connection):
    """A connection that counts."""

    def execute(self, *args: Any, **keys: Any) -> sqlite3.Cursor:
        Steps.step()
        return super().execute(*args, **keys)

    def executemany(self, *args: Any, **keys: Any) -> sqlite3.Cursor:
        Steps.step()
        return super().executemany(*args, **keys)

    def commit(self) -> None:
        Steps.step()
        super().commit()
        Steps.step()


class Spool:
    """A transport whose mails are files, so that a fork's mails outlive it."""

    name = "spool"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        Steps.step()
        number = len(list(self.folder.iterdir()))
        (self.folder / f"{number}.{os.getpid()}").write_bytes(raw)
        Steps.step()
        return Receipt("taken")

    def look_up(self, msgid: str) -> bool | None:
        return None

    def mails(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.iterdir())]


class Mortal(World):
    """A world on disk, whose archive has what the spool has."""

    def __init__(self, folder: Path, *entries: str) -> None:
        (folder / "spool").mkdir(exist_ok=True)
        self.spool = Spool(folder / "spool")
        super().__init__(folder, *entries)
        self.posted: list[bytes] = []
        self.base = self.archive.handle
        self.archive.handle = self.with_spool  # type: ignore[method-assign]
        self.open()

    def with_spool(self, request: Any) -> Any:
        known = {decode_head(raw).msgid for _, raw in self.archive.mails}
        self.archive.deliver(*(raw for raw in self.spool.mails() if decode_head(raw).msgid not in known))
        return self.base(request)

    def open(self) -> None:
        super().open()
        self.bot.parts = type(self.bot.parts)(
            **{name: getattr(self.bot.parts, name) for name in self.bot.parts.__struct_fields__ if name != "transport"},
            transport=self.spool,
        )

    def sent(self) -> list[str]:
        return sorted(decode_head(raw).subject for raw in self.spool.mails())


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: Any, **keys: Any) -> sqlite3.Connection:
        return sqlite3.connect(*args, **keys, factory=Connection)

    class Module:
        DatabaseError = sqlite3.DatabaseError
        Connection = sqlite3.Connection
        complete_statement = staticmethod(sqlite3.complete_statement)

    Module.connect = staticmethod(connect)  # type: ignore[attr-defined]
    monkeypatch.setattr(db, "sqlite3", Module)
    Steps.last = Steps.done = 0


def killed(world: Callable[[], Mortal], act: Callable[[Mortal], None], last: int) -> bool:
    """Run ``act`` in a fork that is killed at step ``last``; True if it was, False if it ended before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            made = world()
            Steps.done, Steps.last = 0, last
            act(made)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def template(folder: Path, *entries: str) -> tuple[float, list[tuple[float, bytes]]]:
    """A store with a draft that may go out, in ``folder``; when that is, and what the archive had."""
    folder.mkdir()
    world = Mortal(folder, *entries)
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=1)
    world.clock.now = START + 7 * 3600
    world.close()
    return world.clock(), world.archive.mails


def reopened(folder: Path, entries: tuple[str, ...], now: float, mails: list[tuple[float, bytes]]) -> Mortal:
    world = Mortal(folder, *entries)
    world.clock.now = now
    world.archive.mails = list(mails)
    return world


def send(world: Mortal) -> None:
    world.bot.sender.promote()
    world.bot.sender.post(world.bot.examiner, world.bot.watcher)
    world.bot.sender.deliver(world.spool)


def three_turns(world: Mortal) -> None:
    for _ in range(3):
        world.bot.turn()


def every_step(tmp_path: Path, *entries: str) -> list[int]:
    """The number of mails in the end, for every step that the sender was killed at."""
    now, mails = template(tmp_path / "template", *entries)
    counts: list[int] = []
    for last in range(1, 1000):
        folder = tmp_path / "run"
        shutil.copytree(tmp_path / "template", folder)
        dead = killed(partial(reopened, folder, entries, now, mails), send, last)
        world = reopened(folder, entries, now, mails)
        assert len(world.spool.mails()) <= 1
        world.clock.pass_(minutes=10)
        for _ in range(8):
            send(world)
            world.clock.pass_(minutes=15)
        counts.append(len(world.spool.mails()))
        world.close()
        shutil.rmtree(folder)
        if not dead:
            return counts
    raise AssertionError("it never ended")


def test_killed_at_every_step_there_is_exactly_one_mail(tmp_path: Path) -> None:
    counts = every_step(tmp_path, entry(archive=BASE, approval="automatic"))
    assert len(counts) > 30
    assert counts == [1] * len(counts)


def test_where_no_archive_can_tell_there_is_at_most_one(tmp_path: Path) -> None:
    """Mail to the author alone: what is unknown stays unknown, and a person decides."""
    counts = every_step(tmp_path, entry(archive=BASE, approval="automatic", mode="author"))
    assert set(counts) <= {0, 1}
    assert counts.count(0) < 8


def test_killed_anywhere_in_a_turn_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """From the first mail of the list on, at steps drawn by lot, many times in one life."""
    entries = (entry(archive=BASE, approval="automatic", hold="1h", daily_cap=50),)
    folder = tmp_path / "run"
    folder.mkdir()
    dice = random.Random(6)
    now, mails = START, list[tuple[float, bytes]]()
    deaths = 0
    for hour in range(60):
        if hour % 3 == 0:
            number = hour // 3
            diffs = [(CLEAN,), (FLAGGED, ALSO_FLAGGED)][number % 2]
            talk = mail(
                "Re: hello", f"talk{number}@x", "Hello.\n", at=now, parent=f"patch{100 + number}-v1@example.org"
            )
            new = [*series(number, at=now, diffs=diffs), patch(100 + number, at=now, diff=CLEAN), talk]
            mails += [(now, raw) for raw in new]
        deaths += killed(partial(reopened, folder, entries, now, mails), three_turns, dice.randrange(1, 200))
        now += 1800
    world = reopened(folder, entries, now, mails)
    world.turns(hours=6)
    assert world.sent() == sorted(f"Re: [PATCH 0/2] KVM: series {number}" for number in range(20) if number % 2)
    assert deaths > 30
    world.close()
