# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview surface``: every fact of a kernel tree that a guest or a VMM can rely on."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.ruleset import rules_option


@click.command(short_help="List what a kernel tree shows to guests and VMMs.")
@click.argument("tree", metavar="TREE")
@click.option("--arch", multiple=True, metavar="ARCH", help="Only this architecture (arm64, x86, …, generic).")
@click.option("--area", multiple=True, metavar="AREA", help="Only this part (sysreg, idreg, cap, psci, …).")
@click.option("--format", "format_name", default="text", metavar="FORMAT", help="text (default) or json.")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour in text.")
@rules_option
def command(
    tree: str,
    arch: tuple[str, ...],
    area: tuple[str, ...],
    format_name: str,
    output: str | None,
    color: str,
    rule_dirs: tuple[Path, ...],
) -> None:
    """List every fact of TREE that a guest or a VMM can rely on, like a symbol list for a hypervisor.

    System registers with their handlers, ID registers with limits and writable masks, PSCI and SMCCC functions,
    revisions, capabilities, quirks, extensions, facilities, and the interface headers. TREE is a directory, a git
    repository (its HEAD) or REPOSITORY@REVISION. Nothing in it is compiled or run. What is a surface is data:
    rules/surface/*.toml.
    """
    from abireview.cli import ledgers

    ledgers.run_surface(
        tree, ledgers.Shown(arch, area), ledgers.Output(format_name, (output,) if output else (), color), rule_dirs
    )
