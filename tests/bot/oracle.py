# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bot should have said about a heap of mails, worked out from all of them at once: no store and no watcher.

Only the pure parts are shared with the bot: assembling, checking, the policy's decision and the choice of findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from abireview.bot.choose import choose
from abireview.bot.decide import Known, decide
from abireview.bot.examine import Check
from abireview.bot.policy import Policy
from abireview.bot.raised import raised
from abireview.findings.answers import lineage_keys
from abireview.lore.load import projects
from abireview.mail.commit import change_id
from abireview.mail.decode import decode
from abireview.mail.model import Message
from abireview.mail.posting import Posting
from abireview.mail.series import Thread, assemble, connected


class Expected(NamedTuple):
    """``sure`` are ids of postings that get a mail, ``maybe`` those where it hangs on the hour a turn was made."""

    sure: set[str]
    maybe: set[str]
    postings: set[str]


class _Case(NamedTuple):
    posting: Posting
    thread: Thread
    done: float
    keys: tuple[str, ...]


def expected(mails: Sequence[tuple[float, bytes]], policy: Policy, check: Check, *, slack: float) -> Expected:
    """What should have been said. ``mails`` are (arrival, raw); a turn may come ``slack`` seconds late."""
    came = {message.msgid: when for when, raw in reversed(mails) for message in [decode(raw)]}
    entry = policy.list[0]
    cases: list[_Case] = []
    for group in connected([decode(raw) for _, raw in mails]):
        thread = assemble(group, projects())
        for lineage in thread.lineages:
            for posting in lineage:
                last = max(came[item.msgid] for item in posting.members)
                head = posting.head
                changed = change_id(head.message) or next(
                    (found for item in posting.patches if (found := change_id(item.message))), None
                )
                keys = lineage_keys(changed, head.author, head.subject.text)
                cases.append(_Case(posting, thread, last, keys))
    cases.sort(key=lambda case: (case.done, case.posting.head.msgid))
    found = Expected(set(), set(), {case.posting.head.msgid for case in cases})
    mailed: dict[str, set[str]] = {}
    for case in cases:
        _judge(case, cases, policy, check, entry.hold_seconds, slack, came, mailed, found)
    return found


def _judge(
    case: _Case,
    cases: Sequence[_Case],
    policy: Policy,
    check: Check,
    hold: float,
    slack: float,
    came: dict[str, float],
    mailed: dict[str, set[str]],
    found: Expected,
) -> None:
    series = case.thread.build(case.posting)
    own = [case.posting.head.message, *(item.message for item in case.posting.members)]
    decision = decide(policy, series, own, Known(seen_on=(policy.list[0].name,)))
    if decision.action != "mail":
        return
    version = case.posting.head.subject.version
    newer = [
        other.done
        for other in cases
        if set(other.keys) & set(case.keys) and other.posting.head.subject.version > version
    ]
    if any(when <= case.done + hold for when in newer):
        return
    result = check(series)
    before = {mark for key in case.keys for mark in mailed.get(key, ())}

    def chosen(until: float) -> tuple[str, ...]:
        members = {item.msgid for item in case.posting.members}
        replies: list[Message] = [
            mail
            for mail in case.thread.messages
            if mail.msgid not in members and came[mail.msgid] <= until and case.thread.posting_of(mail.msgid) is None
        ]
        said = raised(result.findings, replies, author=series.author.email)
        return choose(result, decision.terms, said=said, mailed=before).fingerprints

    early, late = chosen(case.done + hold), chosen(case.done + hold + slack)
    if not early:
        return
    for key in case.keys:
        mailed.setdefault(key, set()).update(early)
    head = case.posting.head.msgid
    if late and not any(when <= case.done + hold + slack for when in newer):
        found.sure.add(head)
    else:
        found.maybe.add(head)
