# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview cache``: the threads that were fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from abireview.cli.output import write_stdout
from abireview.errors import NotFoundError, UsageError
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from abireview.store.threads import Threads

UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
AGE = re.compile(r"(\d{1,6})([mhdw])")
DEFAULT_AGE = "90d"


@click.group(short_help="List, show or drop cached threads.")
def command() -> None:
    """List, show or drop the threads that were fetched. Answers, drafts and the outbox are not touched."""


@command.command(name="list", short_help="List the cached threads, newest first.")
def list_threads() -> None:
    """List the cached threads, newest first: age, mails, size, message-id, subject."""
    with _threads() as threads:
        found = threads.list()
    lines = [
        f"{_age(one.age()):>4}  {one.mails:>4}  {_size(one.size):>6}  {safe_line(f'{one.msgid}  {one.subject}')}\n"
        for one in found
    ]
    total = sum(one.size for one in found)
    write_stdout("".join(lines) + f"{len(found)} threads, {_size(total)} unpacked\n")


@command.command(short_help="Print a cached thread as it was fetched.")
@click.argument("msgid", metavar="MSGID")
def show(msgid: str) -> None:
    """Print the cached thread that has the mail MSGID, an mbox, as the server gave it."""
    import sys

    name = msgid.strip().removeprefix("<").removesuffix(">")
    with _threads() as threads:
        found = threads.get(name)
    if found is None:
        raise NotFoundError(f"<{name}> is not in the cache", hint="'abireview cache list' shows what is")
    if sys.stdout.isatty():
        write_stdout(_visible(found.raw))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(found.raw)
        sys.stdout.buffer.flush()


@command.command(short_help="Drop threads that were fetched long ago.")
@click.option("--older-than", default=DEFAULT_AGE, show_default=True, metavar="AGE", help="Such as 12h, 30d or 8w.")
def prune(older_than: str) -> None:
    """Drop the threads that were fetched longer ago than AGE."""
    match = AGE.fullmatch(older_than)
    if not match:
        raise UsageError(f"'{older_than}' is no age", hint="a number and m, h, d or w: 12h, 30d, 8w")
    with _threads() as threads:
        count = threads.prune(int(match[1]) * UNITS[match[2]])
    write_stdout(f"dropped {count} threads\n")


@command.command(short_help="Drop all cached threads.")
def clear() -> None:
    """Drop all cached threads."""
    with _threads() as threads:
        count = threads.clear()
    write_stdout(f"dropped {count} threads\n")


@contextmanager
def _threads() -> Iterator[Threads]:
    from abireview.store.db import Store
    from abireview.store.threads import Threads

    with Store() as store:
        yield Threads.of(store)


def _visible(raw: bytes) -> str:
    from abireview.safetext import safe

    return safe(raw.decode("utf-8", "replace").replace("\r\n", "\n"))


def _age(seconds: float) -> str:
    for unit in ("w", "d", "h"):
        if seconds >= 2 * UNITS[unit]:
            return f"{int(seconds // UNITS[unit])}{unit}"
    return f"{int(seconds // 60)}m"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1000:
            return f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.0f}GiB"
