# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of a function's body: conditions, stores, calls, returned errors, accepted cases, and what gates them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from abireview.facts.flags import named
from abireview.facts.lex import Token, joined
from abireview.facts.model import Fact
from abireview.facts.statements import Raw, Stated, Statement, statements
from abireview.source.model import Fragment, Side

ASSIGN = frozenset({"=", "+=", "-=", "|=", "&=", "^=", "<<=", ">>=", "*=", "/=", "%="})
CHOOSES = frozenset({"?", ":", "&&", "||", ","})  # an assignment behind one of them is not made always
ERRNO = re.compile(r"-E[A-Z0-9]+$")
NOT_CALLS = frozenset({"if", "for", "while", "switch", "return", "sizeof", "typeof", "case", "defined", "__typeof__"})
STATUS_NAMES = frozenset({"r", "rc", "ret", "err", "error", "result", "retval", "rv", "res"})
QUALIFIERS = frozenset(
    {"static", "const", "inline", "__always_inline", "noinline", "extern", "__init", "__maybe_unused"}
)


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The facts of one side of a function fragment, in source order."""
    part = fragment.old if side == "old" else fragment.new
    name = fragment.old_name if side == "old" else fragment.name
    if not part.lines:
        return []
    return _Body(part.lines, part.changed, name, fragment.path, fragment.whole).facts()


class _Body:
    def __init__(self, lines: Sequence[str], changed: Sequence[bool], scope: str, path: str, whole: bool) -> None:
        self.lines, self.changed, self.scope, self.path, self.whole = lines, changed, scope, path, whole

    def facts(self) -> list[Fact]:
        found: list[Fact] = []
        scope, path, whole, changed = self.scope, self.path, self.whole, self.changed
        parts = statements(self.lines)
        for index, part in enumerate(parts):
            raw = part.raw
            stated = raw.stated
            if stated is None:
                stated = raw.stated = tuple(_stated(raw))
            if not stated:
                continue
            line, end, gates = part.line, part.end, part.gates
            touched = True in changed[line : end + 1]
            for kind, key, value, columns in stated:
                under = gates
                if kind == "case":
                    value = next((gate[7:] for gate in reversed(gates) if gate.startswith("switch ")), "")
                elif kind == "return" and not _begins(raw, "return"):
                    under += _goto_gate(raw, parts[index + 1 : index + 3])
                found.append(Fact(kind, scope, key, value, columns, None, under, path, line, end, whole, touched))
        if "goto" in "\n".join(self.lines):
            found += self._refusals(parts)
        return found

    def _refusals(self, parts: Sequence[Statement]) -> Iterator[Fact]:
        """``ret = -E; if (a) goto out; if (b) goto out;`` returns the error under ``b`` too.

        The first condition is that of the assignment's own fact.
        """
        errno, indent, seen = "", 0, 0
        for part, following in pairwise(parts):
            raw = part.raw
            said = raw.stated or ()
            plain = raw.shape == "plain"
            another = plain and any(kind == "store" and key in STATUS_NAMES for kind, key, _, _ in said)
            if another or raw.shape in ("label", "header", "case") or raw.indent < indent:
                errno = ""
            elif plain and said and said[0][0] == "return" and not _begins(raw, "return"):
                errno, indent, seen = said[0][1], raw.indent, 0
            elif errno and raw.shape == "if" and raw.indent == indent and _begins(following.raw, "goto"):
                seen += 1
                if seen > 1:
                    hit = True in self.changed[part.line : following.end + 1]
                    under = (*part.gates, raw.text)
                    where = (self.path, part.line, following.end, self.whole, hit)
                    yield Fact("return", self.scope, errno, errno, (), None, under, *where)


def _stated(raw: Raw) -> Iterator[Stated]:
    """What a statement states wherever it stands."""
    shape = raw.shape
    if shape == "plain":
        yield from _plain(raw.tokens)
    elif shape in ("if", "loop", "switch") or (shape == "else" and raw.word):
        yield "cond", raw.word, raw.text, ()
        yield from _calls(raw.tokens, "cond")
    elif shape == "case":
        yield "case", raw.text if raw.word == "case" else "default", "", ()
    elif shape == "header" and raw.indent == 0:
        yield from _header(raw.tokens)


def _plain(tokens: Sequence[Token]) -> Iterator[Stated]:
    if not tokens:
        return
    if tokens[0].text == "return":
        value = joined(tokens[1:])
        yield "return", value or "void", value, ()
        yield from _calls(tokens[1:], "return")
        return
    at = _assignment(tokens)
    if at is None:
        yield from _expression(tokens)
        return
    yield from _store(tokens, at)


def _store(tokens: Sequence[Token], at: int) -> Iterator[Stated]:
    """What ``a = b = value;`` states: a store into each of the two."""
    left, operator, right = tokens[:at], tokens[at].text, tokens[at + 1 :]
    declared = _declared(left)
    if declared:
        yield "local", declared, joined(left[:-1]) or "", ()
        left = left[-1:] if left[-1].name else left[_declarator(left) :]
    into = [(joined(left), operator)]
    while (inner := _assignment(right)) is not None and CHOOSES.isdisjoint([token.text for token in right[:inner]]):
        into.append((joined(right[:inner]), right[inner].text))
        right = right[inner + 1 :]
    value = joined(right)
    for key, operator in into:
        if operator == "=" and ERRNO.match(value) and key in STATUS_NAMES:
            yield "return", value, value, ()
        else:
            yield "store", key, f"{operator} {value}", ()
    yield from _calls(right, "store")
    for key, operator in into:
        if operator == "|=" or "|" in value or "~" in value:
            yield from _flags(value, key, alone=operator == "|=")


def _flags(text: str, where: str, *, alone: bool = False) -> Iterator[Stated]:
    for name, complemented in named(text, alone=alone):
        yield "flag", name, f"~{where}" if complemented else where, ()


def _expression(tokens: Sequence[Token]) -> Iterator[Stated]:
    if _is_declaration(tokens):
        yield "local", tokens[-1].text, joined(tokens[:-1]), ()
        return
    calls = list(_calls(tokens, "stmt"))
    if calls and tokens[0].name and len(tokens) > 1 and tokens[1].text == "(":
        yield from calls
        return
    yield "stmt", tokens[0].text, joined(tokens), ()
    yield from calls


def _calls(tokens: Sequence[Token], where: str) -> Iterator[Stated]:
    for opening, mark in enumerate(tokens):
        if mark.text != "(" or not opening:
            continue
        token = tokens[opening - 1]
        if not token.name or token.text in NOT_CALLS:
            continue
        inner = _inside(tokens, opening)
        arguments = [joined(piece) for piece in _top_level(inner, ",")]
        columns = tuple((str(number), text) for number, text in enumerate(arguments))
        yield "call", token.text, ", ".join(arguments), (*columns, ("in", where))
        if where == "stmt":
            for text in arguments:
                if "|" in text or "~" in text:
                    yield from _flags(text, token.text)


def _header(tokens: Sequence[Token]) -> Iterator[Stated]:
    opening = next((i for i, token in enumerate(tokens) if token.text == "("), None)
    if not opening:
        return
    name = tokens[opening - 1].text
    parameters = [joined(piece) for piece in _top_level(_inside(tokens, opening), ",")]
    before = joined([t for t in tokens[: opening - 1] if t.text not in QUALIFIERS])
    yield "function", name, f"{before} ({', '.join(parameters)})", ()


def _goto_gate(raw: Raw, after: Sequence[Statement]) -> tuple[str, ...]:
    """The condition under which ``ret = -E;`` is returned when it stands before ``if (cond) goto out;``."""
    if len(after) < 2:
        return ()
    test, inner = after[0].raw, after[1].raw
    fits = test.shape == "if" and test.indent == raw.indent and _begins(inner, "goto", "return")
    return (test.text,) if fits else ()


def _begins(raw: Raw, *words: str) -> bool:
    """Whether it is a plain statement that begins with one of WORDS."""
    return raw.shape == "plain" and bool(raw.tokens) and raw.tokens[0].text in words


def _assignment(tokens: Sequence[Token]) -> int | None:
    depth = 0
    for index, token in enumerate(tokens):
        text = token.text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
        elif depth == 0 and text in ASSIGN and index:
            return index
    return None


def _declared(left: Sequence[Token]) -> str:
    """The name that LEFT declares (``struct x *y`` → ``y``), "" for a plain left side."""
    names = [token for token in left if token.name]
    if len(names) < 2 or not left[0].name or any(t.text in (".", "->", "(") for t in left):
        return ""
    at = _declarator(left)
    return left[at].text


def _declarator(left: Sequence[Token]) -> int:
    bracket = next((i for i, token in enumerate(left) if token.text == "["), len(left))
    return max((i for i in range(bracket) if left[i].name), default=0)


def _is_declaration(tokens: Sequence[Token]) -> bool:
    if len(tokens) < 2 or not tokens[0].name or not tokens[-1].name or tokens[0].text in ("goto", "else"):
        return False
    return all(t.name or t.text in ("*", ",") for t in tokens)


def _inside(tokens: Sequence[Token], opening: int) -> list[Token]:
    depth = 0
    inner: list[Token] = []
    for token in tokens[opening:]:
        if token.text == "(":
            depth += 1
            if depth == 1:
                continue
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                break
        inner.append(token)
    return inner


def _top_level(tokens: Sequence[Token], mark: str) -> list[list[Token]]:
    """TOKENS split at MARK outside of any bracket; [] for no tokens."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        text = token.text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
        if depth == 0 and text == mark:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [piece for piece in pieces if piece]
