# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot as a whole, in a small world with its own clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abireview.bot.sources import SWEEP_EVERY
from abireview.mail.decode import decode, decode_head
from abireview.store.queue import Queue
from tests.bot.bot_make import entry
from tests.bot.world import ALSO_FLAGGED, BASE, CLEAN, FLAGGED, START, World, mail, patch, series


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def made(folder: Path, **keys: Any) -> World:
    return World(folder, entry(**{"archive": BASE, "approval": "automatic", **keys}))


def test_one_mail_about_a_flagged_series_none_about_a_clean_one(world: World) -> None:
    world.archive.deliver(*series(1, at=START), patch(2, at=START, diff=CLEAN))
    world.turns(hours=24)
    assert world.subjects() == ["Re: [PATCH 0/2] KVM: series 1"]
    sent = decode(world.post.sent[0])
    assert sent.in_reply_to == "s1-v1-0@example.org"
    assert [one.email for one in (*sent.to, *sent.cc)] == ["ada@example.org", "widgets@lists.example"]
    assert "[1] Patch 2/2, WIDGET_REV_LATEST" in sent.body
    assert "[2]" not in sent.body
    # the old line and the new one, though another stands between them
    assert (
        "> -#define WIDGET_REV_LATEST\tWIDGET_REV_2\n> +#define WIDGET_REV_3\t3\n> +#define WIDGET_REV_LATEST"
        in sent.body
    )
    assert sorted(world.checked) == ["patch2-v1@example.org", "s1-v1-0@example.org"]


def test_the_hold_is_kept(world: World) -> None:
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=5.8)
    assert world.subjects() == []
    world.turns(hours=0.5)
    assert len(world.subjects()) == 1


def test_a_posting_that_is_read_on_another_list_later_comes_under_its_policy_too(tmp_path: Path) -> None:
    """Its To and Cc name only one list; the other, which is off, got it as a blind copy."""
    world = World(tmp_path, entry(archive=BASE, approval="automatic"), entry("gadgets", mode="off"))
    raw = patch(1, at=START)
    world.archive.deliver(raw)
    world.turns(hours=1)
    assert world.bot.drafts.get(1).state == "approved"
    world.bot.watcher.mail.take("gadgets", ("gadgets",), [raw], None, world.clock())
    world.turns(hours=24)
    assert world.subjects() == []
    assert world.bot.drafts.get(1).note == "gadgets is off"
    assert len(world.checked) == 1
    world.close()


def test_a_series_is_waited_for_until_it_is_whole(world: World) -> None:
    cover, first, second = series(1, at=START)
    world.archive.deliver(first)
    world.turns(hours=0.2)
    world.archive.deliver(cover)
    world.turns(hours=0.2)
    assert world.checked == []
    world.archive.deliver(second)
    world.turns(hours=12)
    assert world.checked == ["s1-v1-0@example.org"]
    assert len(world.subjects()) == 1


def test_one_that_stopped_growing_is_checked_with_what_there_is(world: World) -> None:
    cover, _, second = series(1, at=START)
    world.archive.deliver(cover, second)
    world.turns(hours=12)
    assert world.checked == ["s1-v1-0@example.org"]
    assert "Not checked: patch 1 of 2, which did not arrive" in decode(world.post.sent[0]).body
    # the server was asked for the rest, once
    assert [what for _, what in world.archive.asked if "t.mbox" in what] == [
        "GET /widgets/s1-v1-0@example.org/t.mbox.gz"
    ]


def test_a_cover_that_comes_last_changes_nothing(world: World) -> None:
    cover, first, second = series(1, at=START)
    world.archive.deliver(first, second)
    world.turns(hours=0.1)
    world.archive.deliver(cover)
    world.turns(hours=12)
    assert [decode_head(raw).in_reply_to for raw in world.post.sent] == ["s1-v1-0@example.org"]


def test_a_cover_that_comes_far_too_late_brings_no_second_mail(world: World) -> None:
    cover, first, second = series(1, at=START)
    world.archive.deliver(first, second)
    world.turns(hours=12)
    world.archive.deliver(cover)
    world.turns(hours=12)
    assert [decode_head(raw).in_reply_to for raw in world.post.sent] == ["s1-v1-1@example.org"]


def test_a_later_version_is_only_asked_what_is_new(world: World) -> None:
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=12)
    world.clock.pass_(days=2)
    world.archive.deliver(*series(1, at=world.clock(), version=2, diffs=(CLEAN, FLAGGED, ALSO_FLAGGED)))
    world.turns(hours=12)
    assert world.subjects() == ["Re: [PATCH 0/2] KVM: series 1", "Re: [PATCH v2 0/3] KVM: series 1"]
    body = decode(world.post.sent[1]).body
    assert "one question" in body
    assert "GADGET_MAX" in body
    assert "Still open from before: " in body
    world.clock.pass_(days=2)
    world.archive.deliver(*series(1, at=world.clock(), version=3, diffs=(FLAGGED, CLEAN, ALSO_FLAGGED)))
    world.turns(hours=12)
    assert len(world.subjects()) == 2


def test_a_new_version_during_the_hold_takes_the_place_of_the_old_one(world: World) -> None:
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=3)
    world.archive.deliver(*series(1, at=world.clock(), version=2))
    world.turns(hours=12)
    assert world.subjects() == ["Re: [PATCH v2 0/2] KVM: series 1"]
    assert [one.state for one in world.bot.drafts.drafts()] == ["superseded", "posted"]


def test_what_somebody_says_during_the_hold_is_not_said_again(world: World) -> None:
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=3)
    said = "> +#define WIDGET_REV_LATEST\tWIDGET_REV_3\n\nHow can userspace get the old one back?\n"
    reply = mail("Re: [PATCH] KVM: change 1", "r1@x", said, at=world.clock(), sender="max@example.net",
                 parent="patch1-v1@example.org")  # fmt: skip
    world.archive.deliver(reply)
    world.turns(hours=12)
    assert world.subjects() == []
    (draft,) = world.bot.drafts.drafts()
    assert (draft.state, draft.note) == ("silenced", "nothing to ask (1 kept back: said already in r1@x, 1 note)")


def test_a_week_down_is_caught_up_without_missing_or_repeating(world: World) -> None:
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=12)
    world.close()
    for day in range(1, 8):
        world.clock.now = START + day * 86400
        world.archive.deliver(patch(10 + day, at=world.clock()))
    world.clock.pass_(hours=5)
    world.open()
    world.turns(hours=80)
    assert sorted(world.subjects()) == sorted(f"Re: [PATCH] KVM: change {n}" for n in (1, *range(11, 18)))


def test_a_mail_that_was_archived_late_is_found_by_the_daily_sweep(world: World) -> None:
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=2)
    world.clock.pass_(hours=20)
    world.turns(hours=1)
    world.archive.mails.append((world.clock() - 10 * 3600, patch(2, at=world.clock() - 10 * 3600)))
    world.turns(hours=SWEEP_EVERY / 3600 + 8)
    assert sorted(world.subjects()) == ["Re: [PATCH] KVM: change 1", "Re: [PATCH] KVM: change 2"]


def test_the_daily_cap_is_kept(tmp_path: Path) -> None:
    world = made(tmp_path, daily_cap=2)
    world.archive.deliver(*(patch(n, at=START) for n in range(5)))
    world.turns(hours=7)
    assert len(world.subjects()) == 2
    world.turns(hours=20)
    assert len(world.subjects()) == 2
    world.turns(hours=24)
    assert len(world.subjects()) == 4
    world.turns(hours=24)
    assert len(world.subjects()) == 5
    world.close()


def test_a_person_has_to_approve_unless_the_policy_says_otherwise(tmp_path: Path) -> None:
    world = made(tmp_path, approval="person")
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=48)
    assert world.subjects() == []
    (draft,) = world.bot.drafts.drafts(["waiting"])
    world.bot.sender.approve(draft.id, "op@bots.example")
    world.turns(hours=1)
    assert len(world.subjects()) == 1
    assert world.bot.drafts.get(draft.id).by == "op@bots.example"
    world.close()


def test_drafts_stand_in_the_queue_of_the_review(world: World) -> None:
    world.archive.deliver(*series(1, at=START), patch(2, at=START, diff=CLEAN))
    world.turns(hours=1)
    (row,) = Queue.of(world.store).rows()
    assert (row.origin, row.title, row.high) == ("bot", "[PATCH 0/2] KVM: series 1", 1)


def test_a_rejected_draft_stays_in_and_so_do_its_questions_on_later_versions(tmp_path: Path) -> None:
    world = made(tmp_path, approval="person")
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=1)
    world.bot.sender.reject(1, "op@bots.example", "it is fine")
    world.archive.deliver(*series(1, at=world.clock(), version=2))
    world.turns(hours=12)
    assert [one.state for one in world.bot.drafts.drafts()] == ["rejected"]
    world.close()


def test_what_is_too_old_brings_no_mail(world: World) -> None:
    world.archive.deliver(patch(1, at=START - 40 * 86400))
    world.turns(hours=12)
    assert world.subjects() == []
    assert world.bot.series.rows()[0].reasons == ("it was posted too long ago",)


def test_what_is_off_is_not_even_checked(tmp_path: Path) -> None:
    world = World(tmp_path, entry(archive=BASE, approval="automatic"), entry("gadgets", mode="off"))
    world.archive.deliver(patch(1, at=START, to="widgets@lists.example, gadgets@lists.example"))
    world.turns(hours=12)
    assert (world.checked, world.subjects()) == ([], [])
    world.close()


def test_a_list_that_is_off_is_not_even_read(tmp_path: Path) -> None:
    world = made(tmp_path, mode="off", approval="person")
    world.turns(hours=2)
    assert world.archive.asked == []
    world.close()


def test_an_old_version_that_is_checked_late_brings_no_mail(tmp_path: Path) -> None:
    """v1 lacks a patch and is waited for; meanwhile v2 is there."""
    world = made(tmp_path, hold="0s")
    cover, first, _ = series(1, at=START, diffs=(FLAGGED, CLEAN))
    world.archive.deliver(cover, first, *series(1, at=START, version=2, diffs=(CLEAN, ALSO_FLAGGED)))
    world.turns(hours=6)
    assert world.checked == ["s1-v2-0@example.org", "s1-v1-0@example.org"]
    assert world.subjects() == ["Re: [PATCH v2 0/2] KVM: series 1"]
    world.close()
