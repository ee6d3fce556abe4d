# SPDX-License-Identifier: GPL-2.0-or-later
"""Macro calls at file scope: ``module_param(x, int, 0444);``, ``EXPORT_SYMBOL_GPL(f);``, ``early_param("x", f)``.

The key is the macro's name, the scope its first argument (what the call is about), the columns are its arguments by
position, the value is the whole call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from abireview.facts.lists import List, Span, is_name
from abireview.facts.model import Fact
from abireview.facts.pieces import Piece, numbered, read
from abireview.facts.tokens import Token
from abireview.source.model import Fragment, Side

_CALL = re.compile(r"^(?:(?:static|extern)\s+)?[A-Za-z_]\w*\s*\(", re.MULTILINE)  # what a call here begins with
_STORAGE = frozenset({"static", "extern"})
_ENDS = frozenset({";", "}", ")"})


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The attribute facts of one side of file-scope text, in the order of its lines."""
    piece = read(fragment, side)
    if not _CALL.search(piece.code) or not piece.tokens:
        return []
    return list(numbered(_facts(piece)))


def _facts(piece: Piece) -> Iterator[Fact]:
    elements = List.of(piece.tokens)
    tokens = elements.tokens
    index = 0
    while index < len(tokens):
        token = tokens[index]
        closer = _call_end(elements, index)
        if closer is not None and _begins_line(piece, tokens, index) and _is_statement(tokens, index, closer):
            arguments = elements.split(Span(index + 2, closer))
            first, last = elements.lines(Span(index, closer + 1))
            columns = [(str(position), elements.text(span)) for position, span in enumerate(arguments)]
            text = elements.text(Span(index, closer + 1))
            about = columns[0][1] if columns else ""
            yield piece.fact("attribute", token.text, first, last, scope=about, value=text, columns=columns)
        if token.text in ("(", "[", "{"):
            index = elements.partner.get(index, index) + 1
        else:
            index = index + 1 if closer is None else closer + 1


def _call_end(elements: List, index: int) -> int | None:
    tokens = elements.tokens
    if index + 1 >= len(tokens) or tokens[index + 1].text != "(" or not is_name(tokens[index].text):
        return None
    return elements.partner.get(index + 1)


def _begins_line(piece: Piece, tokens: list[Token], index: int) -> bool:
    """Whether the name begins a statement at column 0, alone or after ``static``."""
    first = index - 1 if index and tokens[index - 1].text in _STORAGE else index
    if first and tokens[first - 1].text not in _ENDS:
        return False  # a function whose type stands on the line above
    return tokens[first].start >= 0 and piece.column(tokens[first]) == 0


def _is_statement(tokens: list[Token], index: int, closer: int) -> bool:
    """Whether the call is a statement of its own and not the start of a declaration or a function."""
    if closer + 1 >= len(tokens) or tokens[closer + 1].text == ";":
        return True
    following = tokens[closer + 1]
    return following.line > tokens[closer].line and following.text != "{" and tokens[index].text.isupper()
