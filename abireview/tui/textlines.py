# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain text as lines, each with one style: previews, differences, lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment

from abireview.tui.document import shown
from abireview.tui.lines import Lines

STYLES = ("plain", "muted", "strong", "good", "bad", "warn", "accent", "add", "del", "quote", "header")


class TextLines(Lines):
    """Lines of text; each is (text, style) with a style of ``STYLES``."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"text--{name}" for name in STYLES}
    DEFAULT_CSS = """
    TextLines {
        & > .text--plain { color: $foreground; }
        & > .text--muted { color: $text-muted; }
        & > .text--strong { text-style: bold; }
        & > .text--good { color: $text-success; }
        & > .text--bad { color: $text-error; text-style: bold; }
        & > .text--warn { color: $text-warning; }
        & > .text--accent { color: $text-accent; text-style: bold; }
        & > .text--add { background: $success 12%; }
        & > .text--del { background: $error 12%; }
        & > .text--quote { color: $text-primary; }
        & > .text--header { color: $text-muted; }
    }
    """

    HELP = "j k move, space and b page, g G top and end, h l sideways."

    def __init__(self, *, id: str | None = None, help: str = "") -> None:
        super().__init__(id=id)
        self.help_text = help
        self.lines: Sequence[tuple[str, str]] = ()

    def show(self, lines: Sequence[tuple[str, str]], *, cursor: int = 0) -> None:
        """Show other lines."""
        self.lines = lines
        self.content_changed(cursor=cursor)

    def count(self) -> int:
        return len(self.lines)

    def longest(self) -> int:
        return max((len(text) + 7 * text.count("\t") for text, _ in self.lines), default=0)

    def draw(self, index: int) -> list[Segment]:
        text, style = self.lines[index]
        return [Segment(shown(text), self.component(f"text--{style}"))]
