# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot's drafts in the session: read, approved, rejected and taken back as on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abireview.bot.moderate import Moderator
from abireview.errors import ConfigError
from abireview.lore import b4mail
from abireview.mail.decode import decode
from abireview.reply.transport import SmtpTransport
from abireview.tui.app import ReviewApp
from abireview.tui.botdraft import DraftScreen
from abireview.tui.prompt import LinePrompt
from abireview.tui.queuetable import QueueTable
from tests.bot.bot_make import entry, policy
from tests.bot.world import BASE, World, mail, series
from tests.reply.reply_smtp import Server
from tests.tui.bot_world import another, bot_world, session
from tests.tui.pilot import on, press, screen, text_of, until, write

Snap = Callable[..., bool]

SIZE = (120, 50)


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    made = bot_world(home)
    yield made
    made.close()


async def draft_of(app: ReviewApp, pilot: Any, keys: str = "B") -> DraftScreen:
    """Wait until the draft of the row under the cursor is on the screen."""
    table = app.queue_screen.query_one(QueueTable)
    await until(pilot, lambda: table.rows and app.queue_screen._drafts)
    await press(pilot, keys)
    await on(pilot, "DraftScreen")
    shown = app.screen
    assert isinstance(shown, DraftScreen)
    await until(pilot, lambda: shown.shown is not None)
    return shown


async def state(pilot: Any, shown: DraftScreen, wanted: str) -> None:
    """Wait for a state of the draft on the screen."""
    await until(pilot, lambda: shown.shown is not None and shown.shown.draft.state == wanted, f"never {wanted}")


async def test_the_queue_says_where_the_bot_waits_and_the_mail_is_shown_as_it_leaves(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        shown = await draft_of(app, pilot)
        assert shown.shown is not None
        text = text_of(app)
        for line in shown.shown.raw.decode().split("\n")[:20]:
            assert line in text
        assert "Subject: Re: [PATCH 0/2] KVM: series 1" in text
        assert "In-Reply-To: <s1-v1-0@example.org>" in text
        assert "Auto-Submitted: auto-generated" in text
        assert "why: the policy of widgets says 'list'" in text
        await press(pilot, "Q")
        assert "draft 1 waits" in text_of(app)
        assert "B Bot's draft" in text_of(app)
        await press(pilot, "ctrl+y ctrl+y")  # it means nothing here
    assert world.bot.drafts.get(1).state == "waiting"
    world.turns(hours=24)
    assert world.subjects() == []


async def test_what_was_shown_is_what_leaves(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        shown = await draft_of(app, pilot)
        assert shown.shown is not None
        raw = shown.shown.raw
        await press(pilot, "ctrl+y")
        await state(pilot, shown, "approved")
        assert "draft 1 goes when its hold is over (" in text_of(app)
        world.turns(hours=3)
        assert world.subjects() == []  # the hold is kept
        world.turns(hours=3)
        assert len(world.post.sent) == 1
        await state(pilot, shown, "posted")
        assert "mail sent: taken" in text_of(app)
    undated = [
        [line for line in one.split(b"\n") if not line.startswith(b"Date: ")] for one in (raw, world.post.sent[0])
    ]
    assert undated[0] == undated[1]
    assert world.bot.drafts.get(1).by == "rita@example.com"


async def test_by_a_real_server_it_leaves_once_whoever_approves(world: World, home: Path, smtp: Server) -> None:
    """Two sessions and the command line at the same time; the bot starts again between its turns."""
    apps = [session(world), session(world)]
    world.clock.pass_(hours=7)
    async with apps[0].run_test(size=SIZE) as first, apps[1].run_test(size=SIZE) as second:
        one, two = await draft_of(apps[0], first), await draft_of(apps[1], second)
        one.action_approve()
        two.action_approve()
        await state(first, one, "approved")
        await state(second, two, "approved")
        with pytest.raises(Exception, match="draft 1 is approved"):
            Moderator(world.store, world.policy, "op").approve(1)
        said = [note.message for app in apps for note in app._notifications]
        assert sorted(said) == [
            "draft 1 goes with the bot's next turn",
            "draft 1 is approved\n'abireview bot list' shows the drafts",
        ]
    (home / "gitconfig").write_text(
        (home / "gitconfig").read_text().replace("rita@example.com", "abireview@bots.example")
    )
    b4mail._b4.cache_clear()  # the bot runs with an account of its own
    for _ in range(3):
        world.post.deliver = SmtpTransport().deliver  # type: ignore[method-assign]
        world.bot.turn()
        world.close()
        world.open()
    assert len(smtp.mails) == 1
    sender, recipients, raw = smtp.mails[0]
    assert sender == "abireview@bots.example"
    assert recipients == ["ada@example.org", "widgets@lists.example"]
    assert decode(raw.replace(b"\r\n", b"\n")).in_reply_to == "s1-v1-0@example.org"


async def test_a_server_that_refuses_is_a_sentence_and_the_mail_can_be_stopped(world: World) -> None:
    world.clock.pass_(hours=7)
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        shown = await draft_of(app, pilot)
        await press(pilot, "ctrl+y")
        await state(pilot, shown, "approved")
        world.post.refuse = 1
        world.bot.turn()
        await until(pilot, lambda: "mail failed: no" in text_of(app))
        await press(pilot, "X")
        await on(pilot, "LinePrompt")
        await write(pilot, "It was wrong.")
        await press(pilot, "enter")
        await state(pilot, shown, "rejected")
        assert "the mail was stopped" in text_of(app)
    world.turns(hours=5)
    assert world.subjects() == []


async def test_the_outbox_leaves_the_bots_mails_to_the_bot(world: World) -> None:
    """Its account and its archives are others: a mail that one of them does not have would leave twice."""
    world.clock.pass_(hours=7)
    Moderator(world.store, world.policy, "op", clock=world.clock).approve(1)
    world.bot.parts = msgspec.structs.replace(world.bot.parts, transport=None)
    world.bot.turn()
    app = session(world, transport=world.post, look_up=lambda _: False)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: app.queue_screen.query_one(QueueTable).rows)
        await press(pilot, "O ctrl+y")
        assert screen(pilot) == "OutboxScreen"
        assert "nothing is queued (the bot sends its own)" in text_of(app)
        for key in "Rrx":
            app.clear_notifications()
            await press(pilot, key)
            await until(pilot, lambda: "this is the bot's mail" in text_of(app))
        world.store.connection.execute("UPDATE outbox SET state = 'unknown', handed = 1")
        await press(pilot, "L")
        await until(pilot, lambda: "mail 1 unknown" in text_of(app))
    assert world.post.sent == []


async def test_a_rejection_keeps_its_reason(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        shown = await draft_of(app, pilot)
        await press(pilot, "x")
        await on(pilot, "LinePrompt")
        await write(pilot, "we [know] this already")
        await press(pilot, "enter")
        await state(pilot, shown, "rejected")
        assert "rejected by rita@example.com: we [know] this already" in text_of(app)
        await press(pilot, "ctrl+y x X")  # nothing of that is left to be done
        assert screen(pilot) == "DraftScreen"
        await press(pilot, "Q")
        await until(pilot, lambda: "draft 1" not in text_of(app))
    draft = world.bot.drafts.get(1)
    assert (draft.state, draft.by, draft.note) == ("rejected", "rita@example.com", "we [know] this already")
    world.archive.deliver(*series(1, at=world.clock(), version=2))
    world.turns(hours=24)
    assert world.subjects() == []


async def test_no_reason_given_leaves_it_waiting(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        await draft_of(app, pilot)
        await press(pilot, "x")
        await on(pilot, "LinePrompt")
        await press(pilot, "escape")
        assert screen(pilot) == "DraftScreen"
    assert world.bot.drafts.get(1).state == "waiting"


async def test_what_the_command_line_did_meanwhile_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abireview.tui.botdraft.POLL", 3600.0)  # the key is quicker than the look
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        shown = await draft_of(app, pilot)
        Moderator(world.store, world.policy, "op@bots.example", clock=world.clock).reject(1, "not this one")
        await press(pilot, "ctrl+y")
        await state(pilot, shown, "rejected")
        text = text_of(app)
        assert "draft 1 is rejected" in text
        assert "rejected by op@bots.example: not this one" in text
        assert screen(pilot) == "DraftScreen"
    world.turns(hours=24)
    assert world.subjects() == []


async def test_the_screen_follows_what_others_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abireview.tui.botdraft.POLL", 0.05)
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        shown = await draft_of(app, pilot)
        Moderator(world.store, world.policy, "op@bots.example", clock=world.clock).approve(1)
        await state(pilot, shown, "approved")
        assert "approved by op@bots.example" in text_of(app)


async def test_what_was_written_anew_has_to_be_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abireview.tui.botdraft.POLL", 3600.0)
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        shown = await draft_of(app, pilot)
        body = world.bot.drafts.get(1).body.replace("Can userspace", "How can userspace")
        world.bot.drafts.set_text(1, body, world.bot.drafts.get(1).questions, world.clock())
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: shown.shown is not None and shown.shown.draft.body == body)
        assert "draft 1 was written anew meanwhile" in text_of(app)
        assert world.bot.drafts.get(1).state == "waiting"
        await press(pilot, "ctrl+y")
        await state(pilot, shown, "approved")


async def test_what_somebody_said_meanwhile_is_no_mail_any_more(world: World) -> None:
    said = "> +#define WIDGET_REV_LATEST\tWIDGET_REV_3\n\nHow can userspace get the old one back?\n"
    raw = mail(
        "Re: [PATCH 2/2] x", "r1@x", said, at=world.clock(), sender="max@example.net", parent="s1-v1-2@example.org"
    )
    world.archive.deliver(raw)
    world.turns(hours=1)
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await draft_of(app, pilot)
        assert "no mail: nothing to ask (1 kept back: said already in r1@x" in text_of(app)
        await press(pilot, "ctrl+y")
        assert "there is no mail to let out" in text_of(app)
    assert world.bot.drafts.get(1).state == "waiting"


async def test_a_policy_that_refuses_by_now_is_said(world: World) -> None:
    app = session(world, policy=policy(entry(archive=BASE, mode="off")))
    async with app.run_test(size=SIZE) as pilot:
        await draft_of(app, pilot)
        assert "no mail: widgets is off" in text_of(app)


async def test_a_list_that_wants_drafts_only_gets_no_mail(home: Path) -> None:
    world = bot_world(home, mode="draft")
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await draft_of(app, pilot)
        assert "no mail: the policy has drafts only for widgets" in text_of(app)
        assert "WIDGET_REV_LATEST" in text_of(app)  # the text is there to be used
        await press(pilot, "ctrl+y")
        assert world.bot.drafts.get(1).state == "waiting"
    world.close()


async def test_the_daily_cap_is_said_and_kept(home: Path) -> None:
    world = bot_world(home, hold="0s", daily_cap=1)
    another(world)
    Moderator(world.store, world.policy, "op", clock=world.clock).approve(1)
    world.turns(hours=1)
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        shown = await draft_of(app, pilot)
        assert shown.number == 2
        assert "the daily cap of widgets is reached" in text_of(app)
        await press(pilot, "ctrl+y")
        await state(pilot, shown, "approved")
    world.turns(hours=12)
    assert len(world.subjects()) == 1
    world.turns(hours=16)
    assert len(world.subjects()) == 2
    world.close()


async def test_without_a_policy_nothing_can_be_approved(world: World) -> None:
    app = session(world)

    def missing() -> Any:
        raise ConfigError("the policy bot.toml cannot be read: No such file or directory", hint="docs/bot.md has one")

    app._policy = missing
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: app.queue_screen._drafts)
        await press(pilot, "B")
        await on(pilot, "DraftScreen")
        await until(pilot, lambda: "the policy bot.toml cannot be read" in text_of(app))
        assert "docs/bot.md has one" in text_of(app)
        await press(pilot, "ctrl+y Q")
        assert screen(pilot) == "QueueScreen"
    assert world.bot.drafts.get(1).state == "waiting"


async def test_an_error_nobody_thought_of_is_a_sentence_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await draft_of(app, pilot)

        def broken(self: Moderator, number: int, **_: Any) -> str:
            raise ZeroDivisionError("oh")

        monkeypatch.setattr(Moderator, "approve", broken)
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: "internal error: ZeroDivisionError: oh" in text_of(app))
        assert screen(pilot) == "DraftScreen"


async def test_a_sent_mail_is_taken_back_once(world: World) -> None:
    world.clock.pass_(hours=7)
    Moderator(world.store, world.policy, "op", clock=world.clock).approve(1)
    world.bot.turn()
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows)
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        await press(pilot, "B")
        await on(pilot, "DraftScreen")
        shown = app.screen
        assert isinstance(shown, DraftScreen)
        await state(pilot, shown, "posted")
        for reason in ("", "The rule mistook it."):
            await press(pilot, "X")
            await on(pilot, "LinePrompt")
            assert isinstance(app.screen, LinePrompt)
            await write(pilot, reason)
            await press(pilot, "enter")
            await on(pilot, "DraftScreen")
        await until(pilot, lambda: "taken back: The rule mistook it." in text_of(app))
        assert "a retraction needs its reason" in text_of(app)
        await press(pilot, "X")
        assert screen(pilot) == "DraftScreen"
    world.turns(hours=1)
    assert len(world.subjects()) == 2
    assert b"Please disregard" in world.post.sent[1]


async def test_a_series_without_a_draft_says_so(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows)
        world.store.connection.execute("DELETE FROM bot_draft")
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        await press(pilot, "B")
        await pilot.pause()
        assert screen(pilot) == "SeriesScreen"
        assert "the bot has no draft about this series" in text_of(app)


async def test_a_row_with_an_open_draft_is_not_removed(world: World) -> None:
    app = session(world)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows and app.queue_screen._drafts)
        (number,) = app.queue_screen._drafts
        await press(pilot, "a x")
        await until(pilot, lambda: "draft 1 is open" in " ".join(text_of(app).split()))
        assert number in {row.id for row in table.rows}
        shown = await draft_of(app, pilot)
        await press(pilot, "x")
        await on(pilot, "LinePrompt")
        await write(pilot, "not now")
        await press(pilot, "enter")
        await state(pilot, shown, "rejected")
        await press(pilot, "Q")
        await until(pilot, lambda: not app.queue_screen._drafts)
        await press(pilot, "a x")
        await until(pilot, lambda: number not in {row.id for row in table.rows})


async def test_the_queue_can_be_limited_to_drafts(world: World, widgets: str) -> None:
    app = session(world)
    async with app.run_test(size=SIZE) as pilot:
        app.queue_screen.add(widgets, "mbox")
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: len(table.rows) == 2 and not app.queue_screen.busy)
        await press(pilot, "l")
        await write(pilot, "is:draft")
        await press(pilot, "enter")
        await until(pilot, lambda: [row.origin for row in table.rows] == ["bot"])
        assert "1 with a draft of the bot" in text_of(app)


def test_one_that_is_rejected_between_two_steps_of_the_bot_does_not_leave(world: World) -> None:
    """The bot has looked at the approved draft already when the person says no."""
    world.clock.pass_(hours=7)
    person = Moderator(world.store, world.policy, "op", clock=world.clock)
    person.approve(1)
    again = world.bot.examiner.again

    def slow(seen: Any, draft: Any) -> Any:
        person.reject(1, "stop")
        return again(seen, draft)

    world.bot.examiner.again = slow  # type: ignore[method-assign]
    world.bot.turn()
    assert world.bot.outbox.entries() == []
    assert not world.events("posting failed")
    assert world.bot.drafts.get(1).state == "rejected"
    world.turns(hours=3)
    assert world.subjects() == []


# what it looks like; after a wanted change: pytest tests/tui/test_botdraft.py --snapshot-update, and look


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of this program stands in the mail; a release changes no picture."""
    monkeypatch.setattr("abireview.bot.text.__version__", "9.9.9")
    monkeypatch.setattr("abireview.lore.b4mail.__version__", "9.9.9")
    monkeypatch.setattr("abireview.tui.botdraft.POLL", 3600.0)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_draft(world: World, numbered: None, snap_compare: Snap, size: tuple[int, int]) -> None:
    app = session(world)

    async def then(pilot: Any) -> None:
        await draft_of(app, pilot)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=then)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_queue_with_drafts(world: World, numbered: None, snap_compare: Snap, size: tuple[int, int]) -> None:
    another(world)
    Moderator(world.store, world.policy, "op", clock=world.clock).approve(1)
    app = session(world)

    async def then(pilot: Any) -> None:
        await until(pilot, lambda: len(app.queue_screen._drafts) == 2)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=then)


def test_the_reason_for_a_rejection(world: World, numbered: None, snap_compare: Snap) -> None:
    app = session(world)

    async def then(pilot: Any) -> None:
        await draft_of(app, pilot, "B")
        await press(pilot, "x")
        await on(pilot, "LinePrompt")
        await write(pilot, "we know")
        app.screen.query_one("Input").cursor_blink = False  # type: ignore[attr-defined]
        await pilot.pause()

    assert snap_compare(app, terminal_size=(80, 24), run_before=then)


def test_help_for_a_draft(world: World, numbered: None, snap_compare: Snap) -> None:
    app = session(world)

    async def then(pilot: Any) -> None:
        await draft_of(app, pilot)
        await press(pilot, "question_mark")

    assert snap_compare(app, terminal_size=(80, 24), run_before=then)
