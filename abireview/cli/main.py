# SPDX-License-Identifier: GPL-2.0-or-later
"""The entry point: from ``sys.argv`` to an exit code.

What a verb returns is the exit code; what it raises becomes one sentence on stderr, what to do about it, and the
code of docs/exit-codes.md. Nothing but ``sys`` and ``os`` is imported before it is needed, so that ``--version``
costs little more than starting Python.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130


def run() -> None:
    """Run the command line of this process and exit."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run ``argv`` (without the program's name) and return the exit code; nothing is raised."""
    if list(argv) in (["--version"], ["-V"]):
        from abireview import __version__

        sys.stdout.write(f"abireview {__version__}\n")
        return _flushed(0)
    debug = "--debug" in argv
    try:
        return _flushed(_invoke(argv))
    except KeyboardInterrupt:
        _complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _flushed(0)
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        return _report(error)


def _invoke(argv: Sequence[str]) -> int:
    from abireview.cli.group import root

    completion = root.completion(os.environ)
    if completion is not None:
        return completion
    return root.run(argv)


def _report(error: Exception) -> int:
    """Say what went wrong in one line and a hint; the exit code that goes with it."""
    import click

    from abireview.errors import AbireviewError

    if isinstance(error, AbireviewError):
        _complain(str(error), error.hint)
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "abireview"
        _complain(_sentence(error.format_message()), f"see '{path} --help'")
        return error.exit_code if isinstance(error, click.UsageError) else 2
    if isinstance(error, click.Abort):
        _complain("interrupted")
        return EXIT_INTERRUPTED
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    _complain(
        f"internal error: {detail[:300]}",
        "this is a bug: run it again as 'abireview --debug …' and report what that prints, with the input",
    )
    return EXIT_INTERNAL


def _sentence(text: str) -> str:
    """A click message in the manner of ours: lower case at the start, no full stop."""
    text = " ".join(text.split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _complain(message: str, hint: str = "") -> None:
    from abireview.safetext import safe_line

    lines = [f"abireview: {safe_line(message)}"] + ([f"hint: {safe_line(hint)}"] if hint else [])
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def _flushed(code: int) -> int:
    """``code``, after stdout was flushed; a reader that went away (``| head``) does not change it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())  # else the interpreter's own flush at exit fails once more
        os.close(null)
    return code
