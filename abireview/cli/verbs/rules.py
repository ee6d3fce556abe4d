# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview rules``: the rules there are."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.output import write_stdout
from abireview.cli.ruleset import load, rules_option, select_options


@click.command(short_help="List the rules.")
@click.option("--json", "as_json", is_flag=True, help="All of each rule, one a line, as JSON.")
@rules_option
@select_options
def command(as_json: bool, rule_dirs: tuple[Path, ...], select: tuple[str, ...], ignore: tuple[str, ...]) -> None:
    """List the rules: name, level, severity, confidence and what each is about."""
    found = load(rule_dirs, select, ignore)
    if as_json:
        import msgspec

        write_stdout("".join(msgspec.json.encode(rule).decode() + "\n" for rule in found.rules))
        return
    width = max((len(rule.id) for rule in found.rules), default=0)
    lines = [
        f"{rule.id:{width}}  {rule.level:4}  {rule.severity:6}  {rule.confidence:6}  {rule.title}"
        for rule in found.rules
    ]
    count = f"{len(found.rules)} rules, {len(found.knobs)} knobs, set {found.hash}"
    write_stdout("\n".join([*lines, *([""] if lines else []), count]) + "\n")
