# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that a series replaces throughout: the old name dies, one new name stands wherever it stood."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import compress
from operator import not_

from abireview.facts.edits import differ_in_digits
from abireview.facts.lex import pieces_of, strip_comments, without_directives
from abireview.source.model import Fragment, FragmentSide

DEFINED = re.compile(r"\s*#\s*define\s+([A-Za-z_]\w*)")
WORD = re.compile(r"[A-Za-z_]\w*")
SURE = 3  # so many lines with the same exchange are a rename however the names look
SOME = 2  # so many are if the names look alike
ALIKE = 0.7
NOT_TYPES = frozenset({"return", "case", "goto", "else", "sizeof"})  # words before a name that declare nothing
_CACHED = 1 << 14  # changed lines kept: what one patch adds another removes, and versions of a series repeat both
_CACHED_CHARS = 160  # of a line that is kept
MAX_LINES = 4000  # changed lines looked at: a rename shows in the first of them, larger series only cost time


class Renames:
    """Old name → new name; ``apply`` rewrites a text, ``ident`` the key and value of a fact."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self._applied: dict[str, str] = {}

    def apply(self, text: str) -> str:
        """TEXT with every renamed word replaced."""
        if not self.names:
            return text
        known = self._applied.get(text)
        if known is None:
            known = text
            if not self.names.keys().isdisjoint(WORD.findall(text)):
                known = WORD.sub(lambda found: self.names.get(found.group(), found.group()), text)
            self._applied[text] = known
        return known

    def ident(self, ident: tuple[str, str, str]) -> tuple[str, str, str]:
        """(kind, key, value) with the renamed words replaced."""
        return ident[0], self.apply(ident[1]), self.apply(ident[2])

    @classmethod
    def learn(cls, fragments: Sequence[Fragment], public: Sequence[int]) -> Renames:
        """The consistent renames of FRAGMENTS; names in the fragments numbered in PUBLIC are never renamed."""
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        in_code: Counter[str] = Counter()
        declared: set[str] = set()
        lost: list[str] = []
        fixed: set[str] = set()
        changed = [(_changed(fragment.old), _changed(fragment.new)) for fragment in fragments]
        read = [
            (index, _Text(old), _Text(new))
            for index, (old, new) in enumerate(changed)
            if old and len(old) + len(new) <= MAX_LINES
        ]
        alive = frozenset().union(*[new.names for _, _, new in read])
        for index, old, new in read:
            if old.names <= alive:
                continue  # nothing that stands here is gone
            if index in public:
                fixed |= old.names
            for line in old.lines:
                lost += line.names - new.names
            voted = _vote(old.lines, new.lines, votes, declared)
            if fragments[index].kind != "table":
                in_code.update(voted)
        if not votes:
            return cls({})
        context = _Context(fragments)
        dropped = Counter(lost)
        gone, come = _definitions(fragments, changed, old=True), _definitions(fragments, changed, old=False)
        names = {}
        for name, found in votes.items():
            target, count = found.most_common(1)[0]
            if len(found) > 1 or name in alive or name in fixed or count * 2 < dropped[name]:
                continue
            if target in come and name not in gone:
                continue  # a new definition takes over what another, still there, did
            if name not in gone and name not in declared and differ_in_digits(name, target):
                continue  # another size, version or level that has its own name
            if context.says(name):
                continue
            # Rows that all exchange one handler for another are no rename of the handler.
            alike = (count >= SOME and _similar(name, target)) or (in_code[name] and _respelled(name, target))
            if in_code[name] >= SURE or name in declared or alike:
                names[name] = target
        return cls(names)


def _changed(side: FragmentSide) -> list[str]:
    return list(compress(side.lines, side.changed))


class _Context:
    """The words on the lines of the new sides that stay as they are, put together when a name is asked for."""

    def __init__(self, fragments: Sequence[Fragment]) -> None:
        self._fragments = fragments

    @cached_property
    def _text(self) -> str:
        sides = (fragment.new for fragment in self._fragments)
        return "\n".join([line for side in sides for line in compress(side.lines, map(not_, side.changed))])

    @cached_property
    def _words(self) -> set[str]:
        return set(WORD.findall(self._text))

    def says(self, name: str) -> bool:
        return name in self._text and name in self._words


class _Line:
    """The tokens of one changed line, its shape (the tokens with names left blank), and the names on it."""

    __slots__ = ("_shape", "declares", "names", "tokens")

    def __init__(self, text: str, *, declares: bool = True) -> None:
        self.tokens = pieces_of(text)
        self.declares = declares  # what a #define is replaced with declares nothing
        self.names = frozenset([text for text, is_name in self.tokens if is_name])
        self._shape: tuple[str, ...] | None = None

    @property
    def shape(self) -> tuple[str, ...]:
        if self._shape is None:
            self._shape = tuple(["" if is_name else text for text, is_name in self.tokens])
        return self._shape


_line = lru_cache(maxsize=_CACHED)(_Line)


class _Text:
    """The changed lines of one side that have tokens, and the names on them."""

    def __init__(self, lines: list[str]) -> None:
        code, directives = without_directives(strip_comments(lines))
        found = [_line(text) if len(text) <= _CACHED_CHARS else _Line(text) for text in code]
        for one in directives:  # of them what is behind their word
            if not one.rest.lstrip().startswith("#"):
                found[one.line] = _Line(one.rest, declares=False)
        self.lines = [line for line in found if line.tokens]
        self.names = frozenset().union(*[line.names for line in self.lines])


def _definitions(
    fragments: Sequence[Fragment], changed: Sequence[tuple[list[str], list[str]]], *, old: bool
) -> set[str]:
    """Functions and macros whose definition only one side has; CHANGED are the changed lines of both."""
    found = {f.old_name for f in fragments if f.died} if old else {f.name for f in fragments if f.born}
    for fragment, (removed, added) in zip(fragments, changed, strict=True):
        if fragment.kind == "function" and fragment.name != fragment.old_name:
            found.add(fragment.old_name if old else fragment.name)
        for line in removed if old else added:
            if "define" in line and (match := DEFINED.match(line)):
                found.add(match.group(1))
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


def _vote(old: list[_Line], new: list[_Line], votes: dict[str, Counter[str]], declared: set[str]) -> Counter[str]:
    """Lines of the same shape, taken in order, vote for the names that differ; DECLARED collects declared ones."""
    voted: Counter[str] = Counter()
    shapes: dict[tuple[str, ...], deque[_Line]] = defaultdict(deque)
    for line in new:
        shapes[line.shape].append(line)
    for line in old:
        alike = shapes.get(line.shape)
        if not alike:
            continue
        twin = alike.popleft()
        if twin.tokens == line.tokens:
            continue
        first = line.tokens[0][0]
        before = ("", False)
        for token, other in zip(line.tokens, twin.tokens, strict=True):
            name, is_name = token
            if is_name and name != other[0]:
                votes[name][other[0]] += 1
                voted[name] += 1
                if line.declares and _declares(*before) and first != "return":
                    declared.add(name)
            before = token
    return voted


def _declares(text: str, is_name: bool) -> bool:
    """Whether a name after the token TEXT can be a declaration's."""
    return text == "*" or (is_name and text not in NOT_TYPES)
