# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of a function's body: conditions, stores, calls, returned errors, accepted cases, and what gates them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from abireview.facts.flags import named
from abireview.facts.lex import Token, join
from abireview.facts.model import Fact, FactKind
from abireview.facts.statements import Statement, statements
from abireview.source.model import Fragment, Side

ASSIGN = frozenset({"=", "+=", "-=", "|=", "&=", "^=", "<<=", ">>=", "*=", "/=", "%="})
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
        parts = statements(self.lines)
        for index, part in enumerate(parts):
            follower = parts[index + 1 : index + 3]
            found.extend(self._of(part, follower))
        return found

    def _of(self, part: Statement, after: Sequence[Statement]) -> Iterator[Fact]:
        if part.shape in ("if", "loop", "switch") or (part.shape == "else" and part.word):
            text = join(part.tokens)
            yield self._fact(part, "cond", part.word, text)
            yield from self._calls(part, part.tokens, "cond")
        elif part.shape == "case":
            label = join(part.tokens) if part.word == "case" else "default"
            switch = next((gate[7:] for gate in reversed(part.gates) if gate.startswith("switch ")), "")
            yield self._fact(part, "case", label, switch)
        elif part.shape == "header":
            yield from self._header(part)
        elif part.shape == "plain":
            yield from self._plain(part, after)

    def _plain(self, part: Statement, after: Sequence[Statement]) -> Iterator[Fact]:
        tokens = part.tokens
        if not tokens:
            return
        first = tokens[0].text
        if first == "return":
            value = join(tokens[1:])
            yield self._fact(part, "return", value or "void", value)
            yield from self._calls(part, tokens[1:], "return")
            return
        at = _assignment(tokens)
        if at is None:
            yield from self._expression(part)
            return
        yield from self._store(part, at, after)

    def _store(self, part: Statement, at: int, after: Sequence[Statement]) -> Iterator[Fact]:
        left, operator, right = part.tokens[:at], part.tokens[at].text, part.tokens[at + 1 :]
        value = join(right)
        declared = _declared(left)
        if declared:
            yield self._fact(part, "local", declared, join(left[:-1]) or "")
            left = left[-1:] if left[-1].name else left[_declarator(left) :]
        key = join(left)
        if operator == "=" and ERRNO.match(value) and key in STATUS_NAMES:
            yield self._fact(part, "return", value, value, extra=_goto_gate(part, after))
        else:
            yield self._fact(part, "store", key, f"{operator} {value}")
        yield from self._calls(part, right, "store")
        if operator == "|=" or "|" in value or "~" in value:
            yield from self._flags(part, value, key, alone=operator == "|=")

    def _flags(self, part: Statement, text: str, where: str, *, alone: bool = False) -> Iterator[Fact]:
        for name, complemented in named(text, alone=alone):
            yield self._fact(part, "flag", name, f"~{where}" if complemented else where)

    def _expression(self, part: Statement) -> Iterator[Fact]:
        tokens = part.tokens
        if _is_declaration(tokens):
            yield self._fact(part, "local", tokens[-1].text, join(tokens[:-1]))
            return
        calls = list(self._calls(part, tokens, "stmt"))
        if calls and tokens[0].name and len(tokens) > 1 and tokens[1].text == "(":
            yield from calls
            return
        yield self._fact(part, "stmt", tokens[0].text, join(tokens))
        yield from calls

    def _calls(self, part: Statement, tokens: Sequence[Token], where: str) -> Iterator[Fact]:
        texts = [token.text for token in tokens]
        if "(" not in texts:
            return
        for index, token in enumerate(tokens[:-1]):
            if texts[index + 1] != "(" or not token.name or token.text in NOT_CALLS:
                continue
            inner = _inside(tokens, index + 1)
            arguments = [join(piece) for piece in _top_level(inner, ",")]
            columns = tuple((str(number), text) for number, text in enumerate(arguments))
            yield self._fact(part, "call", token.text, ", ".join(arguments), columns=(*columns, ("in", where)))
            if where == "stmt":
                for text in arguments:
                    if "|" in text or "~" in text:
                        yield from self._flags(part, text, token.text)

    def _header(self, part: Statement) -> Iterator[Fact]:
        opening = next((i for i, token in enumerate(part.tokens) if token.text == "("), None)
        if not opening or part.indent > 0:
            return
        name = part.tokens[opening - 1].text
        parameters = [join(piece) for piece in _top_level(_inside(part.tokens, opening), ",")]
        before = join([t for t in part.tokens[: opening - 1] if t.text not in QUALIFIERS])
        yield self._fact(part, "function", name, f"{before} ({', '.join(parameters)})")

    def _fact(
        self,
        part: Statement,
        kind: FactKind,
        key: str,
        value: str,
        *,
        columns: tuple[tuple[str, str], ...] = (),
        extra: tuple[str, ...] = (),
    ) -> Fact:
        return Fact(
            kind=kind,
            scope=self.scope,
            key=key,
            value=value,
            columns=columns,
            gates=part.gates + extra,
            path=self.path,
            line=part.line,
            end=part.end,
            whole=self.whole,
            changed=True in self.changed[part.line : part.end + 1],
        )


def _goto_gate(part: Statement, after: Sequence[Statement]) -> tuple[str, ...]:
    """The condition under which ``ret = -E;`` is returned when it stands before ``if (cond) goto out;``."""
    if len(after) == 2 and after[0].shape == "if" and after[0].indent == part.indent:
        inner = after[1]
        if inner.shape == "plain" and inner.tokens and inner.tokens[0].text in ("goto", "return"):
            return (join(after[0].tokens),)
    return ()


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
