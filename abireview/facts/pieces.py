# SPDX-License-Identifier: GPL-2.0-or-later
"""One side of a fragment made ready for the extractors: comments out, preprocessor lines apart, ``#ifdef`` gates."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from abireview.facts.model import Fact, FactKind
from abireview.facts.tokens import Token, blank_comments, normalise, tokenise
from abireview.source.model import Fragment, Side

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z_]\w*)\s*(.*)", re.DOTALL)
_CONDITIONS = frozenset({"if", "ifdef", "ifndef"})
_JOINED = re.compile(r"\\[ \t]*\n")


class Directive(NamedTuple):
    """A preprocessor line: ``word`` without ``#``, ``rest`` with its continuation lines joined; lines from 0."""

    word: str
    rest: str
    line: int
    end: int


class Piece:
    """One side of a fragment.

    ``code`` is its C without comments and preprocessor lines, line for line; ``tokens`` are that code's tokens;
    ``name`` is the scope's name on this side, ``header`` the scope's first lines where the fragment lacks them.
    """

    def __init__(self, fragment: Fragment, side: Side) -> None:
        shown = fragment.old if side == "old" else fragment.new
        self.path = fragment.path
        self.name = fragment.old_name if side == "old" else fragment.name
        self.kind = fragment.kind
        self.header = blank_comments(fragment.header)
        self.whole = fragment.whole
        self.lines = shown.lines
        self._changed = shown.changed
        self._text = shown.text

    @cached_property
    def _parts(self) -> tuple[str, tuple[Directive, ...]]:
        text = blank_comments(self._text)
        if "#" not in text:
            return text, ()
        directives: list[Directive] = []
        lines = text.split("\n")
        number = 0
        while number < len(lines):
            first = number
            match = _DIRECTIVE.match(lines[first])
            if match:
                while lines[number].rstrip().endswith("\\") and number + 1 < len(self.lines):
                    number += 1
                rest = _JOINED.sub(" ", "\n".join([match[2], *lines[first + 1 : number + 1]]))
                directives.append(Directive(match[1], rest.strip(), first, number))
                lines[first : number + 1] = [""] * (number + 1 - first)
            number += 1
        return "\n".join(lines), tuple(directives)

    @property
    def code(self) -> str:
        """The C without comments and preprocessor lines."""
        return self._parts[0]

    @property
    def directives(self) -> tuple[Directive, ...]:
        """The preprocessor lines in order."""
        return self._parts[1]

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens of ``code``."""
        return list(tokenise(self.code))

    @cached_property
    def _gate_steps(self) -> tuple[list[int], list[tuple[str, ...]]]:
        starts = [0]
        steps: list[tuple[str, ...]] = [()]
        stack: list[str] = []
        for index, directive in enumerate(self.directives):
            if directive.word in _CONDITIONS:
                guard = _is_guard(directive, self.directives[index + 1 : index + 2])
                stack.append("" if guard else f"#{directive.word} {normalise(directive.rest)}")
            elif directive.word in ("else", "elif") and stack:
                stack[-1] = f"#else {stack[-1]}"
            elif directive.word == "endif" and stack:
                stack.pop()
            else:
                continue
            starts.append(directive.line)
            steps.append(tuple(gate for gate in stack if gate))
        return starts, steps

    def gates(self, line: int) -> tuple[str, ...]:
        """The ``#ifdef`` conditions around a line, outermost first; the guard of a header is none.

        ``#else`` stands before the condition it turns round.
        """
        if not self.directives:
            return ()
        starts, steps = self._gate_steps
        return steps[bisect_right(starts, line) - 1]

    def column(self, token: Token) -> int:
        """How many characters stand before a token of ``tokens`` on its line."""
        return token.start - (self.code.rfind("\n", 0, token.start) + 1)

    def scope_end(self, closers: Sequence[int]) -> int:
        """Where the scope that the header opened ends: an index into ``tokens``, its length if that is not seen.

        ``closers`` are the indexes of the closing brackets without an opening one.
        """
        tokens = self.tokens
        for index in reversed(closers):
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if tokens[index].text == "}" and (self.column(tokens[index]) == 0 or following == ";"):
                return index
        return len(tokens)

    def changed(self, line: int, end: int) -> bool:
        """Whether one of the lines ``line`` to ``end`` is added or removed."""
        return True in self._changed[line : end + 1]

    def fact(
        self,
        kind: FactKind,
        key: str,
        line: int,
        end: int,
        *,
        scope: str = "",
        value: str = "",
        columns: Iterable[tuple[str, str]] = (),
        number: int | None = None,
    ) -> Fact:
        """A fact of this piece at these of its lines."""
        return Fact(
            kind=kind,
            scope=scope,
            key=key,
            value=value,
            columns=tuple(columns),
            number=number,
            gates=self.gates(line),
            path=self.path,
            line=line,
            end=end,
            whole=self.whole,
            changed=self.changed(line, end),
        )


def _is_guard(directive: Directive, following: tuple[Directive, ...]) -> bool:
    """Whether ``#ifndef X`` is followed by a ``#define X`` without value: the guard of a header."""
    if directive.word != "ifndef" or not following:
        return False
    return following[0].word == "define" and following[0].rest.split() == [directive.rest.strip()]


class _Read(NamedTuple):
    fragment: Fragment
    side: Side
    piece: Piece


_kept: list[_Read] = []  # several extractors read the sides of one fragment, one after the other


def read(fragment: Fragment, side: Side) -> Piece:
    """The piece of one side; the two last read are kept."""
    for found in _kept:
        if found.fragment is fragment and found.side == side:
            return found.piece
    piece = Piece(fragment, side)
    _kept[:] = [_Read(fragment, side, piece), *_kept[:1]]
    return piece


def numbered(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts with ``#2``, ``#3`` … after a key that its kind and scope have already had."""
    seen: dict[tuple[str, str, str], int] = {}
    for fact in facts:
        place = (fact.kind, fact.scope, fact.key)
        count = seen[place] = seen.get(place, 0) + 1
        yield fact if count == 1 else msgspec.structs.replace(fact, key=f"{fact.key}#{count}")
