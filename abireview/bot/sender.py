# SPDX-License-Identifier: GPL-2.0-or-later
"""From drafts to the outbox and out: after the hold, with a person's word, under the cap, once.

A crash between any two steps leads to at most one mail: the outbox takes a key only once and has the message-id on disk
before the first byte leaves; what is unknown is looked up in the archive before anything is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from abireview.bot.examine import Examiner
from abireview.bot.log import Log
from abireview.bot.policy import Policy, person
from abireview.bot.text import render, reply, shown
from abireview.bot.watch import Watcher
from abireview.errors import SendError, StoreError, UsageError
from abireview.mail.decode import decode
from abireview.reply.lint import has_errors, lint
from abireview.reply.mail import Outgoing
from abireview.reply.transport import Transport
from abireview.store.botdrafts import BotDraft, BotDrafts, DraftState, Retraction
from abireview.store.botseries import BotSeries
from abireview.store.db import Store
from abireview.store.outbox import Entry, Outbox
from abireview.store.sql import transaction

ORIGIN: Final = "bot"
RETRIES: Final = (30.0, 60.0, 300.0)
"""Seconds to wait after the first, second and third failure (etiquette 15); then the operator has to look."""
DAY: Final = 86400.0
ASK_AGAIN: Final = 300.0  # seconds between two look-ups of the same mail

LookUp = Callable[[Entry], bool | None]


class Letter(msgspec.Struct, frozen=True):
    """A draft as it stands now, and the mail that it would be; or ``why`` there is none."""

    draft: BotDraft
    why: str
    mail: Outgoing | None = None


class Sender:
    """Sends for one bot. ``look_up`` says whether the archive has a mail, None if it cannot know."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        outbox: Outbox,
        *,
        look_up: LookUp,
        log: Log | None = None,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._policy, self._outbox = store, policy, outbox
        self._look_up = look_up
        self._log, self._clock = log or Log(), clock
        self._drafts, self._series = BotDrafts.of(store), BotSeries.of(store)
        self._asked: dict[str, float] = {}

    # drafts

    def promote(self) -> None:
        """Approve what the policy approves by itself."""
        for draft in self._drafts.drafts(["waiting"]):
            if draft.automatic and draft.action == "mail":
                self._move(draft, "approved", by="policy")

    def post(self, examiner: Examiner, watcher: Watcher) -> list[BotDraft]:
        """Put the approved drafts whose hold is over into the outbox; those that got there."""
        done = []
        for draft in self._drafts.drafts(["approved"]):
            if self._outbox.find(draft.key) is not None:
                done.append(self._posted(draft))
            elif draft.ready <= self._clock():
                posted = self._post(draft, examiner, watcher)
                if posted is not None:
                    done.append(posted)
        return done

    def _post(self, draft: BotDraft, examiner: Examiner, watcher: Watcher) -> BotDraft | None:
        letter = self.letter(draft, examiner, watcher)
        if letter.mail is None:
            self._move(draft, "silenced", note=letter.why)
            self._log("silenced", series=draft.series, why=letter.why)
            return None
        full = self.full(draft)
        if full:
            self._log("cap reached", series=draft.series, list=full)
            return None
        now = letter.draft
        with transaction(self._store.connection, "the draft"):
            if self._drafts.get(draft.id).state != "approved":
                return None  # a person rejected it this very moment
            if now.body != draft.body:
                self._drafts.set_text(draft.id, now.body, now.questions, self._clock())
            self._outbox.enqueue(letter.mail, key=draft.key, series=draft.series, origin=ORIGIN)
            return self._posted(draft)

    def letter(self, draft: BotDraft, examiner: Examiner, watcher: Watcher) -> Letter:
        """The mail of a draft as it would leave now, or why it would not. Nothing is written."""
        row = self._series.get(draft.series)
        seen = watcher.open(row) if row else None
        if seen is None:
            return Letter(draft, "its mails are gone")
        why, now = examiner.again(seen, draft)
        if why:
            return Letter(draft, why)
        mail = reply(
            self._policy,
            seen.mails[0],
            now.body,
            kind="summary",
            parts=[draft.series],
            to=now.to,
            cc=now.cc,
            fingerprints=[print_ for question in now.questions for print_ in question],
            date=int(self._clock()),
        )
        problem = faults(mail)
        return Letter(now, problem) if problem else Letter(now, "", mail)

    def full(self, draft: BotDraft) -> str:
        """The first list whose daily cap is reached, "" if there is none."""
        since = self._clock() - DAY
        for name in draft.lists:
            cap = next((entry.daily_cap for entry in self._policy.list if entry.name == name), 0)
            if self._drafts.posted_since(name, since) >= cap:
                return name
        return ""

    def _posted(self, draft: BotDraft) -> BotDraft:
        entry = self._outbox.find(draft.key)
        if entry is None:
            raise StoreError(f"the mail of draft {draft.id} is not in the outbox")
        with transaction(self._store.connection, "the draft"):
            self._drafts.move(draft.id, {"approved"}, "posted", now=self._clock(), msgid=entry.msgid, note=draft.note)
        self._log("posted", series=draft.series, msgid=entry.msgid, to=list(entry.recipients))
        return self._drafts.get(draft.id)

    def _move(self, draft: BotDraft, state: DraftState, *, by: str = "", note: str = "") -> None:
        with transaction(self._store.connection, "the draft"):
            self._drafts.move(draft.id, {draft.state}, state, now=self._clock(), by=by, note=note)

    # the outbox

    def deliver(self, transport: Transport) -> list[Entry]:
        """Settle what is unknown, try again what failed and may be tried, hand over what is queued."""
        self._resolve()
        for entry in self._own({"failed"}):
            if entry.attempts <= len(RETRIES) and entry.changed + RETRIES[entry.attempts - 1] <= self._clock():
                self._outbox.retry(entry.id)
        queued = [entry.id for entry in self._own({"queued"})]
        done = self._outbox.deliver(transport, only=queued) if queued else []
        for entry in done:
            self._log(f"mail {entry.state}", msgid=entry.msgid, why=entry.reason, attempt=entry.attempts)
        return done

    def _resolve(self) -> None:
        own = {entry.msgid: entry for entry in self._own({"unknown", "handing-over"})}
        if not own:
            return

        def look_up(msgid: str) -> bool | None:
            entry = own.get(msgid)
            if entry is None or self._clock() - self._asked.get(msgid, float("-inf")) < ASK_AGAIN:
                return None
            self._asked[msgid] = self._clock()
            return self._look_up(entry)

        for entry in self._outbox.resolve(look_up):
            if entry.msgid in own and entry.state != "unknown":
                self._log("unknown mail settled", msgid=entry.msgid, now=entry.state)

    def _own(self, states: set[str]) -> list[Entry]:
        return [entry for entry in self._outbox.entries() if entry.of_bot and entry.state in states]

    # a person's word

    def approve(self, number: int, who: str, *, seen: BotDraft | None = None) -> BotDraft:
        """Let a draft out. It goes when its hold is over. Raises StoreError, NotFoundError and UsageError.

        ``seen`` is the draft as the person saw it: one that changed since is refused.
        """
        draft = self._drafts.get(number)
        if draft.action != "mail":
            raise UsageError(
                f"the policy has drafts only for {', '.join(draft.lists)}",
                hint=f"'abireview reply {draft.series}' drafts a mail of your own",
            )
        with transaction(self._store.connection, "the draft"):
            now = self._drafts.get(number)
            if seen is not None and now.state == "waiting" and now.body != seen.body:
                raise StoreError(f"draft {number} was written anew meanwhile", hint="read it again")
            self._drafts.move(number, {"waiting"}, "approved", now=self._clock(), by=who)
        return self._drafts.get(number)

    def reject(self, number: int, who: str, why: str) -> BotDraft:
        """Keep a draft in; what it asks is not asked on later versions either. Raises StoreError and NotFoundError."""
        with transaction(self._store.connection, "the draft"):
            before: set[DraftState] = {"waiting", "approved", "silenced"}
            self._drafts.move(number, before, "rejected", now=self._clock(), by=who, note=" ".join(why.split()))
        return self._drafts.get(number)

    def retract(self, number: int, who: str, why: str) -> Retraction:
        """Take a mail back: one short correction to the same people, and a line in the public list.

        A mail that has not left yet is only taken out of the outbox. Raises StoreError, NotFoundError and UsageError.
        """
        draft = self._drafts.get(number)
        if not why.strip():
            raise UsageError("a retraction needs its reason, in one sentence")
        entry = self._outbox.find(draft.key)
        if draft.state != "posted" or entry is None:
            raise StoreError(f"draft {number} is {draft.state}: there is no mail to take back")
        if any(known.draft == number for known in self._drafts.retractions()):
            raise StoreError(f"draft {number} was taken back already")
        if entry.state in {"queued", "failed"}:
            self._outbox.drop(entry.id)
            with transaction(self._store.connection, "the draft"):
                self._drafts.move(number, {"posted"}, "rejected", now=self._clock(), by=who, note=why)
            return Retraction(number, why, who, "", self._clock())
        mail = self._correction(draft, entry, why)
        self._outbox.enqueue(mail, key=f"bot:retract:{number}", series=draft.series, origin=ORIGIN)
        found = Retraction(number, " ".join(why.split()), who, mail.msgid, self._clock())
        with transaction(self._store.connection, "the retraction"):
            self._drafts.retract(found)
        return found

    def _correction(self, draft: BotDraft, entry: Entry, why: str) -> Outgoing:
        sent = decode(self._outbox.raw(entry.id))
        prints = [print_ for question in draft.questions for print_ in question]
        body = render(
            "retraction.j2",
            self._policy,
            {
                "opening": "Please disregard my mail above:",
                "subject": shown(sent.subject),
                "reason": shown(why, 600),
                "closing": f"Nothing in it needs an answer ({' '.join(prints[:5])}). Sorry for the noise.",
            },
        )
        mail = reply(
            self._policy,
            sent,
            body,
            kind="retract",
            parts=[draft.series],
            to=sent.to,
            cc=sent.cc,
            fingerprints=prints,
            date=int(self._clock()),
        )
        if problem := faults(mail):
            raise SendError(f"the correction would not do: {problem}", hint="say the reason in other words")
        return mail


def faults(mail: Outgoing) -> str:
    """Why a mail of ours must not leave, "" if it may: what lint calls an error, and a line over 78 columns."""
    from abireview.lore import b4mail

    issues = lint(mail.body, b4mail.find_trailers)
    if has_errors(issues):
        return "; ".join(f"line {issue.line}: {issue.text}" for issue in issues if issue.severity == "error")[:400]
    return ""


def archived(policy: Policy, entry: Entry) -> list[str]:
    """The addresses of archives that should have this mail: those of the lists it went to."""
    went = {address.lower() for address in entry.recipients}
    found = [
        one.archive
        for one in policy.list
        if one.archive and not went.isdisjoint(address.lower() for address in one.addresses)
    ]
    own = policy.bot.archive_list
    if own and policy.bot.archive_url and person(own).email.lower() in went:
        found.append(policy.bot.archive_url)
    return found
