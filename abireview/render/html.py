# SPDX-License-Identifier: GPL-2.0-or-later
"""One self-contained HTML file: findings on the highlighted diff, filters by a little script, readable without it.

Pure: the diffs come with the style. Without them (``Style.diffs`` empty) a finding shows its evidence alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from abireview.findings.model import Finding, PatchInfo, Result
from abireview.limits import MAX_SHOWN_HUNK_LINES
from abireview.markup import page
from abireview.render import Style
from abireview.render._unchecked import unchecked
from abireview.render.text import DIRECTIONS, OBSERVERS, OPEN_STATES
from abireview.safetext import safe
from abireview.source.model import FileDiff, Hunk, Line

if TYPE_CHECKING:
    from markupsafe import Markup

NEAR = 12  # lines around a finding's own line in which its evidence is looked for
C_FILES = (".c", ".h", ".S", ".lds")


class Row(msgspec.Struct, frozen=True):
    """A line of a hunk as shown: numbers on both sides, marker, highlighted text, and the findings that end there."""

    old: int | None
    new: int | None
    kind: str
    code: Any
    findings: tuple[Finding, ...] = ()
    marked: bool = False


class Block(msgspec.Struct, frozen=True):
    """A hunk with at least one finding, or (without rows) findings whose lines are not in the diff."""

    head: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    left_out: int = 0


class Shown(msgspec.Struct, frozen=True):
    """A file of a patch that has findings."""

    path: str
    blocks: tuple[Block, ...]


class Section(msgspec.Struct, frozen=True):
    """A patch: all its findings, in the order of files and lines."""

    patch: PatchInfo
    files: tuple[Shown, ...]
    count: int


def render(results: Iterable[Result], style: Style) -> str:
    """The page of all results."""
    shown = list(results)
    findings = [finding for result in shown for finding in result.findings]
    return page(
        "report.html.j2",
        results=[(result, list(_sections(result, style.diffs)), list(unchecked(result))) for result in shown],
        findings=findings,
        title=shown[0].series.subject if len(shown) == 1 else f"{len(shown)} series",
        counts=_counts(findings),
        choices={
            "level": _pairs(one.level for one in findings),
            "severity": [(word, word) for word in ("high", "medium", "low") if word in {f.severity for f in findings}],
            "rule": _pairs(one.rule for one in findings),
            "arch": _pairs(one.arch for one in findings),
            "area": _pairs(one.surface for one in findings),
            "direction": [
                (one, words) for one, words in DIRECTIONS.items() if any(one in f.direction for f in findings)
            ],
            "state": _pairs(one.state for one in findings),
        },
        directions=DIRECTIONS,
        observers=OBSERVERS,
        style_light=_css("default"),
        style_dark=_css("github-dark"),
    )  # fmt: skip


def _counts(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    flags = sum(one.level == "flag" and one.state in OPEN_STATES for one in findings)
    notes = sum(one.level == "note" and one.state in OPEN_STATES for one in findings)
    settled = sum(one.state not in OPEN_STATES for one in findings)
    rows = [
        ("flag" if flags == 1 else "flags", flags),
        ("note" if notes == 1 else "notes", notes),
        ("settled", settled),
    ]
    return [(words, number) for words, number in rows if number]


def _pairs(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in sorted(set(values)) if value]


def _css(name: str) -> Markup:
    from markupsafe import Markup
    from pygments.formatters import HtmlFormatter

    rules: str = HtmlFormatter(style=name, nobackground=True).get_style_defs(".code")  # type: ignore[no-untyped-call]
    return Markup("\n".join(line for line in rules.split("\n") if line.startswith(".code .")))  # noqa: S704


# --- findings on diffs ------------------------------------------------------------------------------------------


def _sections(result: Result, diffs: Mapping[str, Sequence[FileDiff]]) -> Iterator[Section]:
    known = {patch.msgid for patch in result.series.patches}
    others = sorted({one.patch for one in result.findings} - known)
    for patch in (*result.series.patches, *(PatchInfo(msgid, 0, "the series") for msgid in others)):
        mine = [finding for finding in result.findings if finding.patch == patch.msgid]
        files = {diff.path: diff for diff in diffs.get(patch.msgid, ())}
        shown = tuple(_file(path, files.get(path), mine) for path in dict.fromkeys(one.file for one in mine))
        yield Section(patch, shown, len(mine))


def _file(path: str, diff: FileDiff | None, findings: Sequence[Finding]) -> Shown:
    mine = sorted((one for one in findings if one.file == path), key=lambda one: (one.line, one.rule))
    blocks: list[Block] = []
    placed: list[Finding] = []
    for hunk in diff.hunks if diff else ():
        here: dict[int, list[Finding]] = {}
        for finding in mine:
            index = _anchor(finding, hunk) if finding not in placed else None
            if index is not None:
                here.setdefault(index, []).append(finding)
                placed.append(finding)
        if here:
            blocks.append(_block(path, hunk, here))
    rest = tuple(finding for finding in mine if finding not in placed)
    blocks += [Block("", (), (finding,)) for finding in rest]
    return Shown(path, tuple(blocks))


def _anchor(finding: Finding, hunk: Hunk) -> int | None:
    """The index of the hunk's line below which the finding stands; None if it is not about this hunk."""
    if not finding.line:
        return None
    added = any(line.startswith("+") for line in finding.evidence)
    removed = not added and any(line.startswith("-") for line in finding.evidence)
    numbers = [_number(line, old=removed) for line in hunk.lines]
    own = next((index for index, number in enumerate(numbers) if number == finding.line), None)
    if own is None:
        return None
    wanted = set(finding.evidence)
    near = range(max(0, own - NEAR), min(len(hunk.lines), own + NEAR + 1))
    return max((i for i in near if hunk.lines[i].kind + hunk.lines[i].text in wanted), default=own)


def _number(line: Line, *, old: bool) -> int | None:
    if old:
        return line.old_no if line.kind != "+" else None
    return line.new_no if line.kind != "-" else None


def _block(path: str, hunk: Hunk, findings: Mapping[int, list[Finding]]) -> Block:
    """The hunk's lines, of a very long one those around its findings."""
    first, last = 0, len(hunk.lines)
    if last > MAX_SHOWN_HUNK_LINES:
        first = max(0, min(findings) - MAX_SHOWN_HUNK_LINES // 2)
        last = min(last, max(max(findings) + NEAR, first + MAX_SHOWN_HUNK_LINES))
        if last - first > 2 * MAX_SHOWN_HUNK_LINES:
            last = first + 2 * MAX_SHOWN_HUNK_LINES
    lines = hunk.lines[first:last]
    evidence = {text for found in findings.values() for one in found for text in one.evidence}
    rows = []
    for i, (line, code) in enumerate(zip(lines, highlighted([line.text for line in lines], path), strict=True), first):
        marked = line.kind + line.text in evidence
        rows.append(Row(line.old_no, line.new_no, line.kind, code, tuple(findings.get(i, ())), marked))
    beyond = tuple(one for index, found in findings.items() if not first <= index < last for one in found)
    head = f"@@ -{hunk.old_start},{hunk.old_length} +{hunk.new_start},{hunk.new_length} @@ {hunk.section}".rstrip()
    return Block(head, tuple(rows), beyond, len(hunk.lines) - len(lines))


def highlighted(lines: Sequence[str], path: str) -> list[Markup]:
    """The lines as HTML, coloured as C if the file is C; each is complete in itself."""
    from markupsafe import Markup, escape

    plain = [safe(line.replace("\n", " ").replace("\r", " ")) for line in lines]
    if not path.endswith(C_FILES):
        return [escape(line) for line in plain]
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name("c", stripnl=False, ensurenl=False)
    text = highlight("\n".join(plain), lexer, HtmlFormatter(nowrap=True))
    found = text.split("\n")
    if len(found) > len(plain) and not found[-1]:
        found.pop()
    if len(found) != len(plain):
        return [escape(line) for line in plain]
    return [Markup(line) for line in found]  # noqa: S704 - pygments escaped it
