# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scan or a merge writes: JSON lines as a stream, other formats of the series with findings, or the queue."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from abireview import limits
from abireview.cli.output import STDOUT, Target, stdout_style, write_file, write_stdout
from abireview.errors import LimitError, UsageError
from abireview.findings.model import Result
from abireview.render import Style
from abireview.scan.work import QueueFacts
from abireview.store.db import Store
from abireview.store.journal import Journal
from abireview.store.queue import Facts, Queue

Lines = Callable[[], Iterator[tuple[bytes, bool]]]
"""Gives (a line of JSON, whether it has findings) of every series, in order; may be called again."""


def emit(targets: Sequence[Target], lines: Lines, color: str = "auto") -> None:
    """Write every target, files first; a file appears whole or not at all.

    Raises UsageError where a file cannot be written or the format holds one series, LimitError for a format that is
    made in memory and would hold too many.
    """
    for target in sorted(targets, key=lambda one: one.path == STDOUT):
        if target.format.name == "jsonl":
            _stream((line for line, _ in lines()), target.path)
            continue
        text = target.format.render(_with_findings(lines, target), _style(target, color))
        if target.path == STDOUT:
            write_stdout(text)
        else:
            write_file(target.path, text)


def check_targets(targets: Sequence[Target]) -> None:
    """Raise UsageError now for what ``emit`` would refuse after hours."""
    for target in targets:
        if target.format.one:
            raise UsageError(f"format '{target.format.name}' holds one series", hint="use jsonl")
        folder = Path(target.path).resolve().parent
        if target.path != STDOUT and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise UsageError(f"cannot write '{target.path}'", hint="name a file in a writable directory")


def _style(target: Target, color: str) -> Style:
    return stdout_style(color) if target.path == STDOUT else Style(color == "always")


def _with_findings(lines: Lines, target: Target) -> Iterator[Result]:
    for number, line in enumerate(line for line, found in lines() if found):
        if number >= limits.MAX_SCAN_RENDERED:
            raise LimitError(
                f"more than {limits.MAX_SCAN_RENDERED} series have findings, too many for '{target.format.name}'",
                hint="use jsonl, or scan a shorter time",
            )
        yield msgspec.json.decode(line, type=Result)


def _stream(lines: Iterable[bytes], path: str) -> None:
    if path == STDOUT:
        try:
            sys.stdout.flush()
            for line in lines:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.writelines(lines)
        else:
            _replace(target.resolve(), lines)
    except OSError as error:
        raise UsageError(f"cannot write '{path}': {error.strerror or error}", hint="name another file") from error


def _replace(target: Path, lines: Iterable[bytes]) -> None:
    partial = target.with_name(f".{target.name}.part")  # always the same: a killed scan leaves no more than one
    partial.unlink(missing_ok=True)
    try:
        with partial.open("xb") as file:
            file.writelines(lines)
        if target.exists():
            partial.chmod(target.stat().st_mode & 0o777)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def lines_of(journal: Journal) -> Lines:
    """The outcomes of a journal as ``emit`` takes them."""
    return lambda: ((outcome.line, outcome.found) for outcome in journal.outcomes())


def fill_queue(journal: Journal, store: Store) -> int:
    """Put the series with findings into the reviewer's queue, as ``watch`` would; how many."""
    queue = Queue.of(store)
    count = 0
    for outcome in journal.outcomes(found=True):
        if not outcome.facts:
            continue
        known = msgspec.msgpack.decode(outcome.facts, type=QueueFacts)
        result = msgspec.json.decode(outcome.line, type=Result)
        row = queue.add(result.series.id, "scan")
        queue.record(
            row.id,
            Facts(
                lineage=known.lineage,
                title=result.series.subject,
                tag=known.tag,
                author=known.author,
                date=result.series.date,
                result=result,
            ),
        )
        count += 1
    return count
