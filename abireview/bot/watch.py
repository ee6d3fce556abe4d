# SPDX-License-Identifier: GPL-2.0-or-later
"""The watcher: polls the sources, keeps what comes, and says which postings are whole or have stopped growing.

The bot and ``abireview watch`` use the same one. Every step is a transaction; to be killed between two costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from abireview.bot.log import Log
from abireview.bot.sources import Source
from abireview.errors import AbireviewError, LimitError, NotFoundError, ServerError
from abireview.findings.answers import lineage_keys
from abireview.lore.http import NotNow
from abireview.lore.load import projects
from abireview.mail.commit import change_id
from abireview.mail.decode import decode
from abireview.mail.model import Message
from abireview.mail.posting import Posting
from abireview.mail.series import Thread, assemble
from abireview.store.botmail import BotMail, Taken
from abireview.store.botseries import BotSeries, SeriesRow
from abireview.store.db import Store
from abireview.store.sql import transaction

KEEP: Final = 90 * 86400.0
"""Seconds that mails are kept. What an archive gives again after that is too old to be said anything about."""

FetchThread = Callable[[SeriesRow], list[bytes]]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A posting as the store has it: its row, its mails in order (the one to answer first), and its thread."""

    row: SeriesRow
    posting: Posting
    thread: Thread
    mails: tuple[Message, ...]


class Watcher:
    """The watcher over one store. ``fetch`` gets the whole thread of a posting that lacks mails."""

    def __init__(
        self,
        store: Store,
        sources: Sequence[Source],
        *,
        settle: Callable[[SeriesRow], float],
        fetch: FetchThread | None = None,
        log: Log | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``settle(row)`` says how many seconds a posting may stand still before it counts as all there is."""
        self.store, self.sources = store, sources
        self.mail, self.series = BotMail.of(store), BotSeries.of(store)
        self._settle, self._fetch = settle, fetch
        self._log = log or Log()
        self._clock = clock

    # news

    def poll(self) -> int:
        """Poll every source whose time has come; how many mails were new. Trouble with one does not stop the others."""
        new = 0
        for source in self.sources:
            now = self._clock()
            _, polled = self.mail.cursor(source.name)
            if polled and polled <= now < polled + source.interval:
                continue
            new += self._poll(source, now)
        return new

    def _poll(self, source: Source, now: float) -> int:
        self.mail.polling(source.name, now)
        cursor, _ = self.mail.cursor(source.name)
        new = 0
        try:
            for mails, after in source.poll(cursor, now):
                new += self.mail.take(source.name, source.lists, mails, after, now)
            source.keep()
        except NotNow:
            pass  # it was logged when the server failed
        except (ServerError, LimitError, NotFoundError) as error:
            self._log("poll failed", source=source.name, why=str(error))
        else:
            if problem := getattr(source, "problem", ""):
                self._log("feed unusable", source=source.name, why=problem)
        if new:
            self._log("polled", source=source.name, mails=new)
        return new

    def next_poll(self) -> float:
        """When the next source is due (seconds since 1970)."""
        times = [self.mail.cursor(source.name)[1] + source.interval for source in self.sources]
        return min(times, default=self._clock() + 60.0)

    # postings

    def look(self) -> int:
        """Look at every thread with new mails: which postings are there, which are whole; how many threads."""
        threads = self.mail.fresh_threads()
        for thread in threads:
            self._look(thread)
        return len(threads)

    def _look(self, thread: str) -> None:
        taken = self.mail.postings(thread)
        found = _assemble(taken)
        by_id = {one.msgid: one for one in taken}
        rows: list[SeriesRow] = []
        gone: set[str] = set()
        for lineage in found.lineages:
            for posting in lineage:
                ids = [item.msgid for item in posting.members]
                known = [row for msgid in ids if (row := self.series.get(msgid)) is not None]
                old = next((row for row in known if row.state != "growing"), known[0] if known else None)
                row = self._row(thread, posting, [by_id[msgid] for msgid in ids if msgid in by_id], old)
                rows.append(row)
                gone |= {other.id for other in known if other.state == "growing"} - {row.id}
        with transaction(self.store.connection, "the watcher's series"):
            for series in gone:
                self.series.remove(series)
            for row in rows:
                self.series.put(row)
            self.mail.looked_at(thread)

    def _row(self, thread: str, posting: Posting, members: Sequence[Taken], old: SeriesRow | None) -> SeriesRow:
        head = posting.head
        if old is not None and len(members) <= old.members:
            lists = tuple(sorted({*old.lists, *(name for one in members for name in one.lists)}))
            return msgspec.structs.replace(old, lists=lists, thread=thread)
        changed = change_id(head.message) or next(
            (found for item in posting.patches if (found := change_id(item.message))), None
        )
        whole = is_whole(posting)
        return SeriesRow(
            # the id of a posting stays when its cover comes last
            id=head.msgid if old is None or old.state == "growing" else old.id,
            thread=thread,
            lists=tuple(sorted({name for one in members for name in one.lists})),
            lineage=lineage_keys(changed, head.author, head.subject.text),
            subject=head.subject.text,
            version=head.subject.version,
            author=head.author,
            date=head.message.date,
            members=len(members),
            seen=min((one.taken for one in members), default=0.0) if old is None else old.seen,
            grown=max((one.taken for one in members), default=0.0),
            fetched=old.fetched if old else False,
            state="due" if whole else "growing",
            action="",
            reasons=(),
            rules="",
            checked=None,
        )

    def due(self) -> Iterator[SeriesRow]:
        """The postings to be checked now: whole ones, and those that stopped growing (the server is asked once)."""
        for row in self.series.rows(["growing"]):
            if self._clock() - row.grown < self._settle(row):
                continue
            if not row.fetched and self._fetch is not None and self._complete(row):
                continue
            self._now_due(row.id)
        yield from self.series.rows(["due"])

    def _now_due(self, series: str) -> None:
        row = self.series.get(series)
        if row is not None and row.state == "growing":
            self.series.save(msgspec.structs.replace(row, state="due", fetched=True))

    def _complete(self, row: SeriesRow) -> bool:
        """Ask the server for the thread; True if the answer has to wait or brought something."""
        assert self._fetch is not None
        try:
            mails = self._fetch(row)
        except (ServerError, LimitError) as error:
            self._log("thread not fetched", series=row.id, why=str(error))
            # a server in trouble delays, but not for ever
            return self._clock() - row.grown < 4 * self._settle(row) + 3600.0
        new = self.mail.take("", row.lists, mails, None, self._clock())
        self.series.save(msgspec.structs.replace(row, fetched=True))
        if new:
            self._look(row.thread)
        return bool(new)

    def open(self, row: SeriesRow) -> Seen | None:
        """The posting of ``row`` with its thread (answers and all), None if its mails are gone."""
        postings = self.mail.postings(row.thread)
        thread = _assemble([*postings, *self.mail.replies(row.thread)])
        posting = thread.posting_of(row.id)
        if posting is None:
            return None
        first = posting.head.message
        rest = [item.message for item in posting.members if item.msgid != first.msgid]
        return Seen(row=row, posting=posting, thread=thread, mails=(first, *rest))

    def prune(self) -> int:
        """Forget what is too old; how many mails."""
        return self.mail.prune(self._clock() - KEEP)


def is_whole(posting: Posting) -> bool:
    """True if every announced patch is there, and the cover if there seems to be one."""
    numbers = {item.subject.n for item in (*posting.patches, *posting.filled)}
    if not numbers.issuperset(range(1, posting.m + 1)):
        return False
    if posting.cover or posting.m == 1:
        return True
    ids = {item.msgid for item in posting.members}
    parents = {item.message.in_reply_to for item in posting.patches} - ids - {""}
    # all patches answer one mail that is not here: their cover is still on its way
    return not (len(parents) == 1 and all(item.message.in_reply_to in parents for item in posting.patches))


def _assemble(taken: Sequence[Taken]) -> Thread:
    return assemble([decode(one.raw) for one in taken], projects())


def quietly(log: Log, what: str, function: Callable[[], None], **fields: object) -> bool:
    """Run one step; what goes wrong is logged and stops only this step. True if it went well."""
    try:
        function()
    except AbireviewError as error:
        log(f"{what} failed", why=str(error), hint=error.hint, **fields)
        return False
    except Exception as error:  # one posting must not stop the bot
        log(f"{what} failed", why=f"internal error: {type(error).__name__}: {error}", **fields)
        return False
    return True
