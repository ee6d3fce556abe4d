# SPDX-License-Identifier: GPL-2.0-or-later
"""The root command: verbs are the modules of abireview.cli.verbs, imported one at a time."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from abireview import __version__
from abireview.cli import verbs

# How `abireview --help` groups the verbs; one that is named nowhere stands under "Other".
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Check", ("check", "scan", "merge", "surface", "ledger", "b4-check")),
    ("Review", ("review", "answer", "reply", "send", "watch", "bot")),
    ("Rules", ("rules", "rule", "explain", "facts", "schema")),
    ("House", ("cache", "doctor", "completion")),
)
OTHER = "Other"


def verb_names() -> tuple[str, ...]:
    """The names of all verbs, sorted."""
    names = {path.stem for folder in verbs.__path__ for path in Path(folder).glob("*.py")}
    return tuple(sorted(name.replace("_", "-") for name in names if not name.startswith("_")))


class Root(click.Group):
    """``abireview`` itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(verb_names())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in verb_names():
            return None
        module = importlib.import_module(f"{verbs.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in verb_names() and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(name, verb_names(), 1)
            raise click.UsageError(f"no such verb '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        left = set(verb_names())
        sections = [(title, [name for name in names if name in left]) for title, names in SECTIONS]
        left -= {name for _, names in sections for name in names}
        for title, names in [*sections, (OTHER, sorted(left))]:
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, found.get_short_help_str(100)) for name, found in commands if found and not found.hidden]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def run(self, argv: Sequence[str]) -> int:
        """Parse and run ``argv``; the exit code. Errors are raised, not shown."""
        try:
            with self.make_context("abireview", list(argv)) as ctx:
                if not argv:
                    click.echo(ctx.get_help(), err=True)
                    return 2
                code = self.invoke(ctx)
        except click.exceptions.Exit as left:
            return left.exit_code
        return code if isinstance(code, int) else 0

    def completion(self, environ: Mapping[str, str]) -> int | None:
        """Answer the shell's completion request that ``environ`` carries; None if there is none."""
        instruction = environ.get("_ABIREVIEW_COMPLETE")
        if not instruction:
            return None
        from click.shell_completion import shell_complete

        return shell_complete(self, {}, "abireview", "_ABIREVIEW_COMPLETE", instruction)


@click.command(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="What a KVM series changes for guests and VMMs, and whether userspace can keep the old behaviour.",
    epilog="Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage, 3 no input, 4 internal error.",
    no_args_is_help=False,
)
@click.version_option(__version__, "-V", "--version", message="abireview %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback with every error.")
def root(debug: bool) -> None:
    """What a KVM series changes for guests and VMMs."""
