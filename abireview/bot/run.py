# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot as a whole: one turn does everything that is due; ``--once`` makes one, ``--follow`` one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from abireview.bot.commands import Attest, Commands
from abireview.bot.examine import Check, Examiner
from abireview.bot.log import Log
from abireview.bot.maintainers import Maintainers
from abireview.bot.metrics import write_metrics
from abireview.bot.patchwork import Patchwork, want_checks
from abireview.bot.policy import ListEntry, Policy
from abireview.bot.sender import Sender, archived
from abireview.bot.site import Site
from abireview.bot.sources import GitSource, MaildirSource, Place, SearchSource, Source
from abireview.bot.track import track
from abireview.bot.watch import Watcher, quietly
from abireview.errors import ServerError
from abireview.lore.inbox import Inbox
from abireview.store.answers import Answers
from abireview.store.botdrafts import BotDrafts
from abireview.store.botmail import BotMail
from abireview.store.botseries import BotSeries, SeriesRow
from abireview.store.outbox import Entry, Outbox
from abireview.store.sql import transaction

if TYPE_CHECKING:
    from abireview.lore.http import Http
    from abireview.reply.transport import Transport
    from abireview.store.db import Store

LONGEST_NAP: Final = 60.0  # seconds between two turns: a hold ends, a person approves
SHORTEST_NAP: Final = 1.0
SITE_EVERY: Final = 300.0  # seconds between two passes over all pages
SLICE: Final = 0.25  # seconds of sleep before it is asked whether to stop
MAILBOX: Final = "the bot's mailbox"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot is made of beside its store and policy; tests replace some. Times are seconds since 1970.

    ``transport`` None means that no mail leaves, ``rules`` is the hash of the rule set.
    """

    http: Http
    check: Check
    rules: str
    attest: Attest
    transport: Transport | None
    log: Log
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    maintainers: Maintainers | None = None
    reach: float = 86400.0


class Bot:
    """The bot over one store."""

    def __init__(self, store: Store, policy: Policy, parts: Parts) -> None:
        self.store, self.policy, self.parts = store, policy, parts
        clock, log = parts.clock, parts.log
        self.series, self.drafts = BotSeries.of(store), BotDrafts.of(store)
        self.outbox = Outbox(store.connection, store.path.with_name("send.lock"), clock=clock)
        sources = make_sources(policy, parts, store)
        self.watcher = Watcher(store, sources, settle=self._settle, fetch=self._thread, log=log, clock=clock)
        self.examiner = Examiner.of(store, policy, parts.check, rules=parts.rules, clock=clock)
        self.commands = Commands(
            store,
            policy,
            self.outbox,
            attest=parts.attest,
            maintainers=parts.maintainers,
            files=self._files,
            log=log,
            clock=clock,
        )
        self._site_stamp: object = None
        self._site_at = float("-inf")
        self.sender = Sender(store, policy, self.outbox, look_up=self._look_up, log=log, clock=clock)
        self.patchwork = Patchwork(policy, self.series, parts.http, log=log)

    def turn(self) -> None:
        """Everything that is due. Trouble in one step is logged and leaves the others alone."""
        log = self.parts.log
        quietly(log, "poll", lambda: void(self.watcher.poll()))
        quietly(log, "look", lambda: void(self.watcher.look()))
        due: list[SeriesRow] = []
        quietly(log, "settling", lambda: due.extend(self.watcher.due()))
        for row in due:
            if not quietly(log, "examination", lambda row=row: self._examine(row), series=row.id):  # type: ignore[misc]
                self._failed(row)
        quietly(log, "reading commands", lambda: void(self.commands.read_all()))
        quietly(log, "approval", self.sender.promote)
        quietly(log, "posting", lambda: void(self.sender.post(self.examiner, self.watcher)))
        if self.parts.transport is not None:
            quietly(log, "delivery", self._deliver)
        if self.policy.patchwork:
            quietly(log, "checks", lambda: void(self.patchwork.post(self.parts.clock())))
        self._publish()
        quietly(log, "pruning", lambda: void(self.watcher.prune()))

    def follow(self, stop: Callable[[], bool]) -> None:
        """Turn after turn until ``stop()``."""
        while not stop():
            self.turn()
            now = self.parts.clock()
            end = min(max(self.watcher.next_poll(), now + SHORTEST_NAP), now + LONGEST_NAP)
            while not stop() and self.parts.clock() < end:
                self.parts.sleep(SLICE)

    # steps

    def _examine(self, row: SeriesRow) -> None:
        seen = self.watcher.open(row)
        if seen is None:
            self._failed(row)
            return
        found = self.examiner.examine(seen)
        now = self.parts.clock()
        if found.draft is not None and found.raw is not None:
            server = self._archive(row)
            track(self.store, self.watcher.mail, seen, found.series, found.raw, origin="bot", server=server, now=now)
        with transaction(self.store.connection, "the bot's results"):
            self.series.put(found.row, found.raw)
            if found.draft is not None:
                self.drafts.put(found.draft)
            if found.result is not None:
                want_checks(self.policy, self.series, found.row, found.result)
            self._supersede(found.row)
        self.parts.log("examined", series=row.id, action=found.row.action, why="; ".join(found.row.reasons))

    def _supersede(self, row: SeriesRow) -> None:
        """Drafts about older versions are void; those that are in the outbox cannot be helped."""
        for other in self.series.relatives(row.lineage):
            draft = self.drafts.for_series(other.id) if other.version < row.version else None
            if draft is None or draft.state not in {"waiting", "approved"} or self.outbox.find(draft.key):
                continue
            note = f"version {row.version} is there"
            self.drafts.move(draft.id, {draft.state}, "superseded", now=self.parts.clock(), note=note)

    def _failed(self, row: SeriesRow) -> None:
        self.series.save(msgspec.structs.replace(row, state="failed", checked=self.parts.clock()))

    def _deliver(self) -> None:
        assert self.parts.transport is not None
        self.sender.deliver(self.parts.transport)

    def _publish(self) -> None:
        bot, now = self.policy.bot, self.parts.clock
        if bot.site:
            quietly(self.parts.log, "site", self._write_site)
        if bot.metrics:
            path = Path(bot.metrics).expanduser()
            quietly(self.parts.log, "metrics", lambda: write_metrics(self.store, path, now()))

    def _write_site(self) -> None:
        """Write the pages if something changed, and not too often: a full pass reads every result."""
        now = self.parts.clock()
        stamp = (self.series.stamp(), self.drafts.stamp(), Answers.of(self.store).listed()[-1:])
        if stamp == self._site_stamp or self._site_at <= now < self._site_at + SITE_EVERY:
            return
        Site(self.store, self.policy, Path(self.policy.bot.site).expanduser(), clock=self.parts.clock).write()
        self._site_stamp, self._site_at = stamp, now

    # what the parts ask for

    def _files(self, row: SeriesRow) -> list[str]:
        seen = self.watcher.open(row)
        if seen is None:
            return []
        series = seen.thread.build(seen.posting)
        return [file.path for patch in series.patches for file in patch.files if file.path]

    def _settle(self, row: SeriesRow) -> float:
        return max((one.settle_seconds for one in self.policy.list if one.name in row.lists), default=1800)

    def _archive(self, row: SeriesRow) -> str:
        return next((one.archive for one in self.policy.list if one.name in row.lists and one.archive), "")

    def _thread(self, row: SeriesRow) -> list[bytes]:
        base = self._archive(row)
        return Inbox(self.parts.http, base).thread(row.id) if base else []

    def _look_up(self, entry: Entry) -> bool | None:
        """Whether an archive has one of our mails; None if it went to no archived list, or none can be asked."""
        places = archived(self.policy, entry)
        answers: list[bool] = []
        for base in places:
            try:
                answers.append(Inbox(self.parts.http, base).has(entry.msgid))
            except ServerError as error:
                self.parts.log("look-up failed", msgid=entry.msgid, why=str(error))
        if any(answers):
            return True
        return False if answers and len(answers) == len(places) else None


def make_sources(policy: Policy, parts: Parts, store: Store) -> list[Source]:
    """A source for every list that says where it is read, and one for the bot's own mailbox."""
    found: list[Source] = []
    for entry in policy.list:
        source = _source(entry, parts, store) if entry.mode != "off" else None
        if source is not None:
            found.append(source)
    if policy.bot.mailbox:
        place = Place(name=MAILBOX, lists=(), interval=0.0)
        found.append(MaildirSource(place, Path(policy.bot.mailbox).expanduser()))
    return found


def _source(entry: ListEntry, parts: Parts, store: Store) -> Source | None:
    place = Place(name=entry.name, lists=(entry.name,), interval=entry.interval_seconds, reach=parts.reach)
    if entry.watch == "maildir":
        return MaildirSource(place, Path(entry.maildir).expanduser())
    if entry.watch == "none" or not entry.archive:
        return None
    inbox = Inbox(parts.http, entry.archive)
    if entry.watch == "git":
        return GitSource(place, inbox, store.path.with_name("epochs") / entry.name)
    known = BotMail.of(store).known
    return SearchSource(place, inbox, known, overlap=entry.overlap_seconds, query=entry.query)


def void(_: object) -> None:
    """For a step whose count nobody needs."""
