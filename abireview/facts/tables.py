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

import msgspec

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
    """The row facts of one side of a table or of file-scope text, in the order of its lines.

    The other side is read too: where the first arguments of one macro's rows do not tell them apart on either side
    (``FTR_BITS(VISIBLE, …, REG_SHIFT)``), both sides name them by the first argument that does.
    """
    rows = _side_rows(fragment, side)
    repeated = _repeated(rows)
    other = _side_rows(fragment, "new" if side == "old" else "old") if repeated or _calls(rows) else []
    for macro in sorted(repeated | _repeated(other)):
        position = _telling_position(macro, rows, other)
        if position:
            rows = [_renamed(row, macro, position) for row in rows]
    return list(numbered(rows))


def _side_rows(fragment: Fragment, side: Side) -> list[Fact]:
    piece = read(fragment, side)
    if not piece.lines or (piece.kind != "table" and "=" not in piece.code) or not piece.tokens:
        return []
    return list(_table(piece) if piece.kind == "table" else _variables(piece))


def _calls(rows: Sequence[Fact]) -> list[Fact]:
    return [row for row in rows if row.column("macro")]


def _repeated(rows: Sequence[Fact]) -> set[str]:
    """The macros of which two rows have the same first argument under the same ``#ifdef``."""
    seen: set[tuple[str, str, str, tuple[str, ...]]] = set()
    macros = set()
    for row in _calls(rows):
        place = (row.scope, row.column("macro"), row.key, row.gates)
        if place in seen:
            macros.add(row.column("macro"))
        seen.add(place)
    return macros


def _telling_position(macro: str, *sides: Sequence[Fact]) -> int:
    """The first argument that is a name and differs from row to row on both sides; 0 if there is none."""
    groups = [[row for row in side if row.column("macro") == macro and not row.column("cut")] for side in sides]
    most = max((len(row.columns) for group in groups for row in group), default=0)
    for position in range(1, most):
        for group in groups:
            names = [(row.scope, row.column(str(position)), row.gates) for row in group]
            if len(set(names)) < len(names) or not all(name.isidentifier() for _, name, _ in names):
                break
        else:
            return position
    return 0


def _renamed(row: Fact, macro: str, position: int) -> Fact:
    if row.column("macro") != macro:
        return row
    return msgspec.structs.replace(row, key=row.column(str(position)) or row.key)


def _table(piece: Piece) -> Iterator[Fact]:
    tokens = piece.tokens
    found = brackets(tokens)
    opening = _opening(piece, tokens, found)
    if opening is not None:
        name = piece.name or _declared(tokens[:opening])
        yield from _initialiser(piece, name, found, Span(0, opening), Span(opening + 1, len(tokens)))
        return
    if not piece.header and piece.column(tokens[0]) == 0 and is_name(tokens[0].text):
        return  # a declaration
    header = list(tokenise(piece.header.partition("=")[0]))
    array = not header or any(token.text == "[" for token in header)
    body = tokens[: piece.scope_end(found.closers)]
    if body:
        scope = piece.name or _declared(header)
        yield from _rows(piece, scope, List.of(body, extra=_hidden_braces(piece, body, array)), array=array)


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


def _initialiser(piece: Piece, name: str, found: Brackets, declaration: Span, value: Span) -> Iterator[Fact]:
    """The rows of the initialiser ``value`` that follows the ``=`` of a declaration."""
    tokens = piece.tokens
    if value.start >= min(value.stop, len(tokens)):  # as in "a = , b": nothing is given
        return
    declared = tokens[declaration.start : declaration.stop]
    if tokens[value.start].text == "{":
        end = found.partner.get(value.start, value.stop)
        array = any(token.text == "[" for token in declared)
        yield from _rows(piece, name, List.of(tokens[value.start + 1 : end]), array=array)
        return
    elements = List.of(tokens[value.start : value.stop])
    text = elements.text(Span(0, len(elements.tokens)))
    first, last = (declared or elements.tokens)[-1].line, elements.tokens[-1].line
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
                yield from _initialiser(piece, name, found, Span(start, index), Span(index + 1, min(stop, len(tokens))))
            index = stop
            continue
        index = found.partner.get(index, index) + 1 if text in ("(", "[", "{") else index + 1


def _declared(tokens: Sequence[Token]) -> str:
    """The name that a declaration gives: in ``(*name[])(…)``, or the last outside brackets that is no attribute."""
    depth = 0
    name = ""
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.text == "(" and following == "*" and depth == 0:
            inner = [word.text for word in takewhile(lambda word: word.text not in (")", "["), tokens[index + 1 :])]
            return next((word for word in reversed(inner) if is_name(word)), "")
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if depth or not is_name(token.text) or following == "(" or (name and token.text.startswith("__")):
            continue
        name = token.text
    return name if len(tokens) > 1 else ""


def _hidden_braces(piece: Piece, body: Sequence[Token], array: bool) -> int:
    """How many braces inside the table are open where the fragment begins, if no closer of theirs is in it.

    Told by the indentation: rows stand one tab in, so lines that all stand further in belong to one row.
    """
    if brackets(body).closers:
        return 0
    list_ = List.of(body)
    widths = []
    for span in list_.split():
        token = list_.tokens[span.start]
        if token.start >= 0:
            line = piece.lines[token.line]
            blanks = line[: len(line) - len(line.lstrip())]
            # blanks after the tabs line a continued row up; how far says nothing about its braces
            widths.append(2 if " " in blanks else len(blanks.expandtabs(_TAB)) // _TAB)
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
