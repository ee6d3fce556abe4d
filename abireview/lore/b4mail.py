# SPDX-License-Identifier: GPL-2.0-or-later
"""b4's door for mail that goes out; with b4door the only module that imports b4.

What is b4's here: the sender's identity and signature, message-ids, what b4 takes for a trailer, the bytes of a mail
(header folding, RFC 2047), and the connection that ``sendemail.*`` of git's config describes. Not b4's:
``b4.send_mail`` counts refused recipients and a sendmail killed by a signal as sent, so the hand-over itself is done
here on b4's connection.
"""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import socket
import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache
from types import ModuleType
from typing import Any

from abireview import __version__
from abireview.errors import SendError
from abireview.mail.model import Person
from abireview.reply.mail import Outgoing, check_headers, clean_header, clean_msgid
from abireview.reply.template import mail_date
from abireview.reply.transport import MaybeTaken, NotTaken, Receipt

SMTP_TIMEOUT = 60.0  # seconds a server may stay silent; RFC 5321 4.5.3.2 has minutes, a person waits here
SENDMAIL_TIMEOUT = 120.0  # seconds for a local sendmail command

_lock = threading.RLock()


@cache
def _b4() -> ModuleType:
    """b4, set up from git's configuration once a process. Raises SendError where git is missing."""
    import argparse

    import b4

    logging.getLogger("b4").addHandler(logging.NullHandler())
    logging.getLogger("b4").propagate = False
    try:
        b4.setup_config(argparse.Namespace(config={}))
    except FileNotFoundError as error:
        raise SendError("git is not installed", hint="b4 reads the mail set-up from git's configuration") from error
    return b4  # type: ignore[no-any-return]


def identity() -> Person:
    """Who mails are from: sendemail.from, else user.name and user.email. Raises SendError if neither is set."""
    b4 = _b4()
    name, address = b4.get_mailfrom()
    if not address or address == "None":
        raise SendError("git does not know your mail address", hint="git config --global user.email you@example.org")
    return Person(clean_header(name), address)


def own_addresses() -> tuple[str, ...]:
    """The person's own addresses, lower case: the sender's, user.email, and the envelope sender."""
    b4 = _b4()
    config = b4.get_sendemail_config()
    found = [identity().email, str(b4.get_user_config().get("email") or "")]
    found += [parseaddr(str(config.get(key) or ""))[1] for key in ("from", "envelopesender")]
    return tuple(dict.fromkeys(address.lower() for address in found if "@" in address))


def signature() -> str:
    """The person's mail signature (``~/.signature``, else name and address). Raises SendError without an identity."""
    me = identity()
    try:
        return str(_b4().get_email_signature()).strip("\n")
    except (KeyError, OSError, UnicodeDecodeError):  # user.* is not set, or the file cannot be read
        return str(me)


def new_msgid() -> str:
    """A fresh message-id, by ``b4.custom-msgid-cmd`` if that is set."""
    msgid = clean_msgid(_b4().make_msgid(idstring="abireview", allow_custom_msgid_cmd=True))
    if not msgid:
        raise SendError("b4.custom-msgid-cmd printed no message-id", hint="correct it, or unset it")
    return msgid


def find_trailers(body: str) -> list[str]:
    """The lines of a reply that b4 would collect as trailers, as ``Name: value``."""
    found, _ = _b4().LoreMessage.find_trailers(body, followup=True)
    return [f"{trailer.name}: {trailer.value}" for trailer in found]


def to_bytes(mail: Outgoing) -> bytes:
    """The mail as it goes out, LF line ends: headers folded and encoded by b4, the body as UTF-8.

    Raises SendError for a header that could not stand in a mail (see ``check_headers``).
    """
    check_headers(mail)
    b4 = _b4()
    try:
        text = mail.body.rstrip("\n").encode("utf-8")  # b4 ends the last line
    except UnicodeEncodeError as error:
        raise SendError("the text has a character that UTF-8 cannot encode") from error
    message = EmailMessage()
    message["Subject"] = mail.subject
    for field, people in (("From", (mail.sender,)), ("To", mail.to), ("Cc", mail.cc)):
        if people:
            message[field] = b4.format_addrs([(person.name, person.email) for person in people], clean=False)
    if mail.in_reply_to:
        message["In-Reply-To"] = f"<{mail.in_reply_to}>"
    if mail.references:
        message["References"] = " ".join(f"<{msgid}>" for msgid in mail.references)
    message["Date"] = mail_date(mail.date)
    message["Message-Id"] = f"<{mail.msgid}>"
    for name, value in mail.extra:
        message[name] = value
    message["X-Mailer"] = f"abireview {__version__}"
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = 'text/plain; charset="utf-8"'
    message["Content-Transfer-Encoding"] = "7bit" if text.isascii() else "8bit"
    message.set_payload(text.decode("ascii", "surrogateescape"))
    return bytes(b4.LoreMessage.get_msg_as_bytes(message, nl="\n", headers="encode"))


def describe_setup() -> str:
    """Where mail would go, for the preview: "smtp.example.org:587 (tls)" or the local command."""
    b4 = _b4()
    command = b4.get_sendemail_localcmd()
    if command:
        signed = ", signed with patatt.signingkey" if _signing() else ""
        return f"the command '{clean_header(str(command))}'{signed}"
    config = b4.get_sendemail_config()
    server = clean_header(str(config.get("smtpserver", "localhost")))
    port = clean_header(str(config.get("smtpserverport", "") or ""))
    kind = clean_header(str(config.get("smtpencryption", "") or "no encryption"))
    signed = ", signed with patatt.signingkey" if _signing() else ""
    return f"{server}{':' + port if port else ''} ({kind}){signed}"


def hand_over(raw: bytes, recipients: tuple[str, ...]) -> Receipt:
    """Hand ``raw`` (LF line ends) over to the configured server or sendmail command, once.

    Raises NotTaken if the mail was certainly refused or never offered, MaybeTaken if the connection broke between
    the mail's last byte and the answer. A mail is signed before anything is connected.
    """
    with _lock:
        raw = sign(raw)
        connection, sender = _connect()
    if isinstance(connection, list):
        return _by_command(connection, raw, recipients)
    return _by_smtp(connection, sender, raw, recipients)


def _signing() -> dict[str, Any] | None:
    """patatt's settings if ``patatt.signingkey`` is set and ``b4.review-no-patatt-sign`` does not say no, as b4 review
    has it. A ``user.signingkey`` alone does not count: gpg could ask for a passphrase on the terminal that is drawn on.
    """
    b4 = _b4()
    no = str(b4.get_main_config().get("review-no-patatt-sign") or "").lower()
    config: dict[str, Any] = b4.patatt.get_config_from_git(r"patatt\..*")
    return config if config.get("signingkey") and no not in ("yes", "true", "y") else None


def sign(raw: bytes) -> bytes:
    """The mail with patatt's X-Developer-Signature if the person has set that up, else as it is.

    Raises NotTaken if it is set up and does not work: who signs wants no mail without a signature.
    """
    config = _signing()
    if config is None:
        return raw
    patatt = _b4().patatt
    try:
        patatt.set_bin_paths(config)
        return bytes(patatt.rfc2822_sign(raw, config))
    except (patatt.Error, OSError, ValueError, RuntimeError, ModuleNotFoundError) as error:
        raise NotTaken(
            f"the mail could not be signed: {_reason(error)}",
            hint="correct patatt.signingkey in git's configuration, or set b4.review-no-patatt-sign to yes",
        ) from error


def _connect() -> tuple[Any, str]:
    b4 = _b4()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SMTP_TIMEOUT)  # b4 0.16 connects without one
    try:
        connection, sender = b4.get_smtp()
    except KeyError as error:
        raise NotTaken("git does not know your mail address", hint="set user.email in git's configuration") from error
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise NotTaken(f"no connection to {describe_setup()}: {_reason(error)}", hint=_HINT) from error
    finally:
        socket.setdefaulttimeout(before)
    return connection, str(sender)


_HINT = "the mail stays in the outbox; check sendemail.* in git's configuration, then 'abireview send'"


def _by_command(command: list[str], raw: bytes, recipients: tuple[str, ...]) -> Receipt:
    try:
        done = subprocess.run(
            [*command, *recipients], input=raw, capture_output=True, timeout=SENDMAIL_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise MaybeTaken(f"{command[0]} did not end within {SENDMAIL_TIMEOUT:.0f} s") from error
    except OSError as error:
        raise NotTaken(f"{command[0]} cannot be run: {error.strerror}", hint=_HINT) from error
    if done.returncode < 0:
        raise MaybeTaken(f"{command[0]} was killed by signal {-done.returncode}")
    if done.returncode:
        text = clean_header(done.stderr.decode("utf-8", "replace"))[:300]
        raise NotTaken(f"{command[0]} ended with {done.returncode}: {text}", hint=_HINT)
    return Receipt(f"taken by {command[0]}")


class _Watch:
    """Knows whether the mail's text was offered: from then on a broken connection leaves its fate open."""

    def __init__(self, connection: smtplib.SMTP) -> None:
        self.offered = False
        self.answer = ""
        self._data = connection.data
        connection.data = self.data  # type: ignore[method-assign,assignment]

    def data(self, message: Any) -> tuple[int, bytes]:
        self.offered = True
        code, answer = self._data(message)
        self.answer = f"{code} {clean_header(answer.decode('utf-8', 'replace'))}"
        return code, answer


def _by_smtp(connection: smtplib.SMTP, sender: str, raw: bytes, recipients: tuple[str, ...]) -> Receipt:
    watch = _Watch(connection)
    data = re.sub(rb"\r\n|\n|\r(?!\n)", b"\r\n", raw)
    with _closing(connection):
        try:
            refused = connection.sendmail(sender, list(recipients), data)
        except smtplib.SMTPDataError as error:
            raise NotTaken(f"the server refused the mail: {_reason(error)}", hint=_HINT) from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
            raise NotTaken(f"the server refused: {_reason(error)}", hint=_HINT) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if watch.offered:
                text = f"the connection broke while the mail was handed over: {_reason(error)}"
                raise MaybeTaken(text) from error
            raise NotTaken(f"the server went away: {_reason(error)}", hint=_HINT) from error
        return Receipt(watch.answer, tuple(sorted(refused)))


@contextlib.contextmanager
def _closing(connection: smtplib.SMTP) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
            connection.quit()
        connection.close()


def _reason(error: BaseException) -> str:
    """The error in one line: what the server said, else what the system said."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = [f"{address}: {code} {_text(answer)}" for address, (code, answer) in sorted(error.recipients.items())]
        return "; ".join(said)[:500]
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"[:500]
    return clean_header(str(error) or type(error).__name__)[:500]


def _text(answer: bytes | str) -> str:
    return clean_header(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)
