# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview review``: the reviewer's session."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from abireview.cli.loading import Source, source_options
from abireview.cli.ruleset import load as load_rules
from abireview.cli.ruleset import rules_option
from abireview.cli.session import (
    VIA_HELP,
    archive_look_up,
    make_desk,
    parse_transport,
    references_of,
    repository_of,
    the_tree,
)
from abireview.errors import UsageError


@click.command(short_help="Review series on a full screen, and answer them.")
@click.argument("what", nargs=-1, metavar="[WHAT…]")
@source_options
@rules_option
@click.option("--via", default="smtp", metavar="HOW", envvar="ABIREVIEW_VIA", show_default=True, help=VIA_HELP)
@click.option("--theme", default="", metavar="NAME", envvar="ABIREVIEW_THEME", help="A theme of Textual's.")
@click.option("--no-mouse", "mouse", flag_value=False, default=True, help="Leave the mouse to the terminal.")
def command(
    what: tuple[str, ...], source: Source, rule_dirs: tuple[Path, ...], via: str, theme: str, mouse: bool
) -> int:
    """Go from what came in to a reply that was sent, without leaving the terminal.

    Each WHAT (message-id, URL, mbox or maildir) is added to the queue; one alone is opened at once. Drafts are saved
    as you type. Nothing is sent before you saw it and pressed the key. The keys are shown by '?'.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a review needs a terminal", hint="'abireview check', 'reply' and 'send' work without one")
    transport = parse_transport(via)
    rules = load_rules(rule_dirs)
    tree = the_tree(source)
    from abireview.store.db import Store
    from abireview.tui.app import ReviewApp

    with Store() as store:
        app = ReviewApp(
            make_desk(source, rules, store, tree=tree),
            what,
            transport=transport,
            tree=tree,
            repository=repository_of(source, tree),
            references=references_of(rules),
            look_up=archive_look_up(source),
            theme=theme,
        )
        if theme and theme not in app.available_themes:
            raise UsageError(f"there is no theme '{theme}'", hint=", ".join(sorted(app.available_themes)))
        return app.run(mouse=mouse) or app.return_code or 0
