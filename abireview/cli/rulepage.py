# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule's page for the terminal."""

from __future__ import annotations

import textwrap

from abireview.render import Style
from abireview.rules.load import RuleSet
from abireview.rules.measured import Measured
from abireview.rules.schema import Rule, archs, views

WIDEST = 100


def page(rule: Rule, rules: RuleSet, style: Style, measured: Measured | None = None) -> str:
    """The page of ``rule``, whose knobs are those of ``rules``; ends with a newline."""
    parts = [
        _title("\n  ".join(textwrap.wrap(f"{rule.id}: {rule.title}", _width(style) - 2)), style),
        "".join(f"  {name:10}{value}\n" for name, value in particulars(rule)),
        *(_prose(title, text, style) for title, text in sections(rule, rules, measured)),
    ]
    return "\n".join(part for part in parts if part)


def sections(rule: Rule, rules: RuleSet, measured: Measured | None = None) -> list[tuple[str, str]]:
    """(heading, text) of what a rule's page says, in the order of the page; the text is "" where there is nothing."""
    return [
        ("What it sees", rule.doc.what),
        ("Why it matters", rule.doc.why),
        ("Bad", rule.doc.bad),
        ("Good", rule.doc.good),
        ("What it does not flag", rule.doc.not_flagged),
        ("Known misses", rule.doc.known_misses),
        ("What it asks", _questions(rule)),
        ("How to settle it", rule.doc.settle),
        ("Knobs it looks for", _knobs(rule, rules)),
        ("Measured", f"{measured}." if measured else ""),
        ("References", "\n".join(f"- {reference}" for reference in rule.doc.references)),
    ]


def particulars(rule: Rule) -> tuple[tuple[str, str], ...]:
    """(name, value) of what a rule is."""
    return (
        ("level", f"{rule.level}, severity {rule.severity}, confidence {rule.confidence}"),
        ("class", rule.klass),
        ("surface", rule.surface),
        ("arch", ", ".join(archs(rule)) or "all"),
        ("seen by", ", ".join(rule.visible_to)),
        ("direction", ", ".join(rule.direction)),
        ("since", rule.since),
    )


def _title(text: str, style: Style) -> str:
    return (f"\x1b[1m{text}\x1b[0m" if style.color else text) + "\n"


def _questions(rule: Rule) -> str:
    """What is asked, one item for each of the ways in which the rule's fault shows."""
    asked = list(dict.fromkeys(view.question for view in views(rule)))
    return asked[0] if len(asked) == 1 else "\n".join(f"- {question}" for question in asked)


def _knobs(rule: Rule, rules: RuleSet) -> str:
    ids = dict.fromkeys(use.id for view in views(rule) for use in view.knob)
    named = [rules.knob(name) for name in ids]
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
