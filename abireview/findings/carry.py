# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings over the versions of a series: what is new, carried, gone, answered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from abireview.findings.model import Finding, Result


class Comparison(msgspec.Struct, frozen=True):
    """How the findings of one version stand to those of the version before it.

    ``gone`` are findings of the older version that the newer one does not have; the other three partition the newer
    one's findings (``settled`` are answered and suppressed ones).
    """

    older: int
    newer: int
    new: tuple[Finding, ...]
    carried: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    settled: tuple[Finding, ...]


def compare(older: Result | None, newer: Result) -> Comparison:
    """The comparison of two versions; without an older one everything unsettled is new.

    States answered and suppressed of ``newer`` are taken as they are (see ``apply_answers``); new and carried are
    decided here, between these two versions.
    """
    before = {} if older is None else {finding.fingerprint: finding for finding in older.findings}
    after = {finding.fingerprint for finding in newer.findings}
    settled = tuple(finding for finding in newer.findings if finding.state in {"answered", "suppressed"})
    asked = [finding for finding in newer.findings if finding.state not in {"answered", "suppressed"}]
    return Comparison(
        older=0 if older is None else older.series.version,
        newer=newer.series.version,
        new=tuple(finding for finding in asked if finding.fingerprint not in before),
        carried=tuple(finding for finding in asked if finding.fingerprint in before),
        gone=tuple(finding for key, finding in before.items() if key not in after),
        settled=settled,
    )


def history(results: Sequence[Result]) -> list[Comparison]:
    """The comparisons of all versions, oldest first; ``results`` may come in any order, one per version."""
    ordered = sorted(results, key=lambda result: (result.series.version, result.series.date or 0))
    return [compare(ordered[k - 1] if k else None, result) for k, result in enumerate(ordered)]
