# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a finding was made, for the terminal: what a reviewer needs to check the tool."""

from __future__ import annotations

from collections.abc import Iterator

from abireview.render import Style
from abireview.render.text import EVIDENCE_COLORS
from abireview.rules.why import DeltaSeen, Why
from abireview.safetext import safe, safe_line

MARKS = {"added": "+", "removed": "-", "changed": "~", "regated": "?"}


def page(why: Why, style: Style) -> str:
    """The page; ends with a newline."""
    return "".join(f"{line}\n" for line in _lines(why, style))


def _lines(why: Why, style: Style) -> Iterator[str]:
    finding = why.finding
    yield _bold(f"{finding.fingerprint} {finding.level} {finding.n}/{finding.m} {finding.file}:{finding.line}", style)
    yield f"  {safe_line(finding.message)}"
    yield f"  rule {why.rule.id}: {safe_line(why.rule.title)}"
    yield f"  {_seen(why)}"
    yield ""
    yield _bold("Lines", style)
    for line in finding.evidence:
        color = EVIDENCE_COLORS.get(line[:1], "") if style.color else ""
        text = safe(line.replace("\n", " ")).expandtabs(8).rstrip()
        yield f"  \x1b[{color}m{text}\x1b[0m" if color else f"  {text}"
    yield ""
    yield _bold(f"What changed in {safe_line(finding.symbol)} (> is what the rule saw)", style)
    for delta in why.deltas:
        yield from _delta(delta)
    if why.cut:
        yield f"    and {why.cut} more"
    yield ""
    yield _bold("Ways back that were looked for", style)
    yield from _knobs(why)
    yield from _rest(why, style)


def _seen(why: Why) -> str:
    extent = "the whole scope" if why.whole else "a part of the scope"
    return f"{extent} was seen, {'with' if why.tree else 'without'} a tree; confidence {why.finding.confidence}"


def _delta(delta: DeltaSeen) -> Iterator[str]:
    lead = (
        f"  {'>' if delta.matched else ' '} {MARKS[delta.op]} {delta.kind} {safe_line(delta.key)} at line {delta.line}"
    )
    yield lead
    if delta.before:
        yield f"        was  {safe_line(delta.before)}"
    if delta.after:
        yield f"        is   {safe_line(delta.after)}"
    for gate in delta.gates:
        yield f"        under {safe_line(gate.text)} ({gate.klass})"


def _knobs(why: Why) -> Iterator[str]:
    if not why.sought:
        yield "  none: the rule knows of no knob for this"
    for sought in why.sought:
        answer = "found" if sought.found else "not found"
        yield f"  {answer}: {safe_line(sought.what)} [{sought.id}], {safe_line(sought.where)}"
    knob = why.finding.knob
    if knob:
        where = f" ({knob.file})" if knob.file else ""
        yield f"  it is {knob.kind}: {safe_line(knob.what)}{where}"
        yield from (f"    {safe_line(line)}" for line in knob.evidence)


def _rest(why: Why, style: Style) -> Iterator[str]:
    rows = (
        ("Settings that userspace chooses in this series", ", ".join(why.chosen)),
        ("Words of the commit message", ", ".join(why.words)),
        ("Renames taken for no change", ", ".join(f"{old} → {new}" for old, new in why.renames)),
    )
    for title, text in rows:
        if text:
            yield ""
            yield _bold(title, style)
            yield f"  {safe_line(text)}"


def _bold(text: str, style: Style) -> str:
    shown = safe_line(text)
    return f"\x1b[1m{shown}\x1b[0m" if style.color else shown
