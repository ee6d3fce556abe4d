# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail that is going to be sent, and the headers of a reply as a mail client would set them.

Header injection is impossible by construction: every header value goes through ``clean_header`` or ``clean_msgid``,
and ``check_headers`` refuses what slipped by (RFC 5322 section 2.2: no CR or LF in a header's value).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import msgspec

from abireview import limits
from abireview.errors import SendError
from abireview.mail.model import Message, Person

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MSGID = re.compile(r"[^\s<>]{1,900}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_RE = re.compile(r"re:", re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")


class Headers(msgspec.Struct, frozen=True):
    """Who a reply goes to and where it hangs in the thread.

    ``left_out`` are recipients of the original that cannot be addressed (no address, or one that needs SMTPUTF8).
    """

    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, complete: ``date`` in seconds since 1970, message-ids without brackets, ``body`` with LF ends.

    ``extra`` are further headers (``X-…``, ``Auto-Submitted``, ``Reply-To``) in their order.
    """

    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    date: int
    msgid: str
    body: str
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses of To and Cc, each once."""
        return tuple(dict.fromkeys(person.email for person in (*self.to, *self.cc)))


def clean_header(text: str) -> str:
    """One line: control characters and runs of white space become one blank."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def valid_address(address: str) -> bool:
    """True for an ASCII ``local@domain`` that needs no quoting (what RFC 5321 servers take without extensions)."""
    return bool(_ADDRESS.fullmatch(address)) and ".." not in address


def clean_msgid(msgid: str) -> str:
    """The message-id without brackets, "" if it could not stand in a header."""
    msgid = msgid.strip().strip("<>")
    return msgid if _MSGID.fullmatch(msgid) and not _CONTROLS.search(msgid) else ""


def reply_subject(subject: str) -> str:
    """``Re: `` and the subject, unchanged but for white space; no second ``Re:``."""
    text = clean_header(subject)[: limits.MAX_REPLY_SUBJECT_CHARS]
    return text if _RE.match(text) else f"Re: {text}".rstrip()


def reply_headers(message: Message, own: Collection[str]) -> Headers:
    """The headers of a reply to all.

    To is the Reply-To address if the author gave one, else the author; everybody else goes to Cc. The author stays
    among the recipients when a list set Reply-To to itself. Addresses in ``own`` are dropped (unless nobody would be
    left), each address appears once. A reply to one's own mail goes to the original To.
    """
    mine = {address.lower() for address in own}
    asked = _reply_to(message)
    listed = {person.email.lower() for person in (*message.to, *message.cc)}
    first: list[Person] = list(asked) or [message.author]
    if asked and all(person.email.lower() in listed for person in asked):
        first.append(message.author)
    if message.author.email.lower() in mine and not asked:
        first = list(message.to)
    left_out: list[str] = []
    seen: set[str] = set()
    to = _pick(first, mine, seen, left_out)
    cc = _pick((*message.to, *message.cc), mine, seen, left_out)
    if not to and cc:
        to, cc = cc[:1], cc[1:]
    if not to and valid_address(message.author.email):
        to = [_clean_person(message.author)]
    msgid = clean_msgid(message.msgid)
    chain = [known for known in map(clean_msgid, message.references) if known and known != msgid]
    if not chain and clean_msgid(message.in_reply_to):
        chain = [clean_msgid(message.in_reply_to)]
    chain = list(dict.fromkeys(chain))
    if len(chain) >= limits.MAX_REPLY_REFERENCES:
        chain = chain[:1] + chain[2 - limits.MAX_REPLY_REFERENCES :]
    return Headers(
        to=tuple(to),
        cc=tuple(cc),
        subject=reply_subject(message.subject),
        in_reply_to=msgid,
        references=tuple(filter(None, (*chain, msgid))),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _reply_to(message: Message) -> list[Person]:
    from email.utils import getaddresses

    values = [clean_header(value) for name, value in message.headers if name.lower() == "reply-to"]
    return [Person(name, address) for name, address in getaddresses(values[:4]) if valid_address(address)]


def _clean_person(person: Person) -> Person:
    return Person(clean_header(person.name), person.email)


def _pick(people: Iterable[Person], mine: set[str], seen: set[str], left_out: list[str]) -> list[Person]:
    out = []
    for person in people:
        key = person.email.lower()
        if not valid_address(person.email):
            left_out.append(clean_header(str(person)))
        elif key not in mine and key not in seen and len(seen) < limits.MAX_RECIPIENTS:
            seen.add(key)
            out.append(_clean_person(person))
    return out


def check_headers(mail: Outgoing) -> None:
    """Raise SendError unless every header of ``mail`` is one clean line and there is a sender and a recipient."""
    if not valid_address(mail.sender.email):
        raise SendError(
            "the sender has no usable mail address", hint="set user.email or sendemail.from in git's config"
        )
    if not mail.recipients:
        raise SendError("the mail has no recipient")
    if len(mail.recipients) > limits.MAX_RECIPIENTS:
        raise SendError(f"the mail has more than {limits.MAX_RECIPIENTS} recipients")
    for person in (*mail.to, *mail.cc):
        if not valid_address(person.email):
            raise SendError(f"'{clean_header(person.email)}' is no mail address")
    if not clean_msgid(mail.msgid) or mail.msgid != clean_msgid(mail.msgid):
        raise SendError("the mail has no valid message-id")
    for msgid in filter(None, (mail.in_reply_to, *mail.references)):
        if msgid != clean_msgid(msgid):
            raise SendError("a message-id of the thread could not stand in a header")
    values = [mail.subject, *(str(person) for person in (mail.sender, *mail.to, *mail.cc))]
    for name, value in mail.extra:
        if not _FIELD.fullmatch(name):
            raise SendError(f"'{clean_header(name)}' is no header name")
        values.append(value)
    if any(_CONTROLS.search(value) for value in values):
        raise SendError("a header contains a control character")
