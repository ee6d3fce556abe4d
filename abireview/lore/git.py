# SPDX-License-Identifier: GPL-2.0-or-later
"""The door to git for archives, and how a mirror of an epoch is kept.

An epoch of a public-inbox is a bare repository at ``INBOX/git/N.git`` with one commit a mail, the mail in a file ``m``;
a removed mail is a commit with a file ``d``, a purge rewrites the history (public-inbox-v2-format(5)). git is called by
name, asks nobody, runs no hook, and speaks only http and https.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from abireview import __version__
from abireview.errors import ServerError

BRANCH: Final = "refs/heads/master"
"""The branch of every epoch."""

AGENT: Final = f"abireview/{__version__}"

_SETTINGS: Final = (
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    # a connection that gives less than 1 kB/s for a minute is given up
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
)


def git(
    *args: str,
    seconds: float,
    folder: Path | None = None,
    stdin: bytes = b"",
    agent: str = AGENT,
    redirect: bool = False,
    run: Callable[..., Any] = subprocess.run,
) -> bytes:
    """git's output. ``folder`` is the bare repository, ``seconds`` how long it may take, ``agent`` who asks.

    With ``redirect`` the server may name another address for the first request, never for a later one. Raises
    ServerError with git's last words.
    """
    settings = (*_SETTINGS, f"http.userAgent={agent}", f"http.followRedirects={'initial' if redirect else 'false'}")
    options = [part for setting in settings for part in ("-c", setting)]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if folder is not None:
        env["GIT_DIR"] = str(folder)
    try:
        done = run(["git", *options, *args], input=stdin, capture_output=True, timeout=seconds, check=False, env=env)
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"git {args[0]} did not end within {seconds:.0f} s") from error
    except OSError as error:
        raise ServerError(f"git cannot be run: {error.strerror}", hint="install git") from error
    if done.returncode:
        said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        raise ServerError(f"git {args[0]} failed: {said[-1].strip()[:200] if said else done.returncode}")
    return bytes(done.stdout)


def fetch(folder: Path, url: str, *options: str, seconds: float, agent: str = AGENT, redirect: bool = False) -> None:
    """Bring the mirror of an epoch in the bare repository ``folder`` up to date; it is made if it is not there.

    A history that was rewritten takes the place of the old one. Raises ServerError.
    """
    if not (folder / "HEAD").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "-q", "--bare", "--initial-branch=master", folder=folder, seconds=seconds)
    fixed = ("fetch", "-q", "--no-tags", "--no-write-fetch-head")
    git(*fixed, *options, url, f"+{BRANCH}:{BRANCH}", folder=folder, seconds=seconds, agent=agent, redirect=redirect)
