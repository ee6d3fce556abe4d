# SPDX-License-Identifier: GPL-2.0-or-later
"""The reviewer's desk: a series with its findings, answers, drafts and mail, for the TUI and the verbs alike.

``check`` reads no store and may run in any thread; everything else uses the store of the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from email.utils import getaddresses
from typing import TYPE_CHECKING, Protocol

import msgspec

from abireview.errors import NotFoundError, StoreError, UsageError
from abireview.findings.answers import Answer, apply_answers, lineage, make_answer
from abireview.findings.model import Finding, Result
from abireview.mail.model import Message, Patch, Person, Series
from abireview.mail.series import Thread
from abireview.reply.draft import draft_for_cover, draft_for_patch
from abireview.reply.lint import Issue, lint
from abireview.reply.mail import Headers, Outgoing, clean_header, reply_headers
from abireview.reply.template import Templates
from abireview.reply.trailers import TRAILERS, trailer_line
from abireview.store.answers import Answers
from abireview.store.drafts import Draft, Drafts
from abireview.store.outbox import Entry, Outbox
from abireview.store.queue import Facts, Queue, Row

if TYPE_CHECKING:
    from abireview.lore.load import Loaded
    from abireview.store.db import Store

Say = Callable[[str], None]


class Loader(Protocol):
    """``abireview.lore.load.load`` with its options; ``refresh`` asks the server anew and for newer versions."""

    def __call__(self, what: str, *, refresh: bool) -> Loaded: ...


class Checker(Protocol):
    """``abireview.check.check`` with its rules and its tree."""

    def __call__(self, series: Series) -> Result: ...


@dataclass(frozen=True)
class Version:
    """One version of a series: ``raw`` as the check gave it, ``result`` with answers applied."""

    series: Series
    raw: Result
    result: Result


@dataclass(frozen=True)
class Opened:
    """A series on the desk: its thread, the versions found there (oldest first), and which one is looked at.

    ``keys`` is its lineage, ``memory`` results of versions that are not in the thread, ``warnings`` what was odd about
    loading it.
    """

    what: str
    thread: Thread
    versions: tuple[Version, ...]
    at: int
    keys: tuple[str, ...]
    memory: tuple[Result, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def version(self) -> Version:
        return self.versions[self.at]

    @property
    def series(self) -> Series:
        return self.version.series

    @property
    def result(self) -> Result:
        return self.version.result

    def message(self, msgid: str) -> Message:
        """The mail with this message-id. Raises NotFoundError."""
        found = self.thread.by_id.get(msgid)
        if found is None:
            raise NotFoundError(f"the thread has no mail '{clean_header(msgid)[:200]}'")
        return found

    def patch(self, n: int) -> Patch:
        """Patch ``n`` of the version looked at. Raises NotFoundError."""
        found = next((patch for patch in self.series.patches if patch.n == n), None)
        if found is None:
            raise NotFoundError(f"the series has no patch {n}")
        return found

    def findings(self, msgid: str, *, open_only: bool = False) -> list[Finding]:
        """The findings of one patch, in the order of the result; without the settled ones if ``open_only``."""
        return [
            finding
            for finding in self.result.findings
            if finding.patch == msgid and (not open_only or finding.state in {"new", "carried"})
        ]

    def finding(self, fingerprint: str) -> Finding:
        """The finding with this fingerprint, or the only one that begins so. Raises NotFoundError."""
        found = [item for item in self.result.findings if item.fingerprint.startswith(fingerprint)]
        if not fingerprint or len({item.fingerprint for item in found}) != 1:
            why = "is no finding of this series" if not found else "begins several fingerprints"
            raise NotFoundError(f"'{clean_header(fingerprint)[:40]}' {why}")
        return found[0]


class Desk:
    """Everything a reviewer does with one store. ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        store: Store,
        loader: Loader,
        checker: Checker,
        *,
        templates: Templates | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.templates = templates or Templates()
        self._loader = loader
        self._checker = checker
        self._clock = clock

    # series

    def check(self, what: str, *, refresh: bool = False, say: Say = lambda _: None) -> Opened:
        """Fetch and check a series, all versions that its thread holds; states are not settled yet.

        ``say`` hears of progress; what it raises ends the work (that is how it is cancelled).
        """
        from abireview.lore.load import history

        say(f"fetching {what}")
        loaded = self._loader(what, refresh=refresh)
        if loaded.thread is None:
            raise UsageError("commits have no mails to review", hint="'abireview check' takes them")
        known = history(loaded)
        checked = []
        for number, version in enumerate(known, 1):
            say(f"checking {version.version_text or 'v1'} ({number} of {len(known)})")
            result = self._checker(version)
            checked.append(Version(version, result, result))
        keys = tuple(dict.fromkeys(key for version in known for key in lineage(version)))
        at = next((k for k, version in enumerate(known) if version.id == loaded.series.id), len(known) - 1)
        return Opened(what, loaded.thread, tuple(checked), at, keys, warnings=loaded.warnings)

    def settle(self, opened: Opened) -> Opened:
        """The same with the states of its findings by what was answered and what earlier versions had."""
        row = Queue.of(self.store).find(opened.keys)
        memory: tuple[Result, ...] = ()
        if row is not None:
            here = {version.series.id for version in opened.versions}
            memory = tuple(known for known in Queue.of(self.store).results(row.id) if known.series.id not in here)
            opened = replace(opened, keys=tuple(dict.fromkeys((*opened.keys, *row.lineage))))
        answers = Answers.of(self.store).for_lineage(opened.keys)
        now = int(self._clock())
        known = [version.raw for version in opened.versions] + list(memory)
        versions = []
        for version in opened.versions:
            before = [result for result in known if result.series.version < version.raw.series.version]
            result = apply_answers(version.raw, answers, before, lineage=opened.keys, now=now)
            versions.append(replace(version, result=result))
        return replace(opened, versions=tuple(versions), memory=memory)

    def record(self, number: int, opened: Opened) -> tuple[Row, Opened]:
        """Note down in the queue what was found; the row (maybe an older one) and the settled series."""
        queue = Queue.of(self.store)
        opened = self.settle(opened)
        newest = opened.versions[-1]
        series = newest.series
        row = queue.record(
            number,
            Facts(
                lineage=opened.keys,
                title=series.subject,
                tag=f"{series.version_text or 'v1'} {len(series.patches)}/{series.expected or len(series.patches)}",
                author=series.author.name or series.author.email,
                date=series.date,
                result=newest.raw,
            ),
        )
        for version in opened.versions[:-1]:
            queue.keep_version(row.id, version.raw)
        opened = self.settle(opened)
        return queue.recount(row.id, opened.versions[-1].result), opened

    # answers

    def answer(self, opened: Opened, finding: Finding, kind: str, text: str, *, until: int | None = None) -> Opened:
        """Settle a finding for this and later versions. Raises UsageError without ground."""
        given = make_answer(
            finding.fingerprint,
            opened.keys,
            kind,
            text,
            by=self._me_quietly(),
            when=int(self._clock()),
            until=until,
            rule=finding.rule,
        )
        Answers.of(self.store).give(given)
        return self._again(opened)

    def undo(self, opened: Opened, finding: Finding) -> tuple[Answer, Opened]:
        """Take back the latest answer to a finding. Raises UsageError if there is none."""
        answers = Answers.of(self.store)
        number = answers.last(finding.fingerprint, opened.keys)
        if number is None:
            raise UsageError("there is no answer to take back", hint="a suppression in a file is changed there")
        return answers.undo(number), self._again(opened)

    def _again(self, opened: Opened) -> Opened:
        opened = self.settle(opened)
        row = Queue.of(self.store).find(opened.keys)
        if row is not None and row.series == opened.versions[-1].series.id:
            Queue.of(self.store).recount(row.id, opened.versions[-1].result)
        return opened

    # replies

    def draft(self, opened: Opened, msgid: str, fingerprints: Collection[str] | None = None) -> Draft:
        """The open draft of a reply to a mail of the thread; a new one quotes the open findings (or those named)."""
        drafts = Drafts.of(self.store)
        known = drafts.find(msgid)
        if known is not None:
            return known
        body, used = self.first_text(opened, msgid, fingerprints)
        return drafts.open(msgid, opened.series.id, body, " ".join(used))

    def first_text(
        self, opened: Opened, msgid: str, fingerprints: Collection[str] | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """What a new draft begins with, and the fingerprints of the findings it quotes."""
        from abireview.lore import b4mail

        message = opened.message(msgid)
        signature = b4mail.signature()

        def chosen(patch: str) -> list[Finding]:
            if fingerprints is None:
                return opened.findings(patch, open_only=True)
            return [finding for finding in opened.findings(patch) if finding.fingerprint in fingerprints]

        patches = {patch.msgid for patch in opened.series.patches}
        if msgid == opened.series.id and msgid not in patches:
            parts = [(opened.message(patch.msgid), chosen(patch.msgid)) for patch in opened.series.patches]
            body = draft_for_cover(message, parts, self.templates, signature=signature)
            return body, tuple(finding.fingerprint for _, found in parts for finding in found)
        found = chosen(msgid)
        body = draft_for_patch(message, found, self.templates, signature=signature)
        return body, tuple(finding.fingerprint for finding in found)

    def headers(self, opened: Opened, draft: Draft) -> Headers:
        """Recipients and thread of a draft's mail: those of a reply to all, or what the person made of them."""
        from abireview.lore import b4mail

        headers = reply_headers(opened.message(draft.msgid), b4mail.own_addresses())
        if draft.to_line or draft.cc_line:
            headers = msgspec.structs.replace(headers, to=_people(draft.to_line), cc=_people(draft.cc_line))
        return headers

    def outgoing(self, opened: Opened, draft: Draft) -> Outgoing:
        """The mail of a draft, with a fresh message-id and the date of now."""
        from abireview.lore import b4mail

        headers = self.headers(opened, draft)
        return Outgoing(
            sender=b4mail.identity(),
            to=headers.to,
            cc=headers.cc,
            subject=headers.subject,
            in_reply_to=headers.in_reply_to,
            references=headers.references,
            date=int(self._clock()),
            msgid=b4mail.new_msgid(),
            body=draft.body,
        )

    def lint(self, body: str) -> tuple[Issue, ...]:
        """The faults of a reply's text; the person's own Reviewed-by, Acked-by and Tested-by are none."""
        from abireview.lore import b4mail

        me = b4mail.identity()
        return lint(body, b4mail.find_trailers, allowed=[trailer_line(name, me) for name in TRAILERS])

    def post(self, draft: Draft, mail: Outgoing) -> Entry:
        """Put a draft's mail into the outbox; the draft is closed. The same draft cannot get there twice.

        A mail of this draft that still waits there (a crash came before the draft was closed) gives way to this one.
        """
        outbox = Outbox.of(self.store)
        waiting = outbox.find(draft.key)
        if waiting is not None and waiting.state == "queued":
            outbox.drop(waiting.id)
        entry = outbox.enqueue(mail, key=draft.key, series=draft.series)
        Drafts.of(self.store).close(draft.id, "queued")
        return entry

    def take_back(self, entry: Entry) -> Draft | None:
        """Drop a queued or failed mail from the outbox and make its draft editable again."""
        kind, _, number = entry.key.partition(":")
        draft = Drafts.of(self.store).reopen(int(number)) if kind == "draft" and number.isdigit() else None
        try:
            Outbox.of(self.store).drop(entry.id)
        except StoreError:  # it was sent meanwhile
            if draft is not None:
                Drafts.of(self.store).close(draft.id, "queued")
            raise
        return draft

    def tidy(self) -> None:
        """After a crash: close drafts whose mail is in the outbox already, wake snoozed rows."""
        outbox, drafts = Outbox.of(self.store), Drafts.of(self.store)
        for draft in drafts.listed():
            entry = outbox.find(draft.key)
            if entry is not None and entry.state not in {"failed", "dropped"}:
                drafts.close(draft.id, "queued")
        Queue.of(self.store).wake()

    def _me_quietly(self) -> str:
        """The person's address for the record, "" where git does not know it."""
        from abireview.errors import SendError
        from abireview.lore import b4mail

        try:
            return b4mail.identity().email
        except SendError:
            return ""


def _people(line: str) -> tuple[Person, ...]:
    pairs: Iterable[tuple[str, str]] = getaddresses([clean_header(line)])
    return tuple(Person(clean_header(name), address) for name, address in pairs if address)
