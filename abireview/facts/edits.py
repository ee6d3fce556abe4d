# SPDX-License-Identifier: GPL-2.0-or-later
"""Edits of tokens: what of a text is exchanged for what, and the same exchange made in many places."""

from __future__ import annotations

import re
from collections.abc import Mapping

WORDS = re.compile(r"\w+|[^\w\s]")
DIGITS = re.compile(r"\d+")


Edit = tuple[str, str]


def edit_of(old: str, new: str) -> Edit:
    """The differing middle of two texts' tokens; constants that stand on both sides are one placeholder."""
    left, right = WORDS.findall(old), WORDS.findall(new)
    start, most = 0, min(len(left), len(right))
    while start < most and left[start] == right[start]:
        start += 1
    end = 0
    while end < most - start and left[-1 - end] == right[-1 - end]:
        end += 1
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    common = {word for word in left if word.isupper() and len(word) > 1} & set(right)
    return (
        " ".join("$" if word in common else word for word in left),
        " ".join("$" if word in common else word for word in right),
    )


def differ_in_digits(old: str, new: str) -> bool:
    """Whether two texts are the same but for the numbers in them: another size, version or level, not another name."""
    return DIGITS.sub("#", old) == DIGITS.sub("#", new)


class Edits:
    """The edits of tokens that a series makes in many places, ready to be made once more.

    KNOWN has the edits of texts for which they were worked out.
    """

    def __init__(self, edits: set[Edit], known: Mapping[tuple[str, str], Edit]) -> None:
        self.edits = edits
        self._known = known
        self._ready = []
        for before, after in sorted(edits):
            pattern = re.escape(before).replace(r"\$", r"(\w+)", 1)
            told = max(before.split("$"), key=len)
            change = after.replace("\\", "").replace("$", r"\1", 1)
            self._ready.append((told, re.compile(rf"(?<!\w){pattern}(?!\w)"), change))

    def explain(self, old: str, new: str) -> bool:
        """Whether OLD becomes NEW by these edits alone, made once or several times."""
        if old == new:
            return False
        if (self._known.get((old, new)) or edit_of(old, new)) in self.edits:
            return True
        text, wanted = " ".join(WORDS.findall(old)), " ".join(WORDS.findall(new))
        for told, pattern, change in self._ready:
            if told in text:
                text = pattern.sub(change, text)
        return text == wanted
