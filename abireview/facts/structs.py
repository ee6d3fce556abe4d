# SPDX-License-Identifier: GPL-2.0-or-later
"""Members of structs and unions: name, type, order.

The scope is the outer tag. The key is the path of field names (``hw.reason``); an anonymous struct or union adds
nothing to it, as in C. The value is the type as written, with the array's extent and the bit-field's width
(``__u8[64]``, ``unsigned long : 3``); of a nested struct or union it is ``struct tag`` or ``union``. The number is the
place in the outermost struct, None when its start is not in the fragment. A direct member of a union has a column
``in`` ``union``. A macro call for a member (``DECLARE_BITMAP(name, bits)``) has the key of its name and the value of
the call.

Read from tokens: tree-sitter takes ``__packed`` after a member for its name, and pieces that begin inside a nested
union give it error nodes; the tests compare both on the headers where it has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from abireview.facts.lex import join
from abireview.facts.lists import List, brackets, is_name
from abireview.facts.model import Fact
from abireview.facts.pieces import Piece, numbered, read
from abireview.facts.tokens import Token
from abireview.source.model import Fragment, Side

_AGGREGATES = ("struct", "union")
_ATTRIBUTE = re.compile(
    r"__attribute__|__packed|__aligned|__aligned_largest|_{2,4}cacheline_\w+|__randomize_layout|__no_randomize_layout|"
    r"__counted_by\w*|__sized_by\w*|__guarded_by|__maybe_unused|__deprecated|__nonstring|__designated_init|__bitwise|"
    r"__private|__kernel_nonstring"
)
_NAME_IS_LAST = re.compile(r"\w*FLEX_ARRAY")  # DECLARE_FLEX_ARRAY(type, name); the other kinds name it first


@dataclass(slots=True)
class _Member:
    name: str
    type: str
    line: int
    end: int
    children: list[_Member] = field(default_factory=list)
    union: bool = False


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The member facts of one side of a struct, or of the structs among file-scope text, in the order of its lines."""
    piece = read(fragment, side)
    if not piece.lines or (piece.kind != "struct" and "{" not in piece.code) or not piece.tokens:
        return []
    return list(numbered(_facts(piece)))


def _facts(piece: Piece) -> Iterator[Fact]:
    tokens = piece.tokens
    found = brackets(tokens)
    if piece.kind == "struct" and (piece.header or not _defines(tokens)):
        begin = int(tokens[0].text == "{")
        stop = found.partner.get(0, len(tokens)) if begin else piece.scope_end(found.closers)
        yield from _members(piece, piece.name, tokens[begin:stop], from_start=bool(begin))
        return
    index = 0
    while index < len(tokens):
        opening = _opening(tokens, index) if tokens[index].text in _AGGREGATES else None
        if opening is not None:
            stop = found.partner.get(opening, len(tokens))
            scope = _tag(tokens[index + 1 : opening]) or _after(tokens, stop) or piece.name
            yield from _members(piece, scope, tokens[opening + 1 : stop], from_start=True)
            index = stop
        elif tokens[index].text in ("(", "[", "{"):
            index = found.partner.get(index, index)
        index += 1


def _defines(tokens: Sequence[Token]) -> bool:
    """Whether the piece of a struct begins with its first line."""
    before = list(takewhile(lambda token: token.text not in ("{", ";", "(", "}"), tokens))
    return any(token.text in _AGGREGATES for token in before)


def _opening(tokens: Sequence[Token], index: int) -> int | None:
    """The index of the ``{`` of the definition whose keyword stands at ``index``; None if it is no definition."""
    names = 0
    index += 1
    while index < len(tokens):
        text = tokens[index].text
        if text == "{":
            return index
        if text in ("(", ")") or _ATTRIBUTE.fullmatch(text):
            index += 1
            continue
        if not is_name(text) or (names and tokens[index - 1].text != "("):
            return None
        names += tokens[index - 1].text != "("
        index += 1
    return None


def _tag(tokens: Sequence[Token]) -> str:
    names = [token.text for token in tokens if is_name(token.text) and not _ATTRIBUTE.fullmatch(token.text)]
    return names[0] if names else ""


def _after(tokens: Sequence[Token], closer: int) -> str:
    """The name that follows the closing brace: of a typedef or a variable."""
    for token in tokens[closer + 1 :]:
        if token.text in (";", "="):
            break
        if is_name(token.text) and not _ATTRIBUTE.fullmatch(token.text):
            return token.text
    return ""


def _members(piece: Piece, scope: str, tokens: Sequence[Token], *, from_start: bool) -> Iterator[Fact]:
    order = 0
    # (member, path before it, whether it stands in a union), last one first
    open_ = [(member, "", False) for member in reversed(_read(List.of(tokens)))]
    while open_:
        member, path, in_union = open_.pop()
        key = f"{path}.{member.name}" if path and member.name else path or member.name
        if member.name:
            number = order if from_start else None
            columns = [("in", "union")] if in_union else []
            yield piece.fact(
                "member", key, member.line, member.end, scope=scope, value=member.type, columns=columns, number=number
            )
            order += 1
        open_ += [(child, key, member.union) for child in reversed(member.children)]


def _read(elements: List) -> list[_Member]:
    """The members in order, nested ones inside theirs."""
    tokens = elements.tokens
    outer = _Member("", "", 0, 0)
    stack = [outer]
    begin = index = 0
    while index < len(tokens):
        text = tokens[index].text
        if text == ";":
            stack[-1].children += _declaration(elements, tokens[begin:index])
            begin = index + 1
        elif text == "{" and (tokens[index].start < 0 or _aggregate(tokens[begin:index])):
            kind = _aggregate(tokens[begin:index])
            line = tokens[begin].line if begin < index else tokens[index].line
            group = _Member("", " ".join(token.text for token in kind), line, line)
            group.union = bool(kind) and kind[0].text == "union"
            stack[-1].children.append(group)
            stack.append(group)
            begin = index + 1
        elif text == "}" and len(stack) > 1:
            stack[-1].children += _declaration(elements, tokens[begin:index])
            index = begin = _close(elements, stack.pop(), index)
            continue
        elif text in ("(", "[", "{"):
            index = elements.partner.get(index, index)
        index += 1
    stack[-1].children += _declaration(elements, tokens[begin:])
    return outer.children


def _close(elements: List, group: _Member, closer: int) -> int:
    """Give a nested group the name after its closing brace; the index behind its semicolon."""
    tokens = elements.tokens
    stop = closer + 1
    while stop < len(tokens) and tokens[stop].text not in (";", "}", "{"):
        stop = elements.partner.get(stop, stop) + 1 if tokens[stop].text in ("(", "[") else stop + 1
    declarators = tokens[closer + 1 : stop]
    group.end = tokens[closer].line
    at = _name_index(declarators)
    if at is not None:
        group.name = declarators[at].text
        kind = [Token(word, 0, 0, 0) for word in group.type.split()] or [Token("struct", 0, 0, 0)]
        shape = [token for token in [*declarators[:at], *declarators[at + 1 :]] if not _ATTRIBUTE.fullmatch(token.text)]
        group.type = join(token.text for token in [*kind, *_without_attributes(shape)])
        group.end = declarators[-1].line
    return stop + 1 if stop < len(tokens) and tokens[stop].text == ";" else stop


def _without_attributes(shape: Sequence[Token]) -> list[Token]:
    """Only the pointer stars and the array extents of a nested group's declarator."""
    kept: list[Token] = []
    depth = 0
    for token in shape:
        depth += token.text == "["
        if depth or token.text == "*":
            kept.append(token)
        depth -= token.text == "]"
    return kept


def _aggregate(tokens: Sequence[Token]) -> list[Token]:
    """The keyword and tag of the nested struct or union that these tokens open, [] if they open none."""
    for index, token in enumerate(tokens):
        if token.text in _AGGREGATES:
            if any(other.text in ("=", ")") for other in tokens[:index]):
                return []
            tag = [other for other in tokens[index + 1 :] if is_name(other.text)]
            return [token, *[name for name in tag if not _ATTRIBUTE.fullmatch(name.text)][:1]]
    return []


def _declaration(elements: List, tokens: Sequence[Token]) -> list[_Member]:
    """The members that one declaration gives, [] if its start was cut off or it declares nothing."""
    if not tokens or tokens[0].start < 0 or not is_name(tokens[0].text):
        return []
    parts = _split(tokens)
    at = _name_index(parts[0], typed=True)
    line, end = tokens[0].line, max(token.line for token in tokens)
    if at is None:
        return _macro(tokens, line, end)
    if len(tokens) == 1 or tokens[0].text in ("typedef", "static_assert", "_Static_assert"):
        return []
    base = at
    while base and parts[0][base - 1].text in ("*", "("):
        base -= 1
    prefix = [token for token in parts[0][:base] if not _ATTRIBUTE.fullmatch(token.text)]
    members = []
    for number, part in enumerate(parts):
        place = at if number == 0 else _name_index(part)
        declarator = part[base:] if number == 0 else part
        if place is None:
            continue
        place -= base if number == 0 else 0
        shape = [*prefix, *declarator[:place], *declarator[place + 1 :]]
        name = declarator[place].text if declarator[place].text != ":" else ":"
        if name == ":":
            shape = [*prefix, *declarator]
        members.append(_Member(name, join(token.text for token in shape), line, end))
    return members


def _macro(tokens: Sequence[Token], line: int, end: int) -> list[_Member]:
    """A member that a macro declares: ``DECLARE_BITMAP(name, bits)``, ``DECLARE_FLEX_ARRAY(type, name)``."""
    if len(tokens) < 4 or tokens[1].text != "(":  # NAME ( x )
        return []
    arguments = _split(tokens[2:-1])
    named = arguments[-1] if _NAME_IS_LAST.fullmatch(tokens[0].text) else arguments[0]
    return [_Member(join(token.text for token in named), join(token.text for token in tokens), line, end)]


def _split(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens between the commas that stand outside brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == "," and depth <= 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part] or [[]]


def _name_index(tokens: Sequence[Token], *, typed: bool = False) -> int | None:
    """The index of the name that a declarator declares; of the ``:`` of a bit-field without one; None for a macro.

    ``typed`` says that the type stands before it.
    """
    names: list[int] = []
    index = 0
    while index < len(tokens):
        text = tokens[index].text
        if text == "(":
            if index + 1 < len(tokens) and tokens[index + 1].text in ("*", "^"):
                return _pointer_name(tokens, index)
            if (
                len(names) > 1
                and not _ATTRIBUTE.fullmatch(tokens[names[-1]].text)
                and _past(tokens, index) == index + 3
            ):
                return index + 1  # type MACRO(name)
            index = _past(tokens, index)
            if names and not _ATTRIBUTE.fullmatch(tokens[names[-1]].text):
                names.pop()  # typeof(x), or a macro
            continue
        if text in ("[", ":"):
            break
        if is_name(text):
            names.append(index)
        index += 1
    while len(names) > 1 and _ATTRIBUTE.fullmatch(tokens[names[-1]].text):
        names.pop()
    if names and _ATTRIBUTE.fullmatch(tokens[names[-1]].text):
        names.pop()
    if index < len(tokens) and tokens[index].text == ":":
        unnamed = not names or (typed and (len(names) == 1 or tokens[names[-1]].text in _BASIC))
        return index if unnamed else names[-1]
    return names[-1] if names else None


_BASIC = frozenset({"int", "unsigned", "signed", "long", "short", "char"})


def _pointer_name(tokens: Sequence[Token], opening: int) -> int | None:
    """The name inside ``(*name)``, ``(* const name)`` or ``(*name[3])``."""
    name = None
    for index in range(opening + 1, len(tokens)):
        text = tokens[index].text
        if text in (")", "[") or (text == "(" and index > opening + 1):
            break
        if is_name(text):
            name = index
    return name


def _past(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index + 1
    return len(tokens)
