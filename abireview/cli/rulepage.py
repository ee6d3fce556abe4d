# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule's page for the terminal."""

from __future__ import annotations

import textwrap

from abireview.render import Style
from abireview.rules.load import RuleSet
from abireview.rules.measured import Measured
from abireview.rules.schema import Rule

WIDEST = 100


def page(rule: Rule, rules: RuleSet, style: Style, measured: Measured | None = None) -> str:
    """The page of ``rule``, whose knobs are those of ``rules``; ends with a newline."""
    parts = [
        _title("\n  ".join(textwrap.wrap(f"{rule.id}: {rule.title}", _width(style) - 2)), style),
        _facts(rule),
        _prose("What it sees", rule.doc.what, style),
        _prose("Why it matters", rule.doc.why, style),
        _prose("Bad", rule.doc.bad, style),
        _prose("Good", rule.doc.good, style),
        _prose("What it does not flag", rule.doc.not_flagged, style),
        _prose("Known misses", rule.doc.known_misses, style),
        _prose("What it asks", rule.question, style),
        _prose("How to settle it", rule.doc.settle, style),
        _prose("Knobs it looks for", _knobs(rule, rules), style),
        _prose("Measured", f"{measured}." if measured else "", style),
        _prose("References", "\n".join(f"- {reference}" for reference in rule.doc.references), style),
    ]
    return "\n".join(part for part in parts if part)


def _title(text: str, style: Style) -> str:
    return (f"\x1b[1m{text}\x1b[0m" if style.color else text) + "\n"


def _facts(rule: Rule) -> str:
    rows = (
        ("level", f"{rule.level}, severity {rule.severity}, confidence {rule.confidence}"),
        ("class", rule.klass),
        ("surface", rule.surface),
        ("arch", ", ".join(rule.arch) or "all"),
        ("seen by", ", ".join(rule.visible_to)),
        ("direction", ", ".join(rule.direction)),
        ("since", rule.since),
    )
    return "".join(f"  {name:10}{value}\n" for name, value in rows)


def _knobs(rule: Rule, rules: RuleSet) -> str:
    named = [rules.knob(use.id) for use in rule.knob]
    return "\n".join(f"- {knob.id} ({knob.kind}): {knob.what}, {knob.where}" for knob in named)


def _prose(title: str, text: str, style: Style) -> str:
    if not text.strip():
        return ""
    lines = [line for block in _blocks(text) for line in _laid_out(block, _width(style))]
    return _title(title, style) + "\n".join(lines) + "\n"


def _width(style: Style) -> int:
    return max(40, min(style.width, WIDEST))


def _blocks(text: str) -> list[str]:
    """Paragraphs and list items on one line each; code (fenced or indented) line by line, blank lines kept."""
    blocks: list[str] = []
    fenced = fresh = False
    for line in text.strip("\n").splitlines():
        if line.startswith("```"):
            fenced = not fenced
            fresh = True
        elif fenced or line.startswith(("    ", "\t")):
            blocks.append("    " + (line if fenced else line.strip("\n").removeprefix("    ")))
            fresh = True
        elif not line.strip() or line.lstrip().startswith(("- ", "* ", "|")):
            blocks.append(line.rstrip())
            fresh = not line.strip()
        elif blocks and not fresh:
            blocks[-1] += " " + line.strip()
        else:
            blocks.append(line.strip())
            fresh = False
    return blocks


def _laid_out(block: str, width: int) -> list[str]:
    if not block or block.startswith(("    ", "|")):
        return ["  " + block if block else ""]
    deeper = "    " if block.startswith(("- ", "* ")) else "  "
    return textwrap.wrap(
        block, width, initial_indent="  ", subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False
    )
