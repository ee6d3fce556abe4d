# SPDX-License-Identifier: GPL-2.0-or-later
"""Header fields: unfolding, RFC 2047 words, addresses, message-ids, dates. Nothing here raises on bad input."""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses, mktime_tz, parsedate_tz

from abireview import limits
from abireview.mail.charset import decode_text
from abireview.mail.model import Person

_MSGID = re.compile(r"<\s*([^<>\s]+)\s*>")
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
# One address as nearly all headers have it: "Name" <a@b>, Name <a@b> or a@b. Anything else goes to email.utils.
_ADDRESS = re.compile(
    r'\s*(?:"([^"\\]*)"\s*<([^<>\s,;"]+)>|([^"<>(),;:\\]*)<([^<>\s,;"]+)>|([^"<>(),;:\\\s]+))\s*(?:,|$)'
)
_UNKEPT = ("received", "dkim-", "arc-", "x-spam-", "x-ms-", "x-microsoft-", "x-google-", "x-gm-", "x-received")


class Fields:
    """The fields of a header by lower-case name, unfolded but not decoded, in the order of the mail."""

    def __init__(self, head: str) -> None:
        self.items: list[tuple[str, str]] = []
        for line in _unfold(head):
            match = _FIELD.match(line)
            if match and len(self.items) < limits.MAX_HEADER_LINES:
                self.items.append((match.group(1), match.group(2).strip()))
        self._first: dict[str, str] = {}
        for name, value in self.items:
            self._first.setdefault(name.lower(), value)

    def get(self, name: str) -> str:
        """The first field called ``name`` (lower case), "" if there is none."""
        return self._first.get(name, "")

    def kept(self) -> tuple[tuple[str, str], ...]:
        """Names and decoded values, without those that only say which way the mail came."""
        return tuple((name, decode_words(value)) for name, value in self.items if not name.lower().startswith(_UNKEPT))


def _unfold(head: str) -> list[str]:
    """The lines of a header, continuation lines joined by one blank."""
    joined: list[str] = []
    parts: list[str] = []
    for line in head.split("\n"):
        if line[:1] in (" ", "\t"):
            parts.append(line.strip())
            continue
        if parts:
            joined.append(" ".join(parts))
        parts = [line.rstrip()] if line else []
    if parts:
        joined.append(" ".join(parts))
    return joined


def decode_words(value: str) -> str:
    """``value`` with its RFC 2047 encoded words decoded and white space runs collapsed to a blank."""
    if "=?" in value:
        value = _decoded(value[: limits.MAX_WORDS_CHARS]) + value[limits.MAX_WORDS_CHARS :]
    return " ".join(value.split())


def _decoded(value: str) -> str:
    try:
        parts = decode_header(value)
    except (HeaderParseError, binascii.Error, ValueError, LookupError):
        return value
    text: list[str] = []
    for part, charset in parts:
        if isinstance(part, str):
            text.append(part)
        elif charset is None:
            try:
                text.append(part.decode("raw-unicode-escape"))
            except UnicodeDecodeError:
                text.append(part.decode("latin-1"))
        else:
            text.append(decode_text(part, charset).text)
    return "".join(text)


def addresses(value: str) -> tuple[Person, ...]:
    """The addresses of a From, To or Cc field (undecoded text), names decoded."""
    found: list[Person] = []
    value = " ".join(value.split())
    position = 0
    while position < len(value) and len(found) < limits.MAX_ADDRESSES:
        match = _ADDRESS.match(value, position)
        if not match or match.end() == position:
            return tuple(found) + _odd_addresses(value[position:])[: limits.MAX_ADDRESSES - len(found)]
        quoted, quoted_mail, plain, plain_mail, bare = match.groups()
        name = quoted if quoted_mail else plain
        found.append(Person(decode_words(name or "").strip(" '"), quoted_mail or plain_mail or bare))
        position = match.end()
    return tuple(found)


def _odd_addresses(value: str) -> tuple[Person, ...]:
    """Addresses with comments, groups or escapes. The standard parser is quadratic: it gets a bounded piece."""
    piece = value[: 100 * 64]
    try:
        pairs = getaddresses([piece])
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(Person(decode_words(name), mail) for name, mail in pairs if mail or name)


def author_of(value: str) -> Person:
    """The first address of a From field; a field without any address is taken for a name."""
    people = addresses(value)
    return people[0] if people else Person(decode_words(value), "")


def message_ids(value: str) -> tuple[str, ...]:
    """The message-ids of a field, without brackets, each once, in order."""
    found = (match.group(1) for match in _MSGID.finditer(value))
    return tuple(dict.fromkeys(i for i in found if len(i) <= limits.MAX_MSGID_CHARS))[-limits.MAX_REFERENCES :]


def date_of(value: str) -> int | None:
    """A Date field as seconds since 1970 (UTC), None if it cannot be read."""
    try:
        parsed = parsedate_tz(value[:200])
        seconds = int(mktime_tz(parsed)) if parsed else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # years 1970 to 9999: later code formats dates
    return seconds if seconds is not None and 0 <= seconds < 253_402_300_800 else None
