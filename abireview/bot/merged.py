# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a series is in the tree already: its patches' subjects among the commits of a branch (etiquette 10)."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from abireview.errors import ConfigError, InputError
from abireview.findings.answers import plain_title
from abireview.mail.model import Series
from abireview.mail.subject import normal_title
from abireview.source.tree import open_repository, resolve

COMMITS: Final = 50_000  # of the branch that are looked at: a little more than half a year of linux-next


class Merged:
    """Knows the commits of ``PATH@REV``; they are read again when the branch moved."""

    def __init__(self, place: str) -> None:
        path, _, rev = place.rpartition("@")
        self._folder, self._rev = Path(path or rev).expanduser(), rev if path else "HEAD"
        self._tip = ""
        self._titles: frozenset[str] = frozenset()

    def __call__(self, series: Series) -> bool:
        """True if every patch of ``series`` is among the commits. Raises ConfigError."""
        try:
            repository = open_repository(self._folder)
            commit = resolve(repository, self._rev)
        except InputError as error:
            raise ConfigError(f"[bot] merged: {error}", hint="it is PATH@REV of a git repository") from error
        if str(commit.id) != self._tip:
            walked = islice(repository.walk(commit.id), COMMITS)
            self._titles = frozenset(normal_title(one.message.partition("\n")[0]) for one in walked)
            self._tip = str(commit.id)
        titles = {plain_title(patch.subject) for patch in series.patches}
        return bool(titles) and titles <= self._titles
