# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives as git repositories: the epochs of a public-inbox on disk, and mirrors of those that a server has.

``abireview.lore.git`` says what an epoch is. Repositories are read through libgit2, never executed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from abireview import limits
from abireview.errors import LimitError, MailFormatError, ServerError, TreeError
from abireview.lore.address import server_address
from abireview.lore.git import fetch, git

if TYPE_CHECKING:
    import pygit2

GIT_SECONDS: Final = 6 * 3600.0  # for one epoch, a gigabyte
_EPOCH = re.compile(r"(\d{1,5})(?:\.git)?")
_GONE = re.compile(r"not found|does not exist|404|403|410", re.IGNORECASE)


def is_repository(path: Path) -> bool:
    """True if ``path`` looks like a git repository, bare or not."""
    return ((path / "HEAD").is_file() and (path / "objects").is_dir()) or (path / ".git" / "HEAD").is_file()


def find_epochs(path: Path) -> list[Path]:
    """The repositories of an inbox at ``path`` (a v2 directory or one epoch), oldest first; [] if it is neither.

    Raises LimitError.
    """
    if is_repository(path):
        return [path]
    folder = path / "git"
    if not folder.is_dir():
        return []
    found = [(int(match[1]), one) for one in folder.iterdir() if (match := _EPOCH.fullmatch(one.name))]
    if len(found) > limits.MAX_SCAN_EPOCHS:
        raise LimitError(f"{path} has {len(found)} epochs, more than {limits.MAX_SCAN_EPOCHS}")
    return [one for _, one in sorted(found) if is_repository(one)]


class Epoch:
    """One epoch. Raises TreeError where the repository cannot be read."""

    def __init__(self, path: Path) -> None:
        from abireview.source.tree import open_repository

        self.path = path
        self._repository: pygit2.Repository = open_repository(path if not (path / ".git").is_dir() else path / ".git")

    def tip(self) -> str:
        """The id of the newest commit, "" for an empty repository."""
        try:
            return "" if self._repository.head_is_unborn else str(self._repository.head.target)
        except _git_errors() as error:
            raise TreeError(f"{self.path} has no readable HEAD ({error})") from error

    def blobs(self, *, since: float | None = None) -> Iterator[str]:
        """The ids of the mails, newest first, without those taken out again. Commits older than ``since`` are passed
        over (their date is when the mail arrived). Raises TreeError for a damaged history.
        """
        gone: set[str] = set()
        at: Any = self.tip()
        while at:
            try:
                commit: Any = self._repository[at]
                tree = commit.tree
                if "d" in tree:
                    gone.add(str(tree["d"].id))
                elif "m" in tree and (since is None or commit.commit_time >= since):
                    blob = str(tree["m"].id)
                    if blob not in gone:
                        yield blob
                parents = commit.parent_ids
            except _git_errors() as error:
                raise TreeError(f"the history of {self.path} is damaged ({error})", hint="try 'git fsck'") from error
            at = parents[0] if parents else None

    def read(self, blob: str) -> bytes:
        """The mail in a blob, cut one byte beyond the limit of a mail. Raises TreeError."""
        try:
            found: Any = self._repository[blob]
            data: bytes = found.data
        except _git_errors() as error:
            raise TreeError(f"{self.path} lacks {blob[:12]} ({error})", hint="try 'git fsck'") from error
        return data[: limits.MAX_MAIL_BYTES + 1]


def _git_errors() -> tuple[type[Exception], ...]:
    """What libgit2 raises for an object that is missing, damaged or of another kind."""
    import pygit2

    return (pygit2.GitError, KeyError, ValueError, AttributeError, TypeError, OSError)


def mirror(url: str, folder: Path, *, since: float | None = None, say: Callable[[str], None] | None = None) -> Path:
    """Mirror the epochs of the inbox at ``url`` below ``folder``, or bring the mirror up to date; its directory.

    With ``since`` (seconds since 1970) epochs that end before it are not fetched. Raises ServerError, and
    UsageError for what is no address.
    """
    base = server_address(url)
    name = re.sub(r"[^a-z0-9.]+", "-", base.partition("://")[2].lower())[:60]
    place = folder / f"{name}-{hashlib.sha256(base.encode()).hexdigest()[:8]}"
    (place / "git").mkdir(parents=True, exist_ok=True)
    for number in reversed(range(_count(base))):
        if say:
            say(f"fetching epoch {number} of {base}")
        epoch = place / "git" / f"{number}.git"
        _update(f"{base}/git/{number}.git", epoch)
        if since is not None and _oldest(epoch) < since:
            break
    return place


def _count(base: str) -> int:
    """How many epochs the server has. Raises ServerError if there is none."""
    number = 0
    while number < limits.MAX_SCAN_EPOCHS:
        try:
            git("ls-remote", "-q", f"{base}/git/{number}.git", "HEAD", seconds=GIT_SECONDS, redirect=True)
        except ServerError as error:
            if number and _GONE.search(str(error)):
                break
            raise ServerError(
                f"git cannot read the archive: {error}", hint="name an inbox: https://HOST/LIST"
            ) from error
        number += 1
    return number


def _update(url: str, epoch: Path) -> None:
    if (epoch / "HEAD").exists():
        fetch(epoch, url, seconds=GIT_SECONDS, redirect=True)
        return
    partial = epoch.with_suffix(".part")
    if partial.exists():
        import shutil

        shutil.rmtree(partial)
    fetch(partial, url, seconds=GIT_SECONDS, redirect=True)
    partial.replace(epoch)


def _oldest(epoch: Path) -> float:
    """When the first mail of an epoch arrived; for an empty one the far future."""
    words = git("log", "--max-parents=0", "--format=%ct", "HEAD", "--", folder=epoch, seconds=GIT_SECONDS).split()
    return min((float(word) for word in words), default=float("inf"))


def no_archive(path: Path) -> MailFormatError:
    """The error for a directory that holds no archive."""
    return MailFormatError(
        f"{path} is no public-inbox, git epoch or maildir",
        hint="a public-inbox has git/0.git, an epoch is a git repository, a maildir has the folders cur and new",
    )
