# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts and deltas as lines for a person who wants to see what the engine saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from abireview.facts.delta import Delta
from abireview.facts.model import Fact
from abireview.rules.context import Context
from abireview.safetext import safe
from abireview.source.model import Side

LONGEST = 160  # characters of a value; a whole function body on one line helps nobody
MARKS = {"added": "+", "removed": "-", "changed": "~", "regated": "?"}


def delta_lines(context: Context, kinds: Sequence[str]) -> Iterator[str]:
    """One line a delta: where, what kind, which scope and key, old and new value, under which conditions."""
    for delta in context.found.deltas:
        if kinds and delta.kind not in kinds:
            continue
        side: Side = "new" if delta.new else "old"
        what = f"{MARKS[delta.op]} {_subject(delta.fact)}"
        yield _line(context, delta.fragment, delta.fact, side, f"{what}{_change(delta)}{_gates(delta.gates)}")


def fact_lines(context: Context, side: Side, kinds: Sequence[str]) -> Iterator[str]:
    """One line a fact of one side of the series."""
    facts: Iterable[tuple[int, Fact]] = context.found.after if side == "new" else context.found.before
    for fragment, fact in facts:
        if kinds and fact.kind not in kinds:
            continue
        mark = "*" if fact.changed else " "
        yield _line(context, fragment, fact, side, f"{mark} {_subject(fact)}{_value(fact)}{_gates(fact.gates)}")


def _line(context: Context, fragment: int, fact: Fact, side: Side, text: str) -> str:
    piece = context.fragments[fragment]
    numbers = (piece.new if side == "new" else piece.old).numbers
    number = numbers[fact.line] if fact.line < len(numbers) else 0
    patch = context.series.patches[piece.patch]
    return safe(" ".join(f"{patch.n}/{patch.m} {fact.path}:{number}: {text}".split()))


def _subject(fact: Fact) -> str:
    return f"{fact.kind} {fact.scope + ': ' if fact.scope else ''}{_short(fact.key)}"


def _change(delta: Delta) -> str:
    if delta.old is None or delta.new is None:
        return _value(delta.fact)
    if delta.op == "regated":
        return f"{_value(delta.new)} (was under: {_short('; '.join(delta.old.gates) or 'nothing')})"
    was = _value(delta.old)
    if delta.old.key != delta.new.key:  # a returned value is its own key
        was = f" {_short(delta.old.key)}{was}"
    return f"{_value(delta.new)} (was:{was or ' nothing'})"


def _value(fact: Fact) -> str:
    parts = [fact.value] if fact.value and fact.value != fact.key else []
    parts += [f"{name}={text}" for name, text in fact.columns]
    if fact.number is not None and str(fact.number) != fact.value:
        parts.append(f"= {fact.number}")
    return f" {_short(' '.join(parts))}" if parts else ""


def _gates(gates: Sequence[str]) -> str:
    return f" [{_short('; '.join(gates))}]" if gates else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
