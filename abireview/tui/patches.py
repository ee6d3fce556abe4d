# SPDX-License-Identifier: GPL-2.0-or-later
"""The pane left of the mail: cover and patches, each with its findings."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip

from abireview.findings.model import Finding
from abireview.mail.model import Series
from abireview.mail.subject import parse_subject
from abireview.safetext import safe_line
from abireview.tui.lines import Lines


class Item:
    """A line of the list: number as posted, title, message-id, and what was found."""

    __slots__ = ("drafted", "label", "marks", "msgid", "title")

    def __init__(self, label: str, title: str, msgid: str, findings: list[Finding], drafted: bool) -> None:
        self.label, self.title, self.msgid, self.drafted = label, title, msgid, drafted
        self.marks = marks(findings)


def marks(findings: list[Finding]) -> list[tuple[str, str]]:
    """(text, component class) for open flags by severity, open notes, and settled findings."""
    asked = [finding for finding in findings if finding.state in {"new", "carried"}]
    flags = [finding.severity for finding in asked if finding.level == "flag"]
    found = [
        (f"▲{flags.count('high')}", "patch--high", flags.count("high")),
        (f"▲{flags.count('medium')}", "patch--medium", flags.count("medium")),
        (f"▲{flags.count('low')}", "patch--low", flags.count("low")),
        (f"•{len(asked) - len(flags)}", "patch--note", len(asked) - len(flags)),
        (f"✓{len(findings) - len(asked)}", "patch--settled", len(findings) - len(asked)),
    ]
    return [(text, name) for text, name, count in found if count]


class PatchList(Lines):
    """Cover and patches of one version."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "patch--high",
        "patch--medium",
        "patch--low",
        "patch--note",
        "patch--settled",
        "patch--number",
        "patch--draft",
    }
    DEFAULT_CSS = """
    PatchList {
        background: $panel;
        overflow-x: hidden;
        & > .patch--high { color: $text-error; text-style: bold; }
        & > .patch--medium { color: $text-warning; text-style: bold; }
        & > .patch--low { color: $text-warning; }
        & > .patch--note { color: $text-accent; }
        & > .patch--settled { color: $text-success; }
        & > .patch--number { color: $text-muted; }
        & > .patch--draft { color: $text-success; text-style: bold; }
    }
    """
    HELP = "Cover letter and patches. ▲ open flags by severity, • open notes, ✓ settled findings, ✎ a draft."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.items: list[Item] = []

    def show(self, series: Series, findings: list[Finding], drafted: set[str]) -> None:
        """List a version; ``drafted`` are the message-ids that have an open draft."""
        items = []
        if series.cover is not None:
            title = parse_subject(series.cover.subject).title
            items.append(Item("0", title, series.cover.msgid, [], series.cover.msgid in drafted))
        for patch in series.patches:
            own = [finding for finding in findings if finding.patch == patch.msgid]
            title = parse_subject(patch.subject).title
            items.append(Item(str(patch.n), title, patch.msgid, own, patch.msgid in drafted))
        self.items = items
        self.content_changed()

    def index_of(self, msgid: str) -> int:
        """The line of a mail, -1 if it is none of cover and patches."""
        return next((index for index, item in enumerate(self.items) if item.msgid == msgid), -1)

    def count(self) -> int:
        return len(self.items)

    def draw(self, index: int) -> list[Segment]:
        item = self.items[index]
        width = self.scrollable_content_region.width
        number = f"{item.label:>2} "
        tail: list[Segment] = [Segment(" ✎", self.component("patch--draft"))] if item.drafted else []
        for text, name in item.marks:
            tail += [Segment(" "), Segment(text, self.component(name))]
        room = max(4, width - len(number) - Strip(tail).cell_length)
        title = Strip([Segment(safe_line(item.title) or "(no subject)")]).crop_extend(0, room, None)
        return [Segment(number, self.component("patch--number")), *title, *tail]
