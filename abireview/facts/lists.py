# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists in brackets, read from tokens: initialisers, enumerators and macro arguments are nothing else.

Tokens, not a syntax tree: C's grammar has no ``#ifdef`` inside an initialiser and no macro call for a row, and a piece
of a mail is cut off at either end. What is missing is put back as virtual brackets (:meth:`List.of`), so the
splitting itself sees only whole lists. Every step is linear in the tokens; nothing recurses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from abireview import limits
from abireview.facts.lex import join
from abireview.facts.tokens import Token

CLOSER = {"(": ")", "[": "]", "{": "}"}
_OPENER = {closer: opener for opener, closer in CLOSER.items()}


class Span(NamedTuple):
    """Tokens ``start`` up to but not including ``stop``."""

    start: int
    stop: int


def virtual(text: str, line: int) -> Token:
    """A token that the text does not have."""
    return Token(text, -1, -1, line)


class Brackets(NamedTuple):
    """``partner`` of each bracket by index, and the indexes of those that have none."""

    partner: dict[int, int]
    closers: list[int]
    openers: list[int]


def brackets(tokens: Sequence[Token]) -> Brackets:
    """Match the brackets; a closer of another kind than the last opener closes what it fits, or nothing."""
    partner: dict[int, int] = {}
    closers: list[int] = []
    stack: list[int] = []
    skipped: list[int] = []
    for index, token in enumerate(tokens):
        text = token.text
        if text in CLOSER:
            (stack if len(stack) < limits.MAX_NESTING else skipped).append(index)
        elif text in _OPENER:
            depth = len(stack) - 1
            while depth >= 0 and tokens[stack[depth]].text != _OPENER[text]:
                depth -= 1
            if depth < 0:
                closers.append(index)
                continue
            skipped += stack[depth + 1 :]
            partner[stack[depth]] = index
            partner[index] = stack[depth]
            del stack[depth:]
    return Brackets(partner, closers, sorted(skipped + stack))


class List:
    """Tokens whose brackets all match (see :meth:`of`), with what is needed to walk over them."""

    def __init__(self, tokens: Sequence[Token], partner: dict[int, int] | None = None) -> None:
        self.tokens = list(tokens)
        self.partner = brackets(tokens).partner if partner is None else partner

    @classmethod
    def of(cls, tokens: Sequence[Token], *, extra: int = 0) -> List:
        """The tokens of a piece, with the brackets that were cut off put back at both ends.

        ``extra`` is how many braces are open at the start besides those that a closer shows.
        """
        found = brackets(tokens)
        if found.closers or found.openers or extra:
            first, last = (tokens[0].line, tokens[-1].line) if tokens else (0, 0)
            before = [virtual("{", first)] * extra
            before += [virtual(_OPENER[tokens[index].text], first) for index in reversed(found.closers)]
            after = [virtual(CLOSER[tokens[index].text], last) for index in reversed(found.openers)]
            tokens = [*before, *tokens, *after, *[virtual("}", last)] * extra]
            found = brackets(tokens)
        stray = {*found.closers, *found.openers}  # brackets that cross each other: no list can be made of them
        if stray:
            return cls([token for index, token in enumerate(tokens) if index not in stray])
        return cls(tokens, found.partner)

    def split(self, span: Span | None = None) -> list[Span]:
        """The list's elements: split at its commas, and where a new line begins after a bracket without one.

        (Rows that are macro calls sometimes bring their own comma.) Empty elements are left out.
        """
        start, stop = span or Span(0, len(self.tokens))
        spans: list[Span] = []
        index = begin = start
        while index < stop:
            text = self.tokens[index].text
            if text == ",":
                spans.append(Span(begin, index))
                begin = index + 1
            elif index > begin and self._row_begins(index):
                spans.append(Span(begin, index))
                begin = index
            index = min(self.partner[index], stop - 1) + 1 if index in self.partner and text in CLOSER else index + 1
        spans.append(Span(begin, stop))
        return [span for span in spans if span.stop > span.start]

    def _row_begins(self, index: int) -> bool:
        before, token = self.tokens[index - 1], self.tokens[index]
        if before.text not in (")", "}") or before.line >= token.line or token.start < 0:
            return False
        return token.text[0] in '{."' or token.text[0].isalnum() or token.text[0] == "_"

    def text(self, span: Span) -> str:
        """The element's normalised text, without the comma that may stand before a closing brace."""
        texts = [token.text for token in self.tokens[span.start : span.stop]]
        if "}" in texts:
            texts = [text for text, following in pairwise([*texts, ""]) if (text, following) != (",", "}")]
        return join(texts)

    def lines(self, span: Span) -> tuple[int, int]:
        """The first and last line of an element's own tokens."""
        own = [token.line for token in self.tokens[span.start : span.stop] if token.start >= 0]
        return (own[0], own[-1]) if own else (0, 0)

    def is_cut(self, span: Span) -> tuple[bool, bool]:
        """Whether the element's start, and whether its end, was cut off."""
        tokens = self.tokens[span.start : span.stop]
        return tokens[0].start < 0 and tokens[0].text in CLOSER, tokens[-1].start < 0 and tokens[-1].text in _OPENER

    def call(self, span: Span) -> tuple[str, Span] | None:
        """The name and the arguments' span, if the element is one call ``NAME(…)`` and nothing else."""
        if span.stop - span.start < 3 or not is_name(self.tokens[span.start].text):
            return None
        if self.tokens[span.start + 1].text != "(" or self.partner.get(span.start + 1) != span.stop - 1:
            return None
        return self.tokens[span.start].text, Span(span.start + 2, span.stop - 1)

    def braces(self, span: Span) -> Span | None:
        """What stands inside the braces, if the element is ``{…}``, with or without a cast or ``&`` before it."""
        if self.tokens[span.stop - 1].text != "}":
            return None
        opener = self.partner.get(span.stop - 1, -1)
        if opener < span.start:
            return None
        before = opener - 1
        if before >= span.start:
            if self.tokens[before].text != ")":
                return None
            before = self.partner.get(before, span.start) - 1
            if before >= span.start and self.tokens[before].text == "&":
                before -= 1
        return Span(opener + 1, span.stop - 1) if before < span.start else None

    def top(self, span: Span) -> Iterator[int]:
        """The indexes of the element's tokens outside all brackets (opening ones included)."""
        index = span.start
        while index < span.stop:
            yield index
            index = (
                self.partner[index] + 1 if self.tokens[index].text in CLOSER and index in self.partner else index + 1
            )


def is_name(text: str) -> bool:
    """Whether a token is an identifier (or a keyword)."""
    return text[0].isalpha() or text[0] == "_"
