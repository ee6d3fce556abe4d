# SPDX-License-Identifier: GPL-2.0-or-later
"""A Markdown page a rule, all of one shape, and their index: docs/rules/, made by ``make manual``.

What was measured of a rule is not in them (docs/quality.md and ``abireview explain`` have it): a page changes when its
rule does.
"""

from __future__ import annotations

from collections.abc import Iterator

from abireview.cli.rulepage import particulars, sections
from abireview.rules.load import RuleSet
from abireview.rules.schema import Rule, archs

NOTE = "<!-- Made by 'make manual' from the rule's file; do not edit. -->"
GENERIC = "generic"


def pages(rules: RuleSet) -> dict[str, str]:
    """The files of docs/rules by name."""
    made = {f"{rule.id}.md": "\n".join(_page(rule, rules)) + "\n" for rule in rules.rules}
    return {"README.md": _index(rules), **dict(sorted(made.items()))}


def _page(rule: Rule, rules: RuleSet) -> Iterator[str]:
    yield NOTE
    yield ""
    yield f"# {rule.id}"
    yield ""
    yield f"{rule.title}."
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, value in particulars(rule):
        yield f"| {name} | {value} |"
    for title, text in sections(rule, rules):
        if text.strip():
            yield ""
            yield f"## {title}"
            yield ""
            yield text.strip("\n")


def _index(rules: RuleSet) -> str:
    """By architecture; rules of several stand under each of them."""
    known = sorted({arch for rule in rules.rules for arch in archs(rule)})
    lines = [
        NOTE,
        "",
        "# Rules",
        "",
        "[rules.md](../rules.md) says how they are written, [quality.md](../quality.md) how good they are.",
    ]
    for arch in (GENERIC, *known):
        found = [rule for rule in rules.rules if (arch in archs(rule) if arch != GENERIC else not archs(rule))]
        if not found:
            continue
        lines += ["", f"## {arch}", "", "| rule | level | severity | surface | |", "|---|---|---|---|---|"]
        for rule in sorted(found, key=lambda rule: rule.id):
            lines.append(
                f"| [{rule.id}]({rule.id}.md) | {rule.level} | {rule.severity} | {rule.surface} | {_cell(rule.title)} |"
            )
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
