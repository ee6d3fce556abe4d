# SPDX-License-Identifier: GPL-2.0-or-later
"""Regular expressions of rule files: compiled late, refused when they could take exponential time.

Python's engine backtracks; a repetition or a choice inside an unbounded repetition is what makes that explode
(CWE-1333), as do many choices one after the other, and backreferences have no linear matcher at all. All are refused,
so every accepted expression is at worst polynomial, and the texts it meets are cut at ``MAX_SUBJECT`` characters.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants as sre  # type: ignore[attr-defined]
    from re import _parser as sre_parse  # type: ignore[attr-defined]

MAX_SUBJECT = 1024  # characters of a fact's text that a rule sees; longer ones are data tables, not conditions
MAX_REPEATS = 8  # unbounded repetitions on one way through an expression: the degree of the polynomial
MAX_CHOICES = 20  # bits: the ways through an expression without its unbounded repetitions; the most of ours has 17
MAX_EXPRESSION = 2000  # characters of an expression in a rule file
FILLED = "\ufffc\ufffc"  # stands for a ``{name}`` when an expression is checked: it may begin with anything

_NEAR = 200  # the longest match that is looked for only around needles
_BEHIND = 40  # characters behind a match that it may look at
_OVERLAP = 96  # of two pieces of a long text
MAX_SHAPES = 8192  # expressions whose shape is kept; the rules that come with the tool have about 1,100
_UNBOUNDED = 64  # a repetition with a higher bound counts as unbounded


def check(expression: str) -> str:
    """Why EXPRESSION is refused, or "" if it is fine."""
    if len(expression) > MAX_EXPRESSION:
        return f"longer than {MAX_EXPRESSION} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # a meaning that is to change is not a meaning
            tree = sre_parse.parse(expression)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        return str(error)
    reason = _walk(tree, inside=False)
    if not reason and _repeats(tree) > MAX_REPEATS:
        return f"more than {MAX_REPEATS} unbounded repetitions one after the other"
    if not reason and (bits := _choices(tree)) > MAX_CHOICES:
        return f"{bits:.0f} bits of choices" if bits < math.inf else "a choice inside an unbounded repetition"
    return reason


def _choices(tree: Any) -> float:
    """The base-2 logarithm of the ways through TREE; infinite where an unbounded repetition goes round a choice.

    An alternation is no choice where every branch begins with another character.
    """
    bits = 0.0
    for code, argument in tree:
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, inner = argument
            each = _choices(inner)
            if high == sre.MAXREPEAT or int(high) > _UNBOUNDED:
                bits += math.inf if each else 0
            else:
                bits += int(high) * each + math.log2(int(high) - int(low) + 1) if high else 0
        elif code is sre.SUBPATTERN:
            bits += _choices(argument[3])
        elif code is sre.BRANCH:
            first = [part[0] for part in argument[1] if len(part)]
            plain = {chr(item[1]).lower() for item in first if item[0] is sre.LITERAL} - {FILLED[0]}
            alone = len(plain) == len(argument[1])
            bits += max(map(_choices, argument[1])) + (0 if alone else math.log2(len(argument[1])))
        elif code in (sre.ASSERT, sre.ASSERT_NOT):
            bits += _choices(argument[1])
        elif code is sre.ATOMIC_GROUP:
            bits += _choices(argument)
    return bits


def _repeats(tree: Any) -> int:
    """The most unbounded repetitions that one way through TREE has."""
    count = 0
    for code, argument in tree:
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _low, high, inner = argument
            count += _repeats(inner) + (high == sre.MAXREPEAT or int(high) > _UNBOUNDED)
        elif code is sre.SUBPATTERN:
            count += _repeats(argument[3])
        elif code is sre.BRANCH:
            count += max(map(_repeats, argument[1]))
        elif code in (sre.ASSERT, sre.ASSERT_NOT):
            count += _repeats(argument[1])
        elif code is sre.ATOMIC_GROUP:
            count += _repeats(argument)
    return count


def _walk(tree: Any, *, inside: bool) -> str:
    for code, argument in tree:
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _low, high, inner = argument
            unbounded = high == sre.MAXREPEAT or int(high) > _UNBOUNDED
            if unbounded and inside:
                return "a repetition inside an unbounded repetition"
            reason = _walk(inner, inside=inside or (unbounded and _can_vary(inner)))
        elif code in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            return "a backreference"
        else:
            reason = _walk_other(code, argument, inside)
        if reason:
            return reason
    return ""


def _walk_other(code: Any, argument: Any, inside: bool) -> str:
    if code is sre.SUBPATTERN:
        return _walk(argument[3], inside=inside)
    if code is sre.BRANCH:
        return next((r for r in (_walk(part, inside=inside) for part in argument[1]) if r), "")
    if code in (sre.ASSERT, sre.ASSERT_NOT):
        return _walk(argument[1], inside=inside)
    if code is sre.ATOMIC_GROUP:
        return _walk(argument, inside=inside)
    return ""


def _can_vary(inner: Any) -> bool:
    return len(inner) != 1 or inner[0][0] in (sre.SUBPATTERN, sre.BRANCH, sre.MAX_REPEAT, sre.MIN_REPEAT)


class Shape(NamedTuple):
    """What can be told of an expression without compiling it.

    ``needles`` are texts of which every match contains one, () where that cannot be told: looking for a few plain texts
    is much cheaper than an expression that begins anew at every character, and than compiling it. ``width`` is how many
    characters a match has at most.
    """

    needles: tuple[str, ...]
    width: int


_shapes: dict[str, Shape] = {}


def shape(expression: str) -> Shape:
    """The shape of EXPRESSION, once a process."""
    known = _shapes.get(expression)
    if known is None:
        tree = sre_parse.parse(expression)
        texts = () if tree.state.flags & re.IGNORECASE else tuple(sorted(_needles(tree)))
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        known = _shapes[expression] = Shape(texts, min(int(tree.getwidth()[1]), MAX_SUBJECT))
    return known


def remember(shapes: Mapping[str, Shape]) -> None:
    """Take SHAPES as those of their expressions: parsing is most of what compiling costs."""
    if len(_shapes) + len(shapes) > MAX_SHAPES:
        _shapes.clear()
    _shapes.update(shapes)


def _needles(tree: Any) -> set[str]:
    """Of what must stand in a match, the part whose shortest text is longest."""
    found: list[set[str]] = []
    run = ""
    for code, argument in tree:
        if code is sre.LITERAL:
            run += chr(argument)
            continue
        found.append({run})
        run = ""
        if code is sre.SUBPATTERN:
            # flags of its own may make it ignore case
            found.append(_needles(argument[3]) if not argument[1] else set())
        elif code is sre.BRANCH:
            parts = [_needles(part) for part in argument[1]]
            found.append(set().union(*parts) if all(parts) else set())
        elif code in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[0] > 0:
            found.append(_needles(argument[2]))
    found.append({run})
    best = max(found, key=lambda texts: min(map(len, texts), default=0))
    return best if "" not in best else set()


def occurs(expression: str, text: str) -> bool:
    """Whether EXPRESSION occurs in TEXT, which may be long: it is tried where one of its needles stands.

    Without needles, or where a match may have any length, it is tried on overlapping pieces of MAX_SUBJECT characters.
    """
    wanted, width = shape(expression)
    standing = [needle for needle in wanted if needle in text]
    if wanted and not standing:
        return False
    pattern = compiled(expression)
    if not wanted or width > _NEAR:
        return any(pattern.search(piece) for piece in _pieces(text))
    return any(_occurs_near(pattern, needle, width, text) for needle in standing)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + MAX_SUBJECT] for start in range(0, len(text), MAX_SUBJECT - _OVERLAP))


def _occurs_near(pattern: re.Pattern[str], needle: str, width: int, text: str) -> bool:
    """Whether PATTERN, whose matches have up to WIDTH characters, occurs in TEXT around a NEEDLE."""
    at, total = text.find(needle), len(text)
    while at >= 0:
        start = max(0, at - width)
        end = at + width + _BEHIND
        while 0 <= (at := text.find(needle, at + 1)) < end - width and end - start < MAX_SUBJECT:
            end = at + width + _BEHIND
        while found := pattern.search(text, start, end):
            # what follows may stand behind the end
            if found.end() + _BEHIND <= end or end >= total or pattern.match(text, found.start()):
                return True
            start = found.start() + 1
    return False


@lru_cache(maxsize=4096)
def compiled(expression: str) -> re.Pattern[str]:
    """EXPRESSION compiled, once a process."""
    return re.compile(expression)


def _has_one(needles: tuple[str, ...], text: str) -> bool:
    for needle in needles:  # noqa: SIM110  (any() would make a generator each time)
        if needle in text:
            return True
    return False


class Lazy:
    """EXPRESSION, compiled when it meets a text that it could match."""

    __slots__ = ("_compiled", "_needles", "expression")

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._compiled: re.Pattern[str] | None = None
        self._needles: tuple[str, ...] | None = None

    def _ready(self, text: str) -> re.Pattern[str] | None:
        """The expression compiled, or None if it cannot match TEXT."""
        if self._needles is None:
            self._needles = shape(self.expression).needles
        if self._needles and not _has_one(self._needles, text):
            return None
        self._compiled = compiled(self.expression)
        return self._compiled

    def search(self, text: str) -> re.Match[str] | None:
        """Anywhere in TEXT (cut at MAX_SUBJECT)."""
        pattern = self._compiled or self._ready(text)
        return None if pattern is None else pattern.search(text[:MAX_SUBJECT])

    def full(self, text: str) -> re.Match[str] | None:
        """Over the whole of TEXT (None for one longer than MAX_SUBJECT)."""
        if len(text) > MAX_SUBJECT:
            return None
        pattern = self._compiled or self._ready(text)
        return None if pattern is None else pattern.fullmatch(text)


@lru_cache(maxsize=4096)
def lazy(expression: str) -> Lazy:
    """The one of EXPRESSION, once a process."""
    return Lazy(expression)


def search(expression: str, text: str) -> re.Match[str] | None:
    """EXPRESSION anywhere in TEXT (cut at MAX_SUBJECT)."""
    return lazy(expression).search(text)


def full(expression: str, text: str) -> re.Match[str] | None:
    """EXPRESSION over the whole of TEXT (None for one longer than MAX_SUBJECT)."""
    return lazy(expression).full(text)
