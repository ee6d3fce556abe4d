# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers by mail: ``#abireview …`` at the start of a line of a reply, from those who may, once.

Only the author of the series, or people whom MAINTAINERS names for its files or the policy names, and only with a valid
DKIM signature. A mail that a program sent, and our own, are never read. Success is silent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from abireview.bot.decide import automatic
from abireview.bot.examine import mute_keys
from abireview.bot.log import Log
from abireview.bot.maintainers import Maintainers
from abireview.bot.policy import Policy, person
from abireview.bot.speech import KINDS, VERBS, Spoken, own_text, parse
from abireview.bot.text import me, render, reply, shown
from abireview.errors import SendError, StoreError, UsageError
from abireview.findings.answers import make_answer
from abireview.mail.decode import decode
from abireview.mail.model import Message, Person
from abireview.reply.mail import valid_address
from abireview.store.answers import Answers
from abireview.store.botdrafts import BotDraft, BotDrafts, Command
from abireview.store.botmail import BotMail, Taken
from abireview.store.botseries import BotSeries, SeriesRow
from abireview.store.db import Store
from abireview.store.outbox import Outbox
from abireview.store.sql import transaction

Attest = Callable[[bytes, str], tuple[str, str]]

MIN_PRINT: Final = 6  # digits of a fingerprint that name it
HELP_A_DAY: Final = 1  # mails of help to one sender
PATIENCE: Final = 86400.0  # seconds a mail waits for a DNS server that does not answer


class _Case(msgspec.Struct, frozen=True):
    """A mail with commands: what it says, where it is kept, what it is about."""

    message: Message
    taken: Taken
    row: SeriesRow
    draft: BotDraft | None
    digest: str

    @property
    def sender(self) -> str:
        return self.message.author.email

    def note(self, at: float, verb: str, outcome: str, rules: Iterable[str] = ()) -> Command:
        return Command(
            msgid=self.taken.msgid,
            digest=self.digest,
            series=self.row.id,
            sender=self.sender.lower(),
            verb=verb[:40],
            outcome=outcome[:300],
            at=at,
            rules=tuple(rules),
        )


class Commands:
    """Reads the mails that nobody read yet. ``attest`` is b4's, or says "pass" to all in tests."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        outbox: Outbox,
        *,
        attest: Attest,
        maintainers: Maintainers | None = None,
        files: Callable[[SeriesRow], Iterable[str]] = lambda _: (),
        log: Log | None = None,
        clock: Callable[[], float],
    ) -> None:
        """``files(row)`` are the paths that a posting touches: ``maintainers`` knows who answers for them."""
        self._store, self._policy, self._outbox = store, policy, outbox
        self._attest, self._maintainers, self._files = attest, maintainers, files
        self._log, self._clock = log or Log(), clock
        self._mail, self._series = BotMail.of(store), BotSeries.of(store)
        self._drafts, self._answers = BotDrafts.of(store), Answers.of(store)
        self._commanders = {person(text).email.lower() for text in policy.bot.commanders}

    def read_all(self) -> int:
        """Read every unread mail; how many held commands that were carried out."""
        done = 0
        for taken in self._mail.unread():
            done += self._read(taken)
        return done

    def _read(self, taken: Taken) -> bool:
        message = decode(taken.raw)
        spoken = [] if taken.posting else parse(message.body)
        draft, row = self._about(message, taken, commands=bool(spoken))
        words = draft is not None and not taken.posting and any(line.strip() for line in own_text(message.body))
        plain = words and not spoken
        if row is None or not (spoken or plain) or self._is_machine(message):
            self._done(taken)
            return False
        case = _Case(message, taken, row, draft, _digest(message))
        if self._drafts.commanded(taken.msgid, case.digest):
            self._done(taken)
            return False
        verdict, why = self._may(case)
        if verdict == "later" and self._clock() - taken.taken < PATIENCE:
            return False
        if verdict == "pass":
            return self._carry_out(case, spoken) if spoken else self._plain(case)
        if spoken:
            self._log("command refused", msgid=taken.msgid, sender=case.sender, why=why)
            self._done(taken, case.note(self._clock(), "?", f"refused: {why}"))
        else:
            self._done(taken)
        return False

    def _about(self, message: Message, taken: Taken, *, commands: bool) -> tuple[BotDraft | None, SeriesRow | None]:
        """The draft that the mail answers and the posting it is about.

        A reply to somebody else is about our questions only if it says so, with a command.
        """
        above = [message.in_reply_to, *reversed(message.references)]
        draft = self._drafts.with_msgid(msgid for msgid in above if msgid)
        if draft is not None:
            return draft, self._series.get(draft.series)
        rows = self._series.of_thread(taken.thread)
        row = next((self._series.get(msgid) for msgid in above if msgid and self._series.get(msgid)), None)
        row = row or (rows[-1] if rows and taken.thread else None)
        return (self._drafts.for_series(row.id) if row and commands else None), row

    def _is_machine(self, message: Message) -> bool:
        sender = message.author.email.lower()
        if automatic(message) or sender == me(self._policy).email.lower() or not valid_address(message.author.email):
            return True
        local = sender.partition("@")[0]
        return local in {"mailer-daemon", "postmaster", "noreply", "no-reply"}

    def _may(self, case: _Case) -> tuple[str, str]:
        """b4's verdict on one who may speak; "fail" for anybody else, without asking DNS."""
        sender = case.sender.lower()
        allowed = sender == case.row.author.lower() or sender in self._commanders
        if not allowed and self._maintainers is not None:
            allowed = sender in self._maintainers.people(self._files(case.row))
        if not allowed:
            return "fail", "neither the author nor a maintainer"
        return self._attest(case.taken.raw, case.sender)

    def _carry_out(self, case: _Case, spoken: Sequence[Spoken]) -> bool:
        problem = ""
        notes: list[Command] = []
        now = self._clock()
        for one in spoken:
            try:
                rules = self._obey(one, case)
            except (UsageError, StoreError) as error:
                said = shown(f"{one.verb} {one.target}".strip(), 60)
                problem = problem or f"I could not follow '{said}': {error}."
                notes.append(case.note(now, one.verb, f"not understood: {error}"))
            else:
                notes.append(case.note(now, one.verb, "done", rules))
        if problem or any(one.verb == "help" for one in spoken):
            helped = self._help(case, problem)
            notes += [case.note(now, "help", helped)] if helped else []
        self._done(case.taken, *notes)
        self._log("commands read", msgid=case.taken.msgid, sender=case.sender, verbs=[one.verb for one in notes])
        return True

    def _obey(self, one: Spoken, case: _Case) -> list[str]:
        """Carry one command out (twice does no harm); the rules of the findings it settled. Raises UsageError."""
        if one.verb in KINDS:
            return self._settle(one, case)
        if one.verb == "mute-series":
            with transaction(self._store.connection, "the mutes"):
                self._drafts.mute(mute_keys(case.row), case.sender, case.taken.msgid, self._clock())
                self._silence(case.row, case.sender)
        elif one.verb == "recheck":
            self._series.save(msgspec.structs.replace(case.row, state="due"))
        elif one.verb != "help":
            raise UsageError(f"there is no such command ({', '.join(VERBS)})")
        return []

    def _silence(self, row: SeriesRow, who: str) -> None:
        for other in self._series.relatives(row.lineage) or [row]:
            draft = self._drafts.for_series(other.id)
            if draft is not None and draft.state in {"waiting", "approved"}:
                note = f"{who} muted the series"
                self._drafts.move(draft.id, {draft.state}, "silenced", now=self._clock(), note=note)

    def _targets(self, one: Spoken, case: _Case) -> dict[str, str]:
        """The fingerprints meant, each with its rule. Raises UsageError."""
        result = self._series.result(case.row.id)
        rules = {finding.fingerprint: finding.rule for finding in result.findings} if result else {}
        questions = case.draft.questions if case.draft else ()
        if not one.target:
            found = [mark for question in questions for mark in question]
        elif len(one.target) <= 2 and one.target.isdigit():
            if not 1 <= int(one.target) <= len(questions):
                raise UsageError(f"there is no question {one.target}")
            found = list(questions[int(one.target) - 1])
        else:
            found = [mark for mark in rules if mark.startswith(one.target)] if len(one.target) >= MIN_PRINT else []
        if not found:
            raise UsageError("it names none of the questions")
        return {mark: rules.get(mark, "") for mark in found}

    def _settle(self, one: Spoken, case: _Case) -> list[str]:
        targets = self._targets(one, case)
        lineage, msgid = mute_keys(case.row), case.taken.msgid
        kind = KINDS.get(one.verb, "suppress")
        given = {
            answer.fingerprint
            for answer in self._answers.for_lineage(lineage)
            if answer.link == msgid and answer.kind == kind
        }
        for mark, rule in targets.items():
            answer = make_answer(
                mark, lineage, kind, one.text, by=case.sender, when=int(self._clock()), link=msgid, rule=rule
            )
            if mark not in given:
                self._answers.give(answer)
        return list(targets.values())

    def _plain(self, case: _Case) -> bool:
        """A person answered our mail in plain words: later versions are not asked again (etiquette 24)."""
        rules = self._settle(Spoken("plain", "", "answered in plain words"), case)
        self._done(case.taken, case.note(self._clock(), "plain", "done", rules))
        self._log("answered in plain words", msgid=case.taken.msgid, sender=case.sender)
        return True

    def _help(self, case: _Case, problem: str) -> str:
        """Put a mail of help into the outbox, for the sender alone; what to note down, "" if there was one today."""
        if self._drafts.answered_since(case.sender.lower(), self._clock() - 86400) >= HELP_A_DAY:
            return ""
        mail = reply(
            self._policy,
            case.message,
            render("help.j2", self._policy, {"problem": problem}),
            kind="help",
            parts=[case.taken.msgid],
            to=[Person(shown(case.message.author.name, 80), case.sender)],
            date=int(self._clock()),
            auto="auto-replied",
        )
        try:
            self._outbox.enqueue(mail, key=f"bot:help:{mail.msgid}", origin="bot")
        except SendError as error:
            return f"help failed: {error}"
        return f"helped {mail.msgid}"

    def _done(self, taken: Taken, *notes: Command) -> None:
        with transaction(self._store.connection, "the commands"):
            for note in notes:
                self._drafts.add_command(note)
            self._mail.read(taken.msgid)


def _digest(message: Message) -> str:
    """The same for the same mail under another message-id: what a signature covers."""
    text = "\0".join([message.author.email.lower(), str(message.date), message.subject, message.body.strip()])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
