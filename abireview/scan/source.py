# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be scanned: a public-inbox, one of its epochs, a served inbox, an mbox (.gz, .xz) or a maildir.

A source gives its mails one at a time, each with the ``place`` where it can be read again ("" where it cannot: then the
journal keeps the patches among them). Its ``identity`` changes when its content does.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from abireview import limits
from abireview.errors import LimitError, MailFormatError, NotFoundError, TreeError, UsageError
from abireview.lore.archive import Epoch, find_epochs, mirror, no_archive
from abireview.mail.mbox import Placed, is_packed, looks_like_mail, stream_placed

LOOK_BACK = 365 * 86_400  # seconds before --since that are still read: older versions, and threads that began earlier
_CHECKED = 2048  # bytes at either end of a mail


class Source(Protocol):
    """An archive. ``broken`` says, after ``mails`` ended, why it ended too early ("" if it did not)."""

    name: str
    identity: str
    broken: str

    def mails(self, skip: int = 0) -> Iterator[tuple[str, bytes]]:
        """(place, raw mail) of every mail but the first ``skip``, in an order that stays the same."""
        ...

    def read(self, place: str) -> bytes:
        """The mail at a place once more; b"" if it is gone."""
        ...


def open_source(what: str, *, since: int | None, mirrors: Path, say: Callable[[str], None]) -> Source:
    """The archive that ``what`` names. ``mirrors`` is where served archives are kept.

    Raises NotFoundError, MailFormatError, LimitError, TreeError, ServerError and UsageError.
    """
    oldest = None if since is None else since - LOOK_BACK
    if what.startswith(("http://", "https://")):
        return _Inbox(what, mirror(what, mirrors, since=oldest, say=say), oldest)
    path = Path(what)
    try:
        if not path.exists():
            raise NotFoundError(f"there is no archive {what[:200]}")
    except (OSError, ValueError) as error:
        raise UsageError(f"{what[:200]!r} is no archive") from error
    if not path.is_dir():
        return _Mailbox(path)
    if find_epochs(path):
        return _Inbox(what, path, oldest)
    if all((path / name).is_dir() for name in ("cur", "new")):
        return _Maildir(path)
    raise no_archive(path)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _checksum(raw: bytes) -> str:
    """Of a mail's first and last bytes: a mailbox that is written to moves what stands in it."""
    return f"{zlib.crc32(raw[-_CHECKED:], zlib.crc32(raw[:_CHECKED])):08x}"


class _Mailbox:
    """An mbox. A mail of one that is not packed is read again where it stands; its place has a checksum for the case
    that the file is written to meanwhile. One that is packed can only be read from its start.
    """

    def __init__(self, path: Path) -> None:
        state = path.stat()
        self._path = path
        self._packed = is_packed(path)
        self._placed = Placed(path)
        self.name = str(path)
        self.identity = _digest("mbox", os.fspath(path.resolve()), state.st_size, state.st_mtime_ns)
        self.broken = ""

    def mails(self, skip: int = 0) -> Iterator[tuple[str, bytes]]:
        number = 0
        try:
            for offset, length, raw in stream_placed(self._path):
                if not number and not looks_like_mail(raw):
                    raise MailFormatError(f"{self.name} is no mbox", hint="name an mbox, a maildir or a public-inbox")
                number += 1
                if number > skip:
                    yield "" if self._packed else f"{offset}:{length}:{_checksum(raw)}", raw
        except MailFormatError as error:
            if not number:
                raise
            self.broken = str(error)
        if not number:
            raise MailFormatError(f"{self.name} is empty")

    def read(self, place: str) -> bytes:
        offset, length, checksum = place.split(":")
        try:
            raw = self._placed.read(int(offset), int(length))
        except OSError:
            return b""
        return raw if _checksum(raw) == checksum else b""


class _Maildir:
    """A maildir; files that another program moves away meanwhile are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        self.broken = ""
        found: list[str] = []
        marks = hashlib.sha256()
        for folder in ("cur", "new"):
            with os.scandir(path / folder) as entries:
                found += [f"{folder}/{entry.name}" for entry in entries if not entry.name.startswith(".")]
            if len(found) > limits.MAX_SCAN_FILES:
                raise LimitError(
                    f"{path} has more than {limits.MAX_SCAN_FILES} files", hint="scan its parts one by one"
                )
        found.sort()
        for name in found:
            try:
                state = (path / name).stat()
            except OSError:
                continue
            marks.update(repr((name, state.st_size, state.st_mtime_ns)).encode("utf-8", "surrogateescape"))
        self._files = found
        self.identity = _digest("maildir", os.fspath(path.resolve()), marks.hexdigest())
        if not found:
            raise MailFormatError(f"{path} is an empty maildir")

    def mails(self, skip: int = 0) -> Iterator[tuple[str, bytes]]:
        for name in self._files[skip:]:
            yield name, self.read(name)

    def read(self, place: str) -> bytes:
        path = self._path / place
        try:
            if path.is_symlink() or not path.is_file():
                return b""
            with path.open("rb") as file:
                return file.read(limits.MAX_MAIL_BYTES + 1)
        except OSError:
            return b""


class _Inbox:
    """The epochs of a public-inbox. A place is ``EPOCH:BLOB``."""

    def __init__(self, name: str, path: Path, oldest: int | None) -> None:
        self.name = name
        self.broken = ""
        self._oldest = oldest
        self._epochs = [Epoch(one) for one in find_epochs(path)]
        if not any(epoch.tip() for epoch in self._epochs):
            raise MailFormatError(f"{name} has no mails")
        self.identity = _digest("git", oldest, *((epoch.path.name, epoch.tip()) for epoch in self._epochs))

    def mails(self, skip: int = 0) -> Iterator[tuple[str, bytes]]:
        passed = 0
        for number, epoch in enumerate(self._epochs):
            try:
                for blob in epoch.blobs(since=self._oldest):
                    passed += 1
                    if passed > skip:
                        yield f"{number}:{blob}", self.read(f"{number}:{blob}")
            except TreeError as error:
                self.broken = str(error)

    def read(self, place: str) -> bytes:
        number, _, blob = place.partition(":")
        try:
            return self._epochs[int(number)].read(blob)
        except TreeError as error:
            self.broken = str(error)
            return b""
