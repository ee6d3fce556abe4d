# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox on a screen: what is queued, sent, failed, unknown."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from abireview.errors import AbireviewError, UsageError
from abireview.reply.outboxline import outbox_line
from abireview.store.outbox import Entry, Outbox
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.prompt import ChoicePrompt
from abireview.tui.textlines import TextLines

TAKE_BACK = "B on its row of the queue, then X, takes it back"
_STYLES = {"sent": "good", "failed": "bad", "unknown": "warn", "queued": "accent", "handing-over": "warn"}


class OutboxScreen(BaseScreen):
    """All mails of the outbox, newest first."""

    CSS = "OutboxScreen TextLines { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "show", "Show", tooltip="The mail as it goes out"),
        Binding("ctrl+y", "send", "Send queued", key_display="^y"),
        Binding("R", "retry", "Retry", tooltip="Queue a failed mail again"),
        Binding("r", "edit", "Edit again", tooltip="Take a queued or failed mail back into its draft"),
        Binding("x", "drop", "Drop"),
        Binding("L", "look_up", "Look up", tooltip="Look unknown mails up in the archive"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield TitleBar("Outbox", id="title")
        yield TextLines(
            id="list",
            help="Every mail that was put into the outbox, newest first, with what became of it.\n"
            "A failed mail stays until you send it again (R), edit it (r) or drop it (x).",
        )
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextLines).focus()
        self._refresh()

    def _refresh(self) -> None:
        with self.told():
            self._entries = list(reversed(Outbox.of(self.desk.store).entries()))
        lines = [(outbox_line(entry), _STYLES.get(entry.state, "muted")) for entry in self._entries]
        view = self.query_one(TextLines)
        view.show(lines or [("nothing was ever sent from here", "muted")], cursor=view.cursor)

    def _entry(self) -> Entry | None:
        at = self.query_one(TextLines).cursor
        return self._entries[at] if at < len(self._entries) else None

    def on_lines_chosen(self) -> None:
        self.action_show()

    def action_show(self) -> None:
        entry = self._entry()
        if entry is not None:
            with self.told():
                raw = Outbox.of(self.desk.store).raw(entry.id).decode("utf-8", "replace")
                self.app.push_screen(RawScreen(f"Mail {entry.id}: {entry.state} {entry.reason}", raw))

    def action_send(self) -> None:
        queued = [entry.id for entry in self._entries if entry.state == "queued" and not entry.of_bot]
        count = len(queued)
        if not count:
            self.say("nothing is queued (the bot sends its own)" if self._entries else "nothing is queued")
            return
        choices = [("y", "yes", f"yes, send by {self.review.target()}"), ("n", "no", "no")]
        question = f"Send {count} queued mail{'' if count == 1 else 's'}? Enter shows each of them."

        def chosen(answer: str | None) -> None:
            if answer == "yes":
                self._send(queued)

        self.app.push_screen(ChoicePrompt(question, choices), chosen)

    @work(thread=True, group="send")
    def _send(self, queued: list[int]) -> None:
        self._in_thread(lambda: Outbox.of(self.desk.store).deliver(self.review.transport(), only=queued))

    def action_look_up(self) -> None:
        self.query_one(StatusBar).show("looking unknown mails up in the archive …")
        self._look_up()

    @work(thread=True, group="send")
    def _look_up(self) -> None:
        of_bot = {entry.msgid for entry in self._entries if entry.of_bot}

        def look_up(msgid: str) -> bool | None:
            return None if msgid in of_bot else self.review.look_up(msgid)  # the bot knows its lists' archives

        self._in_thread(lambda: Outbox.of(self.desk.store).resolve(look_up))

    def _in_thread(self, run: object) -> None:
        try:
            assert callable(run)
            done: list[Entry] = run()
            said = ", ".join(f"mail {entry.id} {entry.state}" for entry in done) or "nothing to do"
            self.app.call_from_thread(self._told, said, False)
        except AbireviewError as error:
            self.app.call_from_thread(self._told, str(error), True)

    def _told(self, text: str, problem: bool) -> None:
        self.query_one(StatusBar).show(text, "$text-error" if problem else "")
        self._refresh()

    def action_retry(self) -> None:
        entry = self._entry()
        if entry is not None:
            with self.told():
                if entry.of_bot:
                    raise UsageError("this is the bot's mail", hint="it tries again by itself; 'abireview bot --once'")
                Outbox.of(self.desk.store).retry(entry.id)
            self._refresh()

    def action_edit(self) -> None:
        entry = self._entry()
        if entry is not None:
            with self.told():
                if entry.of_bot:
                    raise UsageError("this is the bot's mail: its text stays as it was approved", hint=TAKE_BACK)
                draft = self.desk.take_back(entry)
                self.say("its draft is open again" if draft is not None else "dropped; it had no draft")
            self._refresh()

    def action_drop(self) -> None:
        entry = self._entry()
        if entry is not None:
            with self.told():
                if entry.of_bot:
                    raise UsageError("this is the bot's mail", hint=TAKE_BACK)
                Outbox.of(self.desk.store).drop(entry.id)
            self._refresh()


class RawScreen(BaseScreen):
    """The bytes of one mail."""

    CSS = "RawScreen TextLines { height: 1fr; }"

    def __init__(self, title: str, raw: str) -> None:
        super().__init__()
        self._title, self._raw = title, raw

    def compose(self) -> ComposeResult:
        yield TitleBar(self._title)
        yield TextLines()
        yield Keys()

    def on_mount(self) -> None:
        view = self.query_one(TextLines)
        view.show([(line, "quote" if line.startswith(">") else "plain") for line in self._raw.split("\n")])
        view.focus()
