# SPDX-License-Identifier: GPL-2.0-or-later
"""Words of a commit message: which of the phrases that the rule data names stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from abireview import limits
from abireview.facts.model import Fact

_BLANKS = re.compile(r"\s+")


def words(log: str, subject: str, phrases: Mapping[str, re.Pattern[str]]) -> list[Fact]:
    """The phrases found, by phrase, then by place.

    Each paragraph of ``log``, and ``subject``, is searched in lower case and as one line (``no functional`` at the
    end of a line and ``change`` on the next are one phrase). Of a fact, ``key`` is the phrase's id, ``value`` the
    text that matched, ``scope`` ``subject`` or ``log``, and ``line`` to ``end`` the paragraph's lines in ``log``, from
    0. A phrase counts once a paragraph, and at most ``limits.MAX_WORD_MATCHES`` times. The patterns come from rule
    files, which are checked for bounded cost when they are read.
    """
    texts = [("subject", _folded(subject), 0, 0), *(("log", *paragraph) for paragraph in _paragraphs(log))]
    facts: list[Fact] = []
    for phrase, pattern in phrases.items():
        found = 0
        for scope, text, line, end in texts:
            match = pattern.search(text)
            if match is None or not match[0]:
                continue
            facts.append(Fact(kind="word", scope=scope, key=phrase, value=match[0], line=line, end=end, changed=True))
            found += 1
            if found == limits.MAX_WORD_MATCHES:
                break
    return facts


def _folded(text: str) -> str:
    return _BLANKS.sub(" ", text).strip().lower()


def _paragraphs(log: str) -> Iterator[tuple[str, int, int]]:
    """Each paragraph as one line of lower case, with its first and last line."""
    lines = log.split("\n")
    first = 0
    for number, line in enumerate([*lines, ""]):
        if line.strip():
            continue
        if number > first:
            yield _folded("\n".join(lines[first:number])), first, number - 1
        first = number + 1
