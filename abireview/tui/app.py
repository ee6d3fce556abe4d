# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview review``: the reviewer's session as a Textual application."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen

from abireview.errors import AbireviewError, NotFoundError
from abireview.reply.desk import Desk, Opened
from abireview.reply.mail import Outgoing
from abireview.reply.transport import SmtpTransport, Transport
from abireview.source.tree import Tree
from abireview.store.outbox import Entry
from abireview.store.queue import Queue, Row
from abireview.tui.document import Document
from abireview.tui.queue import QueueScreen
from abireview.tui.series import SeriesScreen

if TYPE_CHECKING:
    from abireview.bot.policy import Policy

COLLECT = (20_000, 20, 100)  # gc thresholds: a full collection takes 100 ms, so none while somebody scrolls
COLLECT_AFTER = 1.5  # seconds after a screen was left: then nobody minds
OPENED_KEPT = 20  # series whose mails stay in memory; an opened one is a few megabytes


class ReviewApp(App[int]):
    """The session. ``whats`` are added to the queue at the start; one alone is opened when it has been checked."""

    TITLE = "abireview"
    CSS = """
    Screen { background: $surface; }
    Toast { max-width: 80; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        desk: Desk,
        whats: Sequence[str] = (),
        *,
        transport: Transport | None = None,
        tree: Tree | None = None,
        repository: Path | None = None,
        references: Callable[[str], Sequence[str]] = lambda _: (),
        look_up: Callable[[str], bool | None] = lambda _: None,
        policy: Callable[[], Policy] | None = None,
        theme: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``policy`` reads the bot's, for its drafts (the one that ``abireview bot`` uses if it is left out)."""
        super().__init__()
        self.desk = desk
        self.references = references
        self.look_up = look_up
        self._policy = policy
        self.whats = tuple(whats)
        self._transport = transport or SmtpTransport()
        self._tree = tree
        self.repository = repository
        self._theme = theme
        self._clock = clock
        self._opened: dict[int, Opened] = {}
        self._wanted = self.whats[0] if len(self.whats) == 1 else ""
        self._thresholds = gc.get_threshold()
        self.warm = threading.Event()
        self.queue_screen = QueueScreen()

    def get_default_screen(self) -> Screen[object]:
        return self.queue_screen  # type: ignore[return-value]

    def on_mount(self) -> None:
        if self._theme:
            self.theme = self._theme
        gc.set_threshold(*COLLECT)
        self._warm_up()

    def on_unmount(self) -> None:
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen; what it held is collected when the person has seen the next one."""
        self.set_timer(COLLECT_AFTER, _collect)
        return super().pop_screen()

    @work(thread=True, group="warm", exit_on_error=False)
    def _warm_up(self) -> None:
        """Import b4 in one thread before others need it: two at once end in half-made modules (b4 and liblore)."""
        try:
            from abireview.lore import b4door, b4mail

            b4door.quiet()
            b4mail.identity()
        except AbireviewError:
            pass  # said when somebody replies
        finally:
            self.warm.set()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    # opened series

    def keep(self, number: int, opened: Opened) -> None:
        """Keep a checked series at hand."""
        self._opened.pop(number, None)
        self._opened[number] = opened
        while len(self._opened) > OPENED_KEPT:
            self._opened.pop(next(iter(self._opened)))
        gc.freeze()  # a large series is 100 000 objects that the collector need not walk through again and again

    def arrived(self, number: int, opened: Opened) -> None:
        """A series was checked: open it if the command line asked for it, refresh it if it is on the screen."""
        for screen in self.screen_stack:
            if isinstance(screen, SeriesScreen) and screen.row == number:
                screen.refresh_opened(opened)
        if self._wanted and opened.what == self._wanted and isinstance(self.screen, QueueScreen):
            self._wanted = ""
            self._show(number, opened)

    def open_row(self, row: Row) -> None:
        """Show a row's series, from memory or loaded again."""
        opened = self._opened.get(row.id)
        if opened is None:
            self.queue_screen.say("reading …")
            self._wanted = row.source
            self.queue_screen._start(row, refresh=False)
        else:
            self._show(row.id, self.desk.settle(opened))

    def _show(self, number: int, opened: Opened) -> None:
        if number:
            row = Queue.of(self.desk.store).get(number)
            if row.state == "new":
                Queue.of(self.desk.store).set_state(number, "reviewing")
        self.push_screen(SeriesScreen(opened, number))

    def look_at(self, screen: SeriesScreen, at: int) -> None:
        """Another version of the series on the screen."""
        opened = replace(screen.opened, at=at)
        self.keep(screen.row, opened)
        screen.msgid = ""
        screen.refresh_opened(opened)

    # the bot

    def policy(self) -> Policy:
        """The bot's policy as it stands now. Raises ConfigError."""
        from abireview.bot.moderate import named_policy

        return (self._policy or named_policy)()

    def open_draft(self, series: Iterable[str]) -> None:
        """Show the bot's draft about one of these postings. Raises NotFoundError."""
        from abireview.tui.botdraft import DraftScreen, find

        draft = find(self.desk.store, series)
        if draft is None:
            raise NotFoundError("the bot has no draft about this series", hint="l is:draft shows the series with one")
        self.push_screen(DraftScreen(draft.id))

    # mail

    def transport(self) -> Transport:
        """How mail leaves."""
        return self._transport

    def target(self) -> str:
        """Where mail goes, in words."""
        if isinstance(self._transport, SmtpTransport):
            from abireview.lore import b4mail

            return b4mail.describe_setup()
        return self._transport.name

    def raw(self, mail: Outgoing) -> bytes:
        """The bytes of a mail as they leave."""
        from abireview.lore import b4mail

        return b4mail.to_bytes(mail)

    def after_failure(self, entry: Entry) -> None:
        """A mail that was certainly not taken can be edited again from the outbox; nothing more happens by itself."""

    def whole_function(
        self, opened: Opened, msgid: str, document: Document, row: int
    ) -> tuple[str, list[tuple[str, str]], int]:
        """The whole function around a row of the diff. Raises NotFoundError."""
        from abireview.tui.whole import whole_function

        place = document.rows[row]
        return whole_function(opened.series, self._tree, msgid, place.path, place.at)

    # commands

    def action_outbox(self) -> None:
        from abireview.tui.outbox import OutboxScreen

        if not isinstance(self.screen, OutboxScreen):
            self.push_screen(OutboxScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        yield SystemCommand("Outbox", "Mails that were sent, queued, or failed", self.action_outbox)
        yield SystemCommand("Add a series", "By message-id, URL, or mbox", self.queue_screen.action_add)
        yield SystemCommand(
            "Update all", "Fetch and check every open series again", self.queue_screen.action_update_all
        )
        for _, binding in screen._bindings:
            if binding.description and binding.description not in {"Help", "Back"}:
                yield SystemCommand(
                    binding.description, binding.tooltip or binding.description, _runner(screen, binding)
                )


def _collect() -> None:
    gc.collect()


def _runner(screen: Screen[object], binding: Binding) -> Callable[[], object]:
    async def run() -> None:
        await screen.run_action(binding.action)

    return run
