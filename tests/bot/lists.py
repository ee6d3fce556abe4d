# SPDX-License-Identifier: GPL-2.0-or-later
"""A real public-inbox that grows while it is served, and the bot beside it in a process that gets killed."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from abireview.mail.decode import decode_head
from tests import pinbox

START_DATE = 1_900_000_000


class Inbox:
    """One list: ``deliver`` archives mails so that they can be searched at once."""

    def __init__(self, top: Path, name: str) -> None:
        self.top, self.name = top / name, name
        pinbox.make_inbox(self.top, [])
        self.config = pinbox.write_config(top, [name])
        self._env = {**os.environ, "PI_CONFIG": str(self.config), "GIT_CONFIG_GLOBAL": os.devnull}
        self._process: subprocess.Popen[bytes] | None = None
        self._empty = True
        self.url = ""

    @contextlib.contextmanager
    def serve(self) -> Iterator[Inbox]:
        """While the block runs the list is at ``url``."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._process = subprocess.Popen(
            [sys.executable, "-IS", "-c", pinbox._TRAMPOLINE, str(listener.fileno()), "public-inbox-httpd", "-W0"],
            pass_fds=(listener.fileno(),),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**self._env, "LISTEN_FDS": "1"},
        )
        self.url = "http://{}:{}/{}".format(*listener.getsockname(), self.name)
        listener.close()
        try:
            yield self
        finally:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)

    def deliver(self, mails: Sequence[bytes], epoch: int = 0) -> None:
        """Archive ``mails``, in order of arrival."""
        self._import([self._commit(raw) for raw in mails], epoch, fresh=self._empty)
        self._empty = False
        self._index()

    def purge(self, mails: Sequence[bytes]) -> None:
        """The history becomes one that has only ``mails``."""
        self._import([self._commit(raw) for raw in mails], 0, fresh=True)
        self._index()

    def remove(self) -> None:
        """A commit as 'public-inbox-learn rm' makes it: the mail is gone, a file d is there."""
        text = b"M 100644 inline d\ndata 1\nx\nD m\n"
        self._import([(START_DATE, text)], 0, fresh=False)

    @staticmethod
    def _commit(raw: bytes) -> tuple[int, bytes]:
        return decode_head(raw).date or 0, b"M 100644 inline m\ndata %d\n%s\n" % (len(raw), raw)

    def _import(self, commits: Sequence[tuple[int, bytes]], epoch: int, *, fresh: bool) -> None:
        parts = [b"reset refs/heads/master\n\n"] if fresh else []
        for number, (date, change) in enumerate(commits):
            start = b"" if fresh or number else b"from refs/heads/master^0\n"
            parts.append(
                b"commit refs/heads/master\nauthor a <a@x> %d +0000\ncommitter a <a@x> %d +0000\ndata 0\n%s%s"
                % (date, date, start, change)
            )
        git = str(self.top / "git" / f"{epoch}.git")
        command = ["git", "-C", git, "fast-import", "--quiet", "--done", "--force"]
        subprocess.run(command, input=b"".join(parts) + b"done\n", check=True, env=self._env)

    def _index(self) -> None:
        command = ["public-inbox-index", "--no-fsync", "-L", "medium", str(self.top)]
        subprocess.run(command, check=True, env=self._env, timeout=120)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)


class Bot:
    """The driver process. ``turn`` lets it make one; with a delay it is killed that many seconds into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deaths = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Bot:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._close(self._process)

    def turn(self, now: float, kill_after: float | None = None) -> None:
        """One turn at ``now``; SIGKILL after so many seconds unless it was quicker."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{now}\n")
        process.stdin.flush()
        if kill_after is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(kill_after)
            process.kill()
            process.wait()
            self._close(process)
            self._process = None
            self.deaths += 1
            return
        answer = process.stdout.readline()
        assert answer == "done\n", (self.folder / "stderr").read_text()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            with (self.folder / "stderr").open("a") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.bot.driver", str(self.folder)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    cwd=Path(__file__).resolve().parents[2],
                )
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == "ready\n", (self.folder / "stderr").read_text()
        return self._process

    @staticmethod
    def _close(process: subprocess.Popen[str]) -> None:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def polls(folder: Path) -> list[float]:
    """When the bot asked for news: the times of feeds and of searches, those of one poll taken as one."""
    found: list[float] = []
    for line in (folder / "requests").read_text().splitlines():
        when, what = line.split(" ", 1)
        if re.match(r"GET \S+/new\.atom|POST \S+/\?x=m", what) and (not found or float(when) - found[-1] > 30):
            found.append(float(when))
    return found


def moments(start: float, days: float, dice: random.Random) -> Iterator[float]:
    """Times of turns: every two hours or so, now and then several within minutes."""
    now = start
    while now < start + days * 86400:
        yield now
        now += dice.choice([240.0, 600.0, 1800.0, 3600.0, 7200.0, 7200.0, 10800.0])
