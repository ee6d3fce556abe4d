# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``abireview scan`` does."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from abireview.cli import exitcode, output
from abireview.cli.loading import warn
from abireview.cli.progress import Progress
from abireview.cli.ruleset import load as load_rules
from abireview.cli.scanwriting import check_targets, emit, fill_queue, lines_of
from abireview.errors import UsageError
from abireview.findings.model import Result
from abireview.scan.executors import Crew, dask, processes
from abireview.scan.run import Summary, Wanted, identity, scan
from abireview.scan.source import open_source
from abireview.store.journal import Journal

_AGO = re.compile(r"(\d{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``abireview scan``."""

    since: str | None = None
    until: str | None = None
    every: bool = False
    arch: tuple[str, ...] = ()
    rule_dirs: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    jobs: int | None = None
    dask: str | None = None
    shard: str | None = None
    format_name: str = "jsonl"
    output: tuple[str, ...] = ()
    store: bool = False
    journal: Path | None = None
    fail_on: str = "never"


def run_scan(what: str, options: Options) -> int:
    """Scan ``what``, write the documents, return the exit code. Raises AbireviewError."""
    from abireview import places

    targets = output.targets(options.format_name, options.output)
    check_targets(targets)
    wanted = Wanted(
        since=parse_date(options.since),
        until=parse_date(options.until),
        every=options.every,
        arch=options.arch,
        shard=parse_shard(options.shard),
    )
    rules = load_rules(options.rule_dirs, options.select, options.ignore)
    with Progress() as progress:
        source = open_source(what, since=wanted.since, mirrors=places.cache_dir() / "archives", say=progress)
        key = identity(source, rules, wanted)
        with _journal_path(options.journal, targets) as path, Journal(path, key) as journal:
            summary = scan(source, journal, rules, wanted, _workers(options), progress)
            progress.clear()
            emit(targets, lines_of(journal))
            if options.store:
                _to_queue(journal)
            code = _exit_code(journal, summary, options.fail_on)
            _report(summary, terminal=progress.shown)
            journal.remove()
    return code


def _workers(options: Options) -> Callable[[], AbstractContextManager[Crew]]:
    if options.dask is not None:
        if options.jobs is not None:
            raise UsageError("--jobs and --dask exclude each other", hint="the cluster knows how many workers it has")
        address = options.dask
        return lambda: dask(address)
    count = options.jobs or len(os.sched_getaffinity(0))
    return lambda: processes(count)


@contextlib.contextmanager
def _journal_path(named: Path | None, targets: Sequence[output.Target]) -> Iterator[Path]:
    """Beside the first file that is written; without one in a directory that goes away."""
    files = [Path(target.path) for target in targets if target.path != output.STDOUT]
    if named is not None or files:
        yield named or files[0].with_name(f"{files[0].name}.journal")
        return
    with tempfile.TemporaryDirectory(prefix="abireview-scan-") as name:
        yield Path(name) / "journal"


def _to_queue(journal: Journal) -> None:
    from abireview.store.db import Store

    with Store() as store:
        fill_queue(journal, store)


def _exit_code(journal: Journal, summary: Summary, fail_on: str) -> int:
    found = [msgspec.json.decode(one.line, type=Result) for one in journal.outcomes(found=True)]
    if any(result.failed for result in found):
        return exitcode.INTERNAL
    if summary.broken:
        return exitcode.NO_INPUT
    if fail_on != "never" and any(exitcode.counts(finding, fail_on) for one in found for finding in one.findings):
        return exitcode.FOUND
    return exitcode.OK


def _report(summary: Summary, *, terminal: bool) -> None:
    if summary.broken:
        warn(f"the archive was not read to its end: {summary.broken}")
    if summary.bad:
        warn(f"{summary.bad} pieces of the archive are no mails")
    if summary.lost:
        warn(f"{summary.lost} series could not be checked; their lines say why under 'failed'")
    if terminal:
        sys.stderr.write(f"abireview: {summary.mails} mails, {summary.series} series\n")


def parse_date(text: str | None) -> int | None:
    """``2024-05-01`` (midnight UTC) or an age such as ``30d``, ``8w``, ``6m``, ``2y``, as seconds since 1970.

    Raises UsageError.
    """
    if text is None:
        return None
    if match := _AGO.fullmatch(text.strip().lower()):
        midnight = int(time.time()) // 86_400 * 86_400
        return max(0, midnight - int(match[1]) * _DAYS[match[2]] * 86_400)
    try:
        day = datetime.date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"'{text[:40]}' is no date", hint="such as 2024-05-01, 30d, 8w, 6m or 2y") from error
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())


def parse_shard(text: str | None) -> tuple[int, int]:
    """``I/N``, I from 1, as (which from 0, of how many). Raises UsageError."""
    if text is None:
        return 0, 1
    match = _SHARD.fullmatch(text.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"'{text[:40]}' is no shard", hint="such as 1/4: the first of four")
    return int(match[1]) - 1, int(match[2])
