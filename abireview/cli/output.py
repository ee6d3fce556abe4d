# SPDX-License-Identifier: GPL-2.0-or-later
"""Where rendered results go: stdout, and files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from abireview.errors import UsageError
from abireview.findings.model import Result
from abireview.render import Format, Style, format_names, get_format
from abireview.source.model import FileDiff

STDOUT = "-"
DEFAULT_WIDTH = 80


class Target(msgspec.Struct, frozen=True):
    """One document to write: its format, and a path or ``-`` for stdout."""

    format: Format
    path: str


def targets(format_name: str, outputs: Sequence[str]) -> tuple[Target, ...]:
    """What ``--format`` and the ``--output`` options ask for.

    ``--output PATH`` sends the chosen format to PATH instead of stdout; ``--output FORMAT:PATH`` writes one more
    document. Raises UsageError for an unknown format or a path given twice.
    """
    chosen = get_format(format_name)
    plain: list[Target] = []
    extra: list[Target] = []
    for output in outputs:
        name, colon, path = output.partition(":")
        if colon and path and name in format_names():
            extra.append(Target(get_format(name), path))
        else:
            plain.append(Target(chosen, output))
    wanted = (*(plain or [Target(chosen, STDOUT)]), *extra)
    paths = [target.path for target in wanted]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"--output names '{path}' twice", hint="give each document a file of its own")
    return wanted


def emit(
    wanted: Sequence[Target],
    results: Sequence[Result],
    color: str = "auto",
    *,
    everything: bool = False,
    diffs: Mapping[str, Sequence[FileDiff]] | None = None,
) -> None:
    """Render ``results`` for every target and write them, files first; ``color`` is auto, always or never.

    ``everything`` and ``diffs`` are those of ``render.Style``.

    Raises UsageError if a format holds one series and there are several, or if a file cannot be written.
    """
    for target in sorted(wanted, key=lambda one: one.path == STDOUT):
        if target.format.one and len(results) != 1:
            raise UsageError(
                f"format '{target.format.name}' holds one series and there are {len(results)}", hint="use jsonl"
            )
        if target.format.directory:
            from abireview.cli.b4drop import write_drop

            write_stdout(write_drop(results[0], Path.cwd() if target.path == STDOUT else Path(target.path)))
        elif target.path == STDOUT:
            style = msgspec.structs.replace(stdout_style(color), everything=everything, diffs=diffs or {})
            write_stdout(target.format.render(results, style))
        else:
            style = Style(color == "always", DEFAULT_WIDTH, everything, diffs or {})
            write_file(target.path, target.format.render(results, style))


def stdout_style(color: str = "auto") -> Style:
    """How text on stdout is laid out: as wide as the terminal, in colour on a terminal unless NO_COLOR is set."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns if terminal else DEFAULT_WIDTH
    return Style(color == "always" or (color == "auto" and wants_color(sys.stdout)), width)


def wants_color(stream: TextIO) -> bool:
    """True if ``stream`` is a terminal that shows colour and nobody asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_stdout(text: str) -> None:
    """Write ``text`` to stdout; what its encoding lacks is escaped. A reader that went away is no error."""
    encoding = sys.stdout.encoding or "utf-8"
    with contextlib.suppress(BrokenPipeError):  # abireview.cli.main sees to the rest of the buffer
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()


def write_file(path: str, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``: a regular file is replaced as a whole, a pipe or device is written to.

    Raises UsageError if that is not possible.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
        else:
            _replace(target, text)
    except OSError as error:
        raise UsageError(
            f"cannot write '{path}': {error.strerror or error}", hint="name a file in a writable directory"
        ) from error


def _replace(target: Path, text: str) -> None:
    target = target.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
