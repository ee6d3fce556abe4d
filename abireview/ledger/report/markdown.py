# SPDX-License-Identifier: GPL-2.0-or-later
"""A ledger as Markdown (GitHub's and CommonMark), for release notes. Everything from the trees is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from abireview.ledger.model import Entry, Ledger, Surface
from abireview.ledger.report import KNOBS, counts, gathered, sections, seen
from abireview.markup import md
from abireview.render import Style


def render(document: Surface | Ledger, style: Style) -> str:
    """The ledger: the counts, the pin list, then a section a surface."""
    assert isinstance(document, Ledger)
    return "\n".join(_lines(document)) + "\n"


def _lines(ledger: Ledger) -> Iterator[str]:
    yield f"# KVM: {md(ledger.old)} → {md(ledger.new)}"
    yield ""
    yield f"{len(ledger.entries)} differences that a guest or a VMM can see."
    yield ""
    yield "| | |"
    yield "|---|---:|"
    for words, number in counts(ledger):
        yield f"| {md(words)} | {number} |"
    if ledger.pins:
        yield ""
        yield f"## What to set on {md(ledger.new)} to stay as on {md(ledger.old)}"
        yield ""
        yield "| architecture | set | to | how |"
        yield "|---|---|---|---|"
        for pin, names in gathered(ledger.pins):
            yield f"| {md(pin.arch)} | {', '.join(md(name) for name in names)} | {md(pin.to)} | {md(pin.how)} |"
    for head, entries in sections(ledger.entries):
        yield ""
        yield f"## {md(head.arch)}: {md(head.title)}"
        yield ""
        for entry in entries:
            yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    mark = {"high": "**high**", "medium": "medium", "low": "low"}[entry.weight]
    about = "; ".join(part for part in (seen(entry), KNOBS[entry.knob]) if part)
    yield f"- {mark}: {md(entry.text)} ({md(about)})"
    for commit in entry.commits:
        yield f'  - {commit.id[:12]} ("{md(commit.subject)}")'
