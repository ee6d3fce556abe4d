# SPDX-License-Identifier: GPL-2.0-or-later
"""A list of lines with a cursor that renders only what is on the screen: the base of all long panes.

Subclasses say how many lines there are and draw one; nothing here ever parses markup. Lines are drawn once and kept
until the content, the width or the theme changes.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

STRIPS_KEPT = 512  # drawn lines kept: a few screens up and down in a large terminal; Textual keeps others


class Lines(ScrollView, can_focus=True):
    """Lines with a cursor. ``header_rows`` lines at the top stay while the rest scrolls."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--cursor-blurred", "lines--header", "lines--muted"}
    DEFAULT_CSS = """
    Lines {
        background: $surface;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .lines--cursor { background: $primary 45%; color: $foreground; text-style: bold; }
        & > .lines--cursor-blurred { background: $primary 18%; color: $foreground; }
        & > .lines--header { color: $text-muted; text-style: bold underline; }
        & > .lines--muted { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False),
        Binding("space,pagedown,ctrl+f", "page(1)", "A page down", show=False),
        Binding("b,pageup,ctrl+b,backspace", "page(-1)", "A page up", show=False),
        Binding("g,home", "move_to(0)", "To the top", show=False),
        Binding("G,end", "move_to(-1)", "To the end", show=False),
        Binding("h,left", "sideways(-8)", "Left", show=False),
        Binding("l,right", "sideways(8)", "Right", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    cursor: reactive[int] = reactive(0, init=False)
    header_rows: ClassVar[int] = 0
    scroll_margin: ClassVar[int] = 2

    class Moved(Message):
        """The cursor is on another line."""

        def __init__(self, lines: Lines, index: int) -> None:
            super().__init__()
            self.lines, self.index = lines, index

        @property
        def control(self) -> Lines:
            return self.lines

    class Chosen(Message):
        """Enter, or a click on the cursor's line."""

        def __init__(self, lines: Lines, index: int) -> None:
            super().__init__()
            self.lines, self.index = lines, index

        @property
        def control(self) -> Lines:
            return self.lines

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(STRIPS_KEPT)
        self._styles: dict[str, Style] = {}
        self._base: Style | None = None

    # what a subclass says

    def count(self) -> int:
        """How many lines there are (without the header)."""
        return 0

    def longest(self) -> int:
        """The width of the widest line in cells (an upper bound will do); 0 never scrolls sideways."""
        return 0

    def draw(self, index: int) -> list[Segment]:
        """The segments of one line, without the cursor."""
        raise NotImplementedError

    def draw_header(self) -> list[Segment]:
        """The segments of the header line."""
        return []

    # what it does

    def component(self, name: str) -> Style:
        """The style of a component class on the widget's own background."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(name)
        return style

    def content_changed(self, *, cursor: int | None = None) -> None:
        """Call this when what is shown has changed: sizes, cursor and cache follow."""
        self._strips.clear()
        self._resize()
        last = max(0, self.count() - 1)
        wanted = min(max(0, self.cursor if cursor is None else cursor), last)
        self.set_reactive(Lines.cursor, wanted)
        self.show_cursor()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()
        self._base = None

    def on_resize(self, event: Resize) -> None:
        self._strips.clear()
        self._resize()
        self.call_after_refresh(self.show_cursor)

    def _resize(self) -> None:
        self.virtual_size = Size(self.longest(), self.count() + self.header_rows)

    def _page_height(self) -> int:
        return max(1, self.scrollable_content_region.height - self.header_rows)

    def show_cursor(self) -> None:
        """Scroll so that the cursor's line is on the screen, with a little room around it."""
        top, height = round(self.scroll_offset.y), self._page_height()
        margin = min(self.scroll_margin, (height - 1) // 2)
        if self.cursor < top + margin:
            self.scroll_to(y=max(0, self.cursor - margin), animate=False, force=True)
        elif self.cursor > top + height - 1 - margin:
            self.scroll_to(y=self.cursor - height + 1 + margin, animate=False, force=True)

    def watch_cursor(self, old: int, new: int) -> None:
        self.show_cursor()
        self.refresh()
        self.post_message(self.Moved(self, new))

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh()

    def action_move(self, by: int) -> None:
        self.cursor = min(max(0, self.cursor + by), max(0, self.count() - 1))

    def action_page(self, pages: float) -> None:
        step = max(1, int(abs(pages) * self._page_height()))
        self.action_move(step if pages > 0 else -step)

    def action_move_to(self, index: int) -> None:
        last = max(0, self.count() - 1)
        self.cursor = last if index < 0 else min(index, last)

    def action_sideways(self, by: int) -> None:
        self.scroll_to(x=max(0, self.scroll_offset.x + by), animate=False, force=True)

    def action_choose(self) -> None:
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.header_rows:
            return
        index = round(self.scroll_offset.y) + offset.y - self.header_rows
        if index >= self.count():
            return
        event.stop()
        if index == self.cursor and event.chain > 1:
            self.action_choose()
        self.cursor = index

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.scrollable_content_region.width
        if self._base is None:
            self._base = self.rich_style
        base = self._base
        if y < self.header_rows:
            header = Strip(self.draw_header()).crop_extend(scroll_x, scroll_x + width, base)
            return header.apply_style(self.component("lines--header"))
        index = scroll_y + y - self.header_rows
        if not 0 <= index < self.count():
            return Strip.blank(width, base)
        key = (index, width)
        strip = self._strips.get(key)
        if strip is None:
            strip = Strip(self.draw(index)).apply_style(base)
            self._strips[key] = strip
        line = strip.crop_extend(scroll_x, scroll_x + width, base)
        if index == self.cursor:
            name = "lines--cursor" if self.has_focus else "lines--cursor-blurred"
            style = self.component(name)
            return Strip([Segment(text, over(own, style)) for text, own, _ in line], line.cell_length)
        return line


def over(own: Style | None, cursor: Style) -> Style:
    """The cursor's colours, with what the line's own style has beside colours."""
    if own is None:
        return cursor
    return own + Style(color=cursor.color, bgcolor=cursor.bgcolor, bold=cursor.bold or own.bold, reverse=cursor.reverse)
