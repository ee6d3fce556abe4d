# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot in a process of its own, for the tests that kill it: ``python -m tests.bot.driver FOLDER``.

Each line on stdin is a time (seconds since 1970); one turn is made at that time, and "done" is said. FOLDER has the
policy; the store, the log and the list of requests (time and address, written before each request) go there, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from abireview.bot.log import Log
from abireview.bot.policy import load_policy
from abireview.bot.run import Bot, Parts
from abireview.check import check
from abireview.lore.http import Http
from abireview.reply.transport import SmtpTransport
from abireview.rules.load import load_rules
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from tests.bot import tinycheck


class Clock:
    """A clock that stands still but for sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, length: float) -> None:
        self.now += length


class Noted(httpx.HTTPTransport):
    """Writes every request down before it is made."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__()
        self._path, self._clock = path, clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._path.open("a") as file:
            file.write(f"{self._clock()} {request.method} {request.url.raw_path.decode()}\n")
        return super().handle_request(request)


def main(folder: Path) -> None:
    """Turns, until stdin ends."""
    clock = Clock()
    real = (folder / "real-rules").exists()
    rules = load_rules(cache=folder) if real else None
    with Store(folder / "abireview.db") as store:
        http = Http(
            BotMail.of(store),
            folder,
            clock=clock,
            sleep=clock.sleep,
            transport=Noted(folder / "requests", clock),
        )
        parts = Parts(
            http=http,
            check=(lambda series: check(series, rules)) if rules else tinycheck.check,
            rules=rules.hash if rules else tinycheck.RULES,
            attest=lambda raw, sender: ("pass", ""),
            transport=SmtpTransport(),
            log=Log(folder / "log", clock=clock),
            clock=clock,
            sleep=clock.sleep,
        )
        bot = Bot(store, load_policy(folder / "bot.toml"), parts)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            clock.now = max(clock.now, float(line))
            bot.turn()
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
