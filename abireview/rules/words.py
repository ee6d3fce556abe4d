# SPDX-License-Identifier: GPL-2.0-or-later
"""What a patch says of itself: phrases of its subject, its log and the cover letter, and what kind of posting it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from abireview.mail.model import Patch, Series
from abireview.rules import regex
from abireview.rules.schema import Phrase

MAX_LOG = 16_384  # characters of a log or a cover letter that are looked at
QUOTED_TITLE = re.compile(r'\("[^"]{4,300}"\)')  # another commit is named: its title says nothing of this patch

Phrases = Mapping[str, Sequence[Phrase]]  # by id: a directory of rules may add to the phrases of another


def by_id(phrases: Iterable[Phrase]) -> Phrases:
    """PHRASES as ``words_of`` takes them."""
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.id, []).append(phrase)
    return found


class _Text:
    """A text in which each phrase is looked for once, when somebody asks for it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._flat: str | None = None
        self._known: dict[str, bool] = {}

    def has(self, phrase: Phrase) -> bool:
        found = self._known.get(phrase.match)
        if found is None:
            if self._flat is None:
                self._flat = " ".join(self._text.split()).lower()
            found = self._known[phrase.match] = regex.occurs(phrase.match, self._flat)
        return found


class Words:
    """The words of one patch by their ids in ``facts/words.toml``, and those of load.STANDING."""

    def __init__(
        self, own: _Text, cover: _Text, phrases: Phrases, standing: frozenset[str], adds_knob: Callable[[], bool]
    ) -> None:
        self._own, self._cover, self._phrases = own, cover, phrases
        self._standing, self._adds_knob = standing, adds_knob

    def __contains__(self, word: str) -> bool:
        if word in self._standing:
            return True
        phrases = self._phrases.get(word)
        if phrases is None:
            # a series that mends what it names offers no choice by it
            return word == "series-adds-knob" and "fixes-trailer" not in self._standing and self._adds_knob()
        return any(self._own.has(phrase) or (phrase.cover and self._cover.has(phrase)) for phrase in phrases)

    def any_of(self, words: Iterable[str]) -> bool:
        """Whether one of WORDS is there."""
        return any(word in self for word in words)

    def all(self) -> frozenset[str]:
        """Every word that is there."""
        return frozenset(word for word in (*self._standing, *self._phrases, "series-adds-knob") if word in self)


def words_of(series: Series, phrases: Phrases, adds_knob: Callable[[], bool]) -> list[Words]:
    """The words of each patch. ``adds_knob`` is asked, once words are, whether the series lets userspace choose."""
    cover = _Text(series.cover.body[:MAX_LOG] if series.cover else "")
    posting = _standing(series)
    return [Words(_own(patch), cover, phrases, posting | _trailers(patch), adds_knob) for patch in series.patches]


def _own(patch: Patch) -> _Text:
    text = f"{patch.subject}\n{QUOTED_TITLE.sub(' ', patch.log[:MAX_LOG])}"
    return _Text(text[:MAX_LOG])


def _trailers(patch: Patch) -> frozenset[str]:
    fixes = any(trailer.name.lower() == "fixes" for trailer in patch.trailers)
    return frozenset({"fixes-trailer"} if fixes else ())


def _standing(series: Series) -> frozenset[str]:
    """What kind of posting the whole series is."""
    found = set()
    if series.stable:
        found.add("is-backport")
    if "AUTOSEL" in {prefix.upper() for prefix in series.prefixes}:
        found.add("is-autosel")
    if series.rfc:
        found.add("is-rfc")
    if series.pull:
        found.add("is-pull")
    return frozenset(found)
