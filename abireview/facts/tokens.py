# SPDX-License-Identifier: GPL-2.0-or-later
"""A quick tokenizer of C: for comparing code by what it says, not by how it is set.

It needs no whole file: a comment whose opening was cut off ends at its ``*/``, one whose end was cut off runs to the
end of the text, and a string that is not closed ends with its line. One pass of one regular expression without nested
repetition, so the cost is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from abireview.facts.lex import join

_SKIP = r"\s+|\\\r?\n|//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z)"
_WORD = r"[A-Za-z_$]\w*"
_NUMBER = r"\.?\d[\w.]*"
_STRING = r'"(?:[^"\\\n]|\\.)*"?'
_CHARACTER = r"'(?:[^'\\\n]|\\.){1,8}'"
_OPERATOR = (
    r"\*/(?!\*)|\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|##|[^\w\s]"
    r"|\w"  # a letter outside ASCII
)
_PATTERN = re.compile(f"(?:{_SKIP})|({_WORD}|{_NUMBER}|{_STRING}|{_CHARACTER}|{_OPERATOR})", re.DOTALL)
_COMMENT_OR_TOKEN = re.compile(rf"(//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))|{_STRING}|{_CHARACTER}|\*/(?!\*)", re.DOTALL)
_COMMENT_BODY = re.compile(r"[ \t]+\*(?=\s|/|$)")
_CACHED = 1 << 15  # normalised texts kept: rows and statements of a series repeat from patch to patch
_CACHED_CHARS = 2_000  # of a text that is kept; longer ones are data, and would make the process grow


class Token(msgspec.Struct, frozen=True, gc=False):
    """A token and where it stands: ``start`` and ``end`` are offsets into the text, ``line`` counts from 0."""

    text: str
    start: int
    end: int
    line: int


def normalise(text: str) -> str:
    """C without comments and line breaks, its blanks set as :func:`abireview.facts.lex.join` sets them.

    ``foo ( a,b )`` and ``foo(a, b)`` both give ``foo(a, b)``, ``~(A|B)`` gives ``~(A | B)``; adjacent strings stay
    apart (``"a" "b"``). All facts use this form, so that a rule's pattern need not care what a fact was read from.
    """
    return _normalise(text) if len(text) <= _CACHED_CHARS else join(words(text))


@lru_cache(maxsize=_CACHED)
def _normalise(text: str) -> str:
    return join(words(text))


def words(text: str) -> list[str]:
    """The tokens' texts, comments left out; what stands before an unopened ``*/`` is comment too."""
    found = [token for token in _PATTERN.findall(text) if token]
    if "*/" in found:
        found = found[len(found) - found[::-1].index("*/") :]
    return found


def tokenise(text: str) -> Iterator[Token]:
    """The tokens of ``text`` in order with their places; comments are left out as in :func:`words`."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found = []
    line, last = 0, len(starts) - 1
    for match in _PATTERN.finditer(text):
        word = match[1]
        if word:
            start, end = match.span(1)
            while line < last and starts[line + 1] <= start:
                line += 1
            found.append(Token(word, start, end, line))
    for index in range(len(found) - 1, -1, -1):
        if found[index].text == "*/":
            found = found[index + 1 :]
            break
    return iter(found)


def blank_comments(text: str) -> str:
    """``text`` with each comment replaced by blanks; every other character and every newline keeps its place.

    A comment cut off at the start of the text (lines that begin with ``*``, or an unopened ``*/``) counts as comment.
    """
    if "*" not in text and "//" not in text:
        return text
    text = _blank_head(text)
    if "/*" not in text and "//" not in text:
        return text
    return _COMMENT_OR_TOKEN.sub(lambda match: _blank(match[0]) if match[1] else match[0], text)


def _blank_head(text: str) -> str:
    end = 0
    while match := _COMMENT_BODY.match(text, end):
        newline = text.find("\n", match.end() - 1)
        close = text.find("*/", end, newline if newline >= 0 else len(text))
        if close >= 0:
            return _blank(text[: close + 2]) + text[close + 2 :]
        if newline < 0:
            return _blank(text)
        end = newline + 1
    head = 0
    for match in _COMMENT_OR_TOKEN.finditer(text) if "*/" in text else ():
        if match[0] == "*/":
            head = match.end()
            break
        if match[1]:
            break
    head = max(head, end)
    return _blank(text[:head]) + text[head:] if head else text


def _blank(text: str) -> str:
    return "\n".join([" " * len(line) for line in text.split("\n")])
