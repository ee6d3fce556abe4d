# SPDX-License-Identifier: GPL-2.0-or-later
"""Shards of a scan put together: sorted JSON lines in, sorted JSON lines out, one line of each file in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from abireview import limits
from abireview.errors import InputError, LimitError, NotFoundError, UsageError
from abireview.findings.model import SCHEMA


class _Tool(msgspec.Struct):
    version: str
    rules: str


class _Series(msgspec.Struct):
    id: str
    date: int | None = None


class _Line(msgspec.Struct):
    """What of a line the merge looks at."""

    schema: int
    tool: _Tool
    series: _Series
    findings: list[msgspec.Raw]
    failed: list[msgspec.Raw] = []


Key = tuple[int, str]


def merge(paths: Sequence[Path]) -> Iterator[tuple[bytes, bool]]:
    """(line, whether it has findings) of all files, in the order one scan would have written; equal lines once.

    Raises NotFoundError, InputError for what no scan wrote, and UsageError for scans of different versions or rules or
    with different results for one series.
    """
    tools: set[tuple[str, str]] = set()
    last: tuple[Key, bytes] | None = None
    for key, line, found in heapq.merge(*(_lines(path, tools) for path in paths)):
        if last is not None and last[0] == key:
            if last[1] == line:
                continue
            raise UsageError(
                f"two files have different results for {key[1][:200]}", hint="merge the shards of one scan only"
            )
        last = (key, line)
        yield line, found


def _lines(path: Path, tools: set[tuple[str, str]]) -> Iterator[tuple[Key, bytes, bool]]:
    decoder = msgspec.json.Decoder(_Line)
    before: Key | None = None
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_bounded(file, path), 1):
                try:
                    one = decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise _wrong(path, number) from error
                key = (one.series.date or 0, one.series.id)
                if one.schema != SCHEMA or not line.endswith(b"\n") or (before is not None and key <= before):
                    raise _wrong(path, number)
                tools.add((one.tool.version, one.tool.rules))
                if len(tools) > 1:
                    raise UsageError(
                        "the files come from different versions or rules", hint="scan all shards with the same"
                    )
                before = key
                yield key, line, bool(one.findings or one.failed)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from error


def _bounded(file: object, path: Path) -> Iterator[bytes]:
    readline = file.readline  # type: ignore[attr-defined]
    while line := readline(limits.MAX_RESULT_BYTES + 1):
        if len(line) > limits.MAX_RESULT_BYTES:
            raise LimitError(f"a line of {path} is longer than {limits.MAX_RESULT_BYTES // limits.MIB} MiB")
        yield line


def _wrong(path: Path, number: int) -> InputError:
    return InputError(
        f"{path}:{number} is no line of a scan", hint="merge what 'abireview scan --shard' wrote, unchanged"
    )
