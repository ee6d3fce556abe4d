# SPDX-License-Identifier: GPL-2.0-or-later
"""What was settled before: suppressions in ``abireview.toml``, and the answers that the store remembers."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abireview.cli.loading import warn
from abireview.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from abireview.findings.model import Result
    from abireview.findings.suppressions import Suppression
    from abireview.mail.model import Series
    from abireview.source.tree import Tree
    from abireview.store.db import Store

FILE_NAME = "abireview.toml"


class Suppressions:
    """The entries of all ``abireview.toml`` files of a run, and which of them were of use.

    They are the ones named with --config, else those in the current directory and in the user's configuration; the file
    at the top of a tree counts too.
    """

    def __init__(self, named: Sequence[Path] = ()) -> None:
        self.entries: list[Suppression] = []
        self.idle: set[str] | None = None
        self.expired: set[str] = set()
        for path in named or self._usual():
            self.entries += _read(path)

    @staticmethod
    def _usual() -> list[Path]:
        from abireview import places

        return [path for path in (places.config_dir() / FILE_NAME, Path(FILE_NAME)) if path.is_file()]

    def apply(self, result: Result, tree: Tree | None) -> Result:
        """``result`` with the covered findings suppressed. Raises ConfigError for a file of the tree that is wrong."""
        text = tree.read(FILE_NAME) if tree is not None else None
        if not self.entries and text is None:
            return result
        from abireview.findings.suppressions import read, suppress

        entries = [*self.entries, *(read(text.encode(), f"{FILE_NAME} of the tree") if text is not None else ())]
        done = suppress(result, entries, datetime.datetime.now(datetime.UTC).date())
        self.idle = set(done.unused) if self.idle is None else self.idle & set(done.unused)
        self.expired |= set(done.expired)
        return done.result

    def report(self) -> None:
        """Say on stderr which entries settled nothing in this run, and which are out of date."""
        for name in sorted(self.idle or ()):
            warn(f"the suppression {name} settled nothing")
        for name in sorted(self.expired):
            warn(f"the suppression {name} is out of date")


def _read(path: Path) -> tuple[Suppression, ...]:
    from abireview.findings.suppressions import MAX_FILE, read

    try:
        with path.open("rb") as file:
            return read(file.read(MAX_FILE + 1), str(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def with_answers(result: Result, series: Series, store: Store | None) -> Result:
    """``result`` with the findings settled that were answered before, for this version of the series or another."""
    if store is None or not result.findings or not store.path.exists():
        return result
    from abireview.findings.answers import apply_answers, lineage
    from abireview.store.answers import Answers

    keys = lineage(series)
    try:
        known = Answers.of(store).for_lineage(keys)
    except StoreError as error:
        warn(f"known answers were not read: {error}")
        return result
    return apply_answers(result, known, lineage=keys, now=int(time.time())) if known else result
