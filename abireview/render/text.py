# SPDX-License-Identifier: GPL-2.0-or-later
"""Text for a person at a terminal: a block a finding, what was not checked, and one line that sums up."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from abireview.findings.model import Finding, KnobFound, Result, SeriesInfo
from abireview.render import Style
from abireview.safetext import safe

LABEL_WIDTH = 12
INDENT = "  "
DEEPER = INDENT * 2
NARROWEST, WIDEST = 40, 100
SHORT = 8  # digits of a fingerprint; 'answer' and 'explain --why' take its beginning

OPEN_STATES = ("new", "carried")

DIRECTIONS = {
    "boot": "fresh boot",
    "forward": "forward migration",
    "rollback": "rollback",
    "host": "migration to another host",
}
NO_WAY_BACK = ("documentation", "test")  # classes of findings about what is missing, not about what changed
OBSERVERS = {"guest": "guest", "vmm": "VMM"}

BOLD, RED, GREEN, YELLOW, CYAN = "1", "31", "32", "33", "36"
LEVEL_COLORS = {"flag": "1;31", "note": "1;33"}
EVIDENCE_COLORS = {"+": GREEN, "-": RED, "@": CYAN}


def render(results: Iterable[Result], style: Style) -> str:
    """All results in their order, a blank line between them."""
    return "\n".join(_Text(style).result(result) for result in results)


def _is_quiet(finding: Finding) -> bool:
    """A place to look at, not a finding: a note of low confidence with no knob to name."""
    return finding.level == "note" and finding.confidence == "low" and finding.knob is None


class _Text:
    """Lays out one result; knows the width, whether there is colour, and which questions were asked already."""

    def __init__(self, style: Style) -> None:
        self.asked: dict[str, str] = {}
        self.color = style.color
        self.everything = style.everything
        self.width = max(NARROWEST, min(style.width, WIDEST))

    def result(self, result: Result) -> str:
        series = result.series
        asked = [finding for finding in result.findings if finding.state in OPEN_STATES]
        shown = [finding for finding in asked if self.everything or not _is_quiet(finding)]
        settled = [finding for finding in result.findings if finding.state not in OPEN_STATES]
        lines = self._head(series) if result.findings or result.skipped or result.failed or series.notes else []
        for finding in shown:
            brief = finding.level == "note" and not self.everything
            lines += ["", *(self._note(finding) if brief else self._finding(finding, series.tree))]
        if settled:
            lines += ["", *self._settled(settled)]
        if result.skipped:
            lines += ["", *self._skipped(result)]
        for failed in result.failed:
            lines += ["", *self._wrapped(f"a rule failed: {failed}", "", INDENT)]
        summary = self._summary(result, len(lines) > 0, len(asked) - len(shown))
        return "".join(f"{line}\n" for line in [*lines, *([""] if lines else []), *summary])

    def _head(self, series: SeriesInfo) -> list[str]:
        lines = [self._paint(BOLD, _flat(series.subject))]
        by = f"{_flat(series.sender)}, " if series.sender else ""
        lines.append(f"{by}{_count(len(series.patches), 'patch', 'patches')}, <{_flat(series.id)}>")
        for note in series.notes:
            lines += self._wrapped(note, INDENT)
        return lines

    def _note(self, finding: Finding) -> list[str]:
        lines = [self._place(finding), *self._wrapped(finding.message, INDENT), *self._evidence(finding.evidence)]
        return lines + self._knobs(finding) if finding.knob else lines

    def _finding(self, finding: Finding, tree: bool) -> list[str]:
        lines = [self._place(finding)]
        lines += self._wrapped(finding.message, INDENT)
        lines += self._evidence(finding.evidence)
        lines += self._labelled("visible to", _seen_by(finding))
        lines += self._knobs(finding)
        lines += self._labelled("under", ", ".join(_flat(gate) for gate in finding.gates))
        seen = ", seen only in part" if tree and finding.partial else ""
        lines += self._labelled("weight", f"severity {finding.severity}, confidence {finding.confidence}{seen}")
        lines += self._labelled("because", finding.reason)
        if not finding.knob:
            name = finding.fingerprint[:SHORT]
            first = self.asked.setdefault(finding.question, name)
            lines += self._labelled("ask", finding.question if first == name else f"as for {first}")
        return lines

    def _place(self, finding: Finding) -> str:
        where = f"{_flat(finding.file)}:{finding.line}" if finding.line else _flat(finding.file)
        level = self._paint(LEVEL_COLORS[finding.level], finding.level)
        again = ", as in an earlier version" if finding.state == "carried" else ""
        rule = f"[{_flat(finding.rule)}] {_flat(finding.fingerprint[:SHORT])}"
        return f"{level} {finding.n}/{finding.m} {self._paint(BOLD, where)} {rule}{again}"

    def _evidence(self, evidence: Sequence[str], indent: str = DEEPER) -> list[str]:
        lines = []
        for text in evidence:
            color = EVIDENCE_COLORS.get(text[:1], "")
            lines.append(indent + self._paint(color, safe(text.replace("\n", " ")).expandtabs(8).rstrip()))
        return lines

    def _knobs(self, finding: Finding) -> list[str]:
        if finding.knob:
            knob = finding.knob
            return self._labelled("way back", _knob_found(knob)) + self._evidence(knob.evidence)
        missing = [sought for sought in finding.sought if not sought.found]
        if not missing and finding.klass in NO_WAY_BACK:
            return []
        lines = self._labelled("way back", "none found")
        for sought in missing:
            where = f", in {sought.where}" if sought.where else ""
            lines += self._labelled("looked for", f"{sought.what}{where}")
        return lines

    def _settled(self, findings: Sequence[Finding]) -> list[str]:
        lines = []
        for finding in findings:
            where = f"{_flat(finding.file)}:{finding.line}"
            reason = f": {finding.reason}" if finding.reason else ""
            name = f"[{finding.rule}] {finding.fingerprint[:SHORT]}"
            lines += self._wrapped(f"{finding.state} {finding.n}/{finding.m} {where} {name}{reason}", "", INDENT)
        return lines

    def _skipped(self, result: Result) -> list[str]:
        numbers = {patch.msgid: patch.n for patch in result.series.patches}
        total = result.series.expected or len(result.series.patches)
        lines = ["not checked:"]
        for skipped in result.skipped:
            number = numbers.get(skipped.patch)
            patch = f"{number}/{total} " if number is not None else f"<{skipped.patch}> " if skipped.patch else ""
            lines += self._wrapped(f"{patch}{skipped.file + ': ' if skipped.file else ''}{skipped.why}", INDENT, DEEPER)
        return lines

    def _summary(self, result: Result, headed: bool, quiet: int) -> list[str]:
        series = result.series
        if not series.kernel:
            text = f"not a kernel patch ({series.kind}), nothing checked"
        else:
            text = f"{_counts(result.findings)} in {_count(len(series.patches), 'patch', 'patches')}"
            if any(finding.partial for finding in result.findings) and not series.tree:
                text += ", seen without a tree"
            if series.missing:
                text += f", {_count(len(series.missing), 'patch', 'patches')} missing"
            if result.skipped:
                text += f", {_count(len(result.skipped), 'thing', 'things')} not checked"
            if quiet:
                text += f", {_count(quiet, 'note', 'notes')} of low confidence not shown (--all shows them)"
            if result.failed:
                text += f", {_count(len(result.failed), 'rule', 'rules')} failed"
        return self._wrapped(text if headed else f"{text}: {series.subject}", "", INDENT)

    def _labelled(self, label: str, text: str) -> list[str]:
        if not text:
            return []
        start = INDENT + label.ljust(LABEL_WIDTH)
        return self._wrapped(text, start, " " * len(start))

    def _wrapped(self, text: str, first: str, rest: str | None = None) -> list[str]:
        return textwrap.wrap(
            _flat(text),
            self.width,
            initial_indent=first,
            subsequent_indent=first if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _paint(self, color: str, text: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self.color and color else text


def _seen_by(finding: Finding) -> str:
    who = " and ".join(OBSERVERS[one] for one in finding.visible_to)
    when = ", ".join(DIRECTIONS[one] for one in finding.direction)
    return "; ".join(part for part in (who, when) if part)


def _knob_found(knob: KnobFound) -> str:
    where = f" ({knob.file})" if knob.file else ""
    return f"{knob.what} [{knob.id}, {knob.kind}]{where}"


def _counts(findings: Sequence[Finding]) -> str:
    def parts() -> Iterator[str]:
        for level in ("flag", "note"):
            number = sum(one.level == level and one.state in OPEN_STATES for one in findings)
            if number:
                yield _count(number, level, f"{level}s")
        for state in ("answered", "suppressed"):
            number = sum(one.state == state for one in findings)
            if number:
                yield f"{number} {state}"

    return ", ".join(parts()) or "nothing found"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _flat(text: str) -> str:
    return " ".join(safe(text).split())
