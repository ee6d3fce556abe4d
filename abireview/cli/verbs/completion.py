# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview completion``: the shell code that completes verbs, options and rule names."""

from __future__ import annotations

import click

from abireview.cli.output import write_stdout

SHELLS = ("bash", "zsh", "fish")
WHERE = {
    "bash": "~/.local/share/bash-completion/completions/abireview",
    "zsh": "a directory of $fpath, as _abireview",
    "fish": "~/.config/fish/completions/abireview.fish",
}


@click.command(
    short_help="Print the completion script of a shell.",
    epilog="Save it as " + "; ".join(f"{shell}: {where}" for shell, where in WHERE.items()) + ".",
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the code that lets SHELL complete abireview's verbs and options."""
    from click.shell_completion import get_completion_class

    from abireview.cli.group import root

    found = get_completion_class(shell)
    if found is None:
        raise AssertionError(f"click has no completion for {shell}")
    write_stdout(found(root, {}, "abireview", "_ABIREVIEW_COMPLETE").source() + "\n")
