# SPDX-License-Identifier: GPL-2.0-or-later
"""Small questions on top of a screen: one line of text, a choice, yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from abireview.safetext import safe

_CSS = """
{name} {{ align: center middle; background: $background 60%; }}
{name} > Vertical {{
    width: 90%; max-width: 90; height: auto; max-height: 90%;
    padding: 1 2; background: $panel; border: round $primary;
}}
{name} .question {{ width: 100%; margin-bottom: 1; }}
{name} .hint {{ width: 100%; color: $text-muted; margin-top: 1; }}
{name} OptionList {{ height: auto; max-height: 16; border: none; background: $panel; }}
"""


class LinePrompt(ModalScreen[str | None]):
    """Asks for one line; None if it was dismissed."""

    CSS = _CSS.format(name="LinePrompt")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, question: str, *, value: str = "", hint: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._question, self._value, self._hint, self._placeholder = question, value, hint, placeholder

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(safe(self._question)), classes="question", markup=False)
            yield Input(self._value, placeholder=self._placeholder)
            if self._hint:
                yield Static(Content(safe(self._hint)), classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        self.dismiss(None)


class ChoicePrompt(ModalScreen[str | None]):
    """Offers choices, each with its key; the chosen id, or None."""

    CSS = _CSS.format(name="ChoicePrompt")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,Q", "cancel", "Cancel"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, str, str]], *, hint: str = "") -> None:
        """``choices`` are (key, id, text)."""
        super().__init__()
        self._question, self._choices, self._hint = question, choices, hint

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(safe(self._question)), classes="question", markup=False)
            options = [
                Option(Content.assemble((f" {key} ", "bold $text-accent"), f" {safe(text)}"), id=name)
                for key, name, text in self._choices
            ]
            yield OptionList(*options, markup=False)
            if self._hint:
                yield Static(Content(safe(self._hint)), classes="hint", markup=False)

    def on_key(self, event: Key) -> None:
        for key, name, _ in self._choices:
            if event.character == key:
                event.stop()  # the key must not go on to the screen below
                event.prevent_default()
                self.dismiss(name)
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()
