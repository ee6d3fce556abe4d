# SPDX-License-Identifier: GPL-2.0-or-later
"""From a posting that is due to what the store should remember of it: the result, the decision, the draft."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from abireview.bot.choose import NOTE, Chosen, choose
from abireview.bot.decide import Decision, Known, decide
from abireview.bot.merged import Merged
from abireview.bot.policy import Policy
from abireview.bot.raised import raised
from abireview.bot.record import numbers
from abireview.bot.site import page_url
from abireview.bot.summary import summary
from abireview.bot.text import me
from abireview.bot.watch import Seen
from abireview.findings.answers import apply_answers
from abireview.findings.model import Result
from abireview.mail.model import Series
from abireview.store.answers import Answers
from abireview.store.botdrafts import BotDraft, BotDrafts
from abireview.store.botseries import BotSeries, SeriesRow
from abireview.store.db import Store

TOO_OLD: Final = 30 * 86400.0
"""Seconds after which nothing is said about a posting any more: the review is over, and old mail that an archive gives
again is no news."""

Check = Callable[[Series], Result]
IsMerged = Callable[[Series], bool]
Noisy = Callable[[], frozenset[str]]


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a posting: its row as it should be kept, the result as the check gave it, and maybe a draft."""

    row: SeriesRow
    series: Series
    decision: Decision
    raw: Result | None = None
    result: Result | None = None
    draft: BotDraft | None = None
    chosen: Chosen | None = None


def _nothing(chosen: Chosen) -> str:
    """Why nothing is asked, the plain reason (notes do not go out) last."""
    counted = Counter(chosen.kept.values())
    notes = counted.pop(NOTE, 0)
    parts = [f"{count} kept back: {why}" for why, count in sorted(counted.items())[:3]]
    parts += [f"{notes} note{'' if notes == 1 else 's'}"] if notes else []
    return f"nothing to ask ({', '.join(parts)})" if parts else "nothing to ask"


def mute_keys(row: SeriesRow) -> tuple[str, ...]:
    """What a mute is kept under: the lineage, so that it holds for later versions."""
    return row.lineage or (f"series:{row.id}",)


class Examiner:
    """Examines postings under one policy. Nothing is written here."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        check: Check,
        *,
        rules: str = "",
        merged: IsMerged | None = None,
        noisy: Noisy = frozenset,
        clock: Callable[[], float],
    ) -> None:
        """``rules`` is the hash of the rule set; ``noisy()`` gives the rules that were wrong too often."""
        self._policy, self._check = policy, check
        self._rules, self._merged, self._noisy, self._clock = rules, merged, noisy, clock
        self._series, self._drafts, self._answers = BotSeries.of(store), BotDrafts.of(store), Answers.of(store)

    @classmethod
    def of(cls, store: Store, policy: Policy, check: Check, *, rules: str = "", clock: Callable[[], float]) -> Examiner:
        """The examiner with what the policy names and the record of this store."""
        return cls(
            store,
            policy,
            check,
            rules=rules,
            merged=Merged(policy.bot.merged) if policy.bot.merged else None,
            noisy=lambda: numbers(store).noisy(),
            clock=clock,
        )

    def examine(self, seen: Seen) -> Examined:
        """Decide, check if anything may come of it, and draft."""
        now = self._clock()
        series = seen.thread.build(seen.posting)
        decision = decide(self._policy, series, seen.mails, self._known(seen, series))
        row = msgspec.structs.replace(
            seen.row,
            state="left",
            action=decision.action,
            reasons=decision.reasons,
            rules=self._rules,
            checked=now,
        )
        if decision.action == "silent":
            return Examined(row=row, series=series, decision=decision)
        raw = self._check(series)
        result = self._settled(raw, seen.row)
        row = msgspec.structs.replace(row, state="checked")
        why, chosen = self._worth(seen, series, result, decision)
        if why or chosen is None:
            row = msgspec.structs.replace(row, action="page", reasons=(why,))
            return Examined(row=row, series=series, decision=decision, raw=raw, result=result, chosen=chosen)
        draft = self._draft(seen, result, decision, chosen, now)
        return Examined(row=row, series=series, decision=decision, raw=raw, result=result, draft=draft, chosen=chosen)

    def again(self, seen: Seen, draft: BotDraft) -> tuple[str, BotDraft]:
        """Look once more before a draft goes out: why it should not ("" if it should), and its text as of now.

        Meanwhile somebody may have said it, a new version may be there, the policy may have changed. A draft never
        gains questions that nobody approved.
        """
        series = seen.thread.build(seen.posting)
        decision = decide(self._policy, series, seen.mails, self._known(seen, series))
        if decision.action != "mail":
            return "; ".join(decision.reasons), draft
        raw = self._series.result(seen.row.id)
        if raw is None:
            return "its result cannot be read any more", draft
        why, chosen = self._worth(seen, series, self._settled(raw, seen.row), decision)
        if why or chosen is None:
            return why, draft
        asked = {print_ for question in draft.questions for print_ in question}
        kept = [item for item in chosen.items if item.finding.fingerprint in asked]
        if not kept:
            return "none of its questions is left", draft
        fresh = self._draft(seen, raw, decision, msgspec.structs.replace(chosen, items=tuple(kept)), self._clock())
        unchanged = {item.finding.fingerprint for item in kept} == {question[0] for question in draft.questions}
        body, questions = (draft.body, draft.questions) if unchanged else (fresh.body, fresh.questions)
        return "", msgspec.structs.replace(draft, body=body, questions=questions, to=fresh.to, cc=fresh.cc)

    def _known(self, seen: Seen, series: Series) -> Known:
        who = self._drafts.muted(mute_keys(seen.row))
        return Known(
            seen_on=seen.row.lists,
            muted=f"{who} muted the series" if who else "",
            merged=bool(self._merged and self._merged(series)),
        )

    def _settled(self, raw: Result, row: SeriesRow) -> Result:
        """The result with states: answers, and what versions before it had that were mailed."""
        before = [
            result
            for other in self._series.relatives(row.lineage)
            if other.id != row.id and other.version < row.version and (result := self._series.result(other.id))
        ]
        answers = self._answers.for_lineage(row.lineage)
        return apply_answers(raw, answers, before, lineage=row.lineage, now=int(self._clock()))

    def _worth(self, seen: Seen, series: Series, result: Result, decision: Decision) -> tuple[str, Chosen | None]:
        """Why no mail should be drafted ("" if one should), and what would be in it."""
        if series.date is not None and self._clock() - series.date > TOO_OLD:
            return "it was posted too long ago", None
        relatives = self._series.relatives(seen.row.lineage)
        newer = [other for other in relatives if other.version > seen.row.version]
        if newer:
            return f"version {newer[-1].version} is there", None
        if decision.action == "page":
            return decision.reasons[0], None
        others = [draft for other in relatives if other.id != seen.row.id for draft in self._of(other.id)]
        mailed = {print_ for draft in others if draft.state == "posted" for print_ in draft.fingerprints}
        rejected = {print_ for draft in others if draft.state == "rejected" for print_ in draft.fingerprints}
        own = me(self._policy).email.lower()
        members = {mail.msgid for mail in seen.mails}
        replies = [
            mail
            for mail in seen.thread.messages
            if mail.msgid not in members
            and mail.author.email.lower() != own
            and seen.thread.posting_of(mail.msgid) is None
        ]
        said = raised(result.findings, replies, author=series.author.email)
        chosen = choose(result, decision.terms, said=said, mailed=mailed, rejected=rejected, noisy=self._noisy())
        if not chosen.items:
            return _nothing(chosen), chosen
        return "", chosen

    def _of(self, series: str) -> list[BotDraft]:
        draft = self._drafts.for_series(series)
        return [] if draft is None else [draft]

    def _draft(self, seen: Seen, result: Result, decision: Decision, chosen: Chosen, now: float) -> BotDraft:
        mails = {mail.msgid: mail for mail in seen.thread.messages}
        page = page_url(self._policy, seen.row.id)
        body, chosen = summary(self._policy, result, chosen, mails, page=page)
        rules = {one.fingerprint: one.rule for one in result.findings}
        return BotDraft(
            series=seen.row.id,
            body=body,
            action=decision.action,
            to=decision.to,
            cc=decision.cc,
            lists=decision.terms.names,
            questions=tuple(tuple(one.fingerprint for one in (item.finding, *item.similar)) for item in chosen.items),
            fingerprints=chosen.fingerprints,
            rules=tuple(rules[print_] for print_ in chosen.fingerprints),
            automatic=decision.automatic,
            ready=now + decision.hold,
            created=now,
            changed=now,
        )
