# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes to text in whatever charset a mail claims."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

# Text codecs of Python that are no charsets of mails, or that are slow on hostile input (idna, punycode).
_NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"})
# What mails call by the smaller name but write in the larger set (as every mail client reads them).
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "shift_jis": "cp932", "euc_kr": "cp949"}
_STATEFUL = ("iso2022", "hz", "utf-7", "utf-16", "utf-32")
_MULTI_BYTE = (*_STATEFUL, "gb", "big5", "euc_", "shift", "cp93", "cp94", "cp95", "johab")
_NAME = re.compile(r"[A-Za-z0-9_.:+-]{1,40}")


class Text(NamedTuple):
    """Decoded text; ``repaired`` and ``damaged`` are "" or a sentence."""

    text: str
    repaired: str = ""
    damaged: str = ""


def decode_text(data: bytes, charset: str) -> Text:
    """Decode ``data``, which claims to be in ``charset`` ("" for no claim). Never raises.

    Order: a multi-byte charset as claimed; UTF-8 if it is valid (UTF-8 sent under a wrong single-byte name is common,
    the reverse practically impossible); the single-byte charset as claimed; UTF-8 with U+FFFD.
    """
    claim = charset.strip().strip("\"'").lower()
    codec = _codec(claim) if claim else ""
    stateful = codec is not None and codec.startswith(_STATEFUL)
    if data.isascii() and not stateful:
        return Text(
            data.decode("ascii"), "" if codec is not None else f"there is no charset {claim[:40]!r}; it is ASCII"
        )
    try:
        if codec and codec.startswith(_MULTI_BYTE):
            return Text(data.decode(_LARGER.get(codec, codec)))
        text = data.decode("utf-8")
    except (UnicodeError, LookupError, ValueError):
        return _not_utf8(data, claim, codec)
    wrong = codec not in {"utf-8", "ascii", ""}
    return Text(text, f"the charset {claim[:40]!r} is wrong; the text is UTF-8" if wrong else "")


@lru_cache(maxsize=256)
def _codec(name: str) -> str | None:
    """The codec's own name, None if there is no such charset."""
    if not _NAME.fullmatch(name):
        return None
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    # bytes-to-bytes and text-to-text codecs (zip, rot13) are no charsets
    if info.name.replace("-", "_") in _NO_CHARSETS or not getattr(info, "_is_text_encoding", True):
        return None
    return info.name


def _not_utf8(data: bytes, claim: str, codec: str | None) -> Text:
    if codec and codec not in {"utf-8", "ascii"} and not codec.startswith(_MULTI_BYTE):
        return Text(data.decode(_LARGER.get(codec, codec), "replace"))
    said = f"the text is not in the charset {claim[:40]!r} it claims" if claim else "the text names no charset"
    try:
        return Text(data.decode("utf-8"), f"{said}; it is UTF-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    bad = [line for line in text.split("\n") if "\ufffd" in line]
    if any(line[0] in "+-" for line in bad):
        return Text(
            text, "", f"{said}; {len(bad)} lines have characters that cannot be read, some of them changed lines"
        )
    return Text(text, f"{said}; {len(bad)} lines outside of changed lines have characters that cannot be read")
