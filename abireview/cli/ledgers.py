# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``abireview surface`` and ``abireview ledger`` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abireview import __version__
from abireview.cli.output import STDOUT, stdout_style, write_file, write_stdout
from abireview.cli.progress import Progress
from abireview.cli.ruleset import directories
from abireview.cli.ruleset import load as load_rules
from abireview.errors import UsageError
from abireview.render import Style

if TYPE_CHECKING:
    from abireview.ledger.model import Ledger, Surface
    from abireview.ledger.schema import SurfaceSpec


class Shown(msgspec.Struct, frozen=True):
    """Which architectures and areas to show; empty for all."""

    arch: tuple[str, ...] = ()
    area: tuple[str, ...] = ()

    def takes(self, arch: str, area: str) -> bool:
        """Whether something of that architecture and area is shown."""
        return (not self.arch or arch in self.arch) and (not self.area or area in self.area)


class Output(msgspec.Struct, frozen=True):
    """The format, the ``--output`` options, and whether there is colour."""

    format_name: str
    files: tuple[str, ...]
    color: str


def run_surface(tree: str, shown: Shown, output: Output, rule_dirs: Sequence[Path]) -> None:
    """Read the surface of ``tree`` and write it. Raises AbireviewError."""
    from abireview.findings.model import ToolInfo
    from abireview.ledger.load import load_surfaces
    from abireview.ledger.reading import read_surface
    from abireview.ledger.report import SURFACE_FORMATS
    from abireview.source.tree import open_tree

    wanted = _documents(output, SURFACE_FORMATS)
    specs = load_surfaces(directories(rule_dirs))
    surface = read_surface(open_tree(tree), specs, tree, ToolInfo(__version__, load_rules(rule_dirs).hash))
    _check(shown, specs, {group.arch for group in surface.groups})
    groups = tuple(group for group in surface.groups if shown.takes(group.arch, group.area))
    _write(msgspec.structs.replace(surface, groups=groups), wanted, output.color)


def run_ledger(
    trees: tuple[str, str], shown: Shown, output: Output, rule_dirs: Sequence[Path], *, commits: bool
) -> None:
    """Compare two trees and write the ledger. Raises AbireviewError."""
    from abireview.findings.model import ToolInfo
    from abireview.ledger.compare import compare, pins_of
    from abireview.ledger.load import load_surfaces
    from abireview.ledger.reading import read_surface
    from abireview.ledger.report import LEDGER_FORMATS
    from abireview.source.tree import open_tree

    wanted = _documents(output, LEDGER_FORMATS)
    specs = load_surfaces(directories(rule_dirs))
    tool = ToolInfo(__version__, load_rules(rule_dirs).hash)
    opened = [open_tree(tree) for tree in trees]
    labels = _labels(trees)
    old, new = (read_surface(tree, specs, name, tool) for tree, name in zip(opened, labels, strict=True))
    _check(shown, specs, {group.arch for group in (*old.groups, *new.groups)})
    ledger = compare(old, new, specs, tool)
    entries = tuple(entry for entry in ledger.entries if shown.takes(entry.arch, entry.area))
    ledger = msgspec.structs.replace(ledger, entries=entries, pins=pins_of(entries))
    if commits:
        ledger = _with_commits(ledger, opened, specs)
    _write(ledger, wanted, output.color)


def _labels(trees: tuple[str, str]) -> Sequence[str]:
    """What to call the two trees: their revisions or last directories, in full if those are the same."""
    short = [tree.rpartition("@")[2] if "@" in tree and not Path(tree).exists() else Path(tree).name for tree in trees]
    return short if all(short) and short[0] != short[1] else trees


def _with_commits(ledger: Ledger, trees: Sequence[object], specs: Sequence[SurfaceSpec]) -> Ledger:
    from abireview.ledger.history import with_commits
    from abireview.source.tree import GitTree

    old, new = trees
    if not isinstance(old, GitTree) or not isinstance(new, GitTree) or not old.place.samefile(new.place):
        return ledger
    with Progress() as progress:
        return with_commits(ledger, old, new, specs, progress)


def _check(shown: Shown, specs: Sequence[SurfaceSpec], archs: set[str]) -> None:
    """Refuse an architecture or area that nothing has."""
    areas = {spec.area for spec in specs}
    for given, known, option in ((shown.arch, archs, "--arch"), (shown.area, areas, "--area")):
        unknown = [one for one in given if one not in known]
        if unknown:
            raise UsageError(
                f"{option}: there is nothing called '{unknown[0]}'", hint=f"there are {', '.join(sorted(known))}"
            )


def _documents(output: Output, formats: Sequence[str]) -> list[tuple[str, str]]:
    """(format, path) of each document to write; UsageError for an unknown format or a path named twice."""
    if output.format_name not in formats:
        raise UsageError(f"no such format '{output.format_name}'", hint=f"formats are {', '.join(formats)}")
    plain: list[tuple[str, str]] = []
    extra: list[tuple[str, str]] = []
    for one in output.files:
        name, colon, path = one.partition(":")
        if colon and path and name in formats:
            extra.append((name, path))
        else:
            plain.append((output.format_name, one))
    wanted = [*(plain or [(output.format_name, STDOUT)]), *extra]
    paths = [path for _, path in wanted]
    twice = next((path for path in paths if paths.count(path) > 1), "")
    if twice:
        raise UsageError(f"--output names '{twice}' twice", hint="give each document a file of its own")
    return wanted


def _write(document: Surface | Ledger, wanted: Sequence[tuple[str, str]], color: str) -> None:
    from abireview.ledger.report import render

    for name, path in sorted(wanted, key=lambda one: one[1] == STDOUT):
        if path == STDOUT:
            write_stdout(render(document, name, stdout_style(color)))
        else:
            write_file(path, render(document, name, Style(color == "always")))
