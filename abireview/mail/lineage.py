# SPDX-License-Identifier: GPL-2.0-or-later
"""Which postings are versions of one series, and what a partial re-roll stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from abireview import limits
from abireview.mail.commit import change_id
from abireview.mail.model import Message
from abireview.mail.posting import Posting
from abireview.mail.union import UnionFind


def find_lineages(postings: Sequence[Posting], parents: dict[str, str]) -> list[list[Posting]]:
    """Group ``postings`` (ordered by date) into series; each group is ordered by version, the groups by first posting.

    ``parents`` maps a message-id to the one it replies to. Two postings are versions of one series if they share a
    change-id or a title, if one was posted into the other's thread by the same author under a higher version, or if the
    same author posted half of the patches' titles before.
    """
    groups = UnionFind()
    _join_by_name(postings, groups)
    _join_by_thread(postings, parents, groups)
    _join_by_titles(postings, groups)
    found: dict[int, list[Posting]] = {}
    for i, posting in enumerate(postings):
        found.setdefault(groups.find(i), []).append(posting)
    lineages = list(found.values())
    for lineage in lineages:
        lineage.sort(key=lambda p: (p.order, p.date, p.first.msgid))
    lineages.sort(key=lambda lineage: min(p.first.key for p in lineage))
    return lineages


def fill_rerolls(lineage: list[Posting]) -> None:
    """Complete partial re-rolls in place: ``[PATCH v2 3/4]`` sent alone stands for v1 with patch 3 replaced.

    As b4 does, only where the counts match; also for a lone ``[PATCH v2]`` that answers patch n/m of the same title.
    """
    for at, posting in enumerate(lineage):
        before = lineage[max(0, at - limits.MAX_POSTINGS_TRIED) : at]
        earlier = [p for p in before if p.order < posting.order and len(p.patches) > 1]
        if posting.cover or not posting.patches or not earlier:
            continue
        base = earlier[-1]
        ids = {item.msgid for item in base.members}
        if not all(item.message.in_reply_to in ids or _answers(item.message, ids) for item in posting.patches):
            continue
        if posting.first.subject.has_numbers:
            if posting.m == base.m and len(posting.patches) < base.m:
                _fill(posting, base, {item.subject.n for item in posting.patches})
        elif same := [item for item in base.patches if item.title == posting.first.title]:
            _fill(posting, base, {same[0].subject.n})


def _answers(message: Message, ids: set[str]) -> bool:
    return bool(ids.intersection(message.references))


def _fill(posting: Posting, base: Posting, replaced: set[int]) -> None:
    posting.filled = [item for item in base.patches if item.subject.n not in replaced]
    posting.base = base
    numbers = ", ".join(str(n) for n in sorted(replaced))
    version, old = posting.first.subject.version_text, base.first.subject.version_text
    posting.notes.append(f"{version} is a partial re-roll: patch {numbers} of {base.m}; the others are those of {old}")


def _join_by_name(postings: Sequence[Posting], groups: UnionFind) -> None:
    seen: dict[tuple[str, str], int] = {}
    for i, posting in enumerate(postings):
        names = [("title", posting.head.title)] if len(posting.head.title) > 8 else []
        changed = change_id(posting.head.message)
        if changed:
            names.append(("change", changed))
        for name in names:
            if name in seen:
                groups.join(seen[name], i)
            seen.setdefault(name, i)


def _join_by_thread(postings: Sequence[Posting], parents: dict[str, str], groups: UnionFind) -> None:
    owner = {item.msgid: i for i, posting in enumerate(postings) for item in posting.members}
    by = [(posting.author, posting.order) for posting in postings]
    for i, posting in enumerate(postings):
        author, order = by[i]
        for ancestor in ancestors(posting.first.message, parents):
            j = owner.get(ancestor)
            if j is not None and j != i and by[j][0] == author and by[j][1] < order:
                groups.join(i, j)
                break


def ancestors(message: Message, parents: dict[str, str]) -> Iterator[str]:
    """The message-ids above ``message``, nearest first, each once; no more than ``limits.MAX_ANCESTORS``."""
    chain = dict.fromkeys((message.in_reply_to, *reversed(message.references)))
    chain.pop("", None)
    yield from islice(chain, limits.MAX_ANCESTORS)
    seen = {message.msgid, *chain}
    at = parents.get(next(reversed(chain)), "") if chain else ""
    while at and at not in seen and len(seen) < limits.MAX_ANCESTORS:
        seen.add(at)
        yield at
        at = parents.get(at, "")


def _join_by_titles(postings: Sequence[Posting], groups: UnionFind) -> None:
    seen: dict[tuple[str, str], list[int]] = {}
    titles = [posting.titles for posting in postings]
    for i, posting in enumerate(postings):
        shared: dict[int, int] = {}
        author = posting.author
        for title in sorted(titles[i]):
            for j in seen.get((author, title), [])[-limits.MAX_POSTINGS_TRIED :]:
                shared[j] = shared.get(j, 0) + 1
            seen.setdefault((author, title), []).append(i)
        for j, count in shared.items():
            least = min(len(titles[i]), len(titles[j]))
            if least >= 2 and 2 * count >= least and postings[j].order != posting.order:
                groups.join(i, j)
