# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview explain``: the page of a rule."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.output import stdout_style, write_stdout
from abireview.cli.ruleset import load, rules_option


@click.command(short_help="Explain a rule: what it sees, why that matters, how to settle it.")
@click.argument("rule", metavar="RULE")
@rules_option
def command(rule: str, rule_dirs: tuple[Path, ...]) -> None:
    """Explain RULE: what it flags and what not, why, bad and good examples, how a finding is settled."""
    from abireview.cli.rulepage import page

    found = load(rule_dirs)
    write_stdout(page(found.rule(rule), found, stdout_style()))
