# SPDX-License-Identifier: GPL-2.0-or-later
"""Settling a finding: what kind of answer, its ground, and until when for a suppression."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from abireview.errors import UsageError
from abireview.findings.answers import GROUNDS
from abireview.findings.model import Finding
from abireview.findings.until import parse_until
from abireview.safetext import safe

CHOICES = (
    ("k", "knob", "a knob exists: userspace can keep the old behaviour"),
    ("r", "arch-fix", "the architecture forbids the old behaviour"),
    ("f", "false-positive", "false positive"),
    ("s", "suppress", "keep it quiet, for a reason and maybe for a time"),
)


class Settlement(msgspec.Struct, frozen=True):
    """What the person decided; ``until`` in seconds since 1970 or None."""

    kind: str
    text: str
    until: int | None = None


class SettleScreen(ModalScreen[Settlement | None]):
    """Asks for kind, ground and expiry; None if it was dismissed."""

    CSS = """
    SettleScreen { align: center middle; background: $background 60%; }
    SettleScreen > Vertical {
        width: 90%; max-width: 90; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    SettleScreen Static { width: 100%; }
    SettleScreen OptionList { height: auto; border: none; background: $panel; margin: 1 0; }
    SettleScreen #error { color: $text-error; }
    SettleScreen .off { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, finding: Finding, now: float) -> None:
        super().__init__()
        self._finding, self._now = finding, now
        self._kind = ""

    def compose(self) -> ComposeResult:
        with Vertical():
            title = f"{self._finding.rule}: {self._finding.question or self._finding.message}"
            yield Static(Content(safe(title)), markup=False)
            options = [
                Option(Content.assemble((f" {key} ", "bold $text-accent"), f" {text}"), id=kind)
                for key, kind, text in CHOICES
            ]
            yield OptionList(*options, markup=False)
            yield Input(id="text", classes="off")
            yield Input(id="until", classes="off", placeholder="until when: 2027-03-01, 30d, 3 months; empty for ever")
            yield Static("", id="error", markup=False)

    def on_key(self, event: Key) -> None:
        if self._kind:
            return
        for key, kind, _ in CHOICES:
            if event.character == key:
                event.stop()
                event.prevent_default()
                self._choose(kind)
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(str(event.option.id))

    def _choose(self, kind: str) -> None:
        self._kind = kind
        field = self.query_one("#text", Input)
        field.placeholder = GROUNDS[kind]
        field.remove_class("off")
        if kind == "suppress":
            self.query_one("#until").remove_class("off")
        self.query_one(OptionList).highlighted = [known for _, known, _ in CHOICES].index(kind)
        self.query_one(OptionList).disabled = True
        field.focus()

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        text = self.query_one("#text", Input).value.strip()
        if not text:
            self._complain(f"say {GROUNDS[self._kind]}")
            return
        if self._kind == "suppress" and event.input.id == "text":
            self.query_one("#until").focus()
            return
        try:
            until = parse_until(self.query_one("#until", Input).value, self._now) if self._kind == "suppress" else None
        except UsageError as error:
            self._complain(f"{error} {error.hint}".strip())
            return
        self.dismiss(Settlement(self._kind, text, until))

    def _complain(self, text: str) -> None:
        self.query_one("#error", Static).update(Content(safe(text)))

    def action_cancel(self) -> None:
        self.dismiss(None)
