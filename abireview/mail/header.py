# SPDX-License-Identifier: GPL-2.0-or-later
"""Header fields: unfolding, RFC 2047 words, addresses, message-ids, dates. Nothing here raises on bad input."""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses, mktime_tz, parsedate_tz
from itertools import islice

from abireview import limits
from abireview.mail.charset import decode_text
from abireview.mail.model import Person

_MSGID = re.compile(r"<\s*([^<>\s]+)\s*>")
# A field with its continuation lines, found where it stands; a line that is no field's is passed over.
_FIELD = re.compile(r"^([!-9;-~]+)(?:[ \t]|\n[ \t])*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
# One address as nearly all headers have it: "Name" <a@b>, Name <a@b> or a@b. Anything else goes to email.utils.
_ADDRESS = re.compile(
    r'\s*(?:"([^"\\]*)"\s*<([^<>\s,;"]+)>|([^"<>(),;:\\]*)<([^<>\s,;"]+)>|([^"<>(),;:\\\s]+))\s*(?:,|$)'
)
_UNKEPT = ("received", "dkim-", "arc-", "x-spam-", "x-ms-", "x-microsoft-", "x-google-", "x-gm-", "x-received")


class Fields:
    """The fields of a header by lower-case name, in the order of the mail; unfolded when asked for, not decoded."""

    def __init__(self, head: str) -> None:
        # a continuation line without anything to continue begins a field
        found = _FIELD.finditer(head.lstrip(" \t"))
        self._items = [match.groups() for match in islice(found, limits.MAX_HEADER_LINES)]
        self._first = {name.lower(): value for name, value in reversed(self._items)}

    def get(self, name: str) -> str:
        """The first field called ``name`` (lower case), "" if there is none."""
        return _unfold(self._first.get(name, ""))

    def kept(self) -> tuple[tuple[str, str], ...]:
        """Names and decoded values, without those that only say which way the mail came."""
        return tuple(
            (name, decode_words(_unfold(value))) for name, value in self._items if not name.lower().startswith(_UNKEPT)
        )


def _unfold(value: str) -> str:
    """A field's value with its continuation lines joined by one blank each."""
    if "\n" not in value:
        return value.strip()
    first, *others = value.split("\n")
    return " ".join([first.rstrip(), *map(str.strip, others)]).strip()


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
