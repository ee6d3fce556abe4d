# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of initialisers: of tables (arrays), of single structs, of scalars.

What a row fact says, for the array ``static const struct desc descs[] = { … };`` (scope ``descs``):

- ``{ DESC(REG_A), access, NULL, .x = f },``: key ``REG_A``, columns ``0`` ``DESC(REG_A)``, ``1`` ``access``, ``2``
  ``NULL``, ``x`` ``f``
- ``WRITABLE(REG_B, ~(X | Y)),``: key ``REG_B``, columns ``0`` ``REG_B``, ``1`` ``~(X | Y)``, ``macro`` ``WRITABLE``
- ``[IDX] = value,``: key ``IDX``, column ``0`` ``value``
- ``[IDX] = { .a = 1, 2 },``: key ``IDX``, columns ``a`` ``1``, ``1`` ``2``
- ``CONSTANT,``: key and column ``0`` ``CONSTANT``

The value is the normalised row. In a single struct's initialiser ``.destroy = f`` is a row ``.destroy`` with the value
and column ``0`` ``f``; an initialiser without braces is one row ``=``. A row that begins with three macro calls or
more (``{ Op1(0), CRn(1), CRm(0), …``) is named by all of them, a call whose first argument is a number by the whole
call. A list of bare constants in a column of several lines gives a row for each constant as well.

A row whose start or end is not in the fragment has a column ``cut`` (``start``, ``end`` or ``both``), the key "" if
its start is missing, and its elements' positions are counted from the cut (``?0``, ``?1``). The second row of one key
is ``KEY#2``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from abireview.facts.lists import Brackets, List, Span, brackets, is_name
from abireview.facts.model import Fact
from abireview.facts.pieces import Piece, numbered, read
from abireview.facts.tokens import Token, tokenise
from abireview.source.model import Fragment, Side

_TAB = 8
_MIN_CALLS_AS_KEY = 3
_CONSTANTS_MIN = 2  # elements of a nested list that make it a list of constants

Column = tuple[str, str]


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The row facts of one side of a table or of file-scope text, in the order of its lines."""
    piece = read(fragment, side)
    if not piece.lines or (piece.kind != "table" and "=" not in piece.code) or not piece.tokens:
        return []
    return list(numbered(_table(piece) if piece.kind == "table" else _variables(piece)))


def _table(piece: Piece) -> Iterator[Fact]:
    tokens = piece.tokens
    found = brackets(tokens)
    opening = _opening(piece, tokens, found)
    if opening is not None:
        yield from _initialiser(piece, tokens, found, piece.name, Span(opening + 1, len(tokens)), opening)
        return
    if not piece.header and piece.column(tokens[0]) == 0 and is_name(tokens[0].text):
        return  # a declaration
    array = not piece.header or any(token.text == "[" for token in tokenise(piece.header.partition("=")[0]))
    body = tokens[: piece.scope_end(found.closers)]
    if body:
        yield from _rows(piece, piece.name, List.of(body, extra=_hidden_braces(piece, body, array)), array=array)


def _opening(piece: Piece, tokens: Sequence[Token], found: Brackets) -> int | None:
    """The index of the ``=`` of the declaration, None if the fragment begins after it."""
    if "{" in piece.header or tokens[0].text in (".", "[", "{"):
        return None
    if not piece.header and piece.column(tokens[0]) > 0:
        return None
    return _assignment(tokens, found, 0, len(tokens))


def _assignment(tokens: Sequence[Token], found: Brackets, start: int, stop: int) -> int | None:
    index = start
    while index < stop:
        if tokens[index].text == "=":
            return index
        index = found.partner.get(index, index) + 1 if tokens[index].text in ("(", "[", "{") else index + 1
    return None


def _initialiser(
    piece: Piece, tokens: Sequence[Token], found: Brackets, name: str, value: Span, equals: int
) -> Iterator[Fact]:
    """The rows of the initialiser that begins at ``value``; ``equals`` is the index of the ``=``."""
    if value.start >= len(tokens):
        return
    if tokens[value.start].text == "{":
        end = found.partner.get(value.start, value.stop)
        array = "[" in [token.text for token in tokens[max(0, equals - 8) : equals]]
        yield from _rows(piece, name, List.of(tokens[value.start + 1 : end]), array=array)
        return
    elements = List.of(tokens[value.start : value.stop])
    text = elements.text(Span(0, len(elements.tokens)))
    first, last = tokens[equals - 1].line if equals else tokens[equals].line, elements.tokens[-1].line
    yield piece.fact("row", "=", first, last, scope=name, value=text, columns=[("0", text)])


def _variables(piece: Piece) -> Iterator[Fact]:
    """The initialisers of the variables among file-scope text."""
    tokens = piece.tokens
    found = brackets(tokens)
    start = index = 0
    while index < len(tokens):
        text = tokens[index].text
        if text == ";":
            start = index + 1
        elif text == "=" and index > start:
            stop = index + 1
            while stop < len(tokens) and tokens[stop].text not in (";", ","):
                stop = found.partner.get(stop, stop) + 1 if tokens[stop].text in ("(", "[", "{") else stop + 1
            name = _declared(tokens[start:index])
            if name:
                yield from _initialiser(piece, tokens, found, name, Span(index + 1, min(stop, len(tokens))), index)
            index = stop
            continue
        index = found.partner.get(index, index) + 1 if text in ("(", "[", "{") else index + 1


def _declared(tokens: Sequence[Token]) -> str:
    """The name that a declaration gives: the last one outside brackets that is no attribute (``__ro_after_init``)."""
    depth = 0
    name = ""
    for index, token in enumerate(tokens):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        called = index + 1 < len(tokens) and tokens[index + 1].text == "("
        if depth == 0 and is_name(token.text) and not called and not (name and token.text.startswith("__")):
            name = token.text
    return name if len(tokens) > 1 else ""


def _hidden_braces(piece: Piece, body: Sequence[Token], array: bool) -> int:
    """How many braces inside the table are open where the fragment begins, if no closer of theirs is in it.

    Told by the indentation: rows stand one tab in, so lines that all stand further in belong to one row.
    """
    found = brackets(body)
    if found.closers:
        return 0
    list_ = List(body) if not found.openers else List.of(body)
    widths = []
    for span in list_.split():
        token = list_.tokens[span.start]
        if token.start >= 0:
            line = piece.lines[token.line]
            widths.append(len(line[: len(line) - len(line.lstrip())].expandtabs(_TAB)) // _TAB)
    deep = max(0, min(widths, default=1) - 1)
    return max(deep, 1) if array and body[0].text == "." else deep


def _rows(piece: Piece, scope: str, elements: List, *, array: bool) -> Iterator[Fact]:
    for span in elements.split():
        yield from _row(piece, scope, elements, span, array)


def _row(piece: Piece, scope: str, elements: List, span: Span, array: bool) -> Iterator[Fact]:
    designator, value = _designator(elements, span)
    columns = _columns(elements, value)
    start_cut, end_cut = elements.is_cut(span)
    if start_cut:
        key = ""
    elif designator:
        key = designator
    else:
        key = _key(elements, value)
    first, last = elements.lines(span)
    text = elements.text(value if designator.startswith(".") and not array else span)
    marks = [("cut", "both" if start_cut and end_cut else "start" if start_cut else "end")]
    shown = [(name, elements.text(part)) for name, part in columns]
    call = elements.call(value)
    if call and not start_cut:
        shown.append(("macro", call[0]))
    if start_cut or end_cut:
        shown += marks
    yield piece.fact("row", key, first, last, scope=scope, value=text, columns=shown)
    for name, part in columns:
        yield from _constants(piece, scope, elements, part, virtual=name.startswith("?"))


def _designator(elements: List, span: Span) -> tuple[str, Span]:
    """The designator (``IDX`` of ``[IDX] =``, ``.field`` of ``.field =``), "" for none, and the value's span."""
    tokens = elements.tokens
    if tokens[span.start].text not in ("[", ".") or tokens[span.start].start < 0:
        return "", span
    equals = next((index for index in elements.top(span) if tokens[index].text == "="), None)
    if equals is None or equals + 1 >= span.stop:
        return "", span
    if tokens[span.start].text == "[" and elements.partner.get(span.start) == equals - 1:
        return elements.text(Span(span.start + 1, equals - 1)), Span(equals + 1, span.stop)
    return elements.text(Span(span.start, equals)), Span(equals + 1, span.stop)


def _columns(elements: List, value: Span) -> list[tuple[str, Span]]:
    inner = elements.braces(value)
    call = elements.call(value)
    if inner is None and call is not None:
        inner = call[1]
    if inner is None and elements.tokens[value.start].start < 0:  # a row or call whose start was cut off
        closer = elements.partner[value.start]
        inner = Span(value.start + 1, closer) if closer == value.stop - 1 else None
    if inner is None:
        return [("0", value)]
    mark = "?" if elements.tokens[inner.start - 1].start < 0 else ""
    columns = []
    for position, part in enumerate(elements.split(inner)):
        name, field = _designator(elements, part)
        columns.append((name.removeprefix(".") or f"{mark}{position}", field))
    return columns


def _key(elements: List, value: Span) -> str:
    """What names a row without a designator: see the module's text."""
    inner = elements.braces(value)
    if inner is None:
        call = elements.call(value)
        return _call_key(elements, value, call, alone=False) if call else elements.text(value)
    parts = elements.split(inner)
    if not parts:
        return "{}"
    calls = list(takewhile(lambda part: elements.call(part) is not None, parts))
    if len(calls) >= _MIN_CALLS_AS_KEY:
        return ", ".join(elements.text(part) for part in calls)
    _, first = _designator(elements, parts[0])
    call = elements.call(first)
    return _call_key(elements, first, call, alone=True) if call else elements.text(first)


def _call_key(elements: List, span: Span, call: tuple[str, Span], *, alone: bool) -> str:
    arguments = elements.split(call[1])
    if not arguments:
        return call[0]
    first = elements.text(arguments[0])
    if not (is_name(first) or first.startswith('"')) or (alone and len(arguments) > 1):
        return elements.text(span)
    return first


def _constants(piece: Piece, scope: str, elements: List, part: Span, *, virtual: bool) -> Iterator[Fact]:
    """The rows of a list of bare constants that stands in a column and takes more than one line."""
    inner = elements.braces(part)
    if inner is None:
        return
    first, last = elements.lines(part)
    spans = elements.split(inner)
    if (last == first and not virtual) or len(spans) < _CONSTANTS_MIN:
        return
    for span in spans:
        if any(elements.tokens[index].text in ("{", "=", "(", "[") for index in range(span.start, span.stop)):
            return
    for span in spans:
        text = elements.text(span)
        yield piece.fact("row", text, *elements.lines(span), scope=scope, value=text, columns=[("0", text)])
