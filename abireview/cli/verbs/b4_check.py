# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview b4-check``: what ``b4 review`` runs for each patch, and for the series."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from abireview.cli.ruleset import rules_option


@click.command(short_help="Check one mail for b4 review.")
@click.argument("ignored", nargs=-1, metavar="")
@click.option("--series", "whole", is_flag=True, help="The mail is a cover letter: check its whole series.")
@click.option("--annotate", is_flag=True, help="Write findings as inline comments of the review branch checked out.")
@click.option(
    "--flag-as",
    type=click.Choice(["warn", "fail"]),
    default="warn",
    show_default=True,
    help="What a flag is in b4's matrix.",
)
@rules_option
def command(ignored: tuple[str, ...], whole: bool, annotate: bool, flag_as: str, rule_dirs: tuple[Path, ...]) -> None:
    """Read a mail from stdin as b4 gives it, write one result as JSON; docs/b4.md has the two lines of configuration.

    A patch is checked within its series if b4 has its thread, else alone. The exit code is 0 whenever there is a
    result; what went wrong is a result, too. With --annotate nothing is read: the series of the b4/review branch that
    is checked out is checked, and its findings are left where b4 review picks comments up; arguments are ignored, so
    that it can be b4's review-agent-command.
    """
    from abireview.cli import b4protocol
    from abireview.cli.output import write_stdout
    from abireview.cli.ruleset import load
    from abireview.errors import AbireviewError
    from abireview.limits import MAX_MAIL_BYTES

    if annotate:
        from abireview.cli.b4drop import annotate_branch

        write_stdout(annotate_branch(Path.cwd(), load(rule_dirs)))
        return
    if ignored:
        raise click.UsageError("b4-check takes no argument: the mail comes on stdin")
    data = sys.stdin.buffer.read(MAX_MAIL_BYTES + 1)
    try:
        result = b4protocol.answer(data, load(rule_dirs), series=whole, flag=flag_as)
    except AbireviewError as error:
        result = b4protocol.failure(error, series=whole)
    write_stdout(b4protocol.encode(result))
