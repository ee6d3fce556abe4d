# SPDX-License-Identifier: GPL-2.0-or-later
"""The pane that shows one mail: highlighted diff, and each finding below the line it is about."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.message import Message as TextualMessage

from abireview.findings.model import Finding
from abireview.mail.model import Message
from abireview.tui.code import is_code, spans
from abireview.tui.document import Document, Row, shown
from abireview.tui.lines import Lines

SPLIT_WIDTH = 140  # columns of the terminal from which a diff may stand side by side
_CLASSES = ("header", "subject", "text", "meta", "hunk", "add", "del", "ctx", "quote", "quote2", "blank")
_CODE = ("keyword", "string", "comment", "number", "macro")


class MailView(Lines):
    """One mail. Moving the cursor tells which finding is near (``NearFinding``)."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"mail--{name}" for name in _CLASSES),
        *(f"code--{name}" for name in _CODE),
        "mail--finding",
        "mail--finding-settled",
        "mail--marked",
        "mail--gutter",
    }
    DEFAULT_CSS = """
    MailView {
        & > .mail--header { color: $text-muted; }
        & > .mail--subject { color: $text-primary; text-style: bold; }
        & > .mail--text { color: $foreground; }
        & > .mail--meta { color: $text-accent; text-style: bold; }
        & > .mail--hunk { color: $text-secondary; }
        & > .mail--add { background: $success 12%; }
        & > .mail--del { background: $error 12%; }
        & > .mail--ctx { color: $foreground; }
        & > .mail--quote { color: $text-primary; }
        & > .mail--quote2 { color: $text-muted; }
        & > .mail--blank { color: $text-muted; }
        & > .mail--finding { background: $warning 22%; color: $foreground; text-style: bold; }
        & > .mail--finding-settled { color: $text-muted; text-style: italic; }
        & > .mail--marked { background: $warning 35%; text-style: bold; }
        & > .mail--gutter { color: $text-muted; }
        & > .code--keyword { color: $text-primary; }
        & > .code--string { color: $text-success; }
        & > .code--comment { color: $text-muted; text-style: italic; }
        & > .code--number { color: $text-accent; }
        & > .code--macro { color: $text-secondary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "split", "Side by side", show=False, tooltip="Removed lines left, added lines right"),
    ]
    HELP = (
        "The mail, as posted. A finding stands below the line it is about.\n"
        "j k move, space and b page, g G top and end, h l sideways, v side by side (from 140 columns)."
    )

    class NearFinding(TextualMessage):
        """The cursor is near another finding (an index into ``document.findings``, -1 for none)."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.document: Document | None = None
        self._split = False
        self._near = -2

    def show(self, message: Message, findings: list[Finding], *, keep: bool = False) -> None:
        """Show another mail, or the same one with other findings (``keep``: the cursor stays where it is)."""
        line = self._body_line() if keep else 0
        self.document = Document(message, findings, self._text_width(), split=self._split and self.can_split)
        self._near = -2
        self.content_changed(cursor=self.document.row_at(line) if line else 0)
        if not keep:
            self.scroll_to(0, 0, animate=False, force=True)
        self._tell()

    @property
    def can_split(self) -> bool:
        """True if the terminal is wide enough for two columns."""
        return self.app.size.width >= SPLIT_WIDTH

    def go_to_finding(self, index: int) -> None:
        """Put the cursor on the first row of a finding."""
        if self.document is not None:
            self.cursor = self.document.row_of(index)
            self._centre()

    def go_to_line(self, line: int) -> None:
        """Put the cursor on a line of the body."""
        if self.document is not None:
            self.cursor = self.document.row_at(line)
            self._centre()

    def _centre(self) -> None:
        height = self._page_height()
        top = round(self.scroll_offset.y)
        if not top + 3 <= self.cursor <= top + height - 8:
            self.scroll_to(y=max(0, self.cursor - height // 3), animate=False, force=True)

    def action_split(self) -> None:
        if self.document is None:
            return
        if not self.can_split:
            self.notify(f"side by side needs {SPLIT_WIDTH} columns", severity="warning", markup=False)
            return
        self._split = not self._split
        self.screen.set_class(self._split, "split")
        self._rebuild()

    def _rebuild(self) -> None:
        if self.document is not None:
            self.show(self.document.message, self.document.findings, keep=True)

    def _text_width(self) -> int:
        return max(40, self.size.width - 2) if self.size.width else 80

    def _body_line(self) -> int:
        if self.document is None or not self.document.rows:
            return 0
        rows = self.document.rows
        return next((row.at for row in reversed(rows[: self.cursor + 1]) if row.at), 0)

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        document = self.document
        if document is None:
            return
        split = self._split and self.can_split
        if split != document.split or (document.findings and document.width != self._text_width()):
            self._rebuild()

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        self._tell()

    def _tell(self) -> None:
        near = -1 if self.document is None else self.document.finding_near(self.cursor)
        if near != self._near:
            self._near = near
            self.post_message(self.NearFinding(near))

    # drawing

    def count(self) -> int:
        return 0 if self.document is None else len(self.document.rows)

    def longest(self) -> int:
        if self.document is None or self.document.split:
            return 0
        return self.document.longest

    def _front(self, name: str) -> Style:
        """Only the foreground of a component class, to lay over the background of a diff line."""
        key = f"front {name}"
        style = self._styles.get(key)
        if style is None:
            own = self.component(name)
            style = Style(color=own.color, italic=own.italic, bold=own.bold)
            self._styles[key] = style
        return style

    def draw(self, index: int) -> list[Segment]:
        assert self.document is not None
        row = self.document.rows[index]
        if (
            self.document.split
            and row.kind in {"add", "del", "ctx", "blank"}
            and (row.other or row.other_kind != "blank")
        ):
            return self._draw_pair(row)
        return self._draw_half(row.kind, row.text, row.path, row.finding, fill=row.kind not in {"text", "header"})

    def _draw_pair(self, row: Row) -> list[Segment]:
        from textual.strip import Strip

        half = (self.scrollable_content_region.width - 1) // 2
        sides = ((row.kind, row.text), (row.other_kind, row.other))
        out: list[Segment] = []
        for number, (kind, text) in enumerate(sides):
            segments = self._draw_half(kind, text, row.path, row.finding, fill=False)
            style = self.component(f"mail--{kind}")
            out += Strip(segments).crop_extend(0, half, style)
            if number == 0:
                out.append(Segment("│", self.component("mail--gutter")))
        return out

    def _draw_half(self, kind: str, text: str, path: str, finding: int, *, fill: bool) -> list[Segment]:
        assert self.document is not None
        line = shown(text)
        if kind == "finding":
            settled = self.document.findings[finding].state in {"answered", "suppressed"}
            name = "mail--finding-settled" if settled else "mail--finding"
        else:
            name = f"mail--{kind}"
        base = self.component(name)
        if finding >= 0 and kind in {"add", "del", "ctx"}:
            base = self.component("mail--marked")
        segments = (
            self._coloured(line, base) if kind in {"add", "del", "ctx"} and is_code(path) else [Segment(line, base)]
        )
        room = max(self.longest(), self.scrollable_content_region.width)
        if fill and kind in {"add", "del", "finding"} and not self.document.split:
            segments.append(Segment(" " * max(0, room - len(line)), base))
        return segments

    def _coloured(self, line: str, base: Style) -> list[Segment]:
        """A diff line with its C coloured; the mark in the first column keeps the line's own colour."""
        out = [Segment(line[:1], base)]
        at = 1
        for start, end, name in spans(line[1:]):
            if start + 1 > at:
                out.append(Segment(line[at : start + 1], base))
            out.append(Segment(line[start + 1 : end + 1], base + self._front(f"code--{name}")))
            at = end + 1
        out.append(Segment(line[at:], base))
        return out
