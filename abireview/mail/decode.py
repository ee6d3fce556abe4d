# SPDX-License-Identifier: GPL-2.0-or-later
"""One raw mail to a ``Message``, decoded once. Nothing here raises, whatever the bytes are."""

from __future__ import annotations

import hashlib
import re

import msgspec

from abireview import limits
from abireview.mail.body import read_body
from abireview.mail.charset import decode_text
from abireview.mail.header import Fields, addresses, author_of, date_of, decode_words, message_ids
from abireview.mail.model import Message, Person


class Head(msgspec.Struct, frozen=True, gc=False):
    """What a cache or an index needs of a mail: no body, no addresses but the author's."""

    msgid: str
    subject: str
    author: Person
    date: int | None
    in_reply_to: str
    references: tuple[str, ...]


_HEAD_END = re.compile(rb"\n[ \t]*\n")
_BRACKETED = re.compile(r"<([^<>]+)>")


def decode(raw: bytes, *, head: Head | None = None, addressed: bool = True) -> Message:
    """Decode one mail (RFC 5322 and MIME) from its raw bytes, LF or CRLF, with or without an mbox ``From `` line.

    A mail without Message-ID gets one made from its bytes, ending in ``@no-message-id.invalid``. What had to be mended
    is in ``repaired``, what could not be in ``damaged``. Fields are given in ``headers`` without the trace of the
    transport (Received, DKIM, ARC and spam fields). Without ``addressed`` those, To and Cc are left empty: for who only
    reads the patch, they are a third of the work. ``head`` is what ``decode_head`` gave of the mail, if that is known.
    """
    damaged: list[str] = []
    if len(raw) > limits.MAX_MAIL_BYTES:
        raw = raw[: limits.MAX_MAIL_BYTES]
        damaged.append(f"the mail is larger than {limits.MAX_MAIL_BYTES // limits.MIB} MiB; the rest was not read")
    raw = _plain(raw)
    header, body = _split(raw)
    if len(header) > limits.MAX_HEADER_BYTES:
        damaged.append("the header is too long; the rest of it was not read")
    fields = Fields(decode_text(header[: limits.MAX_HEADER_BYTES], "").text)
    content = read_body(raw, body, fields)
    repaired = list(content.repaired)
    found = head or _head(fields, raw)
    if not _message_id(fields.get("message-id")):
        repaired.append("the mail has no Message-ID; one was made from its bytes")
    return Message(
        msgid=found.msgid,
        subject=found.subject,
        author=found.author,
        date=found.date,
        in_reply_to=found.in_reply_to,
        references=found.references,
        to=addresses(fields.get("to")) if addressed else (),
        cc=addresses(fields.get("cc")) if addressed else (),
        body=content.text,
        list_id=_list_id(fields.get("list-id")),
        repaired=tuple(repaired),
        damaged=(*damaged, *content.damaged),
        headers=fields.kept() if addressed else (),
    )


def decode_head(raw: bytes) -> Head:
    """Only the header of one mail; its message-id is the one that ``decode`` gives."""
    raw = _plain(raw[: limits.MAX_MAIL_BYTES])
    head = raw[: _ends(raw)[0]]
    return _head(Fields(decode_text(head[: limits.MAX_HEADER_BYTES], "").text), raw)


def _head(fields: Fields, raw: bytes) -> Head:
    msgid = _message_id(fields.get("message-id"))
    if not msgid:
        msgid = f"{hashlib.sha256(raw).hexdigest()[:24]}@no-message-id.invalid"
    references = message_ids(fields.get("references"))
    parents = [i for i in message_ids(fields.get("in-reply-to")) if i != msgid]
    return Head(
        msgid=msgid,
        subject=decode_words(fields.get("subject"))[: limits.MAX_SUBJECT_CHARS],
        author=author_of(fields.get("from")),
        date=date_of(fields.get("date")),
        in_reply_to=parents[0] if parents else (references[-1] if references else ""),
        references=references,
    )


def _plain(raw: bytes) -> bytes:
    """Without the mailbox's ``From `` line, with LF line ends."""
    if raw.startswith((b"From ", b">From ")):
        raw = raw[raw.find(b"\n") + 1 :]
    if raw.find(b"\r", 0, limits.MAX_HEADER_BYTES) < 0:  # looking for one byte is quicker
        return raw
    return raw.replace(b"\r\n", b"\n") if raw.find(b"\r\n", 0, limits.MAX_HEADER_BYTES) >= 0 else raw


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """Header and body at the first blank line."""
    end, start = _ends(raw)
    return raw[:end], raw[start:]


def _ends(raw: bytes) -> tuple[int, int]:
    """Where the header ends and the body begins."""
    if raw.startswith(b"\n"):
        return 0, 1
    match = _HEAD_END.search(raw)
    return match.span() if match else (len(raw), len(raw))


def _message_id(value: str) -> str:
    found = message_ids(value)
    if found:
        return found[0]
    bare = value.strip(" <>")
    return bare if bare and " " not in bare and len(bare) <= limits.MAX_MSGID_CHARS else ""


def _list_id(value: str) -> str:
    match = _BRACKETED.search(value)
    return match.group(1).strip() if match else value.strip()
