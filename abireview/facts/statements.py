# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements of a piece of a function, and the conditions that dominate each of them.

Nesting is read from indentation, which kernel code keeps strictly and which a cut-off hunk still has; braces need not
balance. Source: Documentation/process/coding-style.rst (tabs, labels at column 0, ``case`` on the level of
``switch``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from abireview.facts.lex import Directive, Token, join, lex, strip_comments

TAB = 8
Shape = Literal["if", "else", "loop", "switch", "case", "label", "plain", "header"]

CONTROL = {"if": "if", "while": "loop", "for": "loop", "switch": "switch"}
TERMINATORS = frozenset({"return", "goto", "break", "continue"})


class Statement(NamedTuple):
    """One statement: ``tokens`` without keyword and parentheses for control statements, ``gates`` outermost first.

    ``line``/``end`` are the first and last line (from 0); ``words`` is the keyword of a control statement.
    """

    shape: Shape
    word: str
    tokens: Sequence[Token]
    indent: int
    line: int
    end: int
    gates: tuple[str, ...]


class _Raw(NamedTuple):
    shape: Shape
    word: str
    tokens: list[Token]
    line: int
    end: int


def indent_of(line: str) -> int:
    """Columns of leading white space, a tab counting to the next multiple of eight."""
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks.expandtabs(TAB)) if " " in blanks else TAB * len(blanks)


def statements(lines: Sequence[str]) -> list[Statement]:
    """The statements of LINES in order, each with the conditions that dominate it as far as LINES show them."""
    clean = strip_comments(lines)
    tokens, directives = lex(clean)
    raw = _split(tokens)
    return _Nesting(clean, directives).place(raw)


def _split(tokens: list[Token]) -> list[_Raw]:
    out: list[_Raw] = []
    at = 0
    while at < len(tokens):
        text = tokens[at].text
        if text in ("{", "}", ";"):
            at += 1
            continue
        piece, at = _one(tokens, at)
        if piece is not None:
            out.append(piece)
    return out


def _one(tokens: list[Token], at: int) -> tuple[_Raw | None, int]:
    token = tokens[at]
    text = token.text
    if text == "else":
        if at + 1 < len(tokens) and tokens[at + 1].text == "if":
            inner, stop = _parenthesised(tokens, at + 2)
            return _Raw("else", "if", inner, token.line, _end(inner, token)), stop
        return _Raw("else", "", [], token.line, token.line), at + 1
    if text == "do":
        return None, at + 1
    if text in CONTROL and at + 1 < len(tokens) and tokens[at + 1].text == "(":
        inner, stop = _parenthesised(tokens, at + 1)
        if text == "while" and stop < len(tokens) and tokens[stop].text == ";":
            stop += 1
        return _Raw(CONTROL[text], text, inner, token.line, _end(inner, token)), stop  # type: ignore[arg-type]
    if text in ("case", "default"):
        return _case(tokens, at)
    if token.name and at + 1 < len(tokens) and tokens[at + 1].text == ":" and text not in ("private", "public"):
        return _Raw("label", text, [], token.line, token.line), at + 2
    return _plain(tokens, at)


def _end(inner: list[Token], token: Token) -> int:
    return inner[-1].line if inner else token.line


def _parenthesised(tokens: list[Token], at: int) -> tuple[list[Token], int]:
    """The tokens inside the parentheses that open at AT, and the index after the closing one."""
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
                return inner, at + 1
        elif text in ("{", "}") and depth <= 1:
            return inner, at
        inner.append(tokens[at])
        at += 1
    return inner, at


def _case(tokens: list[Token], at: int) -> tuple[_Raw, int]:
    first = tokens[at]
    label: list[Token] = []
    at += 1
    while at < len(tokens) and tokens[at].text not in (":", "{", "}", ";"):
        label.append(tokens[at])
        at += 1
    return _Raw("case", first.text, label, first.line, _end(label, first)), at + 1


def _plain(tokens: list[Token], at: int) -> tuple[_Raw, int]:
    first = tokens[at]
    taken: list[Token] = []
    round_, curly = 0, 0
    while at < len(tokens):
        token = tokens[at]
        text = token.text
        if text in "([":
            round_ += 1
        elif text in ")]":
            round_ -= 1
        elif text == ";" and curly == 0 and round_ <= 0:
            at += 1
            break
        elif text == "{":
            if curly == 0 and not _opens_initialiser(taken, round_):
                return _headed(first, taken, at)
            curly += 1
        elif text == "}":
            if curly == 0:
                break
            curly -= 1
        elif round_ == 0 and curly == 0 and taken and _starts_loop_body(tokens, at, taken):
            return _headed(first, taken, at)
        taken.append(token)
        at += 1
    return _Raw("plain", "", taken, first.line, _end(taken, first)), at


def _opens_initialiser(taken: list[Token], round_: int) -> bool:
    if round_ > 0:
        return True
    return (
        bool(taken)
        and taken[-1].text in ("=", ",", ")", "return")
        and any(t.text == "=" or t.text == "return" for t in taken)
    )


def _starts_loop_body(tokens: list[Token], at: int, taken: list[Token]) -> bool:
    """Whether TAKEN is a macro loop's head such as ``for_each_x(a, b)`` and the token at AT begins its body."""
    return taken[-1].text == ")" and tokens[at].name and tokens[at].line > taken[-1].line and "each" in taken[0].text


def _headed(first: Token, taken: list[Token], at: int) -> tuple[_Raw, int]:
    if taken and taken[-1].text == ")" and "each" in taken[0].text:
        return _Raw("loop", taken[0].text, taken[1:], first.line, _end(taken, first)), at
    return _Raw("header", "", taken, first.line, _end(taken, first)), at + 1


class _Gate(NamedTuple):
    indent: float
    text: str
    shape: str


class _Nesting:
    """Keeps the stack of conditions by indentation while the statements go by in order."""

    def __init__(self, lines: Sequence[str], directives: Sequence[Directive]) -> None:
        self.indents = [indent_of(line) if line.strip() else -1 for line in lines]
        self.stack: list[_Gate] = []
        self.ifdefs = _Ifdefs(directives)
        self.closed_if: dict[int, list[str]] = {}
        self.leaves: dict[int, str] = {}
        self.labels: dict[int, list[str]] = {}
        self.ended: dict[int, bool] = {}
        self.label_line = -1

    def place(self, raw: list[_Raw]) -> list[Statement]:
        return [self._place(piece) for piece in raw]

    def _place(self, piece: _Raw) -> Statement:
        indent = self.indents[piece.line] if piece.line < len(self.indents) else 0
        self._pop(indent, piece)
        if piece.shape == "case":
            self._open_case(indent, piece)
        gates = tuple([gate.text for gate in self.stack])
        if self.ifdefs.steps:
            gates += self.ifdefs.at(piece.line)
        if piece.shape == "else":
            gates = self._open_else(indent, piece, gates)
        elif piece.shape in ("if", "loop", "switch"):
            self._open(indent, piece)
        elif piece.shape == "plain" and piece.tokens:
            self._leave(indent, piece)
        return Statement(piece.shape, piece.word, piece.tokens, indent, piece.line, piece.end, gates)

    def _pop(self, indent: int, piece: _Raw) -> None:
        if piece.shape == "header" or (piece.shape == "label" and indent == 0):
            if piece.shape == "header":
                self.stack.clear()
            else:
                self.stack = [gate for gate in self.stack if gate.indent < 0]
            return
        same_line = piece.shape != "case" and piece.line == self.label_line
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

    def _open(self, indent: int, piece: _Raw) -> None:
        text = join(piece.tokens)
        if piece.shape == "if":
            self.closed_if[indent] = [text]
            self.leaves.pop(indent, None)
            self.stack.append(_Gate(indent, text, "if"))
        elif piece.shape == "switch":
            self.labels.pop(indent, None)
            self.stack.append(_Gate(indent, f"switch {text}", "switch"))
        else:
            self.stack.append(_Gate(indent, f"{piece.word} {text}", "loop"))

    def _open_else(self, indent: int, piece: _Raw, gates: tuple[str, ...]) -> tuple[str, ...]:
        earlier = self.closed_if.get(indent, ["?"])
        self.leaves.pop(indent, None)
        text = " && ".join(f"!({cond})" for cond in earlier)
        if piece.word == "if":
            own = join(piece.tokens)
            self.closed_if[indent] = [*earlier, own]
            self.stack.append(_Gate(indent, f"{text} && {own}", "if"))
            return (*gates, text)
        self.stack.append(_Gate(indent, text, "if"))
        return gates

    def _open_case(self, indent: int, piece: _Raw) -> None:
        label = join(piece.tokens) if piece.word == "case" else "default"
        self.label_line = piece.end
        labels = self.labels.setdefault(indent, [])
        if self.ended.get(indent, True):
            labels.clear()
        labels.append(label)
        self.ended[indent] = False
        self.stack.append(_Gate(indent, "case " + ", ".join(labels), "case"))

    def _after_label(self, piece: _Raw) -> bool:
        """Whether PIECE stands on the line of a case label."""
        return piece.line == self.label_line

    def _leave(self, indent: int, piece: _Raw) -> None:
        word = piece.tokens[0].text
        for gate in reversed(self.stack):
            if gate.shape == "case" and (gate.indent < indent or self._after_label(piece)):
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
