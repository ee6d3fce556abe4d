# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of a mail: transfer encodings, MIME parts, charsets, line ends. Nothing here raises on bad input."""

from __future__ import annotations

import binascii
import re
from email.errors import MessageError
from email.message import Message as MimeMessage
from email.parser import BytesParser

import msgspec

from abireview import limits
from abireview.mail import flowed
from abireview.mail.charset import decode_text
from abireview.mail.header import Fields

_DIFF = re.compile(
    r"^(?:diff --(?:git|cc|combined) \S|--- \S[^\n]*\n\+\+\+ \S[^\n]*\n@@ -\d|Index: \S+\n=====)", re.MULTILINE
)
_PARAMETER = re.compile(r';\s*([a-z0-9*-]+)\s*=\s*(?:"([^"]*)"|([^;\s"]*))', re.IGNORECASE)
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]*={0,2}\s*\Z")
_BASE64_BLOCK = re.compile(rb"[^=]+=*")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/pre)\b[^<>]{0,200}>\n?", re.IGNORECASE)
_CRS = re.compile(r"(?<!\r)\r+\n")  # linear: a run of CR is tried once
_PATCH_NAME = re.compile(r"\.(?:patch|diff|txt)\d*$", re.IGNORECASE)
_PATCH_TYPES = frozenset({"text/x-patch", "text/x-diff", "text/diff", "application/x-patch", "application/x-diff"})


class Body(msgspec.Struct, frozen=True, gc=False):
    """Decoded text with LF line ends, and what was mended or lost on the way (sentences)."""

    text: str
    repaired: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()


class _Notes:
    def __init__(self) -> None:
        self.repaired: list[str] = []
        self.damaged: list[str] = []

    def add(self, repaired: str, damaged: str = "") -> None:
        if repaired and repaired not in self.repaired:
            self.repaired.append(repaired)
        if damaged and damaged not in self.damaged:
            self.damaged.append(damaged)


def has_diff(text: str) -> bool:
    """True if ``text`` has an unquoted diff (git, combined, or ``---``/``+++``/``@@``)."""
    at = text.find("\ndiff --git ")
    if at >= 0 and text[at + 12 : at + 13].strip():  # as nearly all have it
        return True
    return _DIFF.search(text) is not None


def parameters(value: str) -> dict[str, str]:
    """The parameters of a Content-Type or -Disposition field, names in lower case."""
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(value[:4000])}


def read_body(raw: bytes, body: bytes, fields: Fields) -> Body:
    """The text of the mail ``raw`` whose header is ``fields`` and whose undecoded body is ``body`` (LF line ends)."""
    notes = _Notes()
    content_type = fields.get("content-type")
    kind = _kind(content_type)
    if kind.startswith(("multipart/", "message/")):
        text = _multipart(raw, body, notes)
    elif kind.startswith("text/") or "/" not in kind or has_diff(body.decode("utf-8", "replace")):
        text = _part(body, fields.get("content-transfer-encoding"), content_type, notes)
    else:
        data = _transfer(body, fields.get("content-transfer-encoding"), notes)
        text = _attachment(data, kind, content_type, notes) or ""
        if not text:
            notes.add("", f"the mail is of type {kind[:60]}, which holds no text")
    if "\0" in text:
        notes.add("NUL characters were removed")
        text = text.replace("\0", "")
    # what was taken out, and where parts meet, can make new line ends
    return Body(_lf(text), tuple(notes.repaired), tuple(notes.damaged))


def _kind(content_type: str) -> str:
    return content_type.split(";", 1)[0].strip().lower() or "text/plain"


def _part(data: bytes, encoding: str, content_type: str, notes: _Notes) -> str:
    """One text part, decoded."""
    given = parameters(content_type)
    decoded = decode_text(_transfer(data, encoding, notes), given.get("charset", ""))
    notes.add(decoded.repaired, decoded.damaged)
    text = decoded.text
    if "\r" in text:
        text = _unix_lines(text, notes)
    if given.get("format", "").lower() == "flowed" and has_diff(text):
        text, repaired, damaged = flowed.mend(text, delsp=given.get("delsp", "").lower() == "yes")
        notes.add(repaired, damaged)
    if _kind(content_type) == "text/html":
        text = _without_tags(text)
        notes.add("the mail is HTML only; its tags were removed")
    return text


def _unix_lines(text: str, notes: _Notes) -> str:
    crlf = text.count("\r\n")
    if crlf and crlf == text.count("\n"):
        notes.add("the text had CRLF line ends")
    return _lf(text)


def _lf(text: str) -> str:
    """With LF line ends, however many CR stand before each."""
    text = text.replace("\r\n", "\n")
    return _CRS.sub("\n", text) if "\r\n" in text else text


def _transfer(data: bytes, encoding: str, notes: _Notes) -> bytes:
    """Undo the content transfer encoding (RFC 2045 section 6)."""
    name = encoding.strip().lower()
    if name == "base64":
        return _base64(data, notes)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    if name not in {"", "7bit", "8bit", "binary"}:
        notes.add(f"there is no transfer encoding {name[:40]!r}; the text was taken as it stands")
    return data


def _base64(data: bytes, notes: _Notes) -> bytes:
    """base64, with the plain text that a list server put behind it kept."""
    lines = data.split(b"\n")
    end = next((i for i, line in enumerate(lines) if not _BASE64_LINE.match(line)), len(lines))
    coded = b"".join(line.strip() for line in lines[:end])
    tail = b"\n".join(lines[end:])
    # padding ends a block; a2b_base64 alone would drop what follows
    decoded = b"".join(_block(block, notes) for block in _BASE64_BLOCK.findall(coded))
    if tail.strip():
        if not decoded:
            notes.add("the mail claims to be base64 and is plain text")
            return data
        notes.add("plain text stood behind the base64 text")
        return decoded + b"\n" + tail
    return decoded


def _block(coded: bytes, notes: _Notes) -> bytes:
    try:
        return binascii.a2b_base64(coded)
    except binascii.Error:
        notes.add("", "the base64 text is cut off or damaged")
        coded = coded.rstrip(b"=")
        return binascii.a2b_base64(coded[: len(coded) // 4 * 4])


def _multipart(raw: bytes, body: bytes, notes: _Notes) -> str:
    """The text parts and attached patches of a MIME mail, in order."""
    if raw.lower().count(b"boundary=") > limits.MAX_MIME_NESTING:
        notes.add("", f"the mail has more than {limits.MAX_MIME_NESTING} nested MIME parts; it was read as plain text")
        return decode_text(body, "").text
    if raw.count(b"\n") > limits.MAX_MIME_LINES:
        notes.add("", f"the mail has MIME parts and more than {limits.MAX_MIME_LINES} lines; it was read as plain text")
        return decode_text(body, "").text
    try:
        mime: MimeMessage = BytesParser().parsebytes(raw)  # email.policy, for the same policy, costs a start 7 ms
        if not mime.is_multipart():
            notes.add("the MIME parts have no boundary; the mail was read as plain text")
            return decode_text(body, "").text
        texts = _walk(mime, notes)
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        notes.add("", f"the MIME structure is broken ({type(error).__name__}); it was read as plain text")
        texts = [decode_text(body, "").text]
    if not texts:
        notes.add("", "the mail has no text part")
    return "\n".join(text.removesuffix("\n") for text in texts) + "\n" if texts else ""


def _walk(mime: MimeMessage, notes: _Notes) -> list[str]:
    """The texts of the leaves below ``mime``: plain text and patches; HTML only where there is nothing else."""
    texts: list[str] = []
    html: list[MimeMessage] = []
    stack: list[MimeMessage] = [mime]
    parts = 0
    while stack:
        part = stack.pop()
        parts += 1
        if parts > limits.MAX_MIME_PARTS:
            notes.add("", f"the mail has more than {limits.MAX_MIME_PARTS} MIME parts; the rest was not read")
            break
        payload = part.get_payload()
        if isinstance(payload, list):
            if part.get_content_maintype() == "message" and part is not mime:
                notes.add("a forwarded mail in an attachment was not read")
                continue
            stack.extend(child for child in reversed(payload) if isinstance(child, MimeMessage))
        elif part.get_content_type() == "text/html":
            html.append(part)
        elif text := _leaf(part, str(payload), notes):
            texts.append(text)
    if not texts and html:
        texts = [_leaf(part, str(part.get_payload()), notes) for part in html]
    return texts


def _leaf(part: MimeMessage, payload: str, notes: _Notes) -> str:
    """The text of one leaf, "" for pictures, signatures and the like."""
    data = (
        payload.encode("ascii", "surrogateescape") if payload.isascii() else payload.encode("utf-8", "surrogateescape")
    )
    encoding = str(part.get("content-transfer-encoding", ""))
    content_type = str(part.get("content-type", ""))
    kind = part.get_content_type()
    if kind.startswith("text/") and kind not in {"text/calendar", "text/vcard", "text/x-vcard"}:
        return _part(data, encoding, content_type, notes)
    name = parameters(str(part.get("content-disposition", ""))).get("filename") or parameters(content_type).get(
        "name", ""
    )
    if kind in _PATCH_TYPES or _PATCH_NAME.search(name) or kind == "application/octet-stream":
        return _attachment(_transfer(data, encoding, notes), kind, content_type, notes)
    return ""


def _attachment(data: bytes, kind: str, content_type: str, notes: _Notes) -> str:
    """An attachment that is no text by its type, if it is a diff nevertheless."""
    decoded = decode_text(data, parameters(content_type).get("charset", ""))
    if not has_diff(decoded.text):
        return ""
    notes.add(decoded.repaired or f"a patch was attached as {kind[:60]}", decoded.damaged)
    return _unix_lines(decoded.text, notes)


def _without_tags(text: str) -> str:
    import html

    for name in ("style", "script"):
        text = _without_element(text, name)
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))


def _without_element(text: str, name: str) -> str:
    """``text`` without what stands between ``<name`` and ``</name``."""
    low = text.lower()
    kept: list[str] = []
    at = 0
    while (start := low.find(f"<{name}", at)) >= 0 and (end := low.find(f"</{name}", start)) >= 0:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]]) if len(low) == len(text) else text
