# SPDX-License-Identifier: GPL-2.0-or-later
"""News of a list by ``git fetch`` of its newest epoch: the one way that misses no mail (commit order is arrival order).

An epoch is a bare repository at ``INBOX/git/N.git`` with one commit a mail, the mail in a file ``m``; a removed mail is
a commit with a file ``d``, a purge rewrites the history (public-inbox-v2-format(5)). git is called by name.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from abireview import limits
from abireview.errors import ServerError
from abireview.lore.http import USER_AGENT
from abireview.lore.inbox import Inbox

GIT_SECONDS: Final = 600.0  # for one fetch; git gives up by itself when less than 1 kB/s comes for a minute
BRANCH: Final = "refs/heads/master"


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
        for number in range(first, newest + 1):
            if now.get("epoch") == number and listed is not None and prints.get(number) == listed.get(number) != "":
                continue
            old = str(now.get("commit", "")) if now.get("epoch") == number else ""
            for mails, commit in self._fetch(number, old, since if "epoch" not in cursor else 0.0):
                now = {"epoch": number, "commit": commit, "prints": now.get("prints", {})}
                yield mails, now
        now = {**now, "prints": {str(number): text for number, text in epochs.items()}}
        yield [], now

    def _fetch(self, number: int, old: str, since: float) -> Iterator[tuple[list[bytes], str]]:
        """The mails of one epoch after the commit ``old``, in pieces with the commit of their last."""
        folder = self._folder / f"{number}.git"
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _git(folder, "init", "-q", "--bare")
        start = [] if old or not since else [f"--shallow-since={int(since)}"]
        url = f"{self._inbox.base}/git/{number}.git"
        fetch = ("fetch", "-q", "--no-tags", "--no-write-fetch-head")
        try:
            _git(folder, *fetch, *start, url, f"+{BRANCH}:{BRANCH}")
        except ServerError:
            if not start:
                raise
            # nothing is that young: the last mail alone
            _git(folder, *fetch, "--depth=1", url, f"+{BRANCH}:{BRANCH}")
        tip = _git(folder, "rev-parse", "--verify", "-q", BRANCH).decode().strip()
        commits = self._after(folder, old, since)
        for piece in (commits[i : i + 500] for i in range(0, len(commits), 500)):
            yield _blobs(folder, piece), piece[-1]
        yield [], tip

    def _after(self, folder: Path, old: str, since: float) -> list[str]:
        """Commits after ``old``, oldest first. After a rewritten history: those of the last three days before it."""
        most = f"--max-count={limits.MAX_POLL_MAILS}"
        if old:
            try:
                _git(folder, "merge-base", "--is-ancestor", old, BRANCH)
            except ServerError:
                since = max(0.0, _date(folder, old) - 3 * 86400)
            else:
                return _git(folder, "rev-list", "--reverse", most, f"{old}..{BRANCH}").decode().split()
        chosen = [f"--since={int(since)}"] if since else []
        return _git(folder, "rev-list", "--reverse", most, *chosen, BRANCH).decode().split()


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


def _git(folder: Path, *args: str, stdin: bytes = b"", run: Callable[..., Any] = subprocess.run) -> bytes:
    """git's output. It asks nobody, speaks only http and https, and gives up on a connection that stalls."""
    settings = (
        "protocol.allow=never",
        "protocol.http.allow=always",
        "protocol.https.allow=always",
        "http.followRedirects=false",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=60",
        f"http.userAgent={USER_AGENT}",
        "core.hooksPath=/dev/null",
        "gc.auto=0",
    )
    options = [part for setting in settings for part in ("-c", setting)]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_DIR": str(folder), "LC_ALL": "C"}
    try:
        done = run(
            ["git", *options, *args], input=stdin, capture_output=True, timeout=GIT_SECONDS, check=False, env=env
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"git {args[0]} did not end within {GIT_SECONDS:.0f} s") from error
    except OSError as error:
        raise ServerError(f"git cannot be run: {error.strerror}", hint="install git") from error
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ServerError(f"git {args[0]} failed: {why[-1][:200] if why else done.returncode}")
    return bytes(done.stdout)
