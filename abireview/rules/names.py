# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of many expressions a name matches, without trying each: most of them need letters that the name lacks.

An expression is taken as its ways: ``kvm_(set|get)_\\w+|(__)?reset`` as ``kvm_set_\\w+``, ``kvm_get_\\w+``, ``reset``
and ``__reset``. A way that must contain some letters (``kvm_set_``) is only looked at for names that have them, and the
forms that most ways have are told without compiling them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, Literal

import msgspec

from abireview.rules.regex import MAX_SUBJECT, compiled

Form = Literal["is", "begins", "goes on", "holds", "other"]

_GRAM: Final = 3  # letters by which a way is found
# What an expression is made of, as far as that matters here: an escape, a class, a repetition, brackets, words.
_PIECE: Final = r"(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[*+?]|\{[^{}]*\}|\(|\)|\||\w+|."
# Flags for a whole expression, and characters written as numbers or names: such an expression is taken as it is.
_OPAQUE: Final = r"\(\?[aiLmsux]|\\[xuUN0-9]"
_BRANCH: Final = r"(?:[A-Za-z0-9_]|\\w[*+]?)+"
# (set|get)_…, (__)?…, _?…
_CHOICE: Final = (
    rf"(?<!\\)(?:\((?:\?:)?(?P<words>{_BRANCH}(?:\|{_BRANCH})*)\)(?P<or_none>\?)?"
    r"|(?P<letter>[A-Za-z0-9_])\?)(?![*+?{])"
)
_HIDDEN: Final = r"\\[()]|\[[^\]]*[()]"  # brackets that are none
_MAX_WAYS: Final = 48  # of one alternative
_PLAIN: Final = r"(\\w\*)?([A-Za-z0-9_]+)(\\w\*|\\w\+)?"
_FORMS: Final[dict[tuple[str, str], Form]] = {
    ("", ""): "is",
    ("", r"\w*"): "begins",
    ("", r"\w+"): "goes on",
    (r"\w*", r"\w*"): "holds",
}


class Way(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One way of the expression at ``place`` in its table (from 0); ``letters`` stand in every match of it."""

    place: int
    form: Form
    letters: str
    text: str

    def fits(self, name: str, is_word: bool) -> bool:
        """Whether it matches the whole of NAME; ``is_word`` if ``\\w*`` goes over any part of that."""
        if self.form == "other" or not is_word:
            return compiled(self.text).fullmatch(name) is not None
        if self.form == "holds":
            return self.letters in name
        return name.startswith(self.letters) and (self.form == "begins" or name != self.letters)


class Table(msgspec.Struct, frozen=True, array_like=True):
    """The ways of a list of expressions: by the name that alone fits, by three letters that a name must have, and those
    that may fit any name.
    """

    exact: dict[str, tuple[int, ...]]
    by_gram: dict[str, tuple[Way, ...]]
    always: tuple[Way, ...]

    def matched(self, name: str) -> set[int]:
        """The places of the expressions that match the whole of NAME; none for one longer than MAX_SUBJECT."""
        if len(name) > MAX_SUBJECT:
            return set()
        hits = set(self.exact.get(name, ()))
        is_word = name.isascii() and name.isidentifier()
        ways = list(self.always)
        for gram in {name[at : at + _GRAM] for at in range(len(name) - _GRAM + 1)}:
            ways += self.by_gram.get(gram, ())
        for way in ways:
            if way.letters in name and way.place not in hits and way.fits(name, is_word):
                hits.add(way.place)
        return hits


def table_of(expressions: Sequence[str]) -> Table:
    """The table of EXPRESSIONS, which are right ones."""
    exact: dict[str, list[int]] = defaultdict(list)
    ways = []
    for place, expression in enumerate(expressions):
        for text in dict.fromkeys(_ways(expression)):
            way = _way(place, text)
            if way.form == "is":
                exact[way.letters].append(place)
            else:
                ways.append(way)
    common = Counter(gram for way in ways for gram in set(_grams(way.letters)))
    always: list[Way] = []
    by_gram: dict[str, list[Way]] = defaultdict(list)
    for way in ways:
        rarest = min(_grams(way.letters), key=common.__getitem__, default="")
        (by_gram[rarest] if rarest else always).append(way)
    return Table(
        {name: tuple(places) for name, places in exact.items()},
        {gram: tuple(found) for gram, found in by_gram.items()},
        tuple(always),
    )


def _grams(text: str) -> list[str]:
    return [text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)]


def _ways(expression: str) -> Iterator[str]:
    """The alternatives of EXPRESSION: what matches as a whole is what matches one of them as a whole."""
    if compiled(_OPAQUE).search(expression):
        yield expression
        return
    depth, begin, place = 0, 0, 0
    for piece in [*compiled(_PIECE).findall(expression), "|"]:
        depth += (piece == "(") - (piece == ")")
        if depth == 0 and piece == "|":
            yield from _spelled_out(expression[begin:place])
            begin = place + 1
        place += len(piece)


def _spelled_out(way: str) -> list[str]:
    """WAY with its outermost choices of words made, as long as that does not give too many."""
    parts: list[list[str]] = []
    at, count = 0, 1
    for choice in compiled(_CHOICE).finditer(way) if not compiled(_HIDDEN).search(way) else ():
        before = way[: choice.start()]
        words = [choice["letter"], ""] if choice["letter"] else choice["words"].split("|")
        words += [""] if choice["or_none"] else []
        if count * len(words) <= _MAX_WAYS and before.count("(") == before.count(")"):
            count *= len(words)
            parts += [[way[at : choice.start()]], words]
            at = choice.end()
    return ["".join(picked) for picked in product(*parts, [way[at:]])]


def _way(place: int, text: str) -> Way:
    plain = compiled(_PLAIN).fullmatch(text)
    form = _FORMS.get((plain[1] or "", plain[3] or ""), "other") if plain else "other"
    return Way(place, form, plain[2] if plain else _letters(text), text)


def _letters(way: str) -> str:
    """The longest run of letters outside of brackets that stands in every match of WAY, "" if none is seen."""
    if compiled(_OPAQUE).search(way):
        return ""
    depth = 0
    run = best = ""
    for piece in [*compiled(_PIECE).findall(way), ""]:
        if piece in ("*", "+", "?") or (piece[:1] == "{" and len(piece) > 1):
            run = run[:-1]  # what is repeated may be missing
        best, run = max(best, run, key=len), ""
        depth += (piece == "(") - (piece == ")")
        if depth == 0 and (piece[:1].isalnum() or piece[:1] == "_"):
            run = piece
    return best
