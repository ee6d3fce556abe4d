# SPDX-License-Identifier: GPL-2.0-or-later
"""A scan: read the archive into the journal, find out which mails belong together, check, write.

Each step is kept in the journal, so a scan that was killed goes on where it was. The output is ordered by the date and
message-id of the series and depends on the archive, the options and the rules only: not on jobs, executor, shards or
interruptions.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice

import msgspec

from abireview import __version__, limits
from abireview.mail.decode import Head, decode_head
from abireview.mail.mbox import looks_like_mail
from abireview.mail.subject import parse_subject
from abireview.rules.load import RuleSet
from abireview.scan import work
from abireview.scan.executors import Batch, Crew, run_all
from abireview.scan.group import form_teams, traits_of
from abireview.scan.source import LOOK_BACK, Source
from abireview.store.journal import Journal, Outcome, Read

READ_AT_ONCE = 500  # mails between two commits of the journal
BATCH_TEAMS = 64
BATCH_BYTES = 512 * 1024  # of patches; one batch takes a worker about 0.2 s
Say = Callable[[str], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to scan for. ``since`` and ``until`` (seconds since 1970) bound the date of the series; mails from ``until``
    on are not looked at. ``every`` takes all versions, not only the newest. ``shard`` is (which, from 0; of how many).
    """

    since: int | None = None
    until: int | None = None
    every: bool = False
    arch: tuple[str, ...] = ()
    shard: tuple[int, int] = (0, 1)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan did. ``bad`` counts pieces of the archive that are no mails, ``lost`` series that could not be
    checked; ``broken`` says why the archive could not be read to its end ("" if it could).
    """

    mails: int
    series: int
    lost: int
    bad: int
    broken: str
    resumed: bool


def identity(source: Source, rules: RuleSet, wanted: Wanted) -> str:
    """What the journal must have been begun with to go on with it."""
    text = repr((__version__, source.identity, rules.hash, [rule.id for rule in rules.rules], wanted))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def scan(
    source: Source,
    journal: Journal,
    rules: RuleSet,
    wanted: Wanted,
    workers: Callable[[], AbstractContextManager[Crew]],
    say: Say,
) -> Summary:
    """Bring ``journal`` to its end: all outcomes are in it then. ``say`` is told how far it is.

    Raises TreeError, StoreError, LimitError, ServerError (a cluster went away).
    """
    if not journal.is_read:
        _read(source, journal, wanted, say)
    if not journal.is_grouped:
        say("finding out which mails belong together")
        form_teams(journal)
    orders = work.Orders(
        rules=work.pack_rules(rules),
        every=wanted.every,
        since=wanted.since,
        until=wanted.until,
        arch=wanted.arch,
        facts=True,
    )
    lost = _check(source, journal, orders, rules, wanted, workers, say)
    return Summary(
        mails=journal.mails_read,
        series=journal.count(),
        lost=lost,
        bad=journal.bad,
        broken=journal.broken or source.broken,
        resumed=journal.resumed,
    )


def _read(source: Source, journal: Journal, wanted: Wanted, say: Say) -> None:
    """The mails of the source into the journal: heads of all, patches where they cannot be read again."""
    count, bad = journal.mails_read, journal.bad
    began, first = time.monotonic(), journal.mails_read
    mails = source.mails(skip=count)
    while piece := list(islice(mails, READ_AT_ONCE)):
        found = []
        for place, raw in piece:
            if not looks_like_mail(raw):
                bad += 1
            elif (read := read_mail(place, raw, wanted)) is not None:
                found.append(read)
        count += len(piece)
        journal.add(found, count, bad)
        rate = (count - first) / max(0.001, time.monotonic() - began)
        say(f"reading: {count} mails, {rate:.0f}/s")
    journal.end_reading(source.broken)


def read_mail(place: str, raw: bytes, wanted: Wanted) -> Read | None:
    """What the journal keeps of a mail; None for one outside of the time that is looked at."""
    head = decode_head(raw)
    date = head.date or 0
    if head.date is not None and (
        (wanted.until is not None and date >= wanted.until)
        or (wanted.since is not None and date < wanted.since - LOOK_BACK)
    ):
        return None
    subject = parse_subject(head.subject)
    patch = not subject.reply and not subject.pull
    links = tuple(dict.fromkeys(link for link in (head.in_reply_to, *head.references) if link))
    return Read(
        msgid=head.msgid,
        date=date,
        size=max(1, len(raw)) if patch else 0,
        open=patch and not head.in_reply_to,
        place=place,
        head=msgspec.msgpack.encode(head),
        links=links,
        traits=traits_of(head, subject, raw) if patch and subject.posted_as_patch else (),
        packed=zlib.compress(raw, 1) if patch and not place else b"",
    )


def _check(
    source: Source,
    journal: Journal,
    orders: work.Orders,
    rules: RuleSet,
    wanted: Wanted,
    workers: Callable[[], AbstractContextManager[Crew]],
    say: Say,
) -> int:
    """Work off the teams; how many were lost. Without anything left no worker is started."""
    progress = _Progress(*journal.totals(*wanted.shard), say)
    batches = _batches(journal.todo(*wanted.shard))
    first = next(batches, None)
    if first is None:
        return journal.lost

    def all_batches() -> Iterator[Batch]:
        yield first
        yield from batches

    def load(teams: Sequence[int]) -> bytes:
        return msgspec.msgpack.encode([_team(source, journal, team) for team in teams])

    packed_orders = work.prepare(orders, rules)
    with workers() as crew:
        for batch, packed in run_all(crew, packed_orders, all_batches(), load):
            if packed is None:
                outcomes = [_lost(journal, orders, team) for team in batch.teams]
            else:
                outcomes = msgspec.msgpack.decode(packed, type=list[Outcome])
            journal.finish(outcomes, batch.teams)
            progress.add(sum(journal.size_of(team) for team in batch.teams))
    return journal.lost


def _batches(teams: Iterator[tuple[int, int]]) -> Iterator[Batch]:
    """Teams in handfuls: large enough that sending them costs little, small enough to be shared out."""
    heap: list[int] = []
    total = 0
    for team, size in teams:
        if heap and (len(heap) >= BATCH_TEAMS or total + size > BATCH_BYTES):
            yield Batch(tuple(heap))
            heap, total = [], 0
        heap.append(team)
        total += size
    if heap:
        yield Batch(tuple(heap))


def _team(source: Source, journal: Journal, number: int) -> work.Team:
    """A team as a worker gets it. A patch that is gone since it was read counts as a mail that is none."""
    mails = []
    for kept in journal.team(number):
        raw = source.read(kept.place) if kept.size and kept.place else b""
        mails.append(work.Mail(kept.head, raw, kept.packed))
    return work.Team(number, tuple(mails))


def _lost(journal: Journal, orders: work.Orders, number: int) -> Outcome:
    head = next(kept.head for kept in journal.team(number) if kept.size)
    return work.failure(orders, msgspec.msgpack.decode(head, type=Head), "the worker died of these mails")


class _Progress:
    """Rate and time left, by the bytes of patches."""

    def __init__(self, done: int, total: int, say: Say) -> None:
        self._done, self._total, self._say = done, max(1, total), say
        self._began, self._first = time.monotonic(), done

    def add(self, size: int) -> None:
        self._done += size
        seconds = max(0.001, time.monotonic() - self._began)
        rate = (self._done - self._first) / seconds
        left = (self._total - self._done) / rate if rate else 0.0
        self._say(
            f"checking: {100 * self._done / self._total:.0f} %, {rate / limits.MIB:.1f} MiB/s, "
            f"{int(left) // 3600}:{int(left) // 60 % 60:02}:{int(left) % 60:02} left"
        )
