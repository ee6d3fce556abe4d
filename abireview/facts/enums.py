# SPDX-License-Identifier: GPL-2.0-or-later
"""Enumerators, with the values that C gives them.

A fact's scope is the enum's tag, its value the normalised expression ("" for an implicit value), its number the
computed value where it can be known. Columns: ``index`` (the place in the enum, from 0) when the enum's start is in
the fragment, and ``after`` (the enumerator before it) when an implicit value cannot be computed; the values after
one that is not known are not known either. A macro that makes an enumerator (``MARKER(x)``) is one with the key of its
first argument and the value of the whole call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from abireview.facts.constants import evaluate
from abireview.facts.lists import List, Span, brackets, is_name
from abireview.facts.model import Fact
from abireview.facts.pieces import Piece, numbered, read
from abireview.facts.tokens import Token
from abireview.source.model import Fragment, Side


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The enumerator facts of one side of an enum, or of the enums among file-scope text, in the order of its lines."""
    piece = read(fragment, side)
    if not piece.lines or (fragment.kind != "enum" and "enum" not in piece.code) or not piece.tokens:
        return []
    return list(numbered(_facts(piece)))


def _facts(piece: Piece) -> Iterator[Fact]:
    tokens = piece.tokens
    found = brackets(tokens)
    opened = False
    index = 0
    while index < len(tokens):
        if tokens[index].text == "enum":
            tag = index + 1
            while tag < len(tokens) and tag < index + 4 and is_name(tokens[tag].text):
                tag += 1
            if tag < len(tokens) and tokens[tag].text == "{":
                opened = True
                stop = found.partner.get(tag, len(tokens))
                name = piece.name if piece.kind == "enum" else _tag(tokens[index + 1 : tag])
                yield from _enumerators(piece, name, tokens[tag + 1 : stop], from_start=True)
                index = stop
        index += 1
    if opened or piece.kind != "enum":
        return
    header = piece.header.rstrip()
    opening = 1 if tokens[0].text == "{" else 0
    stop = found.partner.get(0, len(tokens)) if opening else found.closers[0] if found.closers else len(tokens)
    # a header alone does not say that nothing stands between it and the fragment
    yield from _enumerators(piece, piece.name, tokens[opening:stop], from_start=bool(opening and header))


def _tag(tokens: Sequence[Token]) -> str:
    return tokens[-1].text if tokens else ""


def _enumerators(piece: Piece, scope: str, tokens: Sequence[Token], *, from_start: bool) -> Iterator[Fact]:
    elements = List.of(tokens)
    known: dict[str, int] = {}
    following: int | None = 0 if from_start else None
    before = ""
    for index, span in enumerate(elements.split()):
        name, expression = _enumerator(elements, span)
        if not name:
            continue
        number = following
        if expression:
            number = evaluate(expression, known)
        columns = [("index", str(index))] if from_start else []
        if number is None and not expression and before:
            columns.append(("after", before))
        first, last = elements.lines(span)
        yield piece.fact("enumerator", name, first, last, scope=scope, value=expression, columns=columns, number=number)
        before = name
        following = None if number is None else number + 1
        if number is not None:
            known[name] = number


def _enumerator(elements: List, span: Span) -> tuple[str, str]:
    """The name and the expression ("" if none); no name for what is the rest of a cut-off expression."""
    tokens = elements.tokens
    if tokens[span.start].start < 0 or not is_name(tokens[span.start].text):
        return "", ""
    if span.stop - span.start == 1:
        return tokens[span.start].text, ""
    if tokens[span.start + 1].text == "=":
        return tokens[span.start].text, elements.text(Span(span.start + 2, span.stop))
    call = elements.call(span)
    if call is not None:
        arguments = elements.split(call[1])
        return elements.text(arguments[0]) if arguments else call[0], elements.text(span)
    equals = next((index for index in elements.top(span) if tokens[index].text == "="), None)
    if equals is not None:  # an attribute stands before the "="
        return tokens[span.start].text, elements.text(Span(equals + 1, span.stop))
    return tokens[span.start].text, ""
