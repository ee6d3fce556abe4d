# SPDX-License-Identifier: GPL-2.0-or-later
"""The mail exactly as it will go out; one more key and it does."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from abireview.errors import AbireviewError, StoreError, UsageError
from abireview.reply.desk import Opened
from abireview.reply.lint import Issue, has_errors
from abireview.reply.mail import Outgoing
from abireview.store.drafts import Draft
from abireview.store.outbox import Entry, Outbox
from abireview.store.queue import Queue
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.recipients import ask_recipients
from abireview.tui.textlines import TextLines


class PreviewScreen(BaseScreen):
    """Shows the bytes of a draft's mail, what lint says, and where it goes."""

    CSS = "PreviewScreen TextLines { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "send", "Send", key_display="^y", priority=True, tooltip="Hand the mail over now"),
        Binding("s", "queue", "To the outbox", tooltip="Put it into the outbox; 'abireview send' sends it later"),
        Binding("r", "edit", "Edit", tooltip="Back to the text"),
        Binding("T", "recipients", "To/Cc", tooltip="Other recipients"),
    ]

    def __init__(self, opened: Opened, draft: Draft, row: int = 0) -> None:
        super().__init__()
        self.opened, self.draft, self.row = opened, draft, row
        self.mail: Outgoing | None = None
        self._issues: tuple[Issue, ...] = ()
        self._sending = False

    def compose(self) -> ComposeResult:
        yield TitleBar("Preview: nothing has left yet", id="title")
        yield TextLines(
            id="text", help="What lint says, and the mail exactly as it will go out. Nothing leaves before Ctrl-y."
        )
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextLines).focus()
        self._render_mail()

    def _render_mail(self) -> None:
        with self.told():
            self.mail = self.desk.outgoing(self.opened, self.draft)
            self._issues = self.desk.lint(self.draft.body)
            left_out = self.desk.headers(self.opened, self.draft).left_out
            raw = self.review.raw(self.mail).decode("utf-8")
            self.query_one(TextLines).show(preview_lines(raw, self._issues, left_out, self.review.target()))
            self._status()

    def _status(self) -> None:
        if self.mail is None:
            return
        if has_errors(self._issues):
            self.query_one(StatusBar).show("lint found errors: this does not go out", "$text-error")
        else:
            count = len(self.mail.recipients)
            people = f"{count} recipient{'' if count == 1 else 's'}"
            self.query_one(StatusBar).show(f"Ctrl-y sends this to {people} by {self.review.target()}", "$text-warning")

    def action_edit(self) -> None:
        from abireview.tui.editor import EditorScreen

        self.app.pop_screen()
        if not isinstance(self.app.screen, EditorScreen):
            self.app.push_screen(EditorScreen(self.opened, self.draft, self.row))

    def action_recipients(self) -> None:
        def done(draft: Draft) -> None:
            self.draft = draft
            self._render_mail()

        if not self._sending:
            ask_recipients(self, self.opened, self.draft, done)

    def _post(self) -> Entry:
        if self.mail is None:
            raise UsageError("there is nothing to send")
        if has_errors(self._issues):
            raise UsageError("lint found errors: this does not go out", hint="r goes back to the text")
        entry = self.desk.post(self.draft, self.mail)
        if self.row:
            with contextlib.suppress(StoreError):  # the row was removed meanwhile
                Queue.of(self.desk.store).set_state(self.row, "replied")
        return entry

    def action_queue(self) -> None:
        with self.told():
            entry = self._post()
            self.say(f"mail {entry.id} is in the outbox")
            self.app.pop_screen()

    def action_send(self) -> None:
        if self._sending:
            return
        with self.told():
            entry = self._post()
            self._sending = True
            self.query_one(StatusBar).show(f"handing over to {self.review.target()} …")
            self._deliver(entry.id)

    @work(thread=True, group="send")
    def _deliver(self, number: int) -> None:
        try:
            done = Outbox.of(self.desk.store).deliver(self.review.transport(), only={number})
            entry = done[0] if done else Outbox.of(self.desk.store).get(number)
            self.app.call_from_thread(self._sent, entry)
        except AbireviewError as error:
            self.app.call_from_thread(self._stuck, f"{error} {error.hint}".strip())

    def _sent(self, entry: Entry) -> None:
        if entry.state == "sent":
            self.say(f"sent: {entry.reason}")
        else:
            self.say(f"{entry.state}: {entry.reason}\nit stays in the outbox (O)", problem=True)
            self.review.after_failure(entry)
        if self.is_current:
            self.app.pop_screen()

    def _stuck(self, text: str) -> None:
        self._sending = False
        self.query_one(StatusBar).show(text, "$text-error")

    def action_back(self) -> None:
        if not self._sending:
            super().action_back()


def preview_lines(raw: str, issues: tuple[Issue, ...], left_out: tuple[str, ...], target: str) -> list[tuple[str, str]]:
    """The preview: faults first, then the mail, headers and body, as it goes out."""
    lines = [(f"goes out by {target}", "muted")]
    lines += [(f"not addressed: {person}", "warn") for person in left_out]
    for issue in issues:
        where = f"line {issue.line}: " if issue.line else ""
        lines.append((f"{issue.severity}: {where}{issue.text}", "bad" if issue.severity == "error" else "warn"))
    lines.append(("─" * 72, "muted"))
    return lines + mail_lines(raw)


def mail_lines(raw: str) -> list[tuple[str, str]]:
    """A mail, headers and body, as it goes out."""
    head, _, body = raw.partition("\n\n")
    lines = [(line, "header") for line in head.split("\n")]
    lines.append(("", "plain"))
    lines += [(line, "quote" if line.startswith(">") else "plain") for line in body.rstrip("\n").split("\n")]
    return lines
