# SPDX-License-Identifier: GPL-2.0-or-later
"""The reply editor: saved as typed, linted as typed, or handed to $EDITOR."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import TextArea

from abireview.errors import UsageError
from abireview.reply.desk import Opened
from abireview.reply.editor import edit
from abireview.reply.lint import Issue, has_errors
from abireview.reply.trailers import TRAILERS, given, toggle, trailer_line
from abireview.store.drafts import Draft, Drafts
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.prompt import ChoicePrompt
from abireview.tui.recipients import ask_recipients


class ReplyArea(TextArea):
    """The text of the reply."""

    HELP = (
        "Your reply. Every keystroke is kept: leave when you like, the draft is here again.\n"
        "Write below the quoted lines; delete quotes that you say nothing about."
    )


LINT_DELAY = 0.4  # seconds without typing before the text is linted


class EditorScreen(BaseScreen):
    """Edits one draft. Every keystroke is in the store before the next one is read."""

    CSS = """
    EditorScreen TextArea { height: 1fr; border: none; padding: 0 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "Back", key_display="Esc", priority=True, tooltip="Back to the series; saved already"
        ),
        Binding("ctrl+y", "preview", "Preview, send", key_display="^y", priority=True),
        Binding("ctrl+t", "trailers", "Trailers", key_display="^t", priority=True),
        Binding("ctrl+o", "editor", "$EDITOR", key_display="^o", priority=True),
        Binding("ctrl+r", "recipients", "To/Cc", key_display="^r", priority=True),
        Binding("f1", "help", "Help", priority=True),
        Binding("f8", "discard", "Discard", show=False, priority=True, tooltip="Throw the draft away"),
    ]

    def __init__(self, opened: Opened, draft: Draft, row: int = 0) -> None:
        super().__init__()
        self.opened, self.draft, self.row = opened, draft, row
        self._timer: Timer | None = None
        self._loading = True
        self._left = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield ReplyArea(self.draft.body, soft_wrap=False, tab_behavior="indent", show_line_numbers=False)
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        message = self.opened.message(self.draft.msgid)
        self.query_one(TitleBar).show(f"Reply to {message.subject or '(no subject)'}")
        area = self.query_one(TextArea)
        area.indent_width = 8
        area.focus()
        area.move_cursor(_first_own_line(self.draft.body))
        self._lint()

    @on(TextArea.Changed)
    def typed(self) -> None:
        text = self.query_one(TextArea).text
        if self._loading and text == self.draft.body:
            self._loading = False
            return
        self._loading = False
        with self.told():
            Drafts.of(self.desk.store).save(self.draft.id, text)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(LINT_DELAY, self._lint)

    def _lint(self) -> None:
        with self.told():
            issues = self.desk.lint(self.query_one(TextArea).text)
            self.query_one(StatusBar).show(*_summary(issues))

    def _saved(self) -> Draft:
        self.draft = Drafts.of(self.desk.store).get(self.draft.id)
        return self.draft

    def _replace(self, text: str) -> None:
        """Another text in the editor, saved; the cursor stays where it was."""
        area = self.query_one(TextArea)
        place = area.cursor_location
        area.load_text(text)
        area.move_cursor(place)
        Drafts.of(self.desk.store).save(self.draft.id, text)
        self._lint()

    def on_screen_resume(self) -> None:
        self._leave_if_closed()

    def _leave_if_closed(self) -> None:
        """The draft was sent or thrown away: nothing is left to edit."""
        if not self._left and self._saved().state != "open":
            self._left = True
            self.app.pop_screen()

    def action_preview(self) -> None:
        from abireview.tui.preview import PreviewScreen

        with self.told():
            self.app.push_screen(PreviewScreen(self.opened, self._saved(), self.row))

    def action_trailers(self) -> None:
        from abireview.lore import b4mail

        with self.told():
            me = b4mail.identity()
            have = given(self.query_one(TextArea).text, me)
            choices = [
                (name[0].lower(), name, f"{'remove' if name in have else 'add'} {trailer_line(name, me)}")
                for name in TRAILERS
            ]

            def chosen(name: str | None) -> None:
                if name is not None:
                    with self.told():
                        self._replace(toggle(self.query_one(TextArea).text, name, me))

            self.app.push_screen(ChoicePrompt("Trailers of your reply", choices), chosen)

    def action_recipients(self) -> None:
        def done(draft: Draft) -> None:
            self.draft = draft

        ask_recipients(self, self.opened, self._saved(), done)

    def action_editor(self) -> None:
        with self.told():
            try:
                with self.app.suspend():
                    text = edit(self.query_one(TextArea).text)
            except SuspendNotSupported as error:
                raise UsageError("this terminal cannot be handed to an editor") from error
            self._replace(text)

    def action_discard(self) -> None:
        choices = [("y", "yes", "yes, throw this draft away"), ("n", "no", "no, keep it")]

        def chosen(answer: str | None) -> None:
            if answer == "yes":
                with self.told():
                    Drafts.of(self.desk.store).close(self.draft.id, "discarded")
                    self._leave_if_closed()

        self.app.push_screen(ChoicePrompt("Throw the draft away?", choices), chosen)


def _summary(issues: tuple[Issue, ...]) -> tuple[str, str]:
    """The status line: what is wrong, or that nothing is."""
    if not issues:
        return "nothing to complain about; saved as you type", "$text-success"
    first = next((issue for issue in issues if issue.severity == "error"), issues[0])
    where = f"line {first.line}: " if first.line else ""
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return f"{where}{first.text}{more}", "$text-error" if has_errors(issues) else "$text-warning"


def _first_own_line(body: str) -> tuple[int, int]:
    """Where the person goes on: the first unquoted text after a quote, else the end of the first quote."""
    lines = body.split("\n")
    for number, line in enumerate(lines):
        if number and line and not line.startswith(">") and any(known.startswith(">") for known in lines[:number]):
            return (number, 0)
    return (max(0, len(lines) - 1), 0)
