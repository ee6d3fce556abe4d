# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``abireview check`` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abireview.cli import exitcode, output
from abireview.cli.loading import Source, load_series, open_store, tree_of
from abireview.cli.ruleset import load as load_rules
from abireview.cli.settled import Suppressions, with_answers
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from abireview.findings.model import Result
    from abireview.mail.model import Series
    from abireview.rules.load import RuleSet
    from abireview.source.model import FileDiff
    from abireview.store.db import Store


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``abireview check`` that are not about where the series comes from."""

    rule_dirs: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    format_name: str = "text"
    output: tuple[str, ...] = ()
    color: str = "auto"
    fail_on: str = "flag"
    allow_partial: bool = False
    exit_zero: bool = False
    everything: bool = False
    config: tuple[Path, ...] = ()
    unused: bool = False


def run_check(what: Sequence[str], source: Source, wanted: Wanted) -> int:
    """Check every one of ``what``, write the documents, return the exit code. Raises AbireviewError."""
    documents = output.targets(wanted.format_name, wanted.output)
    rules = load_rules(wanted.rule_dirs, wanted.select, wanted.ignore)
    store = open_store(source)
    suppressions = Suppressions(wanted.config)
    diffs: dict[str, tuple[FileDiff, ...]] = {}
    results = [_check_one(one, source, rules, store, wanted.arch, suppressions, diffs) for one in what]
    output.emit(documents, results, wanted.color, everything=wanted.everything, diffs=diffs)
    if wanted.unused:
        suppressions.report()
    if wanted.exit_zero or any(document.format.exit_zero for document in documents):
        failed = any(result.failed for result in results)
        return exitcode.INTERNAL if failed and not wanted.exit_zero else exitcode.OK
    return exitcode.exit_code(results, fail_on=wanted.fail_on, allow_partial=wanted.allow_partial)


def _check_one(
    what: str,
    source: Source,
    rules: RuleSet,
    store: Store | None,
    arch: Sequence[str],
    suppressions: Suppressions,
    diffs: dict[str, tuple[FileDiff, ...]],
) -> Result:
    """The result for ``what``; what its patches change is added to ``diffs``."""
    from abireview.check import check

    loaded = load_series(what, source, store=store)
    diffs.update({patch.msgid: patch.files for patch in loaded.series.patches})
    tree = tree_of(loaded, source)
    result = suppressions.apply(check(loaded.series, rules, tree=tree, arch=arch), tree)
    return with_answers(result, loaded.series, store)


def run_history(what: Sequence[str], source: Source) -> int:
    """List the versions of the series that ``what`` name, oldest first; the one a check would take has a star."""
    from abireview.lore.load import history

    lines = []
    store = open_store(source)
    for one in what:
        loaded = load_series(one, source, store=store, history=True)
        lines += [_version(series, series.id == loaded.series.id) for series in history(loaded)]
    output.write_stdout("".join(f"{line}\n" for line in lines))
    return exitcode.OK


def _version(series: Series, chosen: bool) -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime(series.date)) if series.date is not None else "no date   "
    have = f"{len(series.patches)}/{series.expected}" if series.missing else f"{len(series.patches)}"
    version = series.version_text or f"v{series.version}"
    return safe_line(f"{'*' if chosen else ' '} {version:5} {date}  {have:>5}  <{series.id}>  {series.subject}")
