# SPDX-License-Identifier: GPL-2.0-or-later
"""The file names of diff headers: C-style quoting (git's quote.c), a/ b/ prefixes, time stamps."""

from __future__ import annotations

import re

DEV_NULL = "/dev/null"

_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_SIMPLE = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_GIT_QUOTED = re.compile(r'^diff --git ("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S.*)$')
_GIT_PLAIN = re.compile(r"^diff --git (\S+) (\S+)$")
_TREE_DIR = re.compile(r"^(?:[abciow12]|(?:linux|kernel)(?:[-._][^/]*)?)$")
_LETTER = re.compile(r"^[abciow12]$")


def unquote(name: str) -> str:
    """``name`` without the quotes and escapes that git puts around unusual names (octal bytes are UTF-8)."""
    name = name.strip()
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':
        return name

    def plain(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        if code.isdigit() and len(code) == 3:
            return bytes([int(code, 8) & 0xFF])
        return _SIMPLE.get(code, code)

    return _ESCAPE.sub(plain, name[1:-1].encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


def header_name(line: str) -> str:
    """The name on a ``--- `` or ``+++ `` line, unquoted, without the time stamp, with its prefix."""
    return unquote(line[4:].partition("\t")[0].rstrip("\r"))


def git_names(line: str) -> tuple[str, str]:
    """The two names of a ``diff --git`` line, with prefixes; ("", "") when they cannot be told apart."""
    match = _GIT_PLAIN.match(line) or (_GIT_QUOTED.match(line) if '"' in line else None)
    if match:
        return unquote(match.group(1)), unquote(match.group(2))
    rest = line[len("diff --git ") :]
    middle = len(rest) // 2  # names with blanks: git prints both sides in full, of the same length unless renamed
    if rest[middle : middle + 1] == " " and rest[:middle].partition("/")[2] == rest[middle + 1 :].partition("/")[2]:
        return rest[:middle], rest[middle + 1 :]
    return "", ""


def strip_prefix(old: str, new: str) -> tuple[str | None, str | None]:
    """Both paths inside the tree: ``a/`` ``b/`` (or mnemonic, or ``linux.orig/``) taken off, /dev/null as None."""
    if not old or not new:
        return _one(old), _one(new)
    if DEV_NULL in (old, new):
        return _one(old), _one(new)
    first_old, _, rest_old = old.partition("/")
    first_new, _, rest_new = new.partition("/")
    if not rest_old or not rest_new:
        return old, new
    if (first_old != first_new and rest_old == rest_new) or (_LETTER.match(first_old) and _LETTER.match(first_new)):
        return rest_old, rest_new
    if _TREE_DIR.match(first_old) and _TREE_DIR.match(first_new) and first_old != first_new:
        return rest_old, rest_new
    return old, new


def _one(name: str) -> str | None:
    if not name or name == DEV_NULL:
        return None
    first, _, rest = name.partition("/")
    return rest if rest and _TREE_DIR.match(first) else name
