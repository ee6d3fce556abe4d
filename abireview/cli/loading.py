# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that say where a series comes from, shared by the verbs that read one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    pass


class Source(msgspec.Struct, frozen=True):
    """What the user chose: see ``abireview check --help``."""

    revision: str | None = None
    server: str | None = None
    offline: bool = False
    parent: bool = True
    refresh: bool = False
    cache: bool = True
    tree: Path | None = None


OPTIONS = (
    click.option("--revision", metavar="N", help="Check version N of the series, not the newest."),
    click.option("--server", metavar="URL", help="The archive to fetch threads from."),
    click.option("--offline", is_flag=True, help="Use the cache and local files only."),
    click.option("--no-parent", "parent", flag_value=False, default=True, help="Leave out what stands above WHAT."),
    click.option("--refresh", is_flag=True, help="Fetch anew although the thread is in the cache."),
    click.option("--no-cache", "cache", flag_value=False, default=True, help="Neither read nor write the cache."),
    click.option(
        "--tree",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A kernel to look at: a git repository or a directory.",
    ),
)


def source_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options above; the verb gets them as one argument ``source``."""

    @functools.wraps(function)
    def with_source(*args: Any, **kwargs: Any) -> Any:
        chosen = {name: kwargs.pop(name) for name in Source.__struct_fields__}
        return function(*args, source=Source(**chosen), **kwargs)

    for option in reversed(OPTIONS):
        with_source = option(with_source)
    return with_source
