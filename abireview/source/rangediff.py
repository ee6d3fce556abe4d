# SPDX-License-Identifier: GPL-2.0-or-later
"""git range-diff of two versions of a series, where there is a repository that has what they stand on.

The patches are applied to an index of their own and committed into a temporary object directory that borrows the
repository's objects: nothing of the repository is touched, no hook and no filter runs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from abireview import limits
from abireview.errors import TreeError
from abireview.mail.model import Message, Series
from abireview.mail.subject import parse_subject

SECONDS = 60.0  # for one git command; reading a kernel's tree into an index takes half a second


def git_range_diff(repository: Path, older: Series, newer: Series, mails: Mapping[str, Message]) -> list[str]:
    """The lines of ``git range-diff`` between the two versions, without colour.

    ``repository`` is a work tree or a bare repository, ``mails`` the patch mails by message-id. Raises TreeError if it
    is no repository, or if a patch applies neither to the version's base-commit nor to HEAD.
    """
    with tempfile.TemporaryDirectory(prefix="abireview-") as folder:
        git = _Git(repository, Path(folder))
        ranges = [git.commits(series, mails) for series in (older, newer)]
        lines = git.run("range-diff", "--no-color", *ranges).decode("utf-8", "replace").split("\n")
    return lines[: limits.MAX_RANGE_DIFF_LINES]


class _Git:
    """git over a temporary object directory."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
        }
        self._repository = repository
        objects = self.run("rev-parse", "--path-format=absolute", "--git-path", "objects").decode().strip()
        (folder / "objects").mkdir()
        people = {f"GIT_{who}_{what}": "abireview" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self._env |= {
            **people,
            "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
            "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
            "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
            "GIT_INDEX_FILE": str(folder / "index"),
        }

    def run(self, *args: str, data: bytes = b"") -> bytes:
        """What git prints. Raises TreeError with what it complains about."""
        command = ["git", "-C", str(self._repository), "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
        try:
            done = subprocess.run(
                [*command, *args], input=data, capture_output=True, env=self._env, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TreeError(f"git cannot be run on {self._repository}: {error}") from error
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
            raise TreeError(f"git {args[0]} failed in {self._repository}: {said}")
        return done.stdout

    def commits(self, series: Series, mails: Mapping[str, Message]) -> str:
        """``base..tip`` of the series' patches as commits."""
        bases = [base for base in (series.base_commit, "HEAD") if base]
        trouble: TreeError | None = None
        for base in bases:
            try:
                start = self.run("rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}").decode().strip()
                return f"{start}..{self._apply(start, series, mails)}"
            except TreeError as error:
                trouble = trouble or error
        raise trouble or TreeError(f"there is nothing to apply {series.id} to")

    def _apply(self, start: str, series: Series, mails: Mapping[str, Message]) -> str:
        self.run("read-tree", start)
        tip = start
        for patch in series.patches:
            body = mails[patch.msgid].body if patch.msgid in mails else ""
            data = body.encode("utf-8", "replace")
            self.run("apply", "--cached", "--whitespace=nowarn", "-", data=data)
            tree = self.run("write-tree").decode().strip()
            text = f"{parse_subject(patch.subject).title}\n\n{patch.log}\n".encode("utf-8", "replace")
            tip = self.run("commit-tree", "-p", tip, "-F", "-", tree, data=text).decode().strip()
        return tip
