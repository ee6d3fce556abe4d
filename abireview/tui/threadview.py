# SPDX-License-Identifier: GPL-2.0-or-later
"""The thread: who answered what, as a tree above and the mail below."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from abireview import limits
from abireview.mail.model import Message
from abireview.mail.series import Thread
from abireview.reply.desk import Opened
from abireview.tui.base import BaseScreen, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.lines import Lines
from abireview.tui.mailview import MailView
from abireview.tui.textlines import TextLines


def tree(thread: Thread) -> list[tuple[int, Message]]:
    """(depth, mail) in reading order: answers below what they answer, by date. No recursion, loops end."""
    roots = [mail for mail in thread.messages if mail.in_reply_to not in thread.by_id]
    out: list[tuple[int, Message]] = []
    seen: set[str] = set()
    heap = [(0, mail) for mail in reversed(roots)]
    while heap:
        depth, mail = heap.pop()
        if mail.msgid in seen:
            continue
        seen.add(mail.msgid)
        out.append((depth, mail))
        heap += [(depth + 1, reply) for reply in reversed(thread.replies_to(mail.msgid))]
    return out + [(0, mail) for mail in thread.messages if mail.msgid not in seen]


def tree_line(depth: int, mail: Message) -> str:
    """One line of the tree."""
    try:
        when = datetime.fromtimestamp(mail.date, UTC).strftime("%Y-%m-%d %H:%M") if mail.date is not None else ""
    except (OverflowError, OSError, ValueError):
        when = ""
    indent = "  " * min(depth, limits.MAX_SHOWN_DEPTH)
    who = (mail.author.name or mail.author.email)[:24]
    return f"{when:16}  {indent}{who}: {mail.subject or '(no subject)'}"


class ThreadScreen(BaseScreen):
    """All mails of the thread."""

    CSS = """
    ThreadScreen #tree { height: 40%; border-bottom: hkey $primary 40%; }
    ThreadScreen #mail { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right_square_bracket", "mail(1)", "Next mail", key_display="n"),
        Binding("p,left_square_bracket", "mail(-1)", "Mail before", key_display="p"),
        Binding("r", "reply", "Reply"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
    ]

    def __init__(self, opened: Opened, msgid: str, row: int = 0) -> None:
        super().__init__()
        self.opened, self.row = opened, row
        self._tree = tree(opened.thread)
        self._first = next((k for k, (_, mail) in enumerate(self._tree) if mail.msgid == msgid), 0)

    def compose(self) -> ComposeResult:
        yield TitleBar(f"Thread of {len(self._tree)} mails")
        yield TextLines(
            id="tree", help="The mails of the thread, answers below what they answer; those of the series are bold."
        )
        yield MailView(id="mail")
        yield Keys()

    def on_mount(self) -> None:
        view = self.query_one("#tree", TextLines)
        own = {patch.msgid for patch in self.opened.series.patches}
        lines = [(tree_line(depth, mail), "strong" if mail.msgid in own else "plain") for depth, mail in self._tree]
        view.show(lines, cursor=self._first)
        view.focus()
        self._show(self._first)

    @on(Lines.Moved, "#tree")
    def moved(self, event: Lines.Moved) -> None:
        self._show(event.index)

    @on(Lines.Chosen, "#tree")
    def chosen(self) -> None:
        self.query_one(MailView).focus()

    def _show(self, index: int) -> None:
        if index < len(self._tree):
            mail = self._tree[index][1]
            self.query_one(MailView).show(mail, self.opened.findings(mail.msgid))

    def action_mail(self, by: int) -> None:
        self.query_one("#tree", TextLines).action_move(by)

    def action_reply(self) -> None:
        from abireview.tui.editor import EditorScreen

        index = self.query_one("#tree", TextLines).cursor
        if index < len(self._tree):
            with self.told():
                draft = self.desk.draft(self.opened, self._tree[index][1].msgid)
                self.app.push_screen(EditorScreen(self.opened, draft, self.row))
