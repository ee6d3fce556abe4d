# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue as a table that draws only the rows on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from abireview.safetext import safe_line
from abireview.store.queue import Row
from abireview.tui.lines import Lines

COLUMNS = (("state", 9), ("date", 10), ("author", 16), ("version", 8), ("flags", 9), ("n/c/a", 7), ("arch", 7))
NARROW = (("state", 3), ("date", 5), ("author", 10), ("version", 7), ("flags", 8))
NARROW_WIDTH = 100  # columns below which only the short columns are shown
TITLE_MIN = 12

_STYLES = {
    "new": "queue--new",
    "reviewing": "queue--reviewing",
    "waiting": "queue--waiting",
    "replied": "queue--replied",
    "snoozed": "queue--quiet",
    "done": "queue--quiet",
}


class QueueTable(Lines):
    """One row a series."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "queue--new",
        "queue--reviewing",
        "queue--waiting",
        "queue--replied",
        "queue--quiet",
        "queue--high",
        "queue--medium",
        "queue--low",
        "queue--note",
        "queue--problem",
        "queue--busy",
        "queue--draft",
    }
    DEFAULT_CSS = """
    QueueTable {
        overflow-x: hidden;
        & > .queue--new { color: $text-accent; text-style: bold; }
        & > .queue--reviewing { color: $text-primary; }
        & > .queue--waiting { color: $text-secondary; }
        & > .queue--replied { color: $text-success; }
        & > .queue--quiet { color: $text-muted; }
        & > .queue--high { color: $text-error; text-style: bold; }
        & > .queue--medium { color: $text-warning; text-style: bold; }
        & > .queue--low { color: $text-warning; }
        & > .queue--note { color: $text-accent; }
        & > .queue--problem { color: $text-error; }
        & > .queue--busy { color: $text-warning; text-style: italic; }
        & > .queue--draft { color: $text-accent; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,slash", "screen.limit", "Limit", key_display="l", tooltip="Filter the queue"),
    ]
    HELP = (
        "The queue, one row a series. ▲ open flags by severity (high, medium, low), • open notes;\n"
        "n/c/a: findings new, carried from an earlier version, answered.\n"
        "'draft 3 waits': the bot wants to say something about this series; B shows it."
    )
    header_rows: ClassVar[int] = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()
        self.busy: Mapping[int, str] = {}
        self.drafts: Mapping[int, str] = {}

    def show(self, rows: Sequence[Row], busy: Mapping[int, str], drafts: Mapping[int, str]) -> None:
        """Show other rows; ``busy`` says for row numbers what is being done, ``drafts`` what the bot has to say.

        The cursor stays on its series.
        """
        current = self.current()
        self.rows, self.busy, self.drafts = rows, busy, drafts
        at = None
        if current is not None:
            at = next((index for index, row in enumerate(rows) if row.id == current.id), None)
        self.content_changed(cursor=at)

    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def count(self) -> int:
        return len(self.rows)

    def _columns(self) -> tuple[tuple[str, int], ...]:
        return NARROW if self.size.width < NARROW_WIDTH else COLUMNS

    def draw_header(self) -> list[Segment]:
        names = "".join(f"{name[:width]:<{width}} " for name, width in self._columns())
        return [Segment(f"{names}title".ljust(self.scrollable_content_region.width))]

    def draw(self, index: int) -> list[Segment]:
        row = self.rows[index]
        busy = self.busy.get(row.id, "")
        out: list[Segment] = []
        for name, width in self._columns():
            cell = Strip(self._cell(row, name, width, busy)).crop_extend(0, width, None)
            out += [*cell, Segment(" ")]
        if busy:
            out += [Segment(f"{safe_line(busy)}  ", self.component("queue--busy"))]
        elif row.problem:
            out += [Segment(f"{safe_line(row.problem)}  ", self.component("queue--problem"))]
        if row.id in self.drafts:
            out += [Segment(f"{self.drafts[row.id]}  ", self.component("queue--draft"))]
        out.append(Segment(safe_line(row.title) or "(no subject)"))
        return out

    def _cell(self, row: Row, name: str, width: int, busy: str) -> list[Segment]:
        if name == "state":
            word = "failed" if row.problem else row.state
            style = self.component("queue--problem" if row.problem else _STYLES[row.state])
            return [Segment("…" if busy else word[:width], self.component("queue--busy") if busy else style)]
        if name == "date":
            return [Segment(_date(row.date, width), self.component("lines--muted"))]
        if name == "author":
            return [Segment(safe_line(row.author))]
        if name == "version":
            return [Segment(safe_line(row.tag))]
        if name == "flags":
            return self._flags(row)
        if name == "n/c/a":
            settled = f"{row.new}/{row.carried}/{row.answered}" if row.new or row.carried or row.answered else ""
            return [Segment(settled, self.component("lines--muted"))]
        return [Segment(safe_line(row.arch), self.component("lines--muted"))]

    def _flags(self, row: Row) -> list[Segment]:
        out = []
        for count, mark, style in (
            (row.high, "▲", "queue--high"),
            (row.medium, "▲", "queue--medium"),
            (row.low, "▲", "queue--low"),
            (row.notes, "•", "queue--note"),
        ):
            if count:
                out.append(Segment(f"{mark}{count} ", self.component(style)))
        return out


def _date(seconds: int | None, width: int) -> str:
    if seconds is None:
        return ""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return "?"
    return moment.strftime("%Y-%m-%d" if width >= 10 else "%m-%d")
