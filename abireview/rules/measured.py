# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured of each rule: ``measured/corpus.json`` of a rule directory, written by ``make quality``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec


class Measured(msgspec.Struct, frozen=True):
    """Counts over the labelled series: flags on a labelled flag, on a labelled note, on neither; notes; and series.

    ``series_right``: labelled series in which a flag was right; ``archive_series``: series of the archive it flags.
    """

    level: str
    right: int
    on_note: int
    false: int
    notes: int
    series_right: int
    archive_series: int

    def __str__(self) -> str:
        flags = self.right + self.on_note + self.false
        said = f"{flags} flags on the labelled series: {self.right} right ({self.series_right} series)"
        said += f", {self.on_note} on what is under userspace's control, {self.false} false; {self.notes} notes"
        return f"{said}; flags in {self.archive_series} series of the archive"


class Table(msgspec.Struct, frozen=True):
    """The file: the hash of the rule set that was measured, and the counts by rule id."""

    rules: str
    measured: dict[str, Measured]


def read_measured(directories: Iterable[Path]) -> dict[str, Measured]:
    """The counts by rule id, of all DIRECTORIES that have the file; what cannot be read counts as not measured."""
    found: dict[str, Measured] = {}
    for directory in directories:
        try:
            data = (directory / "measured/corpus.json").read_bytes()
            found.update(msgspec.json.decode(data, type=Table).measured)
        except (OSError, msgspec.MsgspecError):
            continue
    return found
