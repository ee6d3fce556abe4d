# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot's record: mails, verdicts of people, and which rules were wrong too often to be mailed (etiquette 26)."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

import msgspec

from abireview.store.botdrafts import BotDrafts
from abireview.store.db import Store

MAX_WRONG: Final = 0.10
"""Share of a rule's mailed findings that may be called false before it leaves the mail."""

ENOUGH: Final = 5
"""Mailed findings of a rule before its share says anything; one false positive in fewer is one too few to judge."""


class Month(msgspec.Struct, frozen=True):
    """One month: mails sent, questions in them, answers of people by kind, mails taken back."""

    name: str
    mails: int
    questions: int
    ok: int
    arch_fix: int
    false_positive: int
    plain: int
    retracted: int


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """``mailed`` and ``wrong`` count findings by rule; a finding is wrong if a person said so or its mail was taken
    back. ``months`` are in order."""

    mailed: dict[str, int]
    wrong: dict[str, int]
    months: tuple[Month, ...]

    def noisy(self) -> frozenset[str]:
        """The rules that were wrong too often."""
        return frozenset(
            rule
            for rule, wrong in self.wrong.items()
            if self.mailed.get(rule, 0) >= ENOUGH and wrong > MAX_WRONG * self.mailed[rule]
        )


def numbers(store: Store) -> Numbers:
    """The record of one store."""
    drafts = BotDrafts.of(store)
    posted = drafts.drafts(["posted"])
    taken_back = {one.draft for one in drafts.retractions()}
    mailed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for draft in posted:
        mailed.update(draft.rules)
        if draft.id in taken_back:
            wrong.update(draft.rules)
    back = {draft.series for draft in posted if draft.id in taken_back}
    for command in drafts.commands():
        if command.verb == "false-positive" and command.outcome == "done" and command.series not in back:
            wrong.update(rule for rule in command.rules if rule in mailed)
    return Numbers(mailed=dict(mailed), wrong=dict(wrong), months=_months(drafts))


def _months(drafts: BotDrafts) -> tuple[Month, ...]:
    counts: dict[str, Counter[str]] = {}

    def count(at: float, what: str, many: int = 1) -> None:
        counts.setdefault(time.strftime("%Y-%m", time.gmtime(max(0.0, at))), Counter())[what] += many

    for draft in drafts.drafts(["posted"]):
        count(draft.changed, "mails")
        count(draft.changed, "questions", len(draft.fingerprints))
    for command in drafts.commands():
        if command.outcome == "done" and command.verb in {"ok", "arch-fix", "false-positive", "plain"}:
            count(command.at, command.verb, max(1, len(command.rules)))
    for one in drafts.retractions():
        count(one.at, "retracted")
    return tuple(
        Month(
            name,
            found["mails"],
            found["questions"],
            found["ok"],
            found["arch-fix"],
            found["false-positive"],
            found["plain"],
            found["retracted"],
        )
        for name, found in sorted(counts.items())
    )
