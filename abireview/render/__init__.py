# SPDX-License-Identifier: GPL-2.0-or-later
"""One module a format, named as the format is; each turns results into text and touches nothing else.

A format module has ``render(results, style) -> str`` and may set

``EXIT_ZERO = True``   other programs read it: the run exits 0 whenever the check ran (sarif, b4)
``ONE = True``         it holds one series: rendering several is an error of the caller
``DIRECTORY = True``   it is several files, written by ``abireview.cli.b4drop``; ``render`` gives them in one text

A format whose name has a dash lives in a module with an underscore.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import msgspec

from abireview.errors import UsageError
from abireview.findings.model import Result
from abireview.source.model import FileDiff


class Style(msgspec.Struct, frozen=True):
    """How text for people is laid out; formats for programs ignore it. ``width`` is in columns.

    ``everything``: notes in full too, also those of low confidence that are only counted otherwise. ``diffs``: what
    each patch changes, by its message-id, for formats that show findings on the diff.
    """

    color: bool = False
    width: int = 80
    everything: bool = False
    diffs: Mapping[str, Sequence[FileDiff]] = {}


class RenderFunction(Protocol):
    """What a format module's ``render`` is: results in, the whole document out, the same bytes each time."""

    def __call__(self, results: Iterable[Result], style: Style) -> str: ...


class Format(msgspec.Struct, frozen=True):
    """A format: its name, its function, and the properties its module may set."""

    name: str
    render: RenderFunction
    exit_zero: bool = False
    one: bool = False
    directory: bool = False


@cache
def format_names() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    names = {path.stem for folder in __path__ for path in Path(folder).glob("*.py")}
    return tuple(sorted(name.replace("_", "-") for name in names if not name.startswith("_")))


def get_format(name: str) -> Format:
    """The format called ``name``. Raises UsageError if there is none."""
    if name not in format_names():
        raise UsageError(f"no such format '{name}'", hint=f"formats are {', '.join(format_names())}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return Format(
        name,
        cast(RenderFunction, module.render),
        exit_zero=bool(getattr(module, "EXIT_ZERO", False)),
        one=bool(getattr(module, "ONE", False)),
        directory=bool(getattr(module, "DIRECTORY", False)),
    )
