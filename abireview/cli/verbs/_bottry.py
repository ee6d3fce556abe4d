# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview bot try``: the policy applied to one series, nothing kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abireview.cli.ruleset import load as load_rules
from abireview.errors import UsageError

if TYPE_CHECKING:
    from abireview.bot.decide import Decision
    from abireview.cli.verbs._bot import Chosen
    from abireview.lore.load import Loaded


def report(chosen: Chosen, loaded: Loaded) -> str:
    """What would go where, why, and the text."""
    from abireview.bot.choose import choose
    from abireview.bot.decide import Known, decide
    from abireview.bot.merged import Merged
    from abireview.bot.raised import raised
    from abireview.bot.site import page_url
    from abireview.bot.summary import summary
    from abireview.check import check

    series, thread = loaded.series, loaded.thread
    if thread is None:
        raise UsageError("commits have no mails to answer", hint="'abireview check' takes them")
    policy = chosen.load()
    ids = dict.fromkeys([series.id, *(patch.msgid for patch in series.patches)])
    own = [thread.by_id[msgid] for msgid in ids if msgid in thread.by_id]
    merged = bool(policy.bot.merged) and Merged(policy.bot.merged)(series)
    decision = decide(policy, series, own, Known(merged=merged))
    lines = [
        f"{series.subject} <{series.id}>",
        f"  {decision.action}: {'; '.join(decision.reasons)}",
        *_people(decision),
    ]
    if decision.action == "silent":
        return "\n".join(lines) + "\n"
    result = check(series, load_rules(chosen.rule_dirs))
    replies = [one for one in thread.messages if one.msgid not in ids and thread.posting_of(one.msgid) is None]
    said = raised(result.findings, replies, author=series.author.email)
    found = choose(result, decision.terms, said=said)
    rules = {one.fingerprint: one.rule for one in result.findings}
    lines += [f"  kept back: {rules[mark]} {mark}: {why}" for mark, why in found.kept.items()]
    if not found.items:
        return "\n".join([*lines, "  nothing to ask: no mail"]) + "\n"
    text, _ = summary(policy, result, found, thread.by_id, page=page_url(policy, series.id))
    return "\n".join(lines) + "\n\n" + text


def _people(decision: Decision) -> list[str]:
    lines = [f"  to {one}" for one in decision.to] + [f"  cc {one}" for one in decision.cc]
    lines += [f"  not to {text}" for text in decision.left_out]
    if decision.action == "mail":
        by = "by itself" if decision.automatic else "when a person approves it"
        caps = ", ".join(f"{cap} a day for {name}" for name, cap in decision.terms.caps.items())
        lines.append(f"  {by}, {decision.hold} s after the check; at most {caps}")
    return lines
