# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mails were posted together: the cover and patches of one sending of one version.

Not b4's LoreMailbox: its import alone costs 0.3 s, it reads v5.5 and ``[ver #2]`` as v1, and a patch that somebody else
posts into the thread with the same version shifts the others by one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from abireview import limits
from abireview.mail.body import has_diff
from abireview.mail.decode import Head
from abireview.mail.model import Message
from abireview.mail.subject import Subject, normal_title, parse_subject

ONE_SENDING = 24 * 3600  # seconds between the mails of one unthreaded sending
_OPEN_SENDINGS = 10_000  # of them kept while reading an archive; a busy day has some hundred
_STEM_PARTS = re.compile(r"^(.{6,}?)[-.]\d{1,4}([-.@].*)$")


@dataclass(frozen=True)
class Item:
    """A mail with its subject taken apart. ``stem`` is its message-id without the number git gives each patch."""

    message: Message
    subject: Subject
    diff: bool
    stem: str

    @property
    def msgid(self) -> str:
        return self.message.msgid

    @property
    def date(self) -> int:
        return self.message.date or 0

    @property
    def author(self) -> str:
        return self.message.author.email.lower()

    @property
    def title(self) -> str:
        return normal_title(self.subject.title)

    @property
    def is_cover(self) -> bool:
        return self.subject.has_numbers and self.subject.n == 0

    @property
    def key(self) -> tuple[int, int, str]:
        """What orders mails the same way whatever order they came in."""
        return (self.date, self.subject.n, self.msgid)


@dataclass(eq=False)
class Posting:
    """One sending of one version. ``patches`` are ordered by number; ``notes`` say what was odd about it."""

    first: Item
    cover: Item | None = None
    patches: list[Item] = field(default_factory=list)
    resent: list[Item] = field(default_factory=list)
    foreign: list[Item] = field(default_factory=list)
    filled: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    base: Posting | None = None  # of a partial re-roll: the version it completes
    _at: dict[tuple[int, str], int] = field(default_factory=dict)
    _titles: dict[int, str] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, ...]:
        return self.first.subject.order

    @property
    def author(self) -> str:
        return self.first.author

    @property
    def m(self) -> int:
        """How many patches were announced."""
        if self.base:
            return self.base.m
        if self.cover:
            return self.cover.subject.m
        counted = Counter(item.subject.m for item in self.patches)
        return max(counted, key=lambda m: (counted[m], m)) if counted else self.first.subject.m

    @property
    def head(self) -> Item:
        """The cover, else the patch with the lowest number."""
        return self.cover or self.patches[0]

    @property
    def titles(self) -> set[str]:
        return {item.title for item in self.patches}

    @property
    def members(self) -> list[Item]:
        return ([self.cover] if self.cover else []) + self.patches + self.resent

    @property
    def date(self) -> int:
        return self.head.date

    def add(self, item: Item) -> None:
        """Take a patch in while the posting is gathered; one that was sent again replaces the earlier mail."""
        at = self._at.get((item.subject.n, item.title))
        if at is None:
            self._at[(item.subject.n, item.title)] = len(self.patches)
            self._titles.setdefault(item.subject.n, item.title)
            self.patches.append(item)
        else:
            self.resent.append(min(self.patches[at], item, key=lambda i: i.key))
            self.patches[at] = max(self.patches[at], item, key=lambda i: i.key)

    def title_of(self, n: int) -> str | None:
        """The title of the (first) patch with number ``n``, None if that is missing."""
        return self._titles.get(n)


def make_item(message: Message) -> Item:
    """Take the subject apart and look for a diff."""
    match = _STEM_PARTS.match(message.msgid)
    return Item(
        message, parse_subject(message.subject), has_diff(message.body), "".join(match.groups()) if match else ""
    )


def is_posted(item: Item) -> bool:
    """True for the cover letters and patches of postings: no replies, no pull requests, a diff or n/m."""
    subject = item.subject
    if subject.reply or subject.pull:
        return False
    if subject.has_numbers:
        return subject.posted_as_patch or item.diff
    return subject.posted_as_patch and item.diff


def find_postings(items: Iterable[Item]) -> list[Posting]:
    """Put the posted mails among ``items`` together; ordered by date, independent of the order of ``items``."""
    posted = sorted((item for item in items if is_posted(item)), key=lambda item: item.key)
    gather = _Gather()
    for item in posted:
        if item.is_cover:
            gather.start(item, cover=True)
    for item in posted:
        if not item.is_cover:
            gather.place(item)
    for posting in gather.postings:
        posting.patches.sort(key=lambda i: (i.subject.n, i.date, i.msgid))
    return sorted(gather.postings, key=lambda p: p.first.key)


class _Gather:
    """The postings found so far, with the indexes that placing a patch needs."""

    def __init__(self) -> None:
        self.postings: list[Posting] = []
        self._of: dict[str, Posting] = {}
        self._alike: dict[tuple[object, ...], list[Posting]] = {}

    def start(self, item: Item, *, cover: bool = False) -> None:
        posting = Posting(item, cover=item if cover else None)
        if not cover:
            posting.add(item)
        self.postings.append(posting)
        self._of[item.msgid] = posting
        if item.subject.has_numbers:
            self._alike.setdefault(_look(item), []).append(posting)

    def place(self, item: Item) -> None:
        """Put a patch into the posting it belongs to, or begin a new one with it."""
        if not item.subject.has_numbers:
            self.start(item)
            return
        posting = self._by_thread(item) or self._by_look(item)
        if posting is None:
            self.start(item)
            return
        posting.add(item)
        self._of[item.msgid] = posting

    def _by_thread(self, item: Item) -> Posting | None:
        """The posting of the nearest ancestor of the same version and count."""
        for msgid in dict.fromkeys((item.message.in_reply_to, *reversed(item.message.references))):
            posting = self._of.get(msgid)
            if posting is None or posting.order != item.subject.order or not _fits(posting, item):
                continue
            if item.author == posting.author or _same_run(item, posting):
                if posting.title_of(item.subject.n) in (None, item.title) or _same_run(item, posting):
                    return posting
            else:
                posting.foreign.append(item)
                return None
        return None

    def _by_look(self, item: Item) -> Posting | None:
        """Without threading: same sender, version, count and prefix, the number free, sent about the same time."""
        found = [
            posting
            for posting in self._alike.get(_look(item), ())[-limits.MAX_POSTINGS_TRIED :]
            if posting.title_of(item.subject.n) is None
            and _prefixes(posting.first) == _prefixes(item)
            and (_same_run(item, posting) or abs(posting.first.date - item.date) <= ONE_SENDING)
        ]
        if not found:
            return None
        return min(found, key=lambda p: (not _same_run(item, p), abs(p.first.date - item.date), p.first.msgid))


def _look(item: Item) -> tuple[object, ...]:
    """What the patches of one unthreaded sending have in common."""
    return (item.author, item.subject.order, item.subject.m)


def _fits(posting: Posting, item: Item) -> bool:
    """The same count, or a number beyond it (``[PATCH 12/11]``, added later)."""
    return posting.first.subject.has_numbers and posting.first.subject.m == item.subject.m


def _same_run(item: Item, posting: Posting) -> bool:
    """True if git (or b4) made both message-ids in one run."""
    return bool(item.stem) and item.stem == posting.first.stem


def _prefixes(item: Item) -> frozenset[str]:
    return frozenset(word.lower() for word in item.subject.prefixes) - {"rfc", "resend", "patch"}


def unthreaded_pairs(messages: Iterable[Message | Head]) -> Iterator[tuple[str, str]]:
    """Pairs of message-ids that one unthreaded sending links; ``messages`` are ordered by date."""
    open_sendings: dict[tuple[object, ...], tuple[str, int, set[int]]] = {}
    for message in messages:
        if message.in_reply_to:
            continue
        subject = parse_subject(message.subject)
        if not (subject.has_numbers and subject.posted_as_patch):
            continue
        key = (
            message.author.email.lower(),
            subject.version_text,
            subject.m,
            *sorted(w.lower() for w in subject.prefixes),
        )
        date = message.date or 0
        sending = open_sendings.get(key)
        if sending and date - sending[1] <= ONE_SENDING and subject.n not in sending[2]:
            sending[2].add(subject.n)
            yield sending[0], message.msgid
        else:
            if len(open_sendings) >= _OPEN_SENDINGS:
                open_sendings = {k: s for k, s in open_sendings.items() if date - s[1] <= ONE_SENDING}
            open_sendings[key] = (message.msgid, date, {subject.n})
