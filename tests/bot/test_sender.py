# SPDX-License-Identifier: GPL-2.0-or-later
"""Out of the door: approval, retries, unknown outcomes, retractions, and the record of rules that were wrong."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abireview.bot.record import ENOUGH, numbers
from abireview.bot.sender import RETRIES
from abireview.errors import NotFoundError, StoreError, UsageError
from abireview.mail.decode import decode, decode_head
from abireview.reply.transport import MaybeTaken, Receipt
from abireview.store.outbox import GRACE
from tests.bot.bot_make import entry
from tests.bot.conftest import Golden
from tests.bot.world import BASE, FLAGGED, START, World, mail, patch, series


def made(folder: Path, **keys: Any) -> World:
    return World(folder, entry(**{"archive": BASE, "approval": "automatic", **keys}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = made(tmp_path)
    one.archive.deliver(*series(1, at=START))
    one.turns(hours=5.9)
    yield one
    one.close()


def test_what_fails_is_tried_again_three_times_and_then_left_to_the_operator(world: World) -> None:
    world.post.refuse = 99
    tries: list[float] = []
    world.clock.now = START + 6.1 * 3600
    first = world.clock()
    for _ in range(400):
        before = world.post.refuse
        world.bot.sender.promote()
        world.bot.sender.post(world.bot.examiner, world.bot.watcher)
        world.bot.sender.deliver(world.post)
        tries += [world.clock() - first] * (before - world.post.refuse)
        world.clock.now += 5
    assert tries == [0, 30, 90, 390]
    assert tries[1:] == [sum(RETRIES[: k + 1]) for k in range(3)]
    assert world.subjects() == []
    (entry_,) = world.bot.outbox.entries()
    assert (entry_.state, entry_.attempts) == ("failed", 4)


def test_a_failure_that_passes_is_one_mail(world: World) -> None:
    world.post.refuse = 2
    world.turns(hours=3, every=1)
    assert len(world.subjects()) == 1


def test_while_another_sends_the_bot_waits(world: World) -> None:
    """One lock for the review, 'abireview send' and the bot: whoever has it is alone."""
    world.clock.now = START + 6.1 * 3600
    world.bot.sender.promote()
    world.bot.sender.post(world.bot.examiner, world.bot.watcher)
    lock = os.open(world.store.path.with_name("send.lock"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    seen: list[int] = []

    def free() -> None:
        seen.append(len(world.post.sent))
        os.close(lock)

    timer = threading.Timer(0.4, free)
    timer.start()
    world.bot.sender.deliver(world.post)
    timer.join()
    assert seen == [0]
    assert len(world.post.sent) == 1


class Broken:
    """The connection breaks when the mail was handed over; ``taken`` says whether it had been taken."""

    name = "broken"

    def __init__(self, world: World, taken: bool) -> None:
        self.world, self.taken, self.times = world, taken, 0

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        self.times += 1
        if self.taken:
            self.world.archive.deliver(raw)
        raise MaybeTaken("it broke")

    def look_up(self, msgid: str) -> bool | None:
        return None


@pytest.mark.parametrize("taken", [True, False])
def test_an_unknown_outcome_is_looked_up_before_anything_is_tried_again(world: World, taken: bool) -> None:
    broken = Broken(world, taken)
    world.clock.now = START + 6.1 * 3600
    world.bot.turn()
    (entry_,) = world.bot.outbox.entries()
    world.post.sent.clear()
    world.bot.outbox._db.execute("UPDATE outbox SET state = 'queued', attempts = 0")
    world.archive.mails = [one for one in world.archive.mails if decode_head(one[1]).msgid != entry_.msgid]
    world.bot.sender.deliver(broken)
    assert world.bot.outbox.entries()[0].state == "unknown"
    world.turns(hours=GRACE / 3600 - 0.2)
    assert world.post.sent == []
    assert world.bot.outbox.entries()[0].state == ("sent" if taken else "unknown")
    world.turns(hours=1)
    assert [decode_head(raw).msgid for raw in world.post.sent] == ([] if taken else [entry_.msgid])
    assert broken.times == 1


def test_an_archive_in_trouble_decides_nothing(world: World) -> None:
    from tests.bot.world import answer

    world.clock.now = START + 6.1 * 3600
    world.bot.turn()
    world.bot.outbox._db.execute("UPDATE outbox SET state = 'unknown'")
    world.post.sent.clear()
    world.archive.fault = lambda _: answer(503)
    world.turns(hours=10)
    assert world.post.sent == []
    assert world.bot.outbox.entries()[0].state == "unknown"


def test_the_mail_has_the_same_message_id_after_the_store_was_lost(tmp_path: Path) -> None:
    ids = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        world = made(tmp_path / name)
        world.archive.deliver(*series(1, at=START))
        world.turns(hours=8)
        ids.append(decode_head(world.post.sent[0]).msgid)
        world.close()
    assert ids[0] == ids[1]


# a person's word


def test_approve_and_reject_say_what_cannot_be(tmp_path: Path) -> None:
    world = World(tmp_path, entry(archive=BASE, mode="draft"))
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=1)
    with pytest.raises(UsageError, match="drafts only"):
        world.bot.sender.approve(1, "op")
    with pytest.raises(NotFoundError):
        world.bot.sender.approve(7, "op")
    world.bot.sender.reject(1, "op", "no")
    with pytest.raises(StoreError, match="rejected"):
        world.bot.sender.reject(1, "op", "no")
    world.turns(hours=24)
    assert world.subjects() == []
    world.close()


def test_a_policy_that_was_changed_to_off_stops_what_was_approved(tmp_path: Path) -> None:
    world = made(tmp_path, hold="6h")
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=1)
    world.close()
    stricter = World(tmp_path, entry(archive=BASE, mode="off"), clock=world.clock)
    stricter.turns(hours=10)
    assert stricter.subjects() == []
    assert stricter.bot.drafts.get(1).note == "widgets is off"
    stricter.close()


# retractions


def test_a_retraction_is_one_short_mail_to_the_same_people(world: World, golden: Golden) -> None:
    world.turns(hours=1)
    world.bot.sender.retract(1, "op@bots.example", "The rule mistook a new revision for a lost one.")
    world.turns(hours=3)
    asked, correction = (decode(raw) for raw in world.post.sent)
    assert correction.in_reply_to == asked.msgid
    assert (correction.to, correction.cc) == (asked.to, asked.cc)
    assert correction.subject == asked.subject
    assert ("Auto-Submitted", "auto-generated") in correction.headers
    assert correction.body.count("\n") < 16
    assert "Op Erator <op@bots.example>" in correction.body
    golden("retraction.txt", correction.body)
    assert [one.reason for one in world.bot.drafts.retractions()] == ["The rule mistook a new revision for a lost one."]
    with pytest.raises(StoreError, match="already"):
        world.bot.sender.retract(1, "op", "again")


def test_a_mail_that_has_not_left_is_only_stopped(world: World) -> None:
    world.post.refuse = 99
    world.turns(hours=1, every=30)
    found = world.bot.sender.retract(1, "op", "wrong")
    assert found.msgid == ""
    world.post.refuse = 0
    world.turns(hours=10)
    assert world.subjects() == []
    assert world.bot.drafts.retractions() == []


def test_there_must_be_something_to_take_back_and_a_reason(world: World) -> None:
    with pytest.raises(StoreError, match="no mail to take back"):
        world.bot.sender.retract(1, "op", "wrong")
    with pytest.raises(UsageError, match="reason"):
        world.bot.sender.retract(1, "op", " ")


# the record


def test_a_rule_that_was_wrong_too_often_leaves_the_mail(tmp_path: Path) -> None:
    world = made(tmp_path, daily_cap=50, hold="0s")
    world.archive.deliver(*(patch(n, at=START) for n in range(ENOUGH)))
    world.turns(hours=2)
    assert len(world.subjects()) == ENOUGH
    assert numbers(world.store).noisy() == frozenset()
    for draft in world.bot.drafts.drafts(["posted"])[:1]:
        raw = mail("Re: x", f"r{draft.id}@x", "#abireview false-positive: no\n", at=world.clock(), parent=draft.msgid)
        world.archive.deliver(raw)
    world.turns(hours=2)
    counted = numbers(world.store)
    assert counted.wrong == {"define-changed": 1}
    assert counted.noisy() == {"define-changed"}
    assert [(month.mails, month.false_positive) for month in counted.months] == [(ENOUGH, 1)]
    world.archive.deliver(patch(50, at=world.clock()))
    world.turns(hours=2)
    assert len(world.subjects()) == ENOUGH
    assert "was wrong too often" in world.bot.series.rows()[-1].reasons[0]
    world.close()


# attacks


@pytest.mark.parametrize(
    "msgid",
    [
        "a/b/../../c@example.org",
        "a'b\"c@example.org",
        "100%25%s%n@example.org",
        "a;$(reboot)`x`|y@example.org",
        "é@example.org",
        "x" * 4000 + "@example.org",
        "<nested@example.org",
        "a b c@example.org",
    ],
)
def test_odd_message_ids_go_all_the_way_or_nowhere(tmp_path: Path, msgid: str) -> None:
    world = made(tmp_path, hold="0s")
    world.archive.deliver(patch(1, at=START, msgid=msgid), patch(2, at=START))
    world.turns(hours=3)
    assert "Re: [PATCH] KVM: change 2" in world.subjects()
    for raw in world.post.sent:
        head = raw.split(b"\n\n", 1)[0]
        assert not re.search(rb"(?mi)^(bcc|x-evil)", head)
        assert max(len(line) for line in head.split(b"\n")) < 998
    assert {path.name for path in tmp_path.iterdir()} <= {
        "abireview.db", "abireview.db-wal", "abireview.db-shm", "send.lock", "gitconfig", "store",
        *(path.name for path in tmp_path.glob("http-*.lock")),
    }  # fmt: skip
    world.close()


def test_headers_cannot_be_injected_through_subject_or_name(tmp_path: Path) -> None:
    world = made(tmp_path, hold="0s")
    subject = "=?utf-8?q?=5BPATCH=5D_x=0D=0ABcc=3A_all=40example.net=0D=0A=0D=0Ahello?="
    name = "=?utf-8?q?Ada=0D=0ABcc=3A_all=40example.net?= <ada@example.org>"
    text = f"x\n\nSigned-off-by: A <ada@example.org>\n---\n\n{FLAGGED}-- \n2.40\n"
    world.archive.deliver(mail(subject, "evil@example.org", text, at=START, sender=name))
    world.turns(hours=3)
    (raw,) = world.post.sent
    assert not re.search(rb"(?mi)^bcc:", raw.split(b"\n\n", 1)[0])
    assert b"hello" not in raw.split(b"\n\n", 1)[1]
    assert {one.email for one in (*decode(raw).to, *decode(raw).cc)} == {"ada@example.org", "widgets@lists.example"}
    world.close()


def test_a_thread_of_ten_thousand_mails(tmp_path: Path) -> None:
    import time

    world = made(tmp_path, hold="0s")
    parent = "s1-v1-0@example.org"
    talk = [mail("Re: hello", f"t{n}@x", "Blah.\n", at=START + n, parent=parent) for n in range(10_000)]
    world.archive.deliver(*series(1, at=START), *talk)
    began = time.process_time()
    world.turns(hours=2)
    assert time.process_time() - began < 30
    assert world.subjects() == ["Re: [PATCH 0/2] KVM: series 1"]
    world.archive.deliver(mail("Re: hello", "last@x", "Blah.\n", at=world.clock(), parent=parent))
    began = time.process_time()
    world.turns(hours=1)
    assert time.process_time() - began < 5
    world.close()


def test_a_feed_that_repeats_and_goes_back_in_time(tmp_path: Path) -> None:
    from tests.bot.world import answer

    world = made(tmp_path, hold="0s")
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=2)
    feed, everything = world.archive.feed(), list(world.archive.mails)
    world.archive.deliver(patch(2, at=START))
    world.archive.fault = lambda request: answer(200, feed) if request.url.path.endswith("atom") else None
    world.turns(hours=3)
    assert len(world.subjects()) == 2  # the search looks every hour whatever the feed says
    world.archive.mails = [(world.clock(), raw) for _, raw in everything]
    world.turns(hours=30)
    assert len(world.subjects()) == 2
    world.close()


@pytest.mark.parametrize("feed", [b"<html>", b'<!DOCTYPE x [<!ENTITY a "b">]><feed/>', b"\0", b""])
def test_a_feed_that_cannot_be_used_is_passed_over(tmp_path: Path, feed: bytes) -> None:
    from tests.bot.world import answer

    world = made(tmp_path, hold="0s")
    world.archive.fault = lambda request: answer(200, feed) if request.url.path.endswith("atom") else None
    world.turns(hours=1)
    world.archive.deliver(patch(1, at=world.clock()))
    world.turns(hours=1)
    assert len(world.subjects()) == 1
    assert world.events("feed unusable")
    world.close()


def test_the_feed_is_never_polled_faster_than_allowed(tmp_path: Path) -> None:
    world = made(tmp_path, interval="10m")
    world.turns(hours=3, every=1)
    times = [when for when, what in world.archive.asked if "atom" in what or "x=m" in what]
    starts = [times[0]] + [later for earlier, later in itertools.pairwise(times) if later - earlier > 30]
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 600
    assert len(starts) >= 17
    world.close()


def test_a_mail_that_lint_refuses_does_not_leave(tmp_path: Path) -> None:
    """A question that b4 would read as a trailer, whatever rule it comes from."""
    world = made(tmp_path, hold="0s")
    plain = world._check

    def check(found: Any) -> Any:
        result = plain(found)
        wrong = [msgspec.structs.replace(one, question='Fixes: 0123456789ab ("x")') for one in result.findings]
        return msgspec.structs.replace(result, findings=tuple(wrong))

    world.bot.examiner._check = check
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=2)
    assert world.subjects() == []
    assert "b4 would collect this as a trailer" in world.bot.drafts.get(1).note
    assert "b4 would collect this" in str(world.events("silenced")[0]["why"])
    world.close()
