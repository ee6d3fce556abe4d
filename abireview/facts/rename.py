# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that a series replaces throughout: the old name dies, one new name stands wherever it stood."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from abireview.facts.lex import Token, lex, strip_comments
from abireview.source.model import Fragment

WORD = re.compile(r"[A-Za-z_]\w*")
MAX_LINES = 4000  # changed lines looked at: a rename shows in the first of them, larger series only cost time


class Renames:
    """Old name → new name; ``apply`` rewrites a text, ``ident`` the key and value of a fact."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def apply(self, text: str) -> str:
        """TEXT with every renamed word replaced."""
        if not self.names:
            return text
        return WORD.sub(lambda found: self.names.get(found.group(), found.group()), text)

    def ident(self, ident: tuple[str, str, str]) -> tuple[str, str, str]:
        """(kind, key, value) with the renamed words replaced."""
        return ident[0], self.apply(ident[1]), self.apply(ident[2])

    @classmethod
    def learn(cls, fragments: Sequence[Fragment], public: Sequence[int]) -> Renames:
        """The consistent renames of FRAGMENTS; names in the fragments numbered in PUBLIC are never renamed."""
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        alive: set[str] = set()
        dropped: Counter[str] = Counter()
        fixed: set[str] = set()
        for index, fragment in enumerate(fragments):
            old, new = _changed(fragment, "old"), _changed(fragment, "new")
            if not old or len(old) + len(new) > MAX_LINES:
                continue
            old_lines, new_lines = _token_lines(old), _token_lines(new)
            names_new = {t.text for line in new_lines for t in line if t.name}
            alive |= names_new
            if index in public:
                fixed |= {t.text for line in old_lines for t in line if t.name}
            for line in old_lines:
                dropped.update({t.text for t in line if t.name} - names_new)
            _vote(old_lines, new_lines, votes)
        for fragment in fragments:
            alive |= _context_words(fragment)
        names = {}
        for name, found in votes.items():
            target, count = found.most_common(1)[0]
            if len(found) == 1 and name not in alive and name not in fixed and count * 2 >= dropped[name]:
                names[name] = target
        return cls(names)


def _changed(fragment: Fragment, side: str) -> list[str]:
    part = fragment.old if side == "old" else fragment.new
    return [line for line, changed in zip(part.lines, part.changed, strict=True) if changed]


def _context_words(fragment: Fragment) -> set[str]:
    part = fragment.new
    found: set[str] = set()
    for line, changed in zip(part.lines, part.changed, strict=True):
        if not changed:
            found.update(WORD.findall(line))
    return found


def _token_lines(lines: list[str]) -> list[list[Token]]:
    tokens, directives = lex(strip_comments(lines))
    by_line: dict[int, list[Token]] = defaultdict(list)
    for token in tokens:
        by_line[token.line].append(token)
    for directive in directives:
        inner, _ = lex([directive.rest])
        by_line[directive.line] += inner
    return [by_line[number] for number in sorted(by_line)]


def _vote(old: list[list[Token]], new: list[list[Token]], votes: dict[str, Counter[str]]) -> None:
    """Lines of the same shape, taken in order, vote for the names that differ."""
    shapes: dict[tuple[str, ...], list[list[Token]]] = defaultdict(list)
    for line in new:
        shapes[_shape(line)].append(line)
    for line in old:
        alike = shapes.get(_shape(line))
        if not alike:
            continue
        twin = alike.pop(0)
        for before, after in zip(line, twin, strict=True):
            if before.name and before.text != after.text:
                votes[before.text][after.text] += 1


def _shape(line: list[Token]) -> tuple[str, ...]:
    return tuple("" if token.name else token.text for token in line)
