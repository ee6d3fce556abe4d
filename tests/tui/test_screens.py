# SPDX-License-Identifier: GPL-2.0-or-later
"""What the screens do beside the story."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from abireview.errors import ServerError
from abireview.store.drafts import Drafts
from abireview.store.outbox import Outbox
from abireview.store.queue import Queue
from abireview.tui.app import ReviewApp
from abireview.tui.mailview import MailView
from abireview.tui.patches import PatchList
from abireview.tui.queuetable import QueueTable
from abireview.tui.textlines import TextLines
from tests.reply.reply_smtp import Server
from tests.tui.conftest import MakeApp
from tests.tui.pilot import on, press, screen, text_of, until, write
from tests.tui.tui_make import mail, mbox, series

SIZE = (120, 40)
KEYS = "n n n n p p comma full_stop full_stop full_stop full_stop comma c"
EVERYTHING = "full_stop v v P P D D Q f Q r ctrl+y Q escape O Q question_mark Q a escape w Q A escape o"
OTHER_SIZES = [(100, 30), (120, 40), (160, 50), (40, 10)]


async def opened(app: ReviewApp, pilot: Any) -> MailView:
    """Wait until the series named on the command line is on the screen."""
    await on(pilot, "SeriesScreen")
    view = app.screen.query_one(MailView)
    await until(pilot, lambda: view.document is not None)
    return view


async def test_a_series_named_at_the_start_is_opened(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        assert Queue.of(app.desk.store).rows()[0].state == "reviewing"
        await press(pilot, "Q")
        assert screen(pilot) == "QueueScreen"
        await press(pilot, "Q")
    assert app.return_code == 0


async def test_a_failed_fetch_is_a_row_with_its_reason(make_app: MakeApp, home: Path) -> None:
    app = make_app(str(home / "nothing.mbox"), "[red] no msgid", "gone@example.org")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: len(table.rows) == 3 and all(row.problem for row in table.rows))
        text = text_of(app)
        assert "there is no file" in text
        assert "is no message-id" in text
        assert "the cache does not have gone@example.org" in text
        await press(pilot, "enter")
        assert screen(pilot) == "QueueScreen"


async def test_an_error_nobody_thought_of_is_a_row_too(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)

    def broken(what: str, *, refresh: bool) -> Any:
        raise SystemExit(1)

    app.desk._loader = broken
    async with app.run_test(size=SIZE) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows and table.rows[0].problem)
        assert table.rows[0].problem.startswith("internal error: RuntimeError: SystemExit")


async def test_fetching_shows_progress_and_can_be_cancelled(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets, "later@example.org")
    gate = threading.Event()
    load = app.desk._loader

    def slow(what: str, *, refresh: bool) -> Any:
        gate.wait(10)
        return load(what, refresh=refresh)

    app.desk._loader = slow
    async with app.run_test(size=SIZE) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: f"fetching {widgets}"[:40] in text_of(app))
        assert "2 at work; Esc cancels" in text_of(app)
        await press(pilot, "escape")
        await until(pilot, lambda: all("cancelled" in row.problem for row in table.rows))
        gate.set()
        await asyncio.sleep(0.2)
        await pilot.pause()
        assert all("cancelled" in row.problem for row in table.rows)  # what comes too late does not count
        app.desk._loader = load
        await press(pilot, "u")
        await until(pilot, lambda: not app.queue_screen.busy)
        assert {bool(row.problem) for row in table.rows} == {True, False}


async def test_a_row_from_elsewhere_appears_and_is_fetched(make_app: MakeApp, widgets: str, store: Any) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        Queue.of(store).add(widgets, "watch")
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows and table.rows[0].medium == 3)
        assert table.rows[0].origin == "watch"


async def test_limit_and_sort(make_app: MakeApp, widgets: str, home: Path) -> None:
    other = home / "other.mbox"
    other.write_bytes(
        mbox(
            [
                mail(
                    "o@example.org",
                    "[PATCH] Another thing",
                    "No diff, but\n---\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
                    sender="Zed <z@example.org>",
                )
            ]
        )
    )
    app = make_app(widgets, str(other))
    async with app.run_test(size=SIZE) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: not app.queue_screen.busy and len(table.rows) == 2)
        await press(pilot, "slash")
        await write(pilot, "is:flagged f:ada")
        await press(pilot, "enter")
        assert [row.author for row in table.rows] == ["Ada Author"]
        assert "1 shown by 'is:flagged f:ada'" in text_of(app)
        await press(pilot, "escape")
        assert len(table.rows) == 2
        await press(pilot, "o o o")
        assert app.queue_screen.sort == "author"
        assert [row.author for row in table.rows] == ["Ada Author", "Zed"]


async def test_states_of_the_queue(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "d")
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows[0].state == "done")
        await press(pilot, "a w")
        await until(pilot, lambda: table.rows[0].state == "waiting")
        await press(pilot, "a z")
        await write(pilot, "3d")
        await press(pilot, "enter")
        assert (table.rows[0].state, table.rows[0].wake) == ("snoozed", 1_800_000_000 + 3 * 86400)
        await press(pilot, "a x")
        await until(pilot, lambda: not table.rows)


async def test_answers_can_be_taken_back(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        view = await opened(app, pilot)
        await press(pilot, "full_stop a s")
        await press(pilot, "enter")  # no reason given
        assert screen(pilot) == "SettleScreen"
        await write(pilot, "later, [/b] says [red]Max")
        await press(pilot, "enter")
        await write(pilot, "30d")
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        assert view.document is not None
        assert view.document.findings[0].state == "suppressed"
        assert "later, [/b] says [red]Max" in text_of(app)
        await press(pilot, "u")
        assert view.document.findings[0].state == "new"
        await press(pilot, "u")
        assert "there is no answer to take back" in text_of(app)


async def test_moving_between_patches_and_findings(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        view = await opened(app, pilot)

        def shown() -> str:
            assert view.document is not None
            return view.document.message.msgid

        assert shown() == "v1-0@example.org"
        seen = ""
        for key in KEYS.split():
            await press(pilot, key)
            seen += shown()[3]
        assert seen == "123321" + "1" + "1233" + "2" + "0"
        await press(pilot, "G")
        assert view.cursor == view.count() - 1
        await press(pilot, "g j j k")
        assert view.cursor == 1
        await press(pilot, "tab")
        assert app.focused is not view


async def test_the_mouse_works(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        view = await opened(app, pilot)
        await pilot.click(PatchList, offset=(5, 2))
        await pilot.pause()
        assert view.document is not None
        assert view.document.message.msgid == "v1-2@example.org"
        await pilot.click(MailView, offset=(5, 4))
        await pilot.pause()
        assert view.cursor == 4
        await press(pilot, "Q")
        await pilot.click(QueueTable, offset=(60, 1), times=2)
        await on(pilot, "SeriesScreen")


async def test_help_names_the_keys_of_each_screen(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=(100, 60)) as pilot:
        await opened(app, pilot)
        await press(pilot, "question_mark")
        text = text_of(app)
        for word in ("The mail, as posted", "Ctrl-y", "Preview, then Ctrl-y once more sends", "Settle the finding"):
            assert word in text
        await press(pilot, "escape Q question_mark")
        assert "The queue, one row a series" in text_of(app)


async def test_every_focusable_pane_has_help(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        for keys in ("tab", "D", "Q f", "Q n r", "ctrl+y", "Q escape O", "Q Q"):
            await press(pilot, keys)
            for widget in app.screen.focus_chain:
                assert getattr(widget, "HELP", ""), widget
            await press(pilot, "f1" if screen(pilot) == "EditorScreen" else "question_mark")
            await on(pilot, "HelpScreen")
            await press(pilot, "escape")


async def test_the_palette_runs_what_keys_do(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "ctrl+p")
        await write(pilot, "outbox")
        await until(pilot, lambda: "Mails that were sent" in text_of(app))
        await press(pilot, "enter")
        await on(pilot, "OutboxScreen")


async def test_trailers_by_key(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "n n t r")
        (draft,) = Drafts.of(app.desk.store).listed()
        assert draft.msgid == "v1-2@example.org"
        assert "\nReviewed-by: Rita Reviewer <rita@example.com>\n" in draft.body
        await press(pilot, "r ctrl+t a")
        await on(pilot, "EditorScreen")
        assert "Acked-by: Rita Reviewer" in app.screen.query_one(TextArea).text
        await press(pilot, "ctrl+t r")
        await on(pilot, "EditorScreen")
        body = Drafts.of(app.desk.store).get(draft.id).body
        assert "Reviewed-by" not in body
        assert "Acked-by" in body


async def test_recipients_can_be_changed_and_the_editor_called(
    make_app: MakeApp, widgets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        await press(pilot, "n r ctrl+r")
        await on(pilot, "LinePrompt")
        field = app.screen.query_one(Input)
        assert field.value == "Ada Author <ada@example.org>"
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one(Input) is not field)
        app.screen.query_one(Input).value = "Zoë <zoe@example.org>, x\r\nBcc: all@example.org"
        await press(pilot, "enter")
        await on(pilot, "EditorScreen")
        draft = Drafts.of(app.desk.store).listed()[0]
        mail = app.desk.outgoing(app.screen.opened, draft)  # type: ignore[attr-defined]
        assert "ada@example.org" in mail.recipients
        await press(pilot, "ctrl+o")
        assert "cannot be handed to an editor" in text_of(app)
        await press(pilot, "f8 y")
        await on(pilot, "SeriesScreen")
        assert Drafts.of(app.desk.store).listed() == []


async def test_lint_stops_a_mail(make_app: MakeApp, widgets: str, smtp: Server) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        await press(pilot, "n r")
        await on(pilot, "EditorScreen")
        await write(pilot, "Fixes: 0123456789ab\n")
        await until(pilot, lambda: "b4 would collect this as a trailer" in text_of(app))
        await press(pilot, "ctrl+y")
        await on(pilot, "PreviewScreen")
        assert "error: line 15: b4 would collect" in text_of(app)
        await press(pilot, "ctrl+y")
        assert screen(pilot) == "PreviewScreen"
        assert Outbox.of(app.desk.store).entries() == []
    assert smtp.mails == []


async def test_a_failure_of_the_server_leaves_the_mail_in_the_outbox(
    make_app: MakeApp, widgets: str, smtp: Server
) -> None:
    app = make_app(widgets)
    smtp.fault = "refuse data"
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        await press(pilot, "n r")
        await on(pilot, "EditorScreen")
        await press(pilot, "ctrl+y ctrl+y")
        await on(pilot, "SeriesScreen")
        assert "554 5.6.0 spam" in text_of(app)
        await press(pilot, "O")
        await on(pilot, "OutboxScreen")
        assert "failed" in text_of(app)
        smtp.fault = ""
        await press(pilot, "R")
        await until(pilot, lambda: "queued" in text_of(app))
        await press(pilot, "ctrl+y y")
        await until(pilot, lambda: len(smtp.mails) == 1)
        await until(pilot, lambda: "mail 1 sent" in text_of(app))
        await press(pilot, "enter")
        await on(pilot, "RawScreen")
        assert "In-Reply-To: <v1-1@example.org>" in text_of(app)


async def test_a_mail_taken_back_from_the_outbox_is_a_draft_again(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        await press(pilot, "n r")
        await on(pilot, "EditorScreen")
        await write(pilot, "Mine. ")
        await press(pilot, "ctrl+y s")
        await on(pilot, "SeriesScreen")
        assert Drafts.of(app.desk.store).listed() == []
        await press(pilot, "O r")
        (draft,) = Drafts.of(app.desk.store).listed()
        assert "Mine. " in draft.body
        assert [entry.state for entry in Outbox.of(app.desk.store).entries()] == ["dropped"]
        await press(pilot, "Q e")
        await on(pilot, "PreviewScreen")
        await press(pilot, "s")
        assert [entry.state for entry in Outbox.of(app.desk.store).entries()] == ["queued"]


async def test_the_thread_can_be_read_and_answered(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=(120, 80)) as pilot:
        await opened(app, pilot)
        await press(pilot, "n n f")
        await on(pilot, "ThreadScreen")
        lines = [text for text, _ in app.screen.query_one("#tree", TextLines).lines]
        assert len(lines) == 5
        assert [len(line) - len(line[18:].lstrip()) - 18 for line in lines] == [0, 2, 2, 4, 2]
        await press(pilot, "n")
        assert "Who asked for this [/b] limit?" in text_of(app)
        await press(pilot, "r")
        await on(pilot, "EditorScreen")
        assert Drafts.of(app.desk.store).listed()[0].msgid == "v1-r@example.net"


async def test_another_version_can_be_looked_at(make_app: MakeApp, home: Path) -> None:
    path = home / "both.mbox"
    path.write_bytes(mbox(series(1) + series(2, values=(2, 20, 201))))
    app = make_app(str(path))
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        assert "[PATCH v2 0/3]" in text_of(app)
        await press(pilot, "D k enter")
        await on(pilot, "SeriesScreen")
        await until(pilot, lambda: "[PATCH 0/3]" in text_of(app))
        assert "versions (v1) v2" in text_of(app)


@pytest.mark.parametrize(
    "size", [(80, 24), (250, 70), *(pytest.param(size, marks=pytest.mark.slow) for size in OTHER_SIZES)], ids=str
)
async def test_all_screens_at_all_sizes(make_app: MakeApp, widgets: str, size: tuple[int, int]) -> None:
    app = make_app(widgets)
    async with app.run_test(size=size, notifications=True) as pilot:
        await opened(app, pilot)
        for key in EVERYTHING.split():
            await press(pilot, key)
        await pilot.resize_terminal(90, 26)
        await pilot.pause()


async def test_without_colour(make_app: MakeApp, widgets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "full_stop")
        rows = app.screen._compositor.render_full_update().strips
        styles = [segment.style for row in rows for strip in row for segment in strip if segment.style is not None]
        shades = {tuple(style.color.get_truecolor()) for style in styles if style.color is not None}
        assert shades
        assert all(red == green == blue for red, green, blue in shades)
        assert "▲ flag medium" in text_of(app)  # what colour says is said by words as well


async def test_git_without_a_person_is_a_sentence(make_app: MakeApp, widgets: str, home: Path) -> None:
    from abireview.lore import b4mail

    (home / "gitconfig").write_text("")
    b4mail._b4.cache_clear()
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        await press(pilot, "n r")
        assert screen(pilot) == "SeriesScreen"
        assert "git config --global user.email" in text_of(app)


async def test_a_store_that_fails_does_not_end_the_session(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(app, pilot)
        app.desk.store.connection.execute("DROP TABLE answer")
        await press(pilot, "full_stop a k")
        await write(pilot, "x")
        await press(pilot, "enter")
        assert screen(pilot) == "SeriesScreen"
        assert "the answer cannot be written" in text_of(app)


def test_server_errors_have_hints() -> None:
    assert ServerError("x").hint


async def test_every_theme_can_be_worn(make_app: MakeApp, widgets: str) -> None:
    app = make_app(widgets)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "full_stop")
        for theme in app.available_themes:
            app.theme = theme
            await pilot.pause()
            assert "▲ flag medium" in text_of(app)
