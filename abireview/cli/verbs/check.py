# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview check``: from a message-id, a file or commits to findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from abireview.cli.exitcode import FAIL_LEVELS
from abireview.cli.loading import Source, source_options
from abireview.cli.ruleset import rules_option, select_options
from abireview.render import format_names


@click.command(short_help="Check a series: message-id, URL, mbox, maildir, - or A..B.")
@click.argument("what", nargs=-1, required=True, metavar="WHAT…")
@source_options
@rules_option
@select_options
@click.option("--arch", multiple=True, metavar="ARCH", help="Keep only findings of this architecture (arm64, x86, …).")
@click.option(
    "--format",
    "format_name",
    default="text",
    metavar="FORMAT",
    shell_complete=lambda ctx, param, incomplete: [name for name in format_names() if name.startswith(incomplete)],
    help="text (default), concise, json, jsonl, …",
)
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="[FORMAT:]FILE",
    help="Write to FILE instead of stdout; with FORMAT, write one more document.",
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour in text.")
@click.option("--all", "everything", is_flag=True, help="Text: notes in full, also those of low confidence.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_LEVELS),
    default="flag",
    show_default=True,
    help="The weakest finding that makes the exit code 1.",
)
@click.option("--allow-partial", is_flag=True, help="What could not be checked does not make the exit code 3.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whenever the check ran.")
@click.option(
    "--config",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Suppressions, instead of abireview.toml here and in your configuration.",
)
@click.option("--unused", is_flag=True, help="Say which suppressions settled nothing or are out of date.")
@click.option("--history", is_flag=True, help="List the versions of the series, check nothing.")
def command(what: tuple[str, ...], source: Source, history: bool, **options: Any) -> int:
    """Check what a KVM series changes for guests and VMMs, and whether userspace can keep the old behaviour.

    WHAT is a message-id (with or without brackets), a lore, patchwork or msgid.link URL, an mbox (.gz and .xz too), a
    maildir, - for a mail or an mbox on stdin, or A..B in a git repository (--tree, default the current directory).
    Of a thread with several versions the newest is checked, or the one that --revision names.
    """
    from abireview.cli.checking import Wanted, run_check, run_history

    return run_history(what, source) if history else run_check(what, source, Wanted(**options))
