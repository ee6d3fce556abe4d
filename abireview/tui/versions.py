# SPDX-License-Identifier: GPL-2.0-or-later
"""The versions of a series: findings new, carried, gone, settled; and what changed in a patch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from abireview.errors import TreeError
from abireview.findings.carry import Comparison, compare
from abireview.findings.model import Finding, Result
from abireview.findings.rangediff import difference, overview, pair, styled
from abireview.mail.model import Series
from abireview.mail.subject import parse_subject
from abireview.reply.desk import Opened
from abireview.tui.background import in_daemon
from abireview.tui.base import TitleBar
from abireview.tui.footer import Keys
from abireview.tui.help import HelpScreen, help_lines
from abireview.tui.lines import Lines
from abireview.tui.textlines import TextLines

Line = tuple[str, str]


class VersionsScreen(Screen[int | None]):
    """Versions left, what happened to the findings right; dismissed with the index of a version to look at."""

    CSS = """
    VersionsScreen Horizontal { height: 1fr; }
    VersionsScreen #versions { width: 36; height: 100%; border-right: vkey $primary 40%; background: $panel; }
    VersionsScreen #changes { width: 1fr; height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("Q,escape", "dismiss(None)", "Back", key_display="Q"),
        Binding("D", "range_diff", "Range-diff", tooltip="What changed in the patches since the version before"),
        Binding("enter", "look", "Look at it", tooltip="Look at this version"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
    ]

    def __init__(self, opened: Opened, msgid: str, repository: Path | None = None) -> None:
        """``repository`` is where git may make a range-diff; without one it is made from the mails."""
        super().__init__()
        self.opened = opened
        self._repository = repository
        self._msgid = msgid
        self._rows = _rows(opened)
        self._diff = False

    def compose(self) -> ComposeResult:
        yield TitleBar(f"Versions of {self.opened.series.subject}")
        with Horizontal():
            yield TextLines(
                id="versions", help="The versions that are known; Enter looks at one, D shows its range-diff."
            )
            yield TextLines(
                id="changes", help="What became of the findings, or of the patches, since the version before."
            )
        yield Keys()

    def on_mount(self) -> None:
        view = self.query_one("#versions", TextLines)
        at = next((k for k, (_, index, _) in enumerate(self._rows) if index == self.opened.at), 0)
        view.show([(text, "plain" if index is not None else "muted") for text, index, _ in self._rows], cursor=at)
        view.focus()
        self._show(at)

    @on(Lines.Moved, "#versions")
    def moved(self, event: Lines.Moved) -> None:
        self._show(event.index)

    @on(Lines.Chosen, "#versions")
    def chosen(self) -> None:
        self.action_look()

    def _show(self, row: int) -> None:
        if row >= len(self._rows):
            return
        _, index, result = self._rows[row]
        older = self._rows[row - 1][2] if row else None
        changes = self.query_one("#changes", TextLines)
        if self._diff and index is not None and index > 0:
            before, now = self.opened.versions[index - 1].series, self.opened.versions[index].series
            changes.show([(f"comparing v{before.version} and v{now.version} …", "muted")])
            self._compare(before, now, row)
        else:
            changes.show(comparison_lines(compare(older, result)))

    @work(group="range-diff", exclusive=True)
    async def _compare(self, older: Series, newer: Series, row: int) -> None:
        """Our range-diff first; git's own takes its place when it is ready, where there is a repository."""
        lines = await in_daemon(lambda: range_diff_lines(older, newer, self._msgid), "range-diff")
        if self._showing(row):
            self.query_one("#changes", TextLines).show(lines)
        if self._repository is not None:
            await self._by_git(self._repository, older, newer, row)

    async def _by_git(self, repository: Path, older: Series, newer: Series, row: int) -> None:
        from abireview.source.rangediff import git_range_diff

        mails = self.opened.thread.by_id
        lines: list[str] = []
        try:
            lines = await in_daemon(lambda: git_range_diff(repository, older, newer, mails), "range-diff")
        except TreeError as error:
            said = f"v{older.version} → v{newer.version}, from the mails: {error}"
        else:
            said = f"v{older.version} → v{newer.version}, by git range-diff"
        self._git_came(row, said, lines)

    def _showing(self, row: int) -> bool:
        return self.is_attached and self._diff and self.query_one("#versions", TextLines).cursor == row

    def _git_came(self, row: int, said: str, lines: list[str]) -> None:
        if not self._showing(row):
            return
        changes = self.query_one("#changes", TextLines)
        rest = [(line, _git_style(line)) for line in lines] or list(changes.lines[1:])
        changes.show([(said, "accent"), *rest])

    def action_look(self) -> None:
        index = self._rows[self.query_one("#versions", TextLines).cursor][1]
        if index is None:
            self.notify("this version's mails are in another thread", markup=False)
        else:
            self.dismiss(index)

    def action_range_diff(self) -> None:
        self._diff = not self._diff
        self._show(self.query_one("#versions", TextLines).cursor)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(help_lines(self, self.focused)))


def _git_style(line: str) -> str:
    """The style of a line of git range-diff: two marks after four blanks, the outer one counts."""
    if line.startswith("    "):
        return {"+": "add", "-": "del", "@": "accent"}.get(line[4:5], "plain")
    return "strong" if line.strip() else "plain"


def _rows(opened: Opened) -> list[tuple[str, int | None, Result]]:
    """(text, index into ``opened.versions`` or None for a remembered one, result), oldest first."""
    found: list[tuple[int, int | None, Result]] = [(item.series.version, None, item) for item in opened.memory]
    found += [(item.series.version, index, item.result) for index, item in enumerate(opened.versions)]
    found.sort(key=lambda row: (row[0], row[1] is not None))
    rows = []
    for number, index, result in found:
        count = sum(item.state in {"new", "carried"} for item in result.findings)
        settled = len(result.findings) - count
        here = "▸" if index == opened.at else " "
        note = "" if index is not None else "  (remembered)"
        rows.append((f"{here} v{number:<3} {count} open, {settled} settled{note}", index, result))
    return rows


def comparison_lines(seen: Comparison) -> list[Line]:
    """A comparison as text: what is new, carried, gone, settled."""
    lines: list[Line] = []
    since = f" since v{seen.older}" if seen.older else ""
    groups: tuple[tuple[str, tuple[Finding, ...], str], ...] = (
        (f"New{since}", seen.new, "bad"),
        ("Carried", seen.carried, "warn"),
        ("Gone", seen.gone, "good"),
        ("Settled", seen.settled, "muted"),
    )
    for title, findings, style in groups:
        if not findings:
            continue
        lines.append((f"{title} ({len(findings)})", "accent"))
        for finding in findings:
            lines.append((f"  {finding.level} {finding.severity} {finding.rule}", style))
            lines.append((f"      patch {finding.n}/{finding.m} {finding.file} {finding.symbol}".rstrip(), "plain"))
            if finding.reason:
                lines.append((f"      {finding.reason}", "muted"))
        lines.append(("", "plain"))
    return lines or [("no findings", "muted")]


def range_diff_lines(older: Series, newer: Series, msgid: str) -> list[Line]:
    """The overview of all patches, then the difference of the one that is looked at, then the others."""
    lines: list[Line] = [(f"v{older.version} → v{newer.version}, from the mails", "accent")]
    rows = overview(older, newer)
    style = {"=": "muted", "!": "warn", ">": "good", "<": "bad"}
    for mark, old, new in rows:
        named = new or old
        assert named is not None
        numbers = f"{old.n if old else '-':>3} {mark} {new.n if new else '-':>3}"
        lines.append((f"{numbers}  {parse_subject(named.subject).title}", style[mark]))
    order = sorted((new for _, _, new in rows if new is not None), key=lambda patch: (patch.msgid != msgid, patch.n))
    for patch in order:
        known = pair(patch, older)
        found = difference(known, patch) if known is not None else []
        if found:
            lines += [
                ("", "plain"),
                (f"patch {patch.n}: {parse_subject(patch.subject).title}", "strong"),
                *styled(found),
            ]
    return lines
