# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview facts``: what the engine read from a series, before any rule."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.loading import Source, load_series, open_store, source_options, tree_of
from abireview.cli.output import write_stdout
from abireview.cli.ruleset import rules_option


@click.command(short_help="Show the facts of a series: before, after, or what changed.")
@click.argument("what", metavar="WHAT")
@click.option("--delta", "view", flag_value="delta", default="delta", help="What changed over the series (default).")
@click.option("--before", "view", flag_value="before", help="The facts of the old side.")
@click.option("--after", "view", flag_value="after", help="The facts of the new side.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only facts of this kind (row, define, case, …).")
@source_options
@rules_option
def command(what: str, view: str, kinds: tuple[str, ...], source: Source, rule_dirs: tuple[Path, ...]) -> None:
    """Show what the engine read: a line a fact, with the patch, the place, and the conditions it stands under.

    A delta begins with + (added), - (removed), ~ (changed) or ? (the same under other conditions); a fact with * where
    the series touches its lines. WHAT and the options that say where it comes from are those of 'abireview check'.
    """
    from abireview.check import examine
    from abireview.cli.factlist import delta_lines, fact_lines
    from abireview.cli.ruleset import load

    rules = load(rule_dirs)
    loaded = load_series(what, source, store=open_store(source))
    context = examine(loaded.series, rules, tree=tree_of(loaded, source)).context
    if context is None:
        write_stdout(f"not a kernel patch ({loaded.series.kind})\n")
        return
    if view == "delta":
        lines = delta_lines(context, kinds)
    else:
        lines = fact_lines(context, "new" if view == "after" else "old", kinds)
    write_stdout("".join(f"{line}\n" for line in lines))
