# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments by hand, for tests of the extractors."""

from __future__ import annotations

from collections.abc import Sequence

from abireview.facts.model import Fact
from abireview.source.model import Fragment, FragmentSide, ScopeKind


def side(text: str, changed: Sequence[int] = ()) -> FragmentSide:
    """A side with these lines, of which those at the indexes ``changed`` are."""
    lines = tuple(text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")) if text else ()
    return FragmentSide(
        lines, tuple(range(1, len(lines) + 1)), tuple(number in changed for number in range(len(lines)))
    )


def fragment(
    text: str, kind: ScopeKind = "top", name: str = "", header: str = "", old: str | None = None, path: str = "a.c"
) -> Fragment:
    """A fragment whose new side is ``text``; the old side is the same unless it is given."""
    return Fragment(0, path, kind, name, name, header, side(text if old is None else old), side(text), not header)


def table(body: str, header: str = "static const struct t t[] = {") -> Fragment:
    """A fragment in the middle of a table."""
    return fragment(body, "table", "t", header)


def bare(facts: Sequence[Fact]) -> list[tuple[object, ...]]:
    """What the facts say, without where they stand."""
    return [(fact.kind, fact.scope, fact.key, fact.value, fact.columns, fact.number, fact.gates) for fact in facts]
