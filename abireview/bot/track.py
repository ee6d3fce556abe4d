# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher found, put where a person works: the queue of the TUI, with its thread in the cache."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from abireview.bot.watch import Seen
from abireview.findings.model import Result
from abireview.mail.model import Series
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from abireview.store.queue import Facts, Queue
from abireview.store.threads import Threads

WATCH_NAME: Final = "watch.db"
"""The file beside the store in which ``abireview watch`` keeps its cursors, mails and postings: the bot's are its own,
or each would take the news away from the other, and what a person watches would stand on the bot's pages."""

_ESCAPE = re.compile(rb"(?m)^(>*From )")


def watch_path(store: Store) -> Path:
    """Where the watcher's own file for ``store`` is."""
    return store.path.with_name(WATCH_NAME)


class Shared:
    """What is remembered of servers (``abireview.lore.http.Memory``) by several watchers: how a server wants to be
    treated is known to all of them (``common``), what it answered last only to the one whom it answered (``own``).
    """

    def __init__(self, common: BotMail, own: BotMail) -> None:
        self.server, self.set_server = common.server, common.set_server
        self.validator, self.set_validator = own.validator, own.set_validator


def track(
    store: Store, mail: BotMail, seen: Seen, series: Series, result: Result, *, origin: str, server: str, now: float
) -> None:
    """Show the posting in the queue of ``store`` as ``origin`` ("watch" or "bot"); twice does no harm.

    ``mail`` holds its thread. ``result`` is as the check gave it. ``server`` is where the thread can be fetched again
    ("" if nowhere).
    """
    taken = [*mail.postings(seen.row.thread), *mail.replies(seen.row.thread)]
    Threads.of(store).put(mboxrd([one.raw for one in taken]), server or "watch", now)
    queue = Queue.of(store)
    row = queue.add(series.id, origin)
    queue.record(
        row.id,
        Facts(
            lineage=seen.row.lineage,
            title=series.subject,
            tag=f"{series.version_text or 'v1'} {len(series.patches)}/{series.expected or len(series.patches)}",
            author=series.author.name or series.author.email,
            date=series.date,
            result=result,
        ),
    )


def mboxrd(mails: list[bytes]) -> bytes:
    """``mails`` as one mailbox, as public-inbox writes it."""
    start = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    return b"".join(start + _ESCAPE.sub(rb">\1", raw.rstrip(b"\n")) + b"\n\n" for raw in mails)
