# SPDX-License-Identifier: GPL-2.0-or-later
"""Header fields: unfolding, RFC 2047 words, addresses, message-ids, dates. Nothing here raises on bad input."""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses, mktime_tz, parsedate_tz
from functools import cached_property
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
    """The fields of a header by lower-case name; found, unfolded and decoded when asked for."""

    def __init__(self, head: str) -> None:
        # every field stands behind a newline; a continuation line without anything to continue begins one
        self._head = "\n" + head.lstrip(" \t")
        self._low = self._head.lower()
        # in other cases places in the one are not places in the other, or the limit has to be looked at
        self._plain = len(self._low) == len(self._head) and self._low.count("\n") <= limits.MAX_HEADER_LINES

    @cached_property
    def _items(self) -> list[tuple[str, str]]:
        """Names and values, folded, in the order of the mail."""
        found = islice(_FIELD.finditer(self._head), limits.MAX_HEADER_LINES)
        return [(match[1], match[2]) for match in found]

    def get(self, name: str) -> str:
        """The first field called ``name`` (lower case), "" if there is none."""
        if not self._plain:
            return self._look(name)
        at = self._low.find(f"\n{name}")
        while at >= 0:
            colon = at + 1 + len(name)
            following = self._low[colon : colon + 1]
            if following == ":":
                return _unfold(self._value(colon + 1))
            if following in (" ", "\t", "\n"):  # white space before the colon, which RFC 5322 calls obsolete
                return self._look(name)
            at = self._low.find(f"\n{name}", colon)
        return ""

    def _value(self, start: int) -> str:
        end = self._head.find("\n", start)
        while end >= 0 and self._head[end + 1 : end + 2] in (" ", "\t"):
            end = self._head.find("\n", end + 1)
        return self._head[start:] if end < 0 else self._head[start:end]

    def _look(self, name: str) -> str:
        return _unfold(next((value for field, value in self._items if field.lower() == name), ""))

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
    found = _MSGID.findall(value)
    if len(value) > limits.MAX_MSGID_CHARS:
        found = [i for i in found if len(i) <= limits.MAX_MSGID_CHARS]
    return tuple(dict.fromkeys(found))[-limits.MAX_REFERENCES :]


def date_of(value: str) -> int | None:
    """A Date field as seconds since 1970 (UTC), None if it cannot be read."""
    try:
        parsed = parsedate_tz(value[:200])
        seconds = int(mktime_tz(parsed)) if parsed else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    # years 1970 to 9999: later code formats dates
    return seconds if seconds is not None and 0 <= seconds < 253_402_300_800 else None
