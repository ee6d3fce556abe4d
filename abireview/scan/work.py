# SPDX-License-Identifier: GPL-2.0-or-later
"""What a worker does: mails of some teams in, lines of JSON out. Bytes both ways, so that any executor can run it.

Everything a worker needs comes with the call (the rules too): workers of a cluster need no files of ours.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from abireview import __version__, limits
from abireview.check import check
from abireview.errors import AbireviewError
from abireview.findings.answers import lineage
from abireview.findings.model import Result, SeriesInfo, ToolInfo
from abireview.mail.decode import Head, decode
from abireview.mail.kind import Projects, load_projects
from abireview.mail.model import Message, Series
from abireview.mail.series import Thread
from abireview.render import Style, jsonl
from abireview.rules.context import tables_of
from abireview.rules.load import RuleSet
from abireview.store.journal import Outcome


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to do with every team. ``rules`` is a packed RuleSet; dates are seconds since 1970."""

    rules: bytes
    every: bool = False
    since: int | None = None
    until: int | None = None
    arch: tuple[str, ...] = ()
    facts: bool = False


class Mail(msgspec.Struct, frozen=True, array_like=True):
    """One mail of a team: ``head`` is a packed Head, ``raw`` (or ``packed``, by zlib) only there for patches."""

    head: bytes
    raw: bytes = b""
    packed: bytes = b""


class Team(msgspec.Struct, frozen=True, array_like=True):
    """Mails that are looked at together."""

    id: int
    mails: tuple[Mail, ...]


class QueueFacts(msgspec.Struct, frozen=True, array_like=True):
    """What the queue wants to know of a series besides its result."""

    lineage: tuple[str, ...]
    tag: str
    author: str


class TooLongError(Exception):
    """A team took more than its time."""


def pack_rules(rules: RuleSet) -> bytes:
    """``rules`` as ``Orders`` carry them."""
    return zlib.compress(msgspec.msgpack.encode(rules), 1)


def run(orders: bytes, teams: bytes) -> bytes:
    """Check packed ``teams`` by packed ``orders``; a packed list of Outcome. Raises nothing, whatever the mails are."""
    job = _job(orders)
    outcomes: list[Outcome] = []
    for team in msgspec.msgpack.decode(teams, type=list[Team]):
        outcomes += job.outcomes(team)
    return msgspec.msgpack.encode(outcomes)


def failure(orders: Orders, head: Head, why: str) -> Outcome:
    """The outcome of a team that could not be checked; ``head`` is its first patch."""
    rules = _rules(orders.rules)
    info = SeriesInfo(
        id=head.msgid,
        subject=head.subject,
        version=1,
        sender=str(head.author),
        kernel=True,
        patches=(),
        base=None,
        tree=False,
        date=head.date,
    )
    result = Result(tool=ToolInfo(__version__, rules.hash), series=info, findings=(), failed=(f"scan: {why}",))
    return Outcome(head.date or 0, head.msgid, True, jsonl.render([result], Style()).encode(), lost=True)


class _Job:
    """Orders, unpacked."""

    def __init__(self, orders: Orders, rules: RuleSet | None = None) -> None:
        self.orders = orders
        self.rules = rules or _rules(orders.rules)
        self.projects: Projects = load_projects(self.rules.projects)
        self.wanted = tables_of(self.rules).paths.wanted

    def outcomes(self, team: Team) -> Sequence[Outcome]:
        try:
            with _time_limit(limits.MAX_SCAN_SECONDS):
                return list(self._checked(team))
        except (AbireviewError, ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as error:
            return [self._failed(team, f"{type(error).__name__}: {error}"[:300])]
        except (RecursionError, MemoryError, TooLongError) as error:
            return [self._failed(team, f"the mails need too much ({type(error).__name__})")]

    def _failed(self, team: Team, why: str) -> Outcome:
        first = next((mail for mail in team.mails if mail.raw or mail.packed), team.mails[0])
        return failure(self.orders, msgspec.msgpack.decode(first.head, type=Head), why)

    def _checked(self, team: Team) -> Iterator[Outcome]:
        thread = Thread([_message(mail) for mail in team.mails], self.projects, self.wanted)
        for versions in thread.lineages:
            for posting in versions if self.orders.every else versions[-1:]:
                if self._wanted(posting.head.message.date):
                    series = thread.build(posting)
                    yield self._outcome(series, check(series, self.rules, arch=self.orders.arch))

    def _wanted(self, date: int | None) -> bool:
        since, until = self.orders.since, self.orders.until
        if date is None:
            return since is None and until is None
        return (since is None or date >= since) and (until is None or date < until)

    def _outcome(self, series: Series, result: Result) -> Outcome:
        facts = b""
        if self.orders.facts and result.findings:
            tag = f"{series.version_text or 'v1'} {len(series.patches)}/{series.expected or len(series.patches)}"
            author = series.author.name or series.author.email
            facts = msgspec.msgpack.encode(QueueFacts(lineage(series), tag, author))
        line = jsonl.render([result], Style()).encode()
        return Outcome(series.date or 0, series.id, bool(result.findings or result.failed), line, facts)


_decode_head = msgspec.msgpack.Decoder(Head).decode


def _message(mail: Mail) -> Message:
    """The mail, or for one that is no patch what its head says."""
    raw = mail.raw or (zlib.decompressobj().decompress(mail.packed, limits.MAX_MAIL_BYTES + 1) if mail.packed else b"")
    head = _decode_head(mail.head)
    if raw:
        return decode(raw, head=head, addressed=False)
    return Message(
        msgid=head.msgid,
        subject=head.subject,
        author=head.author,
        date=head.date,
        in_reply_to=head.in_reply_to,
        references=head.references,
        to=(),
        cc=(),
        body="",
    )


# One set of orders a process: a worker of a cluster may serve several scans one after the other.
_known: tuple[bytes, _Job] | None = None


def _job(orders: bytes) -> _Job:
    global _known  # noqa: PLW0603
    known = _known
    if known is None or known[0] != orders:
        known = _known = (orders, _Job(msgspec.msgpack.decode(orders, type=Orders)))
    return known[1]


def prepare(orders: Orders, rules: RuleSet) -> bytes:
    """``orders`` packed; workers that are forked from this process later find them and ``rules`` unpacked already."""
    global _known  # noqa: PLW0603
    packed = msgspec.msgpack.encode(orders)
    _known = (packed, _Job(orders, rules))
    return packed


def _rules(packed: bytes) -> RuleSet:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=RuleSet)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError after ``seconds``, and again each second should something swallow it; only in main threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
