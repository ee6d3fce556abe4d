# SPDX-License-Identifier: GPL-2.0-or-later
"""A line-aware C lexer for pieces of functions: it never fails, whatever is cut off at either end.

tree-sitter reads whole scopes; a hunk of a function is often neither a statement list nor balanced, and three quarters
of such pieces give it error nodes. Tokens and indentation are enough to tell statements and what dominates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

_CACHED = 1 << 15  # lines and joined texts kept: both sides of a hunk and all versions of a series repeat them
_CACHED_CHARS = 160  # of a line or text that is kept; longer ones are data, and rarely the same


class Token(msgspec.Struct, frozen=True, gc=False):
    """One token: its text, the line it starts on (from 0), and whether it is a name."""

    text: str
    line: int
    name: bool


class Directive(NamedTuple):
    """A preprocessor line inside a function: ``word`` is ``if``, ``else``, ``endif``, …, ``rest`` its argument."""

    word: str
    rest: str
    line: int


TOKEN = re.compile(  # a name, a number, a string, a mark; without groups, so that findall() gives texts
    r"""[A-Za-z_]\w*
      | \.?\d(?:[eEpP][+-]|[\w.])*
      | "(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?
      | \.\.\.|->|\+\+|--|<<=|>>=|<<|>>|[-+*/%&|^!=<>]=|&&|\|\||\#\#|[^ \t\f\v\r\n\\]""",
    re.VERBOSE,
)
NAME_START = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
COMMENT_START = re.compile(r"/\*|//|\"|'")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?')
DIRECTIVE = re.compile(r"^\s*#\s*(\w*)\s*(.*)")


def strip_comments(lines: Iterable[str]) -> list[str]:
    """The lines without comments, one for one.

    A piece that begins inside a block comment is recognised by a line that starts with ``*`` (kernel style) before any
    comment was opened.
    """
    out: list[str] = []
    inside = False
    for raw in lines:
        if not inside and "/" not in raw and "*" not in raw:
            out.append(raw)
            continue
        line = raw
        if inside or ("*" in line and _continues_comment(line, out)):
            end = line.find("*/")
            inside = end < 0
            if inside:
                out.append("")
                continue
            line = line[end + 2 :]
        line, inside = _strip_line(line)
        out.append(line)
    return out


def _continues_comment(line: str, before: list[str]) -> bool:
    text = line.lstrip()
    if not text.startswith("*") or text[1:2] not in ("", " ", "/", "\t"):
        return False
    return all(not earlier.strip() for earlier in before)


def _strip_line(line: str) -> tuple[str, bool]:
    if "/" not in line:
        return line, False
    kept: list[str] = []
    at = 0
    while (found := COMMENT_START.search(line, at)) is not None:
        start = found.start()
        if found.group() in "\"'":
            end = STRING.match(line, start)
            stop = end.end() if end else len(line)
            kept.append(line[at:stop])
            at = stop
            continue
        kept.append(line[at:start])
        if found.group() == "//":
            return "".join(kept), False
        close = line.find("*/", start + 2)
        if close < 0:
            return "".join(kept), True
        kept.append(" ")
        at = close + 2
    kept.append(line[at:])
    return "".join(kept), False


def without_directives(lines: Sequence[str]) -> tuple[list[str], list[Directive]]:
    """LINES (comments already out) with the preprocessor's emptied, and what those are.

    A directive's continuation lines belong to it.
    """
    code = list(lines)
    directives: list[Directive] = []
    if "#" not in "\n".join(code):
        return code, directives
    continued = False
    for number, line in enumerate(code):
        if not continued and "#" not in line:
            continue
        start = line.lstrip()
        if continued or (start.startswith("#") and not start.startswith("##")):
            if not continued and (found := DIRECTIVE.match(line)):
                directives.append(Directive(found.group(1), found.group(2).rstrip("\\ \t"), number))
            continued = line.rstrip().endswith("\\")
            code[number] = ""
    return code, directives


def lex(lines: Iterable[str]) -> list[Token]:
    """The tokens of LINES (comments and preprocessor lines already out)."""
    return [Token(text, number, name) for number, line in enumerate(lines) for text, name in pieces_of(line)]


Pieces = tuple[tuple[str, bool], ...]


def pieces_of(line: str) -> Pieces:
    """The tokens of one line without comments, each with whether it is a name."""
    return _line(line) if len(line) <= _CACHED_CHARS else _pieces(line)


def _pieces(line: str) -> Pieces:
    return tuple([(text, text[0] in NAME_START) for text in TOKEN.findall(line)])


_line = lru_cache(maxsize=_CACHED)(_pieces)


_OPEN = frozenset({"(", "[", "->", ".", "!", "~", "##"})
_CLOSE = frozenset({")", "]", ",", ";", "->", ".", "[", "++", "--", "##"})
_UNARY = frozenset({"-", "+", "*", "&"})
_WORDS_BEFORE_PAREN = frozenset({"if", "for", "while", "switch", "return", "case", "do", "else"})


def join(texts: Iterable[str]) -> str:
    """Tokens as one normalised line: blanks only around binary operators and where two words would run together."""
    texts = tuple(texts)
    return _joined(texts) if sum(map(len, texts)) <= _CACHED_CHARS else _join(texts)


def joined(tokens: Sequence[Token]) -> str:
    """The texts of TOKENS as ``join`` sets them."""
    if len(tokens) == 1:
        return tokens[0].text
    return join([token.text for token in tokens])


def _join(texts: tuple[str, ...]) -> str:
    out: list[str] = []
    last = ""
    unary = False
    for text in texts:
        if last and ((not unary and _needs_blank(last, text)) or (last in _GLUED and _runs_together(last, text))):
            out.append(" ")
        out.append(text)
        unary = text in _UNARY and (not last or not _ends_operand(last))
        last = text
    return "".join(out)


_joined = lru_cache(maxsize=_CACHED)(_join)
_GLUED = frozenset("-+&|<>=!*/%^#.")  # marks that another mark may follow as one token


def _runs_together(last: str, text: str) -> bool:
    """Whether the two would be read as other tokens without a blank between them."""
    found = TOKEN.match(last + text[:2])
    return found is not None and found.end() > len(last)


def _ends_operand(text: str) -> bool:
    return text in (")", "]") or (_is_word(text[-1]) and text not in _WORDS_BEFORE_PAREN)


def _is_word(char: str) -> bool:
    return char.isalnum() or char in "_\"'"


def _needs_blank(last: str, text: str) -> bool:
    if last in _OPEN or text in _CLOSE:
        return False
    if text == "(":
        return not _ends_operand(last)
    return True
