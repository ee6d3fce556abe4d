# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole function around a line of the diff, where a tree is given."""

from __future__ import annotations

from textual.app import ComposeResult

from abireview.errors import NotFoundError
from abireview.mail.model import Series
from abireview.source.changeset import changeset
from abireview.source.model import Fragment, FragmentSide
from abireview.source.tree import Tree
from abireview.tui.base import BaseScreen, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.textlines import TextLines

Line = tuple[str, str]


def whole_function(series: Series, tree: Tree | None, msgid: str, path: str, at: int) -> tuple[str, list[Line], int]:
    """(title, lines, the line of interest) of the function that line ``at`` of the patch's mail lies in.

    Raises NotFoundError where there is no tree, or the function cannot be rebuilt from it.
    """
    if tree is None:
        raise NotFoundError("there is no kernel tree to look at", hint="start with --tree")
    index = next((k for k, patch in enumerate(series.patches) if patch.msgid == msgid), -1)
    if index < 0:
        raise NotFoundError("this mail is no patch of the series")
    side, number = _place(series, index, path, at)
    changes = changeset(series, tree, wanted=lambda known: known == path)
    for fragment in changes.fragments:
        lines = fragment.new if side == "new" else fragment.old
        if fragment.patch == index and number in lines.numbers:
            return f"{path}: {fragment.name or fragment.kind}", _lines(fragment), _row(fragment, side, number)
    raise NotFoundError(f"the tree does not show what is around this line of {path}")


def _place(series: Series, index: int, path: str, at: int) -> tuple[str, int]:
    """Side and line number in the file of a line of the mail."""
    for file in series.patches[index].files:
        if path not in {file.new_path, file.old_path}:
            continue
        for hunk in file.hunks:
            for line in hunk.lines:
                if line.at >= at:
                    return ("new", line.new_no) if line.new_no is not None else ("old", line.old_no or 0)
    raise NotFoundError("the cursor is on no line of the diff")


def _lines(fragment: Fragment) -> list[Line]:
    """Old and new side in one: removed lines where they stood, then what took their place."""
    out: list[Line] = []
    old, new = _numbered(fragment.old), _numbered(fragment.new)
    at = 0
    for text, number, changed in new:
        while at < len(old) and old[at][2]:
            out.append((f"-      {old[at][0]}", "del"))
            at += 1
        at += not changed
        out.append((f"{'+' if changed else ' '}{number:>5} {text}", "add" if changed else "plain"))
    out += [(f"-      {text}", "del") for text, _, changed in old[at:] if changed]
    return out


def _numbered(side: FragmentSide) -> list[tuple[str, int, bool]]:
    return list(zip(side.lines, side.numbers, side.changed, strict=True))


def _row(fragment: Fragment, side: str, number: int) -> int:
    """The row of ``_lines`` that a line number is near."""
    numbers = fragment.new.numbers if side == "new" else fragment.old.numbers
    return numbers.index(number)


class WholeScreen(BaseScreen):
    """Shows it."""

    CSS = "WholeScreen TextLines { height: 1fr; }"

    def __init__(self, title: str, lines: list[Line], at: int) -> None:
        super().__init__()
        self._title, self._lines, self._at = title, lines, at

    def compose(self) -> ComposeResult:
        yield TitleBar(self._title)
        yield TextLines()
        yield Keys()

    def on_mount(self) -> None:
        view = self.query_one(TextLines)
        view.show(self._lines, cursor=self._at)
        view.focus()
