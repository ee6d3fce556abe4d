# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules a verb works with, and the options that choose them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from abireview.rules.load import RuleSet

F = TypeVar("F", bound=Callable[..., Any])


def complete_rule(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of rules that begin with ``incomplete``, for the shell; of a list, what follows the last comma."""
    from abireview.rules.load import SPECIAL

    before, comma, last = incomplete.rpartition(",")
    paths = [path for directory in directories() for path in directory.glob("*/*.toml")]
    names = sorted({path.stem for path in paths if path.parent.name not in SPECIAL})
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


def rules_option(function: F) -> F:
    """Adds ``--rules DIR``, passed on as ``rule_dirs``."""
    return click.option(
        "--rules",
        "rule_dirs",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Use the rules in DIR too; a rule of the same name replaces ours.",
    )(function)


def select_options(function: F) -> F:
    """Adds ``--select`` and ``--ignore``, each repeatable and taking names set apart by commas."""
    for name, verb in (("--ignore", "Leave out"), ("--select", "Use only")):
        function = click.option(
            name,
            multiple=True,
            metavar="RULE[,…]",
            shell_complete=complete_rule,
            help=f"{verb} these rules, or all whose names begin so.",
        )(function)
    return function


def load(rule_dirs: Sequence[Path] = (), select: Iterable[str] = (), ignore: Iterable[str] = ()) -> RuleSet:
    """Our rules, those in the user's configuration, those of ``rule_dirs``; less what was not chosen.

    Raises RuleError for a rule file that is wrong or a name that is no rule's.
    """
    from abireview import places
    from abireview.rules.load import load_rules

    found = load_rules(directories(rule_dirs), cache=places.cache_dir())
    only, without = _names(select), _names(ignore)
    return found.select(only, without) if only or without else found


def directories(rule_dirs: Sequence[Path] = ()) -> list[Path]:
    """The rule directories, of which later ones win: ours, the user's, those named."""
    from abireview import places
    from abireview.rules.load import default_dir

    own = places.config_dir() / "rules"
    return [default_dir(), *([own] if own.is_dir() else []), *rule_dirs]


def _names(values: Iterable[str]) -> list[str]:
    return [name for value in values for name in value.replace(",", " ").split()]
