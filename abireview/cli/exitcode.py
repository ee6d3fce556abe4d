# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run that rendered its results exits with; docs/exit-codes.md says the same in words."""

from __future__ import annotations

from collections.abc import Iterable

from abireview.findings.model import Finding, Result

OK, FOUND, USAGE, NO_INPUT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130

#: ``--fail-on``: the weakest finding that makes the run fail. ``flag`` takes every flag, the last two only those of
#: that severity.
FAIL_LEVELS = ("note", "flag", "medium", "high")
SEVERITIES = ("low", "medium", "high")


def exit_code(results: Iterable[Result], *, fail_on: str = "flag", allow_partial: bool = False) -> int:
    """The code for ``results``: 4 where a rule failed, else 3 where something was not checked (unless
    ``allow_partial``), else 1 where an open finding is at or above ``fail_on``, else 0.
    """
    seen = list(results)
    if any(result.failed for result in seen):
        return INTERNAL
    if not allow_partial and any(is_partial(result) for result in seen):
        return NO_INPUT
    if any(counts(finding, fail_on) for result in seen for finding in result.findings):
        return FOUND
    return OK


def is_partial(result: Result) -> bool:
    """True if something of a kernel series was not checked."""
    return result.series.kernel and bool(result.skipped or result.series.missing)


def counts(finding: Finding, fail_on: str) -> bool:
    """True if ``finding`` is open and at or above ``fail_on``."""
    if finding.state not in ("new", "carried"):
        return False
    if fail_on == "note":
        return True
    least = 0 if fail_on == "flag" else SEVERITIES.index(fail_on)
    return finding.level == "flag" and SEVERITIES.index(finding.severity) >= least
