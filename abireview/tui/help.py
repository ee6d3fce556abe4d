# SPDX-License-Identifier: GPL-2.0-or-later
"""``?``: the keys that work here and now, from the bindings themselves, and a word from the focused pane."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

_NAMES = {
    "question_mark": "?",
    "full_stop": ".",
    "comma": ",",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "vertical_line": "|",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


def key_name(keys: str) -> str:
    """How a key is written for a person: ``ctrl+y`` is ``Ctrl-y``."""
    shown = []
    for key in keys.split(","):
        name = _NAMES.get(key, key)
        shown.append(f"Ctrl-{name[5:]}" if name.startswith("ctrl+") else name)
    return " ".join(shown)


def help_lines(screen: Screen[Any], focused: Widget | None) -> list[tuple[str, str]]:
    """(keys, what they do) for a screen and its focused widget; a pair ("", text) is a heading or a sentence."""
    lines: list[tuple[str, str]] = []
    text = getattr(focused, "help_text", "") or getattr(focused, "HELP", "")
    if focused is not None and text:
        lines += [("", part) for part in text.split("\n")] + [("", "")]
    for owner, title in ((focused, "In this pane"), (screen, "On this screen"), (screen.app, "Everywhere")):
        if owner is None:
            continue
        rows = []
        seen = set()
        for _, binding in owner._bindings:
            if binding.description and not binding.system and (binding.action, binding.description) not in seen:
                seen.add((binding.action, binding.description))
                keys = [known.key for _, known in owner._bindings if known.action == binding.action]
                rows.append((key_name(",".join(dict.fromkeys(keys))), binding.tooltip or binding.description))
        if rows:
            lines += [("", title), *rows, ("", "")]
    return lines


class HelpScreen(ModalScreen[None]):
    """The keys of the screen below."""

    CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > VerticalScroll {
        width: 90%; max-width: 92; height: 90%; padding: 1 2; background: $panel; border: round $primary;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,Q,q", "dismiss", "Close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("space,pagedown", "scroll(10)", show=False),
        Binding("b,pageup", "scroll(-10)", show=False),
    ]

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        width = max((len(keys) for keys, _ in self._lines), default=0)
        parts: list[str | tuple[str, str]] = []
        for keys, text in self._lines:
            parts += [(f"{keys:>{width}}  ", "bold $text-accent"), text, "\n"] if keys else [(text, "bold"), "\n"]
        with VerticalScroll(can_focus=True):
            yield Static(Content.assemble(*parts), markup=False)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
