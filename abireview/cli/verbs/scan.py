# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview scan``: every series of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from abireview.cli.ruleset import rules_option, select_options


@click.command(short_help="Check every series of an archive: public-inbox, epoch, URL, mbox or maildir.")
@click.argument("what", metavar="WHAT")
@click.option("--since", metavar="DATE", help="Series sent since DATE: 2024-05-01, or 30d, 8w, 2y ago.")
@click.option("--until", metavar="DATE", help="The archive as it was before DATE.")
@click.option("--all", "every", is_flag=True, help="All versions of each series, not only the newest.")
@click.option("--arch", multiple=True, metavar="ARCH", help="Keep only findings of this architecture (arm64, x86, …).")
@rules_option
@select_options
@click.option("--jobs", "-j", type=click.IntRange(1, 1024), metavar="N", help="Processes; default: one a processor.")
@click.option("--dask", metavar="HOST:PORT", help="Check on the workers of this Dask scheduler.")
@click.option("--shard", metavar="I/N", help="Only part I of N, from 1; 'abireview merge' puts the outputs together.")
@click.option("--format", "format_name", default="jsonl", metavar="FORMAT", help="jsonl (default), html, text, …")
@click.option("-o", "--output", multiple=True, metavar="[FORMAT:]FILE", help="Write to FILE instead of stdout.")
@click.option("--store", is_flag=True, help="Put the series with findings into the queue of 'abireview review'.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to keep what is done; default: FILE.journal.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["never", "note", "flag", "medium", "high"]),
    default="never",
    show_default=True,
    help="The weakest finding that makes the exit code 1.",
)
def command(what: str, **options: Any) -> int:
    """Check every series of an archive.

    WHAT is a public-inbox (its directory, one git epoch, or its URL, which is mirrored by git), an mbox (.gz and .xz
    too) or a maildir. A scan that writes to a file and is interrupted goes on where it was when it is run again.
    """
    from abireview.cli.scanning import Options, run_scan

    return run_scan(what, Options(**options))
