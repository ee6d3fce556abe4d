# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue screen: what came in, fetched and checked in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker, get_current_worker

from abireview.errors import AbireviewError, Interrupted, UsageError
from abireview.findings.until import parse_until
from abireview.reply.desk import Opened
from abireview.store.queue import STATES, Queue, Row, RowState
from abireview.tui import botdraft
from abireview.tui.background import in_daemon
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.limit import HELP, SORTS, limited, ordered
from abireview.tui.lines import Lines
from abireview.tui.prompt import ChoicePrompt, LinePrompt
from abireview.tui.queuetable import QueueTable

POLL = 2.0  # seconds between looks at the store for what 'abireview watch' or the bot added
WARM_WAIT = 10.0  # seconds a fetch waits for the import of b4 at the start, which takes half of one
AT_ONCE = 2  # series that are fetched at the same time; lore asks for restraint


class QueueScreen(BaseScreen):
    """The first screen."""

    CSS = "QueueScreen QueueTable { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,r", "open", "Review", key_display="Enter"),
        Binding("A", "add", "Add", tooltip="Add a series by message-id, URL or mbox"),
        Binding("a", "state", "State", tooltip="Waiting, replied, snooze, done, remove"),
        Binding("u", "update", "Update", tooltip="Fetch and check this series again, newer versions too"),
        Binding("U", "update_all", "Update all", show=False),
        Binding("B", "bot_draft", "Bot's draft", tooltip="What the bot wants to say about it: approve or reject"),
        Binding("o", "sort", "Sort"),
        Binding("escape", "cancel", "Cancel", show=False, tooltip="Stop fetching and checking"),
        Binding("O", "app.outbox", "Outbox"),
        Binding("Q", "quit", "Quit", tooltip="Leave abireview"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.limit = ""
        self.sort = "date"
        self.busy: dict[int, str] = {}
        self._waiting: list[tuple[Row, bool]] = []
        self._workers: dict[int, Worker[None]] = {}
        self._seen: object = None
        self._drafts: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        yield TitleBar("abireview", id="title")
        yield QueueTable(id="queue")
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(QueueTable).focus()
        with self.told():
            self.desk.tidy()
        self.reload()
        for what in self.review.whats:
            self.add(what, "msgid" if "@" in what else "mbox")
        self.set_interval(POLL, self._look)

    def on_screen_resume(self) -> None:
        self.reload()

    # rows

    def reload(self) -> None:
        """Read the queue from the store and show it."""
        with self.told():
            rows = Queue.of(self.desk.store).rows()
            for row in rows:
                if not row.series and not row.problem and row.id not in self.busy:
                    self._start(row, refresh=False)
            waiting = botdraft.waiting(self.desk.store)
            self._drafts = {row.id: botdraft.label(waiting[row.series]) for row in rows if row.series in waiting}
            shown = ordered(limited(rows, self.limit, self._drafts), self.sort)
            self.query_one(QueueTable).show(shown, self.busy, self._drafts)
            self.refresh_bindings()
            self._titles(rows, shown)
            self._seen = self._stamp()

    def _stamp(self) -> object:
        return self.desk.store.connection.execute("PRAGMA data_version").fetchone()[0]

    def _look(self) -> None:
        """Another process may have added or checked something."""
        with self.told():
            if self.is_current and self._stamp() != self._seen:
                self.reload()

    def _titles(self, all_rows: Sequence[Row], shown: Sequence[Row]) -> None:
        flagged = sum(bool(row.high or row.medium or row.low) for row in all_rows)
        parts = [f"{len(all_rows)} series", f"{flagged} with flags"]
        if self._drafts:
            parts.append(f"{len(self._drafts)} with a draft of the bot")
        if self.limit:
            parts.append(f"{len(shown)} shown by '{self.limit}'")
        self.query_one(TitleBar).show(f"abireview · {' · '.join(parts)} · by {self.sort}")
        if not all_rows:
            self.query_one(StatusBar).show("The queue is empty: A adds a series by message-id, URL or mbox.")
        elif self.busy:
            self.query_one(StatusBar).show(f"{len(self.busy)} at work; Esc cancels", "$text-warning")
        else:
            self.query_one(StatusBar).show("")

    def add(self, what: str, origin: str = "msgid") -> None:
        """Put a series into the queue and fetch it; a file is remembered by its full path."""
        with self.told():
            path = Path(what).expanduser()
            with contextlib.suppress(OSError, ValueError):  # too long for a path, or a NUL in it
                what = str(path.resolve()) if path.exists() else what
            row = Queue.of(self.desk.store).add(what, origin)
            if row.id not in self.busy:
                self._start(row, refresh=False)
        self.reload()

    # background work

    def _start(self, row: Row, *, refresh: bool) -> None:
        self.busy[row.id] = "waiting"
        self._waiting.append((row, refresh))
        self._next()

    def _next(self) -> None:
        while self._waiting and len(self._workers) < AT_ONCE:
            row, refresh = self._waiting.pop(0)
            self._workers[row.id] = self._fetch(row.id, row.source, refresh)

    @work(group="fetch", exit_on_error=False)
    async def _fetch(self, number: int, source: str, refresh: bool) -> None:
        worker = get_current_worker()
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            if worker.is_cancelled:
                raise Interrupted("cancelled")
            loop.call_soon_threadsafe(self._progress, number, text)

        def check() -> Opened:
            self.review.warm.wait(WARM_WAIT)
            return self.desk.check(source, refresh=refresh, say=say)

        try:
            opened = await in_daemon(check, f"fetch {source}")
        except AbireviewError as error:
            self._fetched(number, None, f"{error}")
        except Exception as error:
            self._fetched(number, None, f"internal error: {type(error).__name__}: {error}")
        else:
            self._fetched(number, opened, "")

    def _progress(self, number: int, text: str) -> None:
        if number in self.busy and self.is_attached:
            self.busy[number] = text
            self.query_one(QueueTable).content_changed()

    def _fetched(self, number: int, opened: Opened | None, problem: str) -> None:
        self.busy.pop(number, None)
        self._workers.pop(number, None)
        with self.told():
            if opened is None:
                Queue.of(self.desk.store).fail(number, problem)
            else:
                row, settled = self.desk.record(number, opened)
                self.review.keep(row.id, settled)
                if row.id != number:
                    self.say(f"a version of a series that is in the queue: {row.title}")
                self.review.arrived(row.id, settled)
        self._next()
        self.reload()

    def action_cancel(self) -> None:
        if not self.busy:
            if self.limit:
                self.limit = ""
                self.reload()
            return
        for worker in self._workers.values():
            worker.cancel()
        with self.told():
            for number in list(self.busy):
                Queue.of(self.desk.store).fail(number, "cancelled; u fetches it again")
        self.busy.clear()
        self._workers.clear()
        self._waiting.clear()
        self.reload()

    # keys

    @on(Lines.Chosen, "#queue")
    def chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        row = self.query_one(QueueTable).current()
        if row is None:
            return
        if row.id in self.busy:
            self.say("it is being fetched")
        elif row.problem and not row.series:
            self.say(f"{row.problem}\nu fetches it again", problem=True)
        else:
            self.review.open_row(row)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "bot_draft" or bool(self._drafts)  # the footer names it only where there is one

    def action_bot_draft(self) -> None:
        row = self.query_one(QueueTable).current()
        if row is not None:
            with self.told():
                seen = [result.series.id for result in Queue.of(self.desk.store).results(row.id)]
                self.review.open_draft([row.series, *seen])

    def action_add(self) -> None:
        def added(what: str | None) -> None:
            if what:
                self.add(what)

        hint = "message-id, lore or patchwork URL, or a path to an mbox or maildir"
        self.app.push_screen(LinePrompt("Add a series", hint=hint), added)

    def action_limit(self) -> None:
        def limit(text: str | None) -> None:
            if text is not None:
                self.limit = text
                self.reload()

        self.app.push_screen(LinePrompt("Limit the queue to", value=self.limit, hint=HELP), limit)

    def action_sort(self) -> None:
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self.reload()

    def action_update(self) -> None:
        row = self.query_one(QueueTable).current()
        if row is not None and row.id not in self.busy:
            self._start(row, refresh=True)
            self.reload()

    def action_update_all(self) -> None:
        for row in self.query_one(QueueTable).rows:
            if row.id not in self.busy and row.state not in {"done", "snoozed"}:
                self._start(row, refresh=True)
        self.reload()

    def action_state(self) -> None:
        row = self.query_one(QueueTable).current()
        if row is None:
            return
        choices = [
            ("n", "new", "new"),
            ("w", "waiting", "waiting for the author"),
            ("r", "replied", "replied"),
            ("z", "snoozed", "snooze until a date"),
            ("d", "done", "done"),
            ("x", "remove", "remove from the queue"),
        ]

        def chosen(state: str | None) -> None:
            if state == "snoozed":
                self._snooze(row)
            elif state is not None:
                with self.told():
                    if state == "remove":
                        self._remove(row)
                    else:
                        Queue.of(self.desk.store).set_state(row.id, _state(state))
                self.reload()

        self.app.push_screen(ChoicePrompt(f"State of: {row.title}", choices), chosen)

    def _remove(self, row: Row) -> None:
        """Take ROW out; UsageError while a draft of the bot is open, which nobody would find any more."""
        draft = botdraft.waiting(self.desk.store).get(row.series)
        if draft is not None:
            raise UsageError(f"the bot's draft {draft.id} is open for this series", hint="B shows it: reject it first")
        Queue.of(self.desk.store).remove(row.id)

    def _snooze(self, row: Row) -> None:
        def until(text: str | None) -> None:
            if text is None:
                return
            with self.told():
                wake = parse_until(text, self.review.now())
                if wake is None:
                    raise UsageError("until when?", hint="2027-03-01, 3d, 2w")
                Queue.of(self.desk.store).set_state(row.id, "snoozed", wake)
            self.reload()

        self.app.push_screen(LinePrompt("Snooze until", hint="2027-03-01, 3d, 2w; a new version wakes it"), until)

    def action_quit(self) -> None:
        self.app.exit(0)

    def action_back(self) -> None:
        self.action_cancel()


def _state(name: str) -> RowState:
    return next(state for state in STATES if state == name)
