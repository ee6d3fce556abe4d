# SPDX-License-Identifier: GPL-2.0-or-later
"""What the screens share: a title line, help, quitting, and errors that become a sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from abireview.errors import AbireviewError
from abireview.safetext import safe, safe_line
from abireview.tui.help import HelpScreen, help_lines

if TYPE_CHECKING:
    from abireview.reply.desk import Desk
    from abireview.tui.app import ReviewApp


class TitleBar(Static):
    """One line at the top; its text is shown as it is, whatever brackets stand in it."""

    DEFAULT_CSS = """
    TitleBar { dock: top; height: 1; width: 100%; background: $primary 30%; color: $foreground; text-style: bold;
               text-wrap: nowrap; text-overflow: ellipsis; padding: 0 1; }
    """

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(Content(safe_line(text)), id=id, markup=False)

    def show(self, text: str) -> None:
        """Show another text."""
        self.update(Content(safe_line(text)))


class StatusBar(Static):
    """One line above the footer: what is being done, what went wrong."""

    DEFAULT_CSS = """
    StatusBar { height: 1; width: 100%; background: $panel; color: $text-muted; text-wrap: nowrap;
                text-overflow: ellipsis; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)

    def show(self, text: str, style: str = "") -> None:
        """Show another text; ``style`` is a style of Textual's content ("$text-error")."""
        self.update(Content.assemble((safe_line(text), style)))


class BaseScreen(Screen[None]):
    """A screen of the application."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("Q,escape", "back", "Back", key_display="Q"),
        Binding("q", "hint_quit", show=False),
    ]

    @property
    def review(self) -> ReviewApp:
        """The application."""
        return cast("ReviewApp", self.app)

    @property
    def desk(self) -> Desk:
        """The reviewer's desk."""
        return self.review.desk

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(help_lines(self, self.focused)))

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_hint_quit(self) -> None:
        self.say("Q goes back, and quits from the queue")

    def say(self, text: str, *, problem: bool = False) -> None:
        """Tell the person something for a moment."""
        self.notify(safe(text), severity="error" if problem else "information", markup=False)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """An error of ours inside becomes a message with its hint; the screen stays."""
        try:
            yield
        except AbireviewError as error:
            self.say(f"{error}\n{error.hint}" if error.hint else str(error), problem=True)
