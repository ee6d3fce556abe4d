# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a series was not checked, for every format that says so."""

from __future__ import annotations

from collections.abc import Iterator

from abireview.findings.model import Result


def unchecked(result: Result) -> Iterator[tuple[str, str]]:
    """(place, reason) of each thing that was not read: a message-id and a file, either may be "", as one text."""
    total = result.series.expected
    yield from (("", f"patch {number} of {total} is missing") for number in result.series.missing)
    for skipped in result.skipped:
        yield " ".join(part for part in (skipped.patch, skipped.file) if part), skipped.why
