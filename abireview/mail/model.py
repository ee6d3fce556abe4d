# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages, patches and series as plain frozen data.

Message-ids are always without angle brackets. Dates are seconds since 1970 (UTC), None where the mail has none.
Line numbers count from 1.
"""

from __future__ import annotations

import msgspec

from abireview.source.model import FileDiff, Skipped


class Person(msgspec.Struct, frozen=True, gc=False):
    """A name and an address as a From, To or Cc header gives them, decoded."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Message(msgspec.Struct, frozen=True, gc=False):
    """One mail, decoded once.

    ``body`` has LF line ends and is the text that a reader of the list would see (for a patch sent as an
    attachment: the text followed by the attached patch). ``repaired`` says what decoding had to mend,
    ``damaged`` what it could not (both are sentences for a person).
    """

    msgid: str
    subject: str
    author: Person
    date: int | None
    in_reply_to: str
    references: tuple[str, ...]
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    body: str
    list_id: str = ""
    repaired: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


class Trailer(msgspec.Struct, frozen=True, gc=False):
    """A ``Name: value`` line of a commit message's last paragraphs."""

    name: str
    value: str


class Patch(msgspec.Struct, frozen=True, gc=False):
    """One patch of a series, as posted.

    ``n`` and ``m`` are those of ``[PATCH n/m]`` (1/1 for a single patch). ``log`` is the commit message without
    subject and trailers; ``files`` the diff; ``skipped`` what of the diff could not be read.
    """

    msgid: str
    n: int
    m: int
    subject: str
    log: str
    trailers: tuple[Trailer, ...]
    files: tuple[FileDiff, ...]
    skipped: tuple[Skipped, ...] = ()
    author: Person = Person("", "")
    date: int | None = None


class Series(msgspec.Struct, frozen=True, gc=False):
    """One version of a series.

    ``id`` is the message-id of the cover letter, else of the first patch. ``kernel`` is False for patches of other
    projects on the same list, ``kind`` says which ("kernel", "kvm-unit-tests", "kvmtool", "qemu", "libvirt", "other").
    ``pull``: the patches hang below a pull request, so they were reviewed before.
    ``missing`` lists patch numbers that were announced but not found; ``notes`` are sentences on what was odd
    (resent patches, partial re-rolls, patches of other authors left out).
    """

    id: str
    subject: str
    version: int
    version_text: str
    author: Person
    date: int | None
    kernel: bool
    kind: str
    cover: Message | None
    patches: tuple[Patch, ...]
    expected: int
    missing: tuple[int, ...] = ()
    rfc: bool = False
    stable: bool = False
    pull: bool = False
    base_commit: str | None = None
    change_id: str | None = None
    prefixes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
