# SPDX-License-Identifier: GPL-2.0-or-later
"""What may become of a checked posting: nothing, a page, a draft, a mail, to whom and when; with the reasons.

Pure: the policy, the posting and what is known about it go in, a ``Decision`` comes out. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec

from abireview.bot.policy import ListEntry, Policy, Terms, fits, merge, person
from abireview.mail.model import Message, Person, Series
from abireview.mail.subject import parse_subject
from abireview.reply.mail import clean_header, valid_address

Action = Literal["silent", "page", "draft", "mail"]
OWN_HEADER = "X-Abireview"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a posting beside itself.

    ``seen_on`` are the names of the policy's lists it was read from, ``muted`` why nobody wants mail about it ("" if
    nobody said so), ``merged`` whether its patches are in the tree already.
    """

    seen_on: tuple[str, ...] = ()
    muted: str = ""
    merged: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """``hold`` counts seconds from the posting; ``left_out`` says who is not written to, and why."""

    action: Action
    reasons: tuple[str, ...]
    terms: Terms
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    automatic: bool = False
    hold: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def recipients(self) -> tuple[Person, ...]:
        return (*self.to, *self.cc)


def decide(policy: Policy, series: Series, mails: Sequence[Message], known: Known) -> Decision:
    """The decision on a posting. ``mails`` are its own mails (cover and patches), the one to answer first."""
    present = {address.email.lower() for mail in mails for address in (*mail.to, *mail.cc)}
    entries = policy.entries_for(present, known.seen_on)
    terms = merge(policy, entries)
    reasons = list(_silence(policy, entries, terms, series, mails, known))
    if reasons:
        return Decision(action="silent", reasons=tuple(reasons), terms=terms)
    if terms.archive_only:
        return _archive_only(policy, terms)
    if terms.mode == "draft":
        text = f"the policy of {_names(terms)} has drafts only: a person may take it from here"
        return Decision(action="draft", reasons=(text,), terms=terms, hold=terms.hold)
    return _mail(policy, terms, mails, present)


def _silence(
    policy: Policy,
    entries: Sequence[ListEntry],
    terms: Terms,
    series: Series,
    mails: Sequence[Message],
    known: Known,
) -> Iterable[str]:
    """Every reason to say nothing."""
    if not entries:
        yield "no list of the policy got this posting"
    yield from (f"{entry.name} is off" for entry in entries if entry.mode == "off")
    if known.muted:
        yield known.muted
    if known.merged:
        yield "its patches are in the tree already"
    head = mails[0]
    yield from _unfit(policy, terms, series, head)
    for glob in terms.leave_subjects:
        if fits(head.subject, glob) or fits(parse_subject(head.subject).title, glob):
            yield f"subjects like '{glob}' are left alone"
    author = head.author.email
    for glob in terms.leave_authors:
        if fits(author, glob):
            yield f"{clean_header(author)} is left alone ('{glob}')"
    if not valid_address(author):
        yield "its author has no usable mail address"


def _unfit(policy: Policy, terms: Terms, series: Series, head: Message) -> Iterable[str]:
    """Reasons in the kind of posting it is (etiquette 10)."""
    subject = parse_subject(head.subject)
    if not series.kernel:
        yield f"these patches are for {series.kind}"
    if series.rfc and not terms.rfc:
        yield "it is an RFC"
    if series.stable:
        yield "it is for a stable tree"
    if subject.reply:
        yield "it is a reply"
    if subject.pull:
        yield "it is a pull request"
    if automatic(head) or head.author.email.lower() == person(policy.bot.address).email.lower():
        yield "a program sent it"
    words = {word.lower() for word in series.prefixes} | {word.lower() for word in subject.prefixes}
    for wanted in terms.only_prefixes:
        if words.isdisjoint(word.lower() for word in wanted):
            yield f"its subject has none of the prefixes {', '.join(wanted)}"


def automatic(message: Message) -> bool:
    """True for a mail that a program sent (RFC 3834) or that carries this bot's own header."""
    for name, value in message.headers:
        low = name.lower()
        if low == "auto-submitted" and value.strip().lower().split(";")[0].strip() != "no":
            return True
        if low == OWN_HEADER.lower():
            return True
    return False


def _archive_only(policy: Policy, terms: Terms) -> Decision:
    reason = f"the policy of {_names(terms)} is archive-only"
    address = policy.bot.archive_list
    if not address or terms.mode == "draft":
        return Decision(action="page", reasons=(reason,), terms=terms)
    return Decision(
        action="mail",
        reasons=(f"{reason}: only the bot's own list is told",),
        terms=terms,
        to=(person(address),),
        automatic=terms.approval == "automatic",
        hold=terms.hold,
    )


def _mail(policy: Policy, terms: Terms, mails: Sequence[Message], present: Collection[str]) -> Decision:
    author = mails[0].author
    cc: list[Person] = []
    left: list[str] = []
    if terms.mode == "list":
        cc += [person(address) for address in terms.lists if address.lower() in present]
        left += [f"{person(text).email}: reads the list, which is told" for text in terms.tell]
    else:
        for text in terms.tell:
            told = person(text)
            if told.email.lower() in present:
                cc.append(told)
            else:
                left.append(f"{told.email}: the posting did not go there")
    if policy.bot.archive_list:
        cc.append(person(policy.bot.archive_list))
    unique = {one.email.lower(): one for one in reversed(cc)}
    unique.pop(author.email.lower(), None)
    return Decision(
        action="mail",
        reasons=(f"the policy of {_names(terms)} says '{terms.mode}'",),
        terms=terms,
        to=(Person(clean_header(author.name), author.email),),
        cc=tuple(reversed(unique.values())),
        automatic=terms.approval == "automatic",
        hold=terms.hold,
        left_out=tuple(left),
    )


def _names(terms: Terms) -> str:
    return " and ".join(terms.names) or "no list"
