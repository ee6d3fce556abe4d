# SPDX-License-Identifier: GPL-2.0-or-later
"""Markdown (CommonMark and GitHub's) for trackers and release notes; nothing of a mail can become markup in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from abireview.findings.model import Finding, Result
from abireview.markup import md
from abireview.render import Style
from abireview.render._unchecked import unchecked
from abireview.render.text import DIRECTIONS, OBSERVERS, OPEN_STATES
from abireview.safetext import safe

_TICKS = re.compile("`+")


def render(results: Iterable[Result], style: Style) -> str:
    """All results, a section each."""
    return "\n".join("\n".join(_result(result)) + "\n" for result in results)


def _result(result: Result) -> Iterator[str]:
    series = result.series
    yield f"# {md(series.subject)}"
    yield ""
    by = f"{md(series.sender)}, " if series.sender else ""
    patches = f"{len(series.patches)} patch{'es' * (len(series.patches) != 1)}"
    yield f"{by}{patches}, {md(series.id)}"
    for note in series.notes:
        yield ""
        yield md(note)
    shown = [finding for finding in result.findings if finding.state in OPEN_STATES]
    yield ""
    if not series.kernel:
        yield f"Not a kernel patch ({md(series.kind)}), nothing checked."
    elif not shown:
        yield "Nothing found."
    else:
        yield from _table(shown)
        for finding in shown:
            yield from _finding(finding)
    yield from _rest(result)


def _table(findings: list[Finding]) -> Iterator[str]:
    yield "| | patch | where | rule | severity | confidence |"
    yield "|---|---|---|---|---|---|"
    for one in findings:
        cells = (f"**{one.level}**", f"{one.n}/{one.m}", _where(one), md(one.rule), one.severity, one.confidence)
        yield f"| {' | '.join(cells)} |"


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"## {finding.level} {finding.n}/{finding.m}: {_where(finding)}"
    yield ""
    yield md(finding.message)
    if finding.evidence:
        yield ""
        yield from _block(finding.evidence)
    yield ""
    who = " and ".join(OBSERVERS[one] for one in finding.visible_to)
    when = ", ".join(DIRECTIONS[one] for one in finding.direction)
    yield f"- seen by: {'; '.join(part for part in (who, when) if part)}"
    if finding.knob:
        yield f"- way back: {md(finding.knob.what)} ({md(finding.knob.id)}, {md(finding.knob.kind)})"
    else:
        sought = ", ".join(md(one.what) for one in finding.sought if not one.found)
        yield f"- way back: none found{f'; looked for {sought}' if sought else ''}"
        if finding.question:
            yield f"- question: {md(finding.question)}"
    yield f"- rule {md(finding.rule)}, fingerprint {md(finding.fingerprint)}"


def _block(lines: Iterable[str]) -> Iterator[str]:
    """The lines as a diff, in a fence that none of them can close."""
    shown = [safe(line.replace("\n", " ")) for line in lines]
    longest = max((len(run) for line in shown for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}diff"
    yield from shown
    yield fence


def _rest(result: Result) -> Iterator[str]:
    settled = [finding for finding in result.findings if finding.state not in OPEN_STATES]
    if settled:
        yield ""
        yield "## Settled"
        yield ""
        for one in settled:
            reason = f": {md(one.reason)}" if one.reason else ""
            yield f"- {one.state} {one.n}/{one.m} {_where(one)} ({md(one.rule)}){reason}"
    missed = list(unchecked(result))
    if missed or result.failed:
        yield ""
        yield "## Not checked"
        yield ""
        for place, why in missed:
            yield f"- {f'{md(place)}: ' if place else ''}{md(why)}"
        for failed in result.failed:
            yield f"- a rule failed: {md(failed)}"


def _where(finding: Finding) -> str:
    return md(f"{finding.file}:{finding.line}" if finding.line else finding.file)
