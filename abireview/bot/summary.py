# SPDX-License-Identifier: GPL-2.0-or-later
"""The summary: one mail about one version of a series, in plain text of 78 columns.

Its order is that of etiquette point 17: what was seen, the hunk, the question, what was looked for, the rule; then what
is open from before, what was not checked, how to answer, how to get the same. The same input gives the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from abireview import limits
from abireview.bot.choose import Chosen, Item, fewer
from abireview.bot.policy import Policy
from abireview.bot.text import answers_to, render, shown
from abireview.findings.model import Finding, Result
from abireview.mail.model import Message
from abireview.reply.quote import ELLIPSIS, Note, find_line, quote
from abireview.reply.template import wrap

MAX_LINES = 60
"""Lines of a summary (etiquette 8): questions are left out, and counted, until it fits; one always stays."""

CONTEXT = 1  # lines quoted above the changed ones
RUN = 5  # changed lines quoted of one finding
WIDTH = 78
SIMILAR_NAMED = 3
CARRIED_NAMED = 3  # what fits one line
SKIPPED_NAMED = 3

_WAYS = {"boot": "fresh boot", "forward": "migration forward", "rollback": "rollback", "host": "another host"}
_SETTLED = {
    "needs-opt-out": "A way for userspace to keep the old behaviour would settle it, or what forbids that behaviour.",
    "needs-revision": "A revision that userspace can select would settle it, or what forbids the old behaviour.",
    "arch-fix?": "What in the architecture forbids the old behaviour would settle it.",
    "uapi": "What userspace built against the old header does would settle it.",
    "save-restore": "What an older kernel does with this state would settle it.",
    "documentation": "A word in the documentation would settle it.",
    "test": "A test would settle it.",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_FIELD = re.compile(r"\{\w{1,20}\}")


class _Shown(msgspec.Struct, frozen=True):
    """A question as the template has it."""

    number: int
    where: str
    quoted: str
    said: str


def summary(
    policy: Policy, result: Result, chosen: Chosen, mails: Mapping[str, Message], *, page: str = ""
) -> tuple[str, Chosen]:
    """The text of the mail, and ``chosen`` as it stands in it: what did not fit is in ``more``.

    ``mails`` are the posting's own mails by message-id; ``page`` is its address on the site ("" for none).
    """
    while True:
        text = _text(policy, result, chosen, mails, page)
        if text.count("\n") <= MAX_LINES or len(chosen.items) <= 1:
            return text, chosen
        chosen = fewer(chosen, len(chosen.items) - 1)


def _text(policy: Policy, result: Result, chosen: Chosen, mails: Mapping[str, Message], page: str) -> str:
    count = len(chosen.items)
    values = {
        "opening": _opening(count),
        "items": [_shown(number, item, mails, chosen.items) for number, item in enumerate(chosen.items, 1)],
        "more": _more(chosen),
        "carried": _carried(chosen.carried),
        "unchecked": _unchecked(result),
        "how": f"To answer, begin a line of a reply like this (a reply to {answers_to(policy).email} alone will do):",
        "made": _made(result),
        "command": f"abireview check '{result.series.id}'" if _plain(result.series.id) else "abireview check -",
        "page": page,
    }
    return render("summary.j2", policy, values)


def _plain(msgid: str) -> bool:
    """True if a shell takes the message-id between quotes as it is, and a line holds it."""
    return len(msgid) <= 200 and not re.search(r"['\x00-\x20\x7f-\x9f]", msgid)


def _opening(count: int) -> str:
    many = f"{_NUMBERS[count]} question{'' if count == 1 else 's'}"
    return (
        f"Would a guest or a VMM that runs on a released kernel see a difference after this series, or after a "
        f"rollback from it? A program that compares what they can see before and after it has {many}. It may be wrong."
    )


def _shown(number: int, item: Item, mails: Mapping[str, Message], items: Sequence[Item]) -> _Shown:
    finding = item.finding
    message = mails.get(finding.patch)
    quoted = _quoted(message.body, finding) if message else ""
    if not quoted:
        quoted = "\n".join(f"> {shown(line, 500)}" for line in finding.evidence[:RUN]) or "> [...]"
    where = f"Patch {finding.n}/{finding.m}" if finding.m > 1 else "This patch"
    if finding.symbol:
        where += f", {shown(finding.symbol, 50)}"
    first = next(k for k, other in enumerate(items, 1) if other.finding.question == finding.question)
    return _Shown(number, where, quoted, _said(item, first if first != number else 0))


def _quoted(body: str, finding: Finding) -> str:
    """The changed lines with the headers that tell b4 and a reader where they stand, "" if they are not found."""
    at, end = _run(body, finding)
    if not at:
        return ""
    lines = quote(body, [Note(end, "")], context=CONTEXT + end - at).split("\n")
    kept = [line for line in lines if not line.startswith(("> --- ", "> +++ "))]
    return "\n".join(kept[1:] if kept[0] == ELLIPSIS else kept).rstrip("\n")


def _run(body: str, finding: Finding) -> tuple[int, int]:
    """The lines of the body (from 1) that belong to the finding's place: first and last; 0, 0 if there are none."""
    lines = body.split("\n")
    at = finding.at or find_line(body, finding.evidence, finding.file)
    if not 1 <= at <= len(lines):
        return 0, 0
    evidence = {line.rstrip() for line in finding.evidence}
    end = at
    for number, line in enumerate(lines[at : at + RUN - 1], at + 1):
        if line.rstrip() in evidence:
            end = number
        elif line[:1] not in {"+", "-"}:
            break
    while at > 1 and end - at < RUN - 1 and lines[at - 2][:1] in {"+", "-"} and lines[at - 2][:3] not in {"+++", "---"}:
        at -= 1
    return at, end


def _said(item: Item, before: int) -> str:
    finding = item.finding
    question = f"As in [{before}]." if before else shown(finding.question or finding.message, limits.MAX_QUESTION_CHARS)
    sought = [f"{_expanded(one.what, finding)} ({one.where})" for one in finding.sought if not one.found]
    looked = f"Looked for, and not found: {'; '.join(dict.fromkeys(sought))}." if sought and not before else ""
    ways = ", ".join(_WAYS[way] for way in finding.direction)
    seen = " and ".join({"guest": "guest", "vmm": "VMM"}[who] for who in finding.visible_to)
    about = f"({finding.rule}, {finding.fingerprint}; {seen}: {ways})"
    settled = "" if before else _SETTLED[finding.klass]
    parts = [f"{question} {settled}".rstrip(), looked, f"{about}{_similar(item.similar)}"]
    return "\n".join(wrap(shown(part, 1000), WIDTH) for part in parts if part)


def _expanded(what: str, finding: Finding) -> str:
    return _FIELD.sub(finding.symbol or "this", what)


def _similar(similar: Sequence[Finding]) -> str:
    if not similar:
        return ""
    places = [f"patch {one.n} {one.file}:{one.line}" for one in similar[:SIMILAR_NAMED]]
    rest = len(similar) - len(places)
    return f" and {len(similar)} similar: {', '.join(places)}{f' and {rest} more' if rest else ''}"


def _more(chosen: Chosen) -> str:
    count = len(chosen.more)
    if not count:
        return ""
    return (
        f"The command below shows {count} more of the same weight: {', '.join(sorted({f.rule for f in chosen.more}))}."
    )


def _carried(carried: Sequence[Finding]) -> str:
    """One line, whatever their number."""
    if not carried:
        return ""
    named = " ".join(one.fingerprint for one in carried[:CARRIED_NAMED])
    rest = len(carried) - CARRIED_NAMED
    return f"Still open from before: {named}{f' and {rest} more' if rest > 0 else ''}"


def _unchecked(result: Result) -> str:
    """What was not looked at, so that silence is not taken for a result."""
    parts = []
    series = result.series
    if series.missing:
        some = ", ".join(str(n) for n in series.missing[:10])
        parts.append(f"patch {some} of {series.expected}, which did not arrive")
    numbers = {patch.msgid: patch.n for patch in series.patches}
    for one in result.skipped[:SKIPPED_NAMED]:
        place = one.file or (f"patch {numbers[one.patch]}" if one.patch in numbers else "a patch")
        parts.append(f"{shown(place, 80)} ({shown(one.why, 100)})")
    if len(result.skipped) > SKIPPED_NAMED:
        parts.append(f"{len(result.skipped) - SKIPPED_NAMED} more places")
    if result.failed:
        parts.append("what a rule that failed would have seen")
    if not series.tree:
        parts.append("code outside the hunks, for no kernel tree was at hand")
    return f"Not checked: {'; '.join(parts)}." if parts else ""


def _made(result: Result) -> str:
    base = f", base {shown(result.series.base, 40)}" if result.series.base else ", base unknown"
    return f"Made by abireview {result.tool.version}, rules {result.tool.rules}{base}, with:"
