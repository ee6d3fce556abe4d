# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a series is in the tree already: its patches' subjects among the commits of a branch (etiquette 10)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from abireview.errors import ConfigError
from abireview.findings.answers import plain_title
from abireview.mail.model import Series
from abireview.mail.subject import normal_title

COMMITS: Final = 50_000  # of the branch that are looked at: a little more than half a year of linux-next
SECONDS: Final = 60.0


class Merged:
    """Knows the commits of ``PATH@REV``; they are read again when the branch moved."""

    def __init__(self, place: str) -> None:
        path, _, rev = place.rpartition("@")
        self._folder, self._rev = Path(path or rev).expanduser(), rev if path else "HEAD"
        self._tip = ""
        self._titles: frozenset[str] = frozenset()

    def __call__(self, series: Series) -> bool:
        """True if every patch of ``series`` is among the commits. Raises ConfigError."""
        tip = self._git("rev-parse", "--verify", "-q", f"{self._rev}^{{commit}}").strip()
        if tip != self._tip:
            lines = self._git("log", f"--max-count={COMMITS}", "--format=%s", tip).splitlines()
            self._titles, self._tip = frozenset(normal_title(line) for line in lines), tip
        titles = {plain_title(patch.subject) for patch in series.patches}
        return bool(titles) and titles <= self._titles

    def _git(self, *args: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(self._folder), *args], capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(f"git cannot look at {self._folder}: {type(error).__name__}") from error
        if done.returncode:
            raise ConfigError(f"{self._folder} has no {self._rev}", hint="[bot] merged is PATH@REV of a git repository")
        return done.stdout.decode("utf-8", "replace")
