# SPDX-License-Identifier: GPL-2.0-or-later
"""News of a list by ``git fetch`` of its newest epoch: the one way that misses no mail (commit order is arrival order).

``abireview.lore.git`` says what an epoch is. The mirror may be shallow: only what is new is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from abireview import limits
from abireview.errors import ServerError
from abireview.lore.git import BRANCH, fetch, git
from abireview.lore.http import USER_AGENT
from abireview.lore.inbox import Inbox

GIT_SECONDS: Final = 600.0  # for one fetch


class Epochs:
    """The epochs of one inbox, mirrored below ``folder``, newest one only."""

    def __init__(self, inbox: Inbox, folder: Path) -> None:
        self._inbox = inbox
        self._folder = folder

    def news(self, cursor: dict[str, Any], since: float) -> Iterator[tuple[list[bytes], dict[str, Any]]]:
        """The mails that arrived after ``cursor`` ({} at first: after ``since``), in pieces, each with its cursor.

        Raises ServerError.
        """
        listed = self._inbox.epochs()
        prints = {int(number): str(text) for number, text in cursor.get("prints", {}).items()}
        epochs = prints if listed is None else listed
        if not epochs:
            raise ServerError(f"{self._inbox.base} lists no git repository")
        newest = max(epochs)
        first = int(cursor.get("epoch", newest))
        now: dict[str, Any] = {**cursor}
        left = limits.MAX_POLL_MAILS
        for number in range(first, newest + 1):
            if now.get("epoch") == number and listed is not None and prints.get(number) == listed.get(number) != "":
                continue
            old = str(now.get("commit", "")) if now.get("epoch") == number else ""
            for mails, commit, commits in self._fetch(number, old, since if "epoch" not in cursor else 0.0, left):
                now = {"epoch": number, "commit": commit, "prints": now.get("prints", {})}
                left -= commits
                yield mails, now
            if not left:
                return  # the next look goes on there
        now = {**now, "prints": {str(number): text for number, text in epochs.items()}}
        yield [], now

    def _fetch(self, number: int, old: str, since: float, most: int) -> Iterator[tuple[list[bytes], str, int]]:
        """The mails of one epoch after the commit ``old``, the ``most`` oldest, in pieces.

        Each piece has the commit of its last mail, and how many commits it is.
        """
        folder = self._folder / f"{number}.git"
        start = [] if old or not since else [f"--shallow-since={int(since)}"]
        url = f"{self._inbox.base}/git/{number}.git"
        try:
            fetch(folder, url, *start, seconds=GIT_SECONDS, agent=USER_AGENT)
        except ServerError:
            if not start:
                raise
            # nothing is that young: the last mail alone
            fetch(folder, url, "--depth=1", seconds=GIT_SECONDS, agent=USER_AGENT)
        tip = _git(folder, "rev-parse", "--verify", "-q", BRANCH).decode().strip()
        commits = self._after(folder, old, since)[:most]
        for piece in (commits[i : i + 500] for i in range(0, len(commits), 500)):
            yield _blobs(folder, piece), piece[-1], len(piece)
        if len(commits) < most:
            yield [], tip, 0

    def _after(self, folder: Path, old: str, since: float) -> list[str]:
        """Commits after ``old``, oldest first. After a rewritten history: those of the last three days before it."""
        if old:
            try:
                _git(folder, "merge-base", "--is-ancestor", old, BRANCH)
            except ServerError:
                since = max(0.0, _date(folder, old) - 3 * 86400)
            else:
                return _git(folder, "rev-list", "--reverse", f"{old}..{BRANCH}").decode().split()
        chosen = [f"--since={int(since)}"] if since else []
        return _git(folder, "rev-list", "--reverse", *chosen, BRANCH).decode().split()


def _date(folder: Path, commit: str) -> float:
    try:
        return float(_git(folder, "log", "-1", "--format=%ct", commit, "--").decode().strip() or 0)
    except (ServerError, ValueError):
        return 0.0


def _blobs(folder: Path, commits: Sequence[str]) -> list[bytes]:
    """The mails of ``commits``; commits without one (removals) and mails beyond the limit are left out."""
    out = _git(folder, "cat-file", "--batch", stdin="".join(f"{commit}:m\n" for commit in commits).encode())
    found = []
    at = 0
    while at < len(out):
        end = out.find(b"\n", at)
        words = out[at:end].split()
        if len(words) == 3 and words[1] == b"blob" and words[2].isdigit():
            size = int(words[2])
            if size <= limits.MAX_MAIL_BYTES:
                found.append(out[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        elif len(words) == 3 and words[2].isdigit():
            at = end + 1 + int(words[2]) + 1
        else:
            at = end + 1
    return found


def _git(folder: Path, *args: str, stdin: bytes = b"") -> bytes:
    return git(*args, folder=folder, stdin=stdin, seconds=GIT_SECONDS)
