# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview ledger``: what a guest and a VMM would notice between two kernels, and what to set to stay compatible."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.ruleset import rules_option


@click.command(short_help="Compare two kernel trees: what guests notice, what to pin.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--arch", multiple=True, metavar="ARCH", help="Only this architecture (arm64, x86, …, generic).")
@click.option("--area", multiple=True, metavar="AREA", help="Only this part (sysreg, idreg, cap, psci, …).")
@click.option(
    "--format", "format_name", default="text", metavar="FORMAT", help="text (default), json, html or markdown."
)
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="[FORMAT:]FILE",
    help="Write to FILE instead of stdout; with FORMAT, write one more document.",
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour in text.")
@click.option("--commits/--no-commits", default=True, help="Look for the commit of each entry (git only; default).")
@rules_option
def command(
    old: str,
    new: str,
    arch: tuple[str, ...],
    area: tuple[str, ...],
    format_name: str,
    output: tuple[str, ...],
    color: str,
    commits: bool,
    rule_dirs: tuple[Path, ...],
) -> None:
    """Tell what a guest and a VMM would notice between the kernels OLD and NEW, and what to set to stay compatible.

    Each is a directory, a git repository (its HEAD) or REPOSITORY@REVISION. The pin list names the ID register field,
    firmware register, revision, capability, quirk or device attribute of NEW, and the value that gives what OLD gave.
    Where both are commits of one repository, every entry names the commits that brought it. Files that move between
    releases are no difference: everything is compared by symbol.
    """
    from abireview.cli import ledgers

    ledgers.run_ledger(
        (old, new), ledgers.Shown(arch, area), ledgers.Output(format_name, output, color), rule_dirs, commits=commits
    )
