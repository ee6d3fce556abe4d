# SPDX-License-Identifier: GPL-2.0-or-later
"""Mailboxes to raw mails: mbox in its dialects (.gz, .xz), maildir, a lone mail.

Formats: qmail's mbox(5) for mboxrd (``>From `` is escaped and every unescaped ``From `` line separates), public-inbox's
constant ``From mboxrd@z`` line, and ``git format-patch --stdout`` (``From <commit> Mon Sep 17 00:00:00 2001``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from abireview import limits
from abireview.errors import LimitError, MailFormatError, NotFoundError

if TYPE_CHECKING:
    from _typeshed import SupportsRead

_BLOCK = 1 << 20
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
_STEP, _PACKED_STEP = 1 << 16, 1 << 13  # bytes; what is lost in front of damaged data
_MBOXRD = b"From mboxrd@z "
_GIT = re.compile(rb"From [0-9a-f]{7,64} Mon Sep 17 00:00:00 2001\s*$")
_DATED = re.compile(rb"From \S.*\d\d:\d\d(?::\d\d)?\b.*\b\d{4}\b|From \S+\s+\w{3} \w{3} +\d")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
_KNOWN = ("from", "received", "date", "message-id", "subject", "to", "return-path", "mime-version")
_KNOWN_FIELDS = tuple(f"\n{name}:".encode() for name in _KNOWN)
_KNOWN_FIRST = re.compile(f"(?:{'|'.join(_KNOWN)}):".encode(), re.IGNORECASE)


def split_mbox(data: bytes) -> list[bytes]:
    """The raw mails in ``data``, in order, unescaped; data without a ``From `` line at its start is one mail."""
    return list(iter_mbox(BytesIO(data)))


def iter_mbox(stream: SupportsRead[bytes]) -> Iterator[bytes]:
    """The raw mails of a binary stream of any length, one at a time.

    Memory stays below a few times ``limits.MAX_MAIL_BYTES``: a longer mail is cut there (``decode`` then reports it).
    """
    for _, _, raw in iter_placed(stream):
        yield raw


def iter_placed(stream: SupportsRead[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """As ``iter_mbox``: (where the mail begins in the stream, from 0; how many bytes it is there; the mail)."""
    reader = _Reader(stream)
    first = reader.first_line()
    if not first.startswith(b"From "):
        rest = reader.take_all(limits.MAX_MAIL_BYTES + 1)
        if rest.strip():
            yield 0, len(rest), rest
        return
    dialect = _Dialect(first)
    reader.skip(len(first))
    for offset, raw in reader.pieces(dialect):
        yield offset, len(raw), dialect.clean(raw)


class Placed:
    """The mails of an mbox that is not packed once more, by their places that ``iter_placed`` gave."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: bytes | None = None

    def read(self, offset: int, length: int) -> bytes:
        """What stands there now. Raises OSError."""
        with self._path.open("rb", buffering=0) as stream:
            if self._first is None:
                self._first = stream.read(limits.MAX_HEADER_BYTES).partition(b"\n")[0] + b"\n"
            stream.seek(offset)
            raw = stream.read(length)
        return _Dialect(self._first).clean(raw) if self._first.startswith(b"From ") else raw


class _Dialect:
    """Which ``From `` lines of this mailbox separate mails, and whether ``>From `` is escaped."""

    def __init__(self, first: bytes) -> None:
        self._strict = first.startswith(_MBOXRD)
        self._git = _GIT.match(first) is not None

    def separates(self, line: bytes, before: bytes, after: bytes) -> bool:
        """Whether ``line`` separates; ``before`` are the bytes in front of it, ``after`` those that follow."""
        if line.startswith(_MBOXRD):
            return True
        if not before.endswith((b"\n\n", b"\n\r\n")):
            return False
        if _GIT.match(line):
            # in a mailbox that does not escape, this is how an attached or pasted patch begins
            return self._strict or self._git
        return len(line) < 500 and _DATED.match(line) is not None and _HEADER_FIELD.match(after) is not None

    def clean(self, raw: bytes) -> bytes:
        """The mail without the blank line that the mailbox put behind it, and unescaped."""
        raw = raw.removesuffix(b"\n") if raw.endswith(b"\n\n") else raw
        return raw if self._git or b">From" not in raw else _ESCAPED.sub(rb"\1", raw)


class _Reader:
    """A window over the stream that is cut at separators."""

    def __init__(self, stream: SupportsRead[bytes]) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._dropped = 0  # bytes of the stream in front of the buffer
        self._ended = False

    def _fill(self) -> bool:
        block = self._stream.read(_BLOCK)
        self._ended = not block
        self._buffer += block
        return bool(block)

    def first_line(self) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < limits.MAX_HEADER_BYTES and self._fill():
            pass
        return bytes(self._buffer[: self._buffer.find(b"\n") + 1])

    def skip(self, count: int) -> None:
        del self._buffer[:count]
        self._dropped += count

    def take_all(self, most: int) -> bytes:
        while len(self._buffer) < most and self._fill():
            pass
        return bytes(self._buffer[:most])

    def pieces(self, dialect: _Dialect) -> Iterator[tuple[int, bytes]]:
        """The bytes between separators, each cut at the limit of one mail, and where they begin in the stream."""
        start = scanned = 0  # of the mail at hand; up to where it was searched
        cutting = False  # inside a mail that is too long: drop up to the next separator
        while True:
            cut = self._next_cut(dialect, scanned)
            if cut is not None:
                if not cutting:
                    yield self._dropped + start, bytes(self._buffer[start : cut[0]])
                cutting = False
                start = scanned = cut[1]
                continue
            scanned = max(start, self._buffer.rfind(b"\n", start) + 1) if not self._ended else len(self._buffer)
            if self._ended:
                break
            if len(self._buffer) - start > limits.MAX_MAIL_BYTES:
                if not cutting:
                    yield self._dropped + start, bytes(self._buffer[start : start + limits.MAX_MAIL_BYTES + 1])
                cutting = True
                start = max(start, len(self._buffer) - 2 * limits.MAX_HEADER_BYTES)
            start, scanned = self._drop(start, scanned)
            self._fill()
        if not cutting and len(self._buffer) > start:
            yield self._dropped + start, bytes(self._buffer[start:])

    def _drop(self, start: int, scanned: int) -> tuple[int, int]:
        """Forget what lies more than a separator's context before ``start``."""
        keep = max(0, start - 2)
        self.skip(keep)
        # the last lines may be a separator whose following line is not read yet
        return start - keep, max(start, scanned - 2048) - keep

    def _next_cut(self, dialect: _Dialect, position: int) -> tuple[int, int] | None:
        """The next separator at or after ``position`` whose following line is known: (its start, its end)."""
        buffer = self._buffer
        at = max(0, position - 1)  # what stands at the very start is not behind a line end, and no separator
        while (at := buffer.find(b"\nFrom ", at)) >= 0:
            begin = at + 1
            end = buffer.find(b"\n", begin) + 1
            if not end or (not self._ended and buffer.find(b"\n", end) < 0):
                return None
            before = bytes(buffer[max(0, begin - 3) : begin])
            if dialect.separates(bytes(buffer[begin:end]), before, bytes(buffer[end : end + 200])):
                return begin, end
            at = end - 1
        return None


def looks_like_mail(raw: bytes) -> bool:
    """True if ``raw`` begins with header fields of a mail."""
    if _KNOWN_FIRST.match(raw):
        return True
    if _HEADER_FIELD.match(raw) is None:
        return False
    end = raw.find(b"\n\n", 0, limits.MAX_HEADER_BYTES)
    head = raw[: end if end >= 0 else limits.MAX_HEADER_BYTES]
    if b"\r" in head:
        head = head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    low = b"\n" + head.lower()
    return any(name in low for name in _KNOWN_FIELDS)


def read_bytes(data: bytes, name: str) -> list[bytes]:
    """The raw mails of ``data``, which may be packed by gzip or xz; ``name`` is for messages.

    Raises ``MailFormatError`` if it is no mail or mailbox, ``LimitError`` above the limits.
    """
    return _checked(iter_mbox(_unpacked(BytesIO(data), name)), name)


def read_stream(stream: IO[bytes], name: str) -> list[bytes]:
    """As ``read_bytes``, for a stream (standard input) that may be endless."""
    return read_bytes(_bounded(stream, name), name)


def read_file(path: Path) -> list[bytes]:
    """The raw mails of a file (mbox or one mail, also .gz, .xz) or directory (maildir, or ``git format-patch`` files).

    Raises ``NotFoundError``, ``MailFormatError`` and ``LimitError``.
    """
    if path.is_dir():
        return _read_directory(path)
    if not path.exists():
        raise NotFoundError(f"there is no file {path}")
    try:
        with path.open("rb") as stream:
            return _checked(iter_mbox(_unpacked(stream, str(path))), str(path))
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from error


def stream_placed(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """The mails of a file with their places as ``iter_placed`` gives them, in the unpacked bytes of a .gz or .xz.

    Of any length (``limits.MAX_SCAN_BYTES``). Raises ``NotFoundError``, ``LimitError``, and ``MailFormatError`` where
    the file is damaged.
    """
    try:
        with path.open("rb") as stream:
            packed = os.fstat(stream.fileno()).st_size
            most = min(limits.MAX_SCAN_BYTES, 64 * limits.MIB + packed * limits.MAX_PACK_RATIO)
            yield from iter_placed(_unpacked(stream, str(path), most))
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from error


def is_packed(path: Path) -> bool:
    """Whether the file is packed by gzip or xz. Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(len(_XZ)).startswith((_GZIP, _XZ))


def _read_directory(path: Path) -> list[bytes]:
    folders = [path / name for name in ("cur", "new") if (path / name).is_dir()]
    if folders:
        files = [file for folder in folders for file in folder.iterdir() if not file.name.startswith(".")]
    else:
        files = [file for file in path.iterdir() if file.suffix in {".patch", ".eml", ".mail"}]
    files = sorted((file for file in files if file.is_file()), key=lambda file: file.name)
    if not files:
        raise MailFormatError(
            f"{path} is no maildir with mails", hint="a maildir has the folders cur and new; name the mbox file"
        )
    if len(files) > limits.MAX_FILE_MAILS:
        raise LimitError(f"{path} holds {len(files)} mails, more than {limits.MAX_FILE_MAILS}", hint=_SCAN_HINT)
    mails: list[bytes] = []
    total = 0
    for file in files:
        try:
            with file.open("rb") as stream:
                raw = stream.read(limits.MAX_MAIL_BYTES + 1)
        except OSError as error:
            raise NotFoundError(f"{file} cannot be read: {error.strerror or error}") from error
        total += len(raw)
        if total > limits.MAX_FILE_BYTES:
            raise LimitError(f"{path} is larger than {limits.MAX_FILE_BYTES // limits.MIB} MiB", hint=_SCAN_HINT)
        mails += split_mbox(raw) if raw.startswith(b"From ") else [raw]
    return mails


_SCAN_HINT = "use 'abireview scan' for archives"


def _bounded(stream: IO[bytes], name: str) -> bytes:
    data = stream.read(limits.MAX_FILE_BYTES + 1)
    if len(data) > limits.MAX_FILE_BYTES:
        raise LimitError(f"{name} is larger than {limits.MAX_FILE_BYTES // limits.MIB} MiB", hint=_SCAN_HINT)
    return data


def _unpacked(stream: IO[bytes], name: str, most: int | None = None) -> SupportsRead[bytes]:
    """The stream, unpacked if its first bytes are those of gzip or xz, and bounded to ``most`` bytes
    (``limits.MAX_FILE_BYTES``).
    """
    most = most or limits.MAX_FILE_BYTES
    head = stream.read(len(_XZ))
    stream.seek(0)
    if head.startswith(_GZIP):
        import gzip

        return _Guarded(cast("SupportsRead[bytes]", gzip.GzipFile(fileobj=stream)), name, most, _PACKED_STEP)
    if head == _XZ:
        import lzma

        return _Guarded(cast("SupportsRead[bytes]", lzma.LZMAFile(stream)), name, most, _PACKED_STEP)
    return _Guarded(stream, name, most)


class _Guarded:
    """A reader that stops at the limit of a file and turns unpacking errors into sentences."""

    def __init__(self, stream: SupportsRead[bytes], name: str, most: int, step: int = _STEP) -> None:
        self._stream = stream
        self._step = step
        self._name = name
        self._most = most
        self._total = 0
        self._damage: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        block = self._block(size)
        self._total += len(block)
        if self._total > self._most:
            hint = _SCAN_HINT if self._most == limits.MAX_FILE_BYTES else "unpack it to see what is in it"
            raise LimitError(f"{self._name} is larger than {self._most // limits.MIB} MiB unpacked", hint=hint)
        return block

    def _block(self, size: int) -> bytes:
        """Up to ``size`` bytes, in small steps: what stands in front of the damage is still given."""
        import lzma
        import zlib

        block = bytearray()
        try:
            while self._damage is None and len(block) < size and (piece := self._stream.read(min(self._step, size))):
                block += piece
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            self._damage = error
        if self._damage is not None and not block:
            raise MailFormatError(f"{self._name} is damaged: {self._damage}") from self._damage
        return bytes(block)


def _checked(mails: Iterator[bytes], name: str) -> list[bytes]:
    found: list[bytes] = []
    for raw in mails:
        if not found and not looks_like_mail(raw):
            raise MailFormatError(
                f"{name} is no mail, mbox or maildir", hint="save the thread as mbox (t.mbox.gz on lore) and name that"
            )
        found.append(raw)
        if len(found) > limits.MAX_FILE_MAILS:
            raise LimitError(f"{name} holds more than {limits.MAX_FILE_MAILS} mails", hint=_SCAN_HINT)
    if not found:
        raise MailFormatError(f"{name} is empty")
    return found
