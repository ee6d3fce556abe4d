# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements of a piece of a function, and the conditions that dominate each of them.

Nesting is read from indentation, which kernel code keeps strictly and which a cut-off hunk still has; braces need not
balance. Source: Documentation/process/coding-style.rst (tabs, labels at column 0, ``case`` on the level of
``switch``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from abireview.facts.lex import Directive, Token, joined, lex, strip_comments, without_directives
from abireview.facts.model import FactKind

TAB = 8
Shape = Literal["if", "else", "loop", "switch", "case", "label", "plain", "header"]

CONTROL: Final[dict[str, Shape]] = {"if": "if", "while": "loop", "for": "loop", "switch": "switch"}
TERMINATORS = frozenset({"return", "goto", "break", "continue"})
_CACHED: Final = 1 << 14  # groups of lines kept: both sides of a hunk and all versions of a series repeat them
_CACHED_CHARS: Final = 400  # of a group that is kept


# A fact that a statement states wherever it stands (body.py makes it; place and gates come with the statement):
# its kind, key, value and columns.
Stated = tuple[FactKind, str, str, tuple[tuple[str, str], ...]]


class Raw:
    """A statement as its lines alone show it. Equal lines share it, so nothing of what is around them is in it.

    ``word`` is the keyword of a control statement, whose ``tokens`` are without it and its parentheses; ``indent``
    counts the columns in front, ``line``/``end`` count from the first line of its group. ``stated`` is None until
    body.py has read it.
    """

    __slots__ = ("_text", "end", "indent", "line", "shape", "stated", "tokens", "word")

    def __init__(self, shape: Shape, word: str, tokens: Sequence[Token], line: int, end: int) -> None:
        self.shape, self.word, self.tokens, self.line, self.end = shape, word, tokens, line, end
        self.indent = 0
        self.stated: tuple[Stated, ...] | None = None
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The tokens as one normalised line."""
        if self._text is None:
            self._text = joined(self.tokens)
        return self._text


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement in its place, with the conditions that dominate it, outermost first.

    ``line``/``end`` are the first and last line (from 0).
    """

    raw: Raw
    line: int
    end: int
    gates: tuple[str, ...]


def indent_of(line: str) -> int:
    """Columns of leading white space, a tab counting to the next multiple of eight."""
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks.expandtabs(TAB)) if " " in blanks else TAB * len(blanks)


def statements(lines: Sequence[str]) -> list[Statement]:
    """The statements of LINES in order, each with the conditions that dominate it as far as LINES show them."""
    code, directives = without_directives(strip_comments(lines))
    nesting = _Nesting(directives)
    return [nesting.place(raw, first) for first, group in _groups(code) for raw in group]


def _groups(code: list[str]) -> Iterator[tuple[int, tuple[Raw, ...]]]:
    """The statements of CODE by groups of lines that each end a statement: (first line, statements).

    A statement is what the tokens up to its end say, so a group can be read alone, and where one is tried to be ended
    changes nothing. A long one is tried at ever larger distances, so that the cost stays linear.
    """
    number, total = 0, len(code)
    while number < total:
        line = code[number]
        if not line or line.isspace():
            number += 1
            continue
        first, step = number, 1
        number += 1
        lines: tuple[str, ...] = (line,)
        length = len(line)
        while True:
            group, closed = _known(lines) if length <= _CACHED_CHARS else _read(lines)
            if closed or number == total:
                break
            if number - first > 4:
                step *= 2
            number = min(number + step, total)
            lines = tuple(code[first:number])
            length = sum(map(len, lines))
        yield first, group


def _read(lines: tuple[str, ...]) -> tuple[tuple[Raw, ...], bool]:
    """The statements of a group of lines, and whether the last of them ends with these lines."""
    found, closed = _split(lex(lines))
    for raw in found:
        raw.indent = indent_of(lines[raw.line])
    return tuple(found), closed


_known = lru_cache(maxsize=_CACHED)(_read)


def _split(tokens: list[Token]) -> tuple[list[Raw], bool]:
    """The statements of TOKENS, and whether the last ends with them: no token that follows could change it."""
    out: list[Raw] = []
    at, closed = 0, True
    while at < len(tokens):
        text = tokens[at].text
        if text in ("{", "}", ";"):
            at += 1
            continue
        piece, at, closed = _one(tokens, at)
        if piece is not None:
            out.append(piece)
    return out, closed


_Piece = tuple["Raw | None", int, bool]  # the statement, the index behind it, whether it is seen to end there


def _one(tokens: list[Token], at: int) -> _Piece:
    token = tokens[at]
    text = token.text
    following = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if text == "else":
        if following == "if":
            inner, stop, closed = _parenthesised(tokens, at + 2)
            return Raw("else", "if", inner, token.line, _end(inner, token)), stop, closed
        return Raw("else", "", [], token.line, token.line), at + 1, following != ""
    if text == "do":
        return None, at + 1, True
    if text in CONTROL and following == "(":
        inner, stop, closed = _parenthesised(tokens, at + 1)
        shape = CONTROL[text]
        return Raw(shape, text, inner, token.line, _end(inner, token)), stop, closed
    if text in ("case", "default"):
        return _case(tokens, at)
    if token.name and following == ":" and text not in ("private", "public"):
        return Raw("label", text, [], token.line, token.line), at + 2, True
    return _plain(tokens, at)


def _end(inner: list[Token], token: Token) -> int:
    return inner[-1].line if inner else token.line


def _parenthesised(tokens: list[Token], at: int) -> tuple[list[Token], int, bool]:
    """The tokens inside the parentheses that open at AT, the index after the closing one, and whether there is one."""
    depth = 0
    inner: list[Token] = []
    while at < len(tokens):
        text = tokens[at].text
        if text == "(":
            depth += 1
            if depth == 1:
                at += 1
                continue
        elif text == ")":
            depth -= 1
            if depth <= 0:
                return inner, at + 1, True
        elif text in ("{", "}") and depth <= 1:
            return inner, at, True
        inner.append(tokens[at])
        at += 1
    return inner, at, False


def _case(tokens: list[Token], at: int) -> _Piece:
    first = tokens[at]
    label: list[Token] = []
    at += 1
    while at < len(tokens) and tokens[at].text not in (":", "{", "}", ";"):
        label.append(tokens[at])
        at += 1
    return Raw("case", first.text, label, first.line, _end(label, first)), at + 1, at < len(tokens)


def _plain(tokens: list[Token], at: int) -> _Piece:
    first = tokens[at]
    taken: list[Token] = []
    round_, curly = 0, 0
    closed = closing = False
    while at < len(tokens):
        token = tokens[at]
        text = token.text
        if text in "([":
            round_ += 1
        elif text in ")]":
            round_ -= 1
        elif text == ";" and curly == 0 and round_ <= 0:
            at += 1
            closed = True
            break
        elif text == "{":
            if curly == 0 and not _opens_initialiser(taken, round_):
                return _headed(first, taken, at)
            curly += 1
        elif text == "}":
            if curly == 0:
                closed = True
                break
            curly -= 1
        elif round_ == 0 and closing and curly == 0 and _starts_loop_body(token, taken):
            return _headed(first, taken, at)
        closing = text == ")"
        taken.append(token)
        at += 1
    return Raw("plain", "", taken, first.line, _end(taken, first)), at, closed


def _opens_initialiser(taken: list[Token], round_: int) -> bool:
    if round_ > 0:
        return True
    return (
        bool(taken)
        and taken[-1].text in ("=", ",", ")", "return")
        and any(t.text == "=" or t.text == "return" for t in taken)
    )


def _starts_loop_body(token: Token, taken: list[Token]) -> bool:
    """Whether TAKEN, which ends with a parenthesis, is a macro loop's head such as ``for_each_x(a, b)`` and TOKEN
    begins its body."""
    return token.name and token.line > taken[-1].line and "each" in taken[0].text


def _headed(first: Token, taken: list[Token], at: int) -> _Piece:
    if taken and taken[-1].text == ")" and "each" in taken[0].text:
        return Raw("loop", taken[0].text, taken[1:], first.line, _end(taken, first)), at, True
    return Raw("header", "", taken, first.line, _end(taken, first)), at + 1, True


class _Gate(msgspec.Struct, frozen=True, gc=False):
    indent: float
    text: str
    shape: str


class _Nesting:
    """Keeps the stack of conditions by indentation while the statements go by in order."""

    def __init__(self, directives: Sequence[Directive]) -> None:
        self.stack: list[_Gate] = []
        self.ifdefs = _Ifdefs(directives)
        self.closed_if: dict[int, list[str]] = {}
        self.leaves: dict[int, str] = {}
        self.labels: dict[int, list[str]] = {}
        self.ended: dict[int, bool] = {}
        self.label_line = -1
        self._top: _Gate | None = None
        self._depth = 0
        self._texts: tuple[str, ...] = ()

    def place(self, piece: Raw, first: int) -> Statement:
        """PIECE as it stands at its group's FIRST line, after those that were placed before."""
        indent, shape, line = piece.indent, piece.shape, first + piece.line
        self._pop(indent, piece, line)
        if shape == "case":
            self._open_case(indent, piece, first + piece.end)
        gates = self._gates()
        if self.ifdefs.steps:
            gates += self.ifdefs.at(line)
        if shape == "else":
            gates = self._open_else(indent, piece, gates)
        elif shape == "plain":
            if piece.tokens:
                self._leave(indent, piece.tokens[0].text, line)
        elif shape in ("if", "loop", "switch"):
            self._open(indent, piece)
        return Statement(piece, line, first + piece.end, gates)

    def _gates(self) -> tuple[str, ...]:
        """The texts of the stack; statements that stand under the same conditions share them."""
        stack = self.stack
        top = stack[-1] if stack else None
        if top is not self._top or len(stack) != self._depth:
            self._top, self._depth = top, len(stack)
            self._texts = tuple([gate.text for gate in stack])
        return self._texts

    def _pop(self, indent: int, piece: Raw, line: int) -> None:
        if piece.shape == "header" or (piece.shape == "label" and indent == 0):
            if piece.shape == "header":
                self.stack.clear()
            else:
                self.stack = [gate for gate in self.stack if gate.indent < 0]
            return
        same_line = piece.shape != "case" and line == self.label_line
        while self.stack and self.stack[-1].indent >= indent + same_line:
            if self.stack[-1].shape == "switch" and self.stack[-1].indent == indent and piece.shape == "case":
                break
            gate = self.stack.pop()
            if gate.shape != "if":
                continue
            level = int(gate.indent)
            if piece.shape == "else" and level == indent:
                continue
            self.closed_if.pop(level, None)
            left = self.leaves.pop(level, None)
            if left and level == indent:
                self.stack.append(_Gate(indent - 0.25, f"unless {left}", "unless"))
        if piece.shape != "else":
            self.closed_if.pop(indent, None)

    def _open(self, indent: int, piece: Raw) -> None:
        text = piece.text
        if piece.shape == "if":
            self.closed_if[indent] = [text]
            self.leaves.pop(indent, None)
            self.stack.append(_Gate(indent, text, "if"))
        elif piece.shape == "switch":
            self.labels.pop(indent, None)
            self.stack.append(_Gate(indent, f"switch {text}", "switch"))
        else:
            self.stack.append(_Gate(indent, f"{piece.word} {text}", "loop"))

    def _open_else(self, indent: int, piece: Raw, gates: tuple[str, ...]) -> tuple[str, ...]:
        earlier = self.closed_if.get(indent, ["?"])
        self.leaves.pop(indent, None)
        text = " && ".join(f"!({cond})" for cond in earlier)
        if piece.word == "if":
            own = piece.text
            self.closed_if[indent] = [*earlier, own]
            self.stack.append(_Gate(indent, f"{text} && {own}", "if"))
            return (*gates, text)
        self.stack.append(_Gate(indent, text, "if"))
        return gates

    def _open_case(self, indent: int, piece: Raw, end: int) -> None:
        label = piece.text if piece.word == "case" else "default"
        self.label_line = end
        labels = self.labels.setdefault(indent, [])
        if self.ended.get(indent, True):
            labels.clear()
        labels.append(label)
        self.ended[indent] = False
        self.stack.append(_Gate(indent, "case " + ", ".join(labels), "case"))

    def _leave(self, indent: int, word: str, line: int) -> None:
        for gate in reversed(self.stack):
            if gate.shape == "case" and (gate.indent < indent or line == self.label_line):
                if word in TERMINATORS and indent - gate.indent <= TAB:
                    self.ended[int(gate.indent)] = True
                elif word not in ("fallthrough", "__attribute__"):
                    self.ended[int(gate.indent)] = False
                break
        if word in TERMINATORS and self.stack and self.stack[-1].shape == "if":
            top = self.stack[-1]
            if indent - top.indent <= TAB and not top.text.startswith("!("):
                self.leaves[int(top.indent)] = top.text


class _Ifdefs:
    """The ``#ifdef`` conditions around a line, as far as the piece shows the directives."""

    def __init__(self, directives: Sequence[Directive]) -> None:
        self.steps: list[tuple[int, tuple[str, ...]]] = []
        stack: list[str] = []
        for word, rest, line in directives:
            if word in ("ifdef", "ifndef", "if"):
                stack.append(f"#{word} {rest.strip()}")
            elif word in ("else", "elif") and stack:
                stack[-1] = f"#else {stack[-1]}"
            elif word == "endif" and stack:
                stack.pop()
            else:
                continue
            self.steps.append((line, tuple(stack)))

    def at(self, line: int) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        for start, gates in self.steps:
            if start > line:
                break
            found = gates
        return found
