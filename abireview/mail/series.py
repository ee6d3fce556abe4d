# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages to series: every version that a thread (or any heap of mails) holds, and which one to check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

import msgspec

from abireview import limits
from abireview.errors import NoPatchesError, NotFoundError
from abireview.mail.build import build_series, lone_patch
from abireview.mail.decode import Head
from abireview.mail.kind import Projects
from abireview.mail.lineage import ancestors, fill_rerolls, find_lineages
from abireview.mail.model import Message, Series
from abireview.mail.posting import Item, Posting, find_postings, make_item, unthreaded_pairs
from abireview.mail.union import UnionFind

_Mail = TypeVar("_Mail", bound=Message | Head)


class Thread:
    """Mails and the series among them. The same mails give the same thread, whatever their order.

    ``messages`` are ordered by date, each message-id once. ``lineages`` are the series found, each with its versions
    from old to new; the first is the one that began first. Files of which ``wanted`` says no are built without hunks.
    """

    def __init__(
        self, messages: Sequence[Message], projects: Projects, wanted: Callable[[str], bool] | None = None
    ) -> None:
        unique: dict[str, Message] = {}
        for message in messages:
            known = unique.get(message.msgid)
            unique[message.msgid] = message if known is None else min(known, message, key=_preference)
        self.messages: tuple[Message, ...] = tuple(sorted(unique.values(), key=lambda m: (m.date or 0, m.msgid)))
        self.by_id: dict[str, Message] = unique
        self.projects = projects
        self._wanted = wanted
        self._items: dict[str, Item] = {message.msgid: make_item(message) for message in self.messages}
        parents = {message.msgid: message.in_reply_to for message in self.messages}
        found = [posting for posting in find_postings(self._items.values()) if posting.patches]
        owned = {item.msgid for posting in found for item in posting.members}
        postings = [posting for posting in found if not self._is_suggestion(posting, owned, parents)]
        self.lineages: tuple[tuple[Posting, ...], ...] = tuple(
            tuple(lineage) for lineage in map(_filled, find_lineages(postings, parents))
        )
        self._built: dict[str, Series] = {}

    def _is_suggestion(self, posting: Posting, owned: set[str], parents: dict[str, str]) -> bool:
        """True for a lone RFC diff thrown into a discussion: unnumbered, unversioned, nothing above it a posting."""
        subject = posting.first.subject
        if not (subject.rfc or subject.rft) or subject.has_numbers or subject.has_version:
            return False
        answers = False
        for msgid in ancestors(posting.first.message, parents):
            if msgid in owned:
                return False
            answers = answers or msgid in self.by_id
        return answers

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """All series: by lineage, then by version."""
        return tuple(self.build(posting) for lineage in self.lineages for posting in lineage)

    def build(self, posting: Posting) -> Series:
        """The series of ``posting``, with its diffs read (once)."""
        key = posting.head.msgid
        if key not in self._built:
            own = self._lineage_of[key]
            others = self._newest_heads[:own] + self._newest_heads[own + 1 :]
            built = build_series(posting, others, self.projects, self._wanted)
            self._built[key] = msgspec.structs.replace(built, pull=True) if self._pulled(posting) else built
        return self._built[key]

    def _pulled(self, posting: Posting) -> bool:
        """Whether the patches hang below a pull request, as maintainers post what they send on."""
        parent = self._items.get(posting.first.message.in_reply_to)
        return parent is not None and parent.subject.pull and not parent.subject.reply

    @cached_property
    def _newest_heads(self) -> list[Item]:
        return [lineage[-1].head for lineage in self.lineages]

    @cached_property
    def _lineage_of(self) -> dict[str, int]:
        return {p.head.msgid: i for i, lineage in enumerate(self.lineages) for p in lineage}

    def lineage_of(self, posting: Posting) -> tuple[Posting, ...]:
        """All versions of the series that ``posting`` is one of."""
        return self.lineages[self._lineage_of[posting.head.msgid]]

    def series_of(self, msgid: str) -> Series | None:
        """The series that ``msgid`` (without brackets) is the cover or a patch of, exactly that version; else None."""
        posting = self.posting_of(msgid)
        return self.build(posting) if posting else None

    def posting_of(self, msgid: str) -> Posting | None:
        """The sending that ``msgid`` is the cover or a patch of, None for replies and unknown ids."""
        return self._owners.get(msgid)

    @cached_property
    def _owners(self) -> dict[str, Posting]:
        return {item.msgid: p for lineage in self.lineages for p in lineage for item in p.members}

    @cached_property
    def _replies(self) -> dict[str, list[Message]]:
        found: dict[str, list[Message]] = {}
        for message in self.messages:
            if message.in_reply_to:
                found.setdefault(message.in_reply_to, []).append(message)
        return found

    def replies_to(self, msgid: str) -> tuple[Message, ...]:
        """The direct replies to ``msgid``, by date."""
        return tuple(self._replies.get(msgid, ()))

    def below(self, msgid: str) -> tuple[Message, ...]:
        """``msgid`` and everything that answers it, directly or not, by date."""
        seen = {msgid}
        heap = [msgid]
        while heap:
            for reply in self._replies.get(heap.pop(), ()):
                if reply.msgid not in seen:
                    seen.add(reply.msgid)
                    heap.append(reply.msgid)
        return tuple(message for message in self.messages if message.msgid in seen)

    def loose_diffs(self) -> tuple[Message, ...]:
        """Mails with a diff that were not posted as patches: diffs in replies and discussions."""
        return tuple(item.message for item in self._items.values() if item.diff and item.msgid not in self._owners)

    def has_loose_diff(self, msgid: str) -> bool:
        """True if ``msgid`` carries a diff without being a patch of a posting."""
        item = self._items.get(msgid)
        return item is not None and item.diff and msgid not in self._owners


def _preference(message: Message) -> tuple[object, ...]:
    """Of several copies of a mail (list footers differ): the least damaged, then the shortest."""
    return (len(message.damaged), len(message.repaired), len(message.body), message.body, message.headers)


def _filled(lineage: list[Posting]) -> list[Posting]:
    fill_rerolls(lineage)
    return lineage


def assemble(messages: Sequence[Message], projects: Projects) -> Thread:
    """All series of ``messages``: a thread, several, or mails in any order. Never raises."""
    return Thread(messages, projects)


def connected(messages: Sequence[_Mail]) -> list[list[_Mail]]:
    """Group mails into threads by In-Reply-To and References; threads by their earliest mail, mails by date.

    For heaps of mails (``scan``); heads (``decode_head``) will do. Patches that were sent without threading are put
    with their likes: same sender, version, count and prefix, another number, no more than a day apart.
    """
    groups = UnionFind()
    ordered: list[_Mail] = sorted(messages, key=lambda m: (m.date or 0, m.msgid))
    for message in ordered:
        for other in (message.in_reply_to, *message.references):
            if other:
                groups.join(message.msgid, other)
    for first, second in unthreaded_pairs(ordered):
        groups.join(first, second)
    found: dict[str, list[_Mail]] = {}
    for message in ordered:
        found.setdefault(groups.find(message.msgid), []).append(message)
    return list(found.values())


def pick(thread: Thread, msgid: str | None = None, revision: int | str | None = None) -> Series:
    """The series to check.

    Without ``msgid`` that is the newest version, by number, of the series the thread began with. Any mail of the thread
    names the same one, but: a patch or cover of another series in the thread names that series, and a mail whose diff
    was not posted as a patch (a diff inside a reply) names that diff. A patch of an older version names the newest;
    ``revision`` picks one: 5 and "v5" are v5, or the newest v5.N where v5 itself is not there; "v5.5" is exactly that.

    Raises ``NotFoundError`` for an unknown ``msgid`` or ``revision``, ``NoPatchesError`` if there is nothing to check.
    """
    if msgid is not None and msgid not in thread.by_id:
        raise NotFoundError(f"the message-id {msgid} is not among these mails")
    if msgid is None and len(thread.messages) == 1:
        msgid = thread.messages[0].msgid
    if msgid is not None and thread.has_loose_diff(msgid) and revision is None:
        return lone_patch(thread.by_id[msgid], thread.projects)
    if not thread.lineages:
        raise _no_patches(thread)
    lineage = _lineage_of(thread, msgid)
    if revision is None:
        return thread.build(lineage[-1])
    found = _of_version(lineage, str(revision).lower().removeprefix("v"))
    if not found:
        known = ", ".join(dict.fromkeys(posting.first.subject.version_text for posting in lineage))
        raise NotFoundError(f"there is no version {revision} here, only {known}", hint="'--history' looks for others")
    return thread.build(found[-1])


def _of_version(lineage: Sequence[Posting], wanted: str) -> list[Posting]:
    exact = [posting for posting in lineage if posting.first.subject.version_text == f"v{wanted}"]
    return exact or [posting for posting in lineage if str(posting.first.subject.version) == wanted]


def _lineage_of(thread: Thread, msgid: str | None) -> tuple[Posting, ...]:
    posting = thread.posting_of(msgid) if msgid else None
    return thread.lineage_of(posting) if posting else thread.lineages[0]


def _no_patches(thread: Thread) -> NoPatchesError:
    count = len(thread.messages)
    loose = thread.loose_diffs()
    if not count:
        return NoPatchesError("there are no mails here")
    mails = "one mail" if count == 1 else f"{count} mails"
    if not loose:
        return NoPatchesError(f"there are no patches among {mails}", hint="name a mail of the thread with the patches")
    named = " or ".join(message.msgid for message in loose[:3])
    which = (
        "one of them has a diff in its text" if len(loose) == 1 else f"{len(loose)} of them have diffs in their text"
    )
    return NoPatchesError(
        f"there are no patches among {mails}; {which}, which is checked only when it is named",
        hint=f"name the message-id {named}"[: limits.MAX_SUBJECT_CHARS],
    )
