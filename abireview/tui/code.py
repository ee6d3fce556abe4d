# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours for C in a diff: one line at a time, by pygments, only for lines that are shown."""

from __future__ import annotations

from functools import lru_cache

from abireview import limits

_C_ENDINGS = (".c", ".h", ".S", ".cc", ".cpp", ".lds", ".dts", ".dtsi")

Span = tuple[int, int, str]


def is_code(path: str) -> bool:
    """True for files that are highlighted as C."""
    return path.endswith(_C_ENDINGS)


@lru_cache(maxsize=8192)
def spans(text: str) -> tuple[Span, ...]:
    """(start, end, class) of what is coloured in one line of C; class is keyword, string, comment, number or macro."""
    stripped = text.lstrip()
    if not stripped or len(text) > limits.MAX_HIGHLIGHTED_CHARS:
        return ()
    if stripped.startswith(("* ", "*/", "/*")) or stripped == "*":
        end = text.find("*/")
        if end < 0 or end + 2 >= len(text.rstrip()):
            return ((0, len(text), "comment"),)
    found: list[Span] = []
    if stripped.startswith("#"):
        return _directive(text)
    for start, kind, piece in _lexer().get_tokens_unprocessed(text):
        name = _class(str(kind))
        if name and piece.strip():
            found.append((start, start + len(piece), name))
    return tuple(found)


def _directive(text: str) -> tuple[Span, ...]:
    """A preprocessor line: the word itself, numbers and strings by the lexer of what follows."""
    word = len(text) - len(text.lstrip())
    end = word + 1
    while end < len(text) and (text[end].isalpha() or (text[end].isspace() and text[word + 1 : end].strip() == "")):
        end += 1
    rest = [(start + end, stop + end, name) for start, stop, name in spans(text[end:]) if name != "macro"]
    return ((word, end, "macro"), *rest)


@lru_cache(maxsize=1)
def _lexer():  # type: ignore[no-untyped-def]
    from pygments.lexers.c_cpp import CLexer

    return CLexer(stripnl=False, ensurenl=False)  # type: ignore[no-untyped-call]


def _class(kind: str) -> str:
    kind = kind.removeprefix("Token.")
    if kind.startswith("Comment.Preproc"):
        return "macro"
    for prefix, name in (("Comment", "comment"), ("Keyword", "keyword"), ("Literal.String", "string")):
        if kind.startswith(prefix):
            return name
    if kind.startswith("Literal.Number"):
        return "number"
    return "macro" if kind.startswith(("Name.Builtin", "Name.Constant")) else ""
