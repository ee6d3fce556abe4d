# SPDX-License-Identifier: GPL-2.0-or-later
"""What the watcher found, put where a person works: the queue of the TUI, with its thread in the cache."""

from __future__ import annotations

import re

from abireview.bot.watch import Seen
from abireview.findings.model import Result
from abireview.mail.model import Series
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from abireview.store.queue import Facts, Queue
from abireview.store.threads import Threads

_ESCAPE = re.compile(rb"(?m)^(>*From )")


def track(store: Store, seen: Seen, series: Series, result: Result, *, origin: str, server: str, now: float) -> None:
    """Show the posting in the queue as ``origin`` ("watch" or "bot"); twice does no harm.

    ``result`` is as the check gave it. ``server`` is where the thread can be fetched again ("" if nowhere).
    """
    mail = BotMail.of(store)
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
