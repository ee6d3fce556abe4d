# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways a mail leaves: SMTP as git and b4 are set up, a drafts maildir, an mbox, stdout.

A transport either returns (the mail was taken), raises ``NotTaken`` (it certainly was not) or ``MaybeTaken`` (nobody
knows: the connection broke after the mail was handed over and before the answer). The outbox decides what follows.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from abireview.errors import SendError


class NotTaken(SendError):  # noqa: N818  (an outcome)
    """The mail was certainly not taken; it may be handed over again."""


class MaybeTaken(SendError):  # noqa: N818
    """Nobody knows whether the mail was taken; it must not be handed over again before a look-up."""

    default_hint = "'abireview send --resolve' looks it up in the archive"


class Receipt(msgspec.Struct, frozen=True):
    """What the taker said: ``answer`` for a person, ``refused`` the recipients it would not take."""

    answer: str
    refused: tuple[str, ...] = ()


class Transport(Protocol):
    """Takes finished mails."""

    @property
    def name(self) -> str:
        """What the outbox notes down: "smtp", "maildir", …"""

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        """Hand over ``raw`` (LF line ends). Raises NotTaken or MaybeTaken."""

    def look_up(self, msgid: str) -> bool | None:
        """True if the mail with this message-id is there, False if it is not, None if this cannot be known."""


def slug(msgid: str) -> str:
    """A file name for a message-id: 32 hex digits of its SHA-256, never the id itself."""
    return hashlib.sha256(msgid.encode("utf-8", "replace")).hexdigest()[:32]


class SmtpTransport:
    """The person's own git/b4 sendemail set-up (``sendemail.*`` in git's config), through b4."""

    name = "smtp"

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        from abireview.lore import b4mail

        return b4mail.hand_over(raw, recipients)

    def look_up(self, msgid: str) -> bool | None:
        return None


class MaildirTransport:
    """A drafts maildir for mutt or aerc: each mail is a file flagged as draft. The maildir is made if needed."""

    name = "maildir"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        target = self._folder / "cur" / f"{slug(msgid)}.abireview:2,DS"
        if self.look_up(msgid):
            return Receipt(f"was already in {self._folder}")
        temporary = self._folder / "tmp" / f"{slug(msgid)}.{os.getpid()}"
        try:
            for name in ("tmp", "new", "cur"):
                (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            with temporary.open("wb") as file:
                _write(file, raw)
            temporary.replace(target)
        except OSError as error:
            raise NotTaken(f"the maildir {self._folder} cannot be written: {error.strerror}") from error
        return Receipt(f"saved in {self._folder}")

    def look_up(self, msgid: str) -> bool | None:
        return any(path for part in ("cur", "new") for path in (self._folder / part).glob(f"{slug(msgid)}*"))


class MboxTransport:
    """An mboxrd file that mails are appended to."""

    name = "mbox"

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        if self.look_up(msgid):
            return Receipt(f"was already in {self._path}")
        lines = raw.rstrip(b"\n").split(b"\n")
        quoted = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines]
        try:
            with self._path.open("ab") as file:  # one write: a reader or a crash sees all of it or nothing
                _write(file, b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + b"\n".join(quoted) + b"\n\n")
        except OSError as error:
            raise NotTaken(f"{self._path} cannot be written: {error.strerror}") from error
        return Receipt(f"appended to {self._path}")

    def look_up(self, msgid: str) -> bool | None:
        wanted = b"message-id: <" + msgid.encode().lower() + b">"
        try:
            with self._path.open("rb") as file:
                return any(line.strip().lower() == wanted for line in file)
        except OSError:
            return False


class StreamTransport:
    """A stream, for ``--stdout``: the mails one after another as mboxrd."""

    name = "stdout"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        try:
            self._stream.write(raw)
            self._stream.flush()
        except BrokenPipeError as error:
            raise MaybeTaken("the reader of stdout went away") from error
        except OSError as error:
            raise NotTaken(f"stdout cannot be written: {error.strerror}") from error
        return Receipt("written to stdout")

    def look_up(self, msgid: str) -> bool | None:
        return None


def _write(file: BinaryIO, data: bytes) -> None:
    """All of ``data`` in one write, on disk."""
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
