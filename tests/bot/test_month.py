# SPDX-License-Identifier: GPL-2.0-or-later
"""A month in a minute: a real public-inbox and a real SMTP server on loopback, a simulated clock, a bot that is killed.

At the end there are exactly the mails that were to be expected, each once and under its series.
"""

from __future__ import annotations

import itertools
import lzma
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from abireview.bot.policy import Policy, read_policy
from abireview.check import check
from abireview.mail.decode import decode, decode_head
from abireview.mail.mbox import iter_mbox
from abireview.rules.load import load_rules
from tests.bot import tinycheck
from tests.bot.bot_make import BOT, entry
from tests.bot.lists import Bot, Inbox, moments, polls
from tests.bot.oracle import Expected, expected
from tests.bot.world import ALSO_FLAGGED, CLEAN, FLAGGED, START, mail, patch, series
from tests.reply.reply_smtp import Server

INTERVAL = 1800.0
SLACK = 6 * 3600.0

pytestmark = pytest.mark.server


class Life:
    """One bot's life beside one list."""

    def __init__(self, folder: Path, name: str, address: str, smtp: Server) -> None:
        self.folder, self.name, self.address, self.smtp = folder, name, address, smtp
        self.policy: Policy | None = None
        self.deaths = 0

    def run(self, mails: Sequence[tuple[float, bytes]], days: float, kills: int, seed: int) -> None:
        """Deliver ``mails`` as their time comes, let the bot make turns, kill it ``kills`` times at random."""
        dice = random.Random(seed)
        times = list(moments(mails[0][0], days, dice))
        deadly = set(dice.sample(range(len(times) - 12), kills))
        waiting = sorted(mails, key=lambda one: one[0])
        taken = 0
        with Inbox(self.folder, self.name).serve() as inbox, Bot(self.folder) as bot:
            text = BOT + entry(
                self.name,
                archive=inbox.url,
                approval="automatic",
                daily_cap=100,
                interval=f"{INTERVAL:.0f}s",
                overlap="2h",
            ).replace(f'["{self.name}@lists.example"]', f'["{self.address}"]')
            (self.folder / "bot.toml").write_text(text)
            self.policy = read_policy(text.encode())
            for number, now in enumerate(times):
                new = [raw for when, raw in waiting if when <= now]
                waiting = [one for one in waiting if one[0] > now]
                # what the bot posted comes back from the list
                new += [raw.replace(b"\r\n", b"\n") for _, to, raw in self.smtp.mails[taken:] if self.address in to]
                taken = len(self.smtp.mails)
                if new:
                    inbox.deliver(new)
                bot.turn(now, dice.uniform(0.0, 0.25) if number in deadly else None)
            self.deaths = bot.deaths

    def sent(self) -> list[str]:
        """What the mails answered, in order."""
        return [decode_head(raw).in_reply_to for _, _, raw in self.smtp.mails]

    def verify(self, want: Expected) -> None:
        """Exactly the expected mails, none twice, each threaded, none sent to anybody it should not go to."""
        sent = self.sent()
        assert not [msgid for msgid, count in Counter(sent).items() if count > 1]
        assert want.sure <= set(sent)
        assert set(sent) <= want.sure | want.maybe
        for _, to, raw in self.smtp.mails:
            message = decode(raw)
            assert message.in_reply_to in want.postings
            assert message.references[-1] == message.in_reply_to
            assert message.subject.startswith("Re: ")
            assert len(to) <= 2
        asked = polls(self.folder)
        gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert len(asked) > 20
        assert min(gaps) >= INTERVAL - 60
        assert "internal error" not in (self.folder / "log").read_text()


def year(days: int, dice: random.Random) -> list[tuple[float, bytes]]:
    """Mails of ``days`` days: clean and flagged series, later versions, replies, mails out of order, a lost patch."""
    mails: list[tuple[float, bytes]] = []
    for day in range(days):
        at = START + day * 86400 + dice.randrange(3600, 60_000)
        number = day * 10
        mails += [(at + 60 * k, raw) for k, raw in enumerate(series(number, at=at))]
        if day % 3 == 1:
            again = series(number - 10, at=at, version=2, diffs=(FLAGGED, CLEAN, ALSO_FLAGGED))
            mails += [(at + 60 * k, raw) for k, raw in enumerate(reversed(again))]
        mails.append((at + 600, patch(number + 1, at=at, diff=CLEAN)))
        mails.append((at + 700, patch(number + 2, at=at, diff=ALSO_FLAGGED)))
        above = f"patch{number + 1}-v1@example.org"
        mails.append((at + 800, mail("Re: [PATCH] x", f"talk{day}@x", "Looks good.\n", at=at, parent=above)))
        mails.append((at + 900, patch(number + 3, at=at, title="[RFC] KVM: what if", diff=FLAGGED)))
        if day % 4 == 2:
            lost = series(number + 4, at=at, diffs=(CLEAN, FLAGGED, CLEAN))
            mails += [(at + 1000, raw) for raw in lost[:-1]]
    return sorted(mails, key=lambda one: one[0])


def test_ten_days_with_ten_deaths(tmp_path: Path, smtp: Server) -> None:
    life = Life(tmp_path, "widgets", "widgets@lists.example", smtp)
    mails = year(8, random.Random(1))
    life.run(mails, days=10, kills=10, seed=2)
    assert life.deaths == 10
    assert life.policy is not None
    want = expected(mails, life.policy, tinycheck.check, slack=SLACK)
    assert len(want.sure) >= 15
    assert not want.maybe
    life.verify(want)


@pytest.mark.slow
def test_a_month_of_the_archive_with_fifty_deaths(tmp_path: Path, smtp: Server, shared: Path) -> None:
    first = time.mktime((2022, 4, 1, 0, 0, 0, 0, 0, 0))
    mails: list[tuple[float, bytes]] = []
    with lzma.open(shared / "archive" / "kvmarm-2019-2022.mbox.xz") as file:
        for raw in iter_mbox(file):
            date = decode_head(raw).date or 0
            if first <= date < first + 30 * 86400:
                mails.append((float(date), raw))
    mails.sort(key=lambda one: one[0])
    life = Life(tmp_path, "kvmarm", "kvmarm@lists.cs.columbia.edu", smtp)
    (tmp_path / "real-rules").touch()
    life.run(mails, days=32, kills=50, seed=50)
    assert life.deaths == 50
    assert life.policy is not None
    rules = load_rules()
    want = expected(mails, life.policy, lambda series: check(series, rules), slack=SLACK)
    assert want.sure
    assert len(want.maybe) <= max(2, len(want.sure) // 5)
    life.verify(want)
