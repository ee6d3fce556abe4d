# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that a series replaces throughout: the old name dies, one new name stands wherever it stood."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from abireview.facts.lex import Token, lex, strip_comments
from abireview.source.model import Fragment

DEFINED = re.compile(r"\s*#\s*define\s+([A-Za-z_]\w*)")
WORD = re.compile(r"[A-Za-z_]\w*")
SURE = 3  # so many lines with the same exchange are a rename however the names look
SOME = 2  # so many are if the names look alike
ALIKE = 0.7
NOT_TYPES = frozenset({"return", "case", "goto", "else", "sizeof"})  # words before a name that declare nothing
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
        in_code: Counter[str] = Counter()
        declared: set[str] = set()
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
            voted = _vote(old_lines, new_lines, votes, declared)
            if fragment.kind != "table":
                in_code.update(voted)
        if not votes:
            return cls({})
        for fragment in fragments:
            alive |= _context_words(fragment)
        gone, come = _definitions(fragments, "old"), _definitions(fragments, "new")
        names = {}
        for name, found in votes.items():
            target, count = found.most_common(1)[0]
            if len(found) > 1 or name in alive or name in fixed or count * 2 < dropped[name]:
                continue
            if target in come and name not in gone:
                continue  # a new definition takes over what another, still there, did
            # Rows that all exchange one handler for another are no rename of the handler.
            alike = (count >= SOME and _similar(name, target)) or (in_code[name] and _respelled(name, target))
            if in_code[name] >= SURE or name in declared or alike:
                names[name] = target
        return cls(names)


def _changed(fragment: Fragment, side: str) -> list[str]:
    part = fragment.old if side == "old" else fragment.new
    return [line for line, changed in zip(part.lines, part.changed, strict=True) if changed]


def _context_words(fragment: Fragment) -> set[str]:
    part = fragment.new
    lines = [line for line, changed in zip(part.lines, part.changed, strict=True) if not changed]
    return set(WORD.findall("\n".join(lines)))


def _token_lines(lines: list[str]) -> list[list[Token]]:
    tokens, directives = lex(strip_comments(lines))
    by_line: dict[int, list[Token]] = defaultdict(list)
    for token in tokens:
        by_line[token.line].append(token)
    for directive in directives:
        inner, _ = lex([directive.rest])
        by_line[directive.line] += inner
    return [by_line[number] for number in sorted(by_line)]


def _definitions(fragments: Sequence[Fragment], side: str) -> set[str]:
    """Functions and macros whose definition only one side has."""
    found = {f.name for f in fragments if f.born and side == "new"} | {
        f.old_name for f in fragments if f.died and side == "old"
    }
    for fragment in fragments:
        if fragment.kind == "function" and fragment.name != fragment.old_name:
            found.add(fragment.name if side == "new" else fragment.old_name)
        found.update(match.group(1) for line in _changed(fragment, side) if (match := DEFINED.match(line)))
    return found - {""}


def _similar(name: str, target: str) -> bool:
    """Whether TARGET reads like a new spelling of NAME; otherwise one exchange is another callee, not a rename."""
    return SequenceMatcher(None, name.lower(), target.lower(), autojunk=False).ratio() >= ALIKE


def _respelled(name: str, target: str) -> bool:
    """Whether constant TARGET is NAME but for case and one numbered piece put inside: A_B becomes A_EL1_b."""
    old, new = name.lower().split("_"), target.lower().split("_")
    if not name[:1].isupper() or len(new) - len(old) not in (0, 1):
        return False
    at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(old))
    inside = new[at : len(new) - len(old) + at]
    if not inside:
        return old == new
    return at < len(old) and old[at:] == new[at + 1 :] and any(c.isdigit() for c in inside[0])


def _vote(
    old: list[list[Token]], new: list[list[Token]], votes: dict[str, Counter[str]], declared: set[str]
) -> Counter[str]:
    """Lines of the same shape, taken in order, vote for the names that differ; DECLARED collects declared ones."""
    voted: Counter[str] = Counter()
    shapes: dict[tuple[str, ...], list[list[Token]]] = defaultdict(list)
    for line in new:
        shapes[_shape(line)].append(line)
    for line in old:
        alike = shapes.get(_shape(line))
        if not alike:
            continue
        twin = alike.pop(0)
        for index, (before, after) in enumerate(zip(line, twin, strict=True)):
            if before.name and before.text != after.text:
                votes[before.text][after.text] += 1
                voted[before.text] += 1
                if index and _declares(line[index - 1]) and line[0].text != "return":
                    declared.add(before.text)
    return voted


def _declares(before: Token) -> bool:
    """Whether a name after the token BEFORE can be a declaration's."""
    return before.text == "*" or (bool(before.name) and before.text not in NOT_TYPES)


def _shape(line: list[Token]) -> tuple[str, ...]:
    return tuple("" if token.name else token.text for token in line)
