# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mails of an archive are looked at together: a thread, the threads of its other versions, unthreaded sendings.

Only heads are needed. A team is bounded; a link that would make it larger is not followed, so an archive whose mails
all refer to each other costs no more than another.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

import msgspec

from abireview import limits
from abireview.mail.decode import Head
from abireview.mail.posting import unthreaded_pairs
from abireview.mail.subject import Subject, normal_title
from abireview.store.journal import Journal, Trait, hash_of

DAY = 86_400
SAME_VERSION_DAYS = 90  # between a version and its repost: later it is another series with the same title
NEXT_VERSION_DAYS = 540  # between two versions of one series
SHORT_TITLE = 8  # characters: "fixes" is the title of many series
_CHANGE_ID = re.compile(rb"^change-id:[ \t]+([\w.+-]{1,200})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_CHANGE_MARKS = (b"hange-i", b"hange-I", b"HANGE-I")  # quicker to look for than the expression
_GERRIT = re.compile(rb"I[0-9a-f]{40}")


def traits_of(head: Head, subject: Subject, raw: bytes) -> tuple[Trait, ...]:
    """By what other versions of the series of this patch or cover are found: its title, its change-id.

    Postings for different stable kernels have the same title and are different series.
    """
    if subject.has_numbers and subject.n > 1:
        return ()
    author = hash_of(head.author.email.lower())
    found = []
    title = normal_title(subject.title)
    if len(title) > SHORT_TITLE:
        branch = sorted({word.lower() for word in subject.prefixes if subject.stable})
        found.append(Trait(hash_of("title", title, *branch), subject.version_text, author))
    match = _CHANGE_ID.search(raw) if any(mark in raw for mark in _CHANGE_MARKS) else None
    if match and not _GERRIT.fullmatch(match[1]):
        found.append(Trait(hash_of("change-id", match[1].decode("ascii", "replace")), subject.version_text, 0))
    return tuple(found)


def form_teams(journal: Journal) -> None:
    """Give every mail of the journal its team."""
    teams = _Teams(journal.names)
    for name, size in journal.sizes():
        teams.count(name, size)
    for name, links in journal.links():
        for link in links:
            teams.join(name, link)
    for first, second in unthreaded_pairs(_open_heads(journal)):
        teams.join(int(first), int(second))
    for old, new in _same_series(journal):
        teams.join(old, new)
    journal.set_teams(teams.all())


def _open_heads(journal: Journal) -> Iterator[Head]:
    """The patches that answer nothing, their numbers in place of the message-ids."""
    decoder = msgspec.msgpack.Decoder(Head)
    for name, packed in journal.open_heads():
        yield msgspec.structs.replace(decoder.decode(packed), msgid=str(name))


def _same_series(journal: Journal) -> Iterator[tuple[int, int]]:
    """Pairs of mails that begin two versions of one series."""
    before: tuple[int, int, int, str, int] | None = None
    for trait in journal.traits():
        if before is not None and before[0] == trait[0]:
            _, date, name, version, author = trait
            days = (date - before[1]) / DAY
            again = version == before[3]
            if days <= (SAME_VERSION_DAYS if again else NEXT_VERSION_DAYS) and (author == before[4] or not again):
                yield before[2], name
        before = trait


class _Teams:
    """Union-find over the numbers 1 to ``count``: 20 bytes each."""

    def __init__(self, count: int) -> None:
        self._up = array("I", range(count + 1))
        self._mails = array("I", bytes(4 * (count + 1)))
        self._bytes = array("Q", bytes(8 * (count + 1)))

    def count(self, name: int, size: int) -> None:
        self._mails[name] += 1
        self._bytes[name] += size

    def find(self, name: int) -> int:
        up = self._up
        while up[name] != name:
            up[name] = up[up[name]]
            name = up[name]
        return name

    def join(self, first: int, second: int) -> None:
        """Put two teams together unless that makes a team too large."""
        a, b = self.find(first), self.find(second)
        if a == b:
            return
        mails, size = self._mails[a] + self._mails[b], self._bytes[a] + self._bytes[b]
        if mails > limits.MAX_TEAM_MAILS or size > limits.MAX_TEAM_BYTES:
            return
        if self._mails[a] < self._mails[b]:
            a, b = b, a
        self._up[b] = a
        self._mails[a], self._bytes[a] = mails, size

    def all(self) -> array[int]:
        """The team of every number."""
        for name in range(len(self._up)):
            self._up[name] = self.find(name)
        return self._up
