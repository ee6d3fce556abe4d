# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview doctor``: what works here, and what to do about the rest."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable
from typing import NamedTuple

import click

from abireview.cli.output import write_stdout
from abireview.cli.progress import Progress
from abireview.errors import AbireviewError, ConfigError, NotFoundError, StoreError
from abireview.safetext import safe_line

OLDEST_GIT = (2, 20)  # the first whose mailinfo and worktrees b4 0.16 relies on
SERVER_SECONDS = 15.0  # a person waits here; a server that needs longer is as good as gone
NOBODY = "abireview-doctor@invalid.example"  # a message-id that no archive has


class Check(NamedTuple):
    """One thing to look at: without a ``needed`` one abireview does nothing, without the others it does less."""

    name: str
    look: Callable[[], str]
    needed: bool


@click.command(short_help="Say what works here, and what to do about the rest.")
@click.option("--offline", is_flag=True, help="Do not ask the server.")
@click.option("--server", metavar="URL", help="The archive to try, instead of the configured one.")
def command(offline: bool, server: str | None) -> int:
    """Say what works: git, rules, cache, the server, the mail set-up; and what to do about the rest.

    The exit code is 0 if every check is possible; mail and the server may be missing.
    """
    checks = [
        Check("python", platform.python_version, True),
        Check("git", _git, True),
        Check("libraries", _libraries, True),
        Check("rules", _rules, True),
        Check("cache", _cache, True),
        Check("identity", _identity, False),
        Check("sending", _sending, False),
    ]
    if not offline:
        checks.insert(5, Check("server", lambda: _server(server), False))
    code = 0
    for check in checks:
        text, failed = _outcome(check)
        write_stdout(text)
        if check.needed:
            code = max(code, failed)
    return code


def _outcome(check: Check) -> tuple[str, int]:
    """The lines for a person, and the exit code of what failed (0: nothing)."""
    with Progress() as progress:
        progress(f"looking at {check.name}")
        try:
            return f"ok  {check.name:10} {safe_line(check.look())}\n", 0
        except AbireviewError as error:
            lines = [f"no  {check.name:10} {safe_line(str(error))}"]
            lines += [f"    {'':10} {safe_line(error.hint)}"] if error.hint else []
            return "".join(f"{line}\n" for line in lines), error.exit_code


def _git() -> str:
    hint = "on Debian: apt-get install git"
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError("git is not installed", hint=hint) from error
    version = re.search(r"(\d+)\.(\d+)[.\d]*", done.stdout)
    if not version or (int(version[1]), int(version[2])) < OLDEST_GIT:
        raise ConfigError(f"{done.stdout.strip()} is too old, {'.'.join(map(str, OLDEST_GIT))} is needed", hint=hint)
    return version[0]


def _libraries() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return ", ".join(f"{name} {version(name)}" for name in ("b4", "liblore", "tree-sitter", "textual"))
    except PackageNotFoundError as error:
        raise ConfigError(f"the library {error.name} is not installed", hint="install abireview again") from error


def _rules() -> str:
    from abireview.cli.ruleset import directories, load

    found = load()
    own = f", of which some in {directories()[-1]}" if len(directories()) > 1 else ""
    return f"{len(found.rules)} rules, {len(found.knobs)} knobs, set {found.hash}{own}"


def _cache() -> str:
    from abireview.store.db import Store
    from abireview.store.threads import Threads

    with Store() as store:
        hint = f"move {store.path} away, or name another directory with ABIREVIEW_CACHE"
        try:
            threads = Threads.of(store).list()
            row = store.connection.execute("PRAGMA quick_check(1)").fetchone()
        except StoreError as error:
            raise StoreError(str(error), hint=hint) from error
        if row[0] != "ok":
            raise StoreError(f"the store {store.path} is damaged: {row[0]}", hint=hint)
        return f"{store.path}, {len(threads)} threads"


def _server(server: str | None) -> str:
    from abireview.lore import b4door
    from abireview.lore.address import server_address

    url = server_address(server) if server else b4door.default_server()
    try:
        b4door.fetch_thread(NOBODY, url, overall=SERVER_SECONDS)
    except NotFoundError:
        return f"{url} answers"
    return f"{url} answers, oddly"


def _identity() -> str:
    from abireview.lore.b4mail import identity

    return str(identity())


def _sending() -> str:
    from abireview.lore.b4mail import describe_setup

    set_up = describe_setup()
    if subprocess.run(["git", "config", "--get-regexp", r"^sendemail\."], capture_output=True, check=False).returncode:
        raise ConfigError(
            "git's sendemail is not set up",
            hint="git config --global sendemail.smtpserver HOST; without it replies go to a maildir, an mbox or stdout",
        )
    return set_up
