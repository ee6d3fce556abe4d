# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview rule``: the file of one rule: show it, begin one, test it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abireview.cli.output import write_stdout
from abireview.cli.ruleset import complete_rule, directories, load, rules_option
from abireview.errors import ConfigError, RuleError, UsageError

if TYPE_CHECKING:
    from abireview.rules.load import RuleSet

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@click.group(short_help="Show, begin or test a rule file.")
def command() -> None:
    """Show, begin or test a rule file."""


@command.command(short_help="Print a rule's file.")
@click.argument("rule", metavar="RULE", shell_complete=complete_rule)
@rules_option
def show(rule: str, rule_dirs: tuple[Path, ...]) -> None:
    """Print the file of RULE, and below it what was measured of it."""
    from abireview.rules.measured import read_measured

    load(rule_dirs).rule(rule)
    text = _file_of(rule, rule_dirs).read_text(encoding="utf-8")
    counted = read_measured(directories(rule_dirs)).get(rule)
    write_stdout(f"{text}\n# Measured: {counted or 'not yet'}.\n")


@command.command(short_help="Write the skeleton of a new rule.")
@click.argument("name", metavar="FAMILY/NAME")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="The rule directory to write to.")
def new(name: str, into: Path | None) -> None:
    """Write the skeleton of a new rule, in a checkout to rules/FAMILY/NAME.toml, else to the user's own rules."""
    from abireview import places

    family, slash, rule_id = name.partition("/")
    if not slash or not NAME.fullmatch(family) or not NAME.fullmatch(rule_id):
        raise UsageError(f"'{name}' is no name of a rule", hint="FAMILY/NAME, both of a-z, 0-9 and single dashes")
    if any(one.id == rule_id for one in load().rules):
        raise UsageError(f"there is a rule {rule_id}", hint=f"'abireview rule show {rule_id}' prints it")
    top = places.checkout()
    target = (into or (top / "rules" if top else places.config_dir() / "rules")) / family / f"{rule_id}.toml"
    template = (Path(__file__).resolve().parent.parent / "ruletemplate.toml").read_text(encoding="utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(template.replace("@ID@", rule_id))
    except FileExistsError as error:
        raise UsageError(f"{target} exists", hint="choose another name") from error
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}", hint="name a directory with --into") from error
    write_stdout(f"{target}\n")


@command.command(short_help="Check rule files and run their cases.")
@click.argument("names", nargs=-1, metavar="[RULE|FILE]…", shell_complete=complete_rule)
@click.option("--cases", type=click.Path(path_type=Path), metavar="DIR", help="Where the cases are (tests/rules).")
@rules_option
def test(names: tuple[str, ...], cases: Path | None, rule_dirs: tuple[Path, ...]) -> int:
    """Check that rule files are valid and run their cases: all rules, those named, or a FILE that is in no directory.

    The cases of a rule are DIR/RULE/hit/* (must be found), near-miss/* (must not be flagged) and known-miss/*
    (should be found and are not), each a .patch or .mbox. The exit code is 1 if a case does not do what it should.
    """
    from abireview import places

    top = places.checkout()
    cases = cases or (top / "tests" / "rules" if top else Path("tests/rules"))
    wrong = 0
    for rules, ids in _chosen(names, rule_dirs):
        for rule_id in ids:
            wrong += _test_one(rule_id, rules, cases)
    return 1 if wrong else 0


def _test_one(rule_id: str, rules: RuleSet, cases: Path) -> int:
    from abireview.cli.rulecases import run_cases

    lines = []
    outcomes = list(run_cases(rules.rule(rule_id), rules, cases))
    wrong = [outcome for outcome in outcomes if not outcome.right]
    verdict = f"{len(outcomes)} cases" if outcomes else "valid, no cases"
    lines.append(f"{rule_id}: {verdict}" + (f", {len(wrong)} wrong" if wrong else ""))
    lines += [f"  {one.kind}/{one.path.name}: {'; '.join(one.said) or 'nothing said'}" for one in wrong]
    write_stdout("\n".join(lines) + "\n")
    return len(wrong)


def _chosen(names: Sequence[str], rule_dirs: Sequence[Path]) -> list[tuple[RuleSet, list[str]]]:
    """The rule sets to test with, and which of their rules."""
    files = [name for name in names if name.endswith(".toml") or "/" in name]
    ids = [name for name in names if name not in files]
    chosen = [_with_file(Path(file), rule_dirs) for file in files]
    if ids or not names:
        rules = load(rule_dirs)
        chosen.append((rules, [rules.rule(one).id for one in ids] or [one.id for one in rules.rules]))
    return chosen


def _with_file(path: Path, rule_dirs: Sequence[Path]) -> tuple[RuleSet, list[str]]:
    """Our rules with the one in ``path`` added. An error names ``path``, not the copy that was read."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="abireview-rule-") as name:
        copy = Path(name) / "new" / path.name
        copy.parent.mkdir()
        try:
            copy.write_bytes(path.read_bytes())
        except OSError as error:
            raise RuleError(f"{path}: {error.strerror}", hint="name a rule or a rule file") from error
        try:
            return load([*rule_dirs, Path(name)]), [path.stem]
        except RuleError as error:
            raise RuleError(str(error).replace(str(copy), str(path)), hint=error.hint) from error


def _file_of(rule: str, rule_dirs: Sequence[Path]) -> Path:
    """The file that RULE came from: the last one of its name."""
    found = [path for directory in directories(rule_dirs) for path in sorted(directory.glob(f"*/**/{rule}.toml"))]
    if not found:
        raise RuleError(f"there is no file of rule {rule}")
    return found[-1]
