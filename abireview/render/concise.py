# SPDX-License-Identifier: GPL-2.0-or-later
"""One line a finding, as compilers print it, so that editors jump to it: ``file:line: level: message [rule]``."""

from __future__ import annotations

from collections.abc import Iterable

from abireview.findings.model import Finding, Result, SkippedInfo
from abireview.render import Style
from abireview.safetext import safe


def render(results: Iterable[Result], style: Style) -> str:
    """A line for each open finding, then one for each thing that was not checked; nothing for a silent series."""
    lines: list[str] = []
    for result in results:
        lines += [_finding(finding) for finding in result.findings if finding.state in ("new", "carried")]
        total = result.series.expected
        lines += [f"-: skipped: patch {number} of {total} is missing" for number in result.series.missing]
        lines += [_skipped(skipped) for skipped in result.skipped]
        lines += [f"-: error: a rule failed: {_flat(failed)}" for failed in result.failed]
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding) -> str:
    return f"{_where(finding.file, finding.line)}: {finding.level}: {_flat(finding.message)} [{_flat(finding.rule)}]"


def _skipped(skipped: SkippedInfo) -> str:
    return f"{_where(skipped.file or skipped.patch, 0)}: skipped: {_flat(skipped.why)}"


def _where(name: str, line: int) -> str:
    place = _flat(name) or "-"
    return f"{place}:{line}" if line else place


def _flat(text: str) -> str:
    return " ".join(safe(text).split())
