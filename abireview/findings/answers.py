# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers to findings: what a reviewer decided, and how that is remembered for later versions of the series.

An answer belongs to a fingerprint within a lineage (the versions of one series, see ``lineage``). Three kinds settle
the question and each needs its ground: ``knob`` (userspace can keep the old behaviour: where), ``arch-fix`` (the
architecture forbids the old behaviour: the reference), ``false-positive`` (why). A fourth, ``suppress``, only keeps
it quiet, for a reason and maybe until a date.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal, get_args

import msgspec

from abireview import limits
from abireview.errors import UsageError
from abireview.findings.model import Finding, Result, State
from abireview.mail.model import Series
from abireview.mail.subject import normal_title, parse_subject

Kind = Literal["knob", "arch-fix", "false-positive", "suppress"]
KINDS: tuple[Kind, ...] = get_args(Kind)

GROUNDS: dict[str, str] = {
    "knob": "where userspace can keep the old behaviour",
    "arch-fix": "the reference that forbids the old behaviour",
    "false-positive": "why this is no question",
    "suppress": "why this is kept quiet",
}

_FINGERPRINT = re.compile(r"[0-9a-f]{12}")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. ``when`` and ``until`` are seconds since 1970 (``until`` None: for ever), ``by`` an address or "".

    ``lineage`` are the keys of the series it was given for; ``link`` may be the URL or message-id of the mail that
    said so.
    """

    fingerprint: str
    lineage: tuple[str, ...]
    kind: Kind
    text: str
    by: str = ""
    when: int = 0
    until: int | None = None
    link: str = ""
    rule: str = ""

    @property
    def sentence(self) -> str:
        """``knob: the new capability in patch 3``, as findings carry it in ``reason``."""
        return f"{self.kind}: {self.text}"


def make_answer(
    fingerprint: str,
    lineage: Iterable[str],
    kind: str,
    text: str,
    *,
    by: str = "",
    when: int = 0,
    until: int | None = None,
    link: str = "",
    rule: str = "",
) -> Answer:
    """A checked answer. Raises UsageError for an unknown kind, a missing ground or an expiry of the wrong kind."""
    if kind not in KINDS:
        raise UsageError(f"'{kind}' is no kind of answer", hint=f"one of {', '.join(KINDS)}")
    ground = " ".join(text.split())
    if not ground:
        raise UsageError(f"the answer '{kind}' needs its ground: {GROUNDS[kind]}")
    if len(ground) > limits.MAX_ANSWER_CHARS:
        raise UsageError(f"an answer is at most {limits.MAX_ANSWER_CHARS} characters long")
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise UsageError(f"'{fingerprint[:40]}' is no fingerprint", hint="a fingerprint is 12 hexadecimal digits")
    if until is not None and kind != "suppress":
        raise UsageError("only a suppression can expire", hint="leave --until out, or suppress")
    return Answer(
        fingerprint=fingerprint,
        lineage=tuple(lineage),
        kind=kind,
        text=ground,
        by=by,
        when=when,
        until=until,
        link=link,
        rule=rule,
    )


def plain_title(subject: str) -> str:
    """The subject without ``Re:`` and ``[PATCH …]`` tags, for comparing."""
    return normal_title(parse_subject(subject).title)


def lineage(series: Series) -> tuple[str, ...]:
    """The keys by which versions of one series know each other: the change-id (b4 prep), and author with title.

    Two series with a key in common are versions of one series. Empty if it has neither.
    """
    return lineage_keys(series.change_id, series.author.email, series.subject)


def lineage_keys(change_id: str | None, email: str, subject: str) -> tuple[str, ...]:
    """``lineage`` from its three parts."""
    keys = []
    if change_id:
        keys.append(f"change-id:{change_id.strip().lower()}")
    title = plain_title(subject)
    if title and email:
        keys.append(f"title:{email.strip().lower()}:{title}")
    return tuple(keys)


def related(one: Collection[str], other: Collection[str]) -> bool:
    """True if two lineages share a key."""
    return not set(one).isdisjoint(other)


def apply_answers(
    result: Result,
    answers: Iterable[Answer],
    previous: Iterable[Result] = (),
    *,
    lineage: Collection[str] | None = None,
    now: int = 0,
) -> Result:
    """``result`` with the state of each finding: answered, suppressed, carried or new, and its ``reason``.

    ``answers`` count if their lineage shares a key with ``lineage`` (None: all count) and have not expired at ``now``
    (seconds since 1970); of several for one fingerprint the latest counts. ``previous`` are results of earlier
    versions of the series: what they had and nobody answered is carried. A finding that is answered or suppressed
    already (by a file the check read) keeps its state.
    """
    latest: dict[str, Answer] = {}
    for answer in sorted(answers, key=lambda given: given.when):
        if (lineage is None or related(answer.lineage, lineage)) and not expired(answer, now):
            latest[answer.fingerprint] = answer
    seen = {finding.fingerprint for earlier in previous for finding in earlier.findings}
    findings = tuple(_settle(finding, latest.get(finding.fingerprint), seen) for finding in result.findings)
    return msgspec.structs.replace(result, findings=findings)


def expired(answer: Answer, now: int) -> bool:
    """True if the answer was given until a time that is over at ``now``."""
    return answer.until is not None and answer.until <= now


def _settle(finding: Finding, answer: Answer | None, seen: Collection[str]) -> Finding:
    if answer is not None:
        state: State = "suppressed" if answer.kind == "suppress" else "answered"
        return msgspec.structs.replace(finding, state=state, reason=answer.sentence)
    if finding.state in {"answered", "suppressed"}:
        return finding
    return msgspec.structs.replace(finding, state="carried" if finding.fingerprint in seen else "new")
