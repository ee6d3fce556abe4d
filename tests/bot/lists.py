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

    def deliver(self, mails: Sequence[bytes]) -> None:
        """Archive ``mails``, in order of arrival."""
        commits = []
        for raw in mails:
            date = decode_head(raw).date or 0
            start = b"" if self._empty or commits else b"from refs/heads/master^0\n"
            commits.append(
                b"commit refs/heads/master\nauthor a <a@x> %d +0000\ncommitter a <a@x> %d +0000\ndata 0\n%s"
                b"M 100644 inline m\ndata %d\n%s\n" % (date, date, start, len(raw), raw)
            )
        self._empty = False
        git = str(self.top / "git" / "0.git")
        data = b"".join(commits) + b"done\n"
        subprocess.run(["git", "-C", git, "fast-import", "--quiet", "--done"], input=data, check=True, env=self._env)
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
