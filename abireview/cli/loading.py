# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a series comes from: the options that say so, shared by the verbs that read one, and what they lead to."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from abireview.cli.progress import Progress
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from abireview.lore.load import Loaded, LoadOptions
    from abireview.source.tree import Tree
    from abireview.store.db import Store


class Source(msgspec.Struct, frozen=True):
    """What the user chose: see ``abireview check --help``."""

    revision: str | None = None
    msgid: str | None = None
    server: str | None = None
    offline: bool = False
    parent: bool = True
    refresh: bool = False
    cache: bool = True
    tree: str | None = None


OPTIONS = (
    click.option("--revision", metavar="N", help="Take version N of the series, not the newest."),
    click.option(
        "--msgid", metavar="ID", help="Of a file, take the series (or the diff in a reply) that has this mail."
    ),
    click.option("--server", metavar="URL", help="The archive to fetch threads from."),
    click.option("--offline", is_flag=True, help="Use the cache and local files only."),
    click.option("--no-parent", "parent", flag_value=False, default=True, help="Leave out what stands above WHAT."),
    click.option("--refresh", is_flag=True, help="Fetch anew although the thread is in the cache."),
    click.option("--no-cache", "cache", flag_value=False, default=True, help="Use neither cache nor known answers."),
    click.option("--tree", metavar="PATH", help="A kernel to look at: a git repository (PATH@REV) or a directory."),
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


def open_store(source: Source) -> Store | None:
    """The store, nothing of it touched yet; None with ``--no-cache``."""
    if not source.cache:
        return None
    from abireview.store.db import Store

    return Store()


def load_options(source: Source, store: Store | None, *, history: bool = False) -> LoadOptions:
    """``source`` as ``abireview.lore.load`` wants it. Commits come from the git repository that --tree names."""
    from abireview.lore.load import LoadOptions

    return LoadOptions(
        revision=source.revision,
        msgid=source.msgid,
        server=source.server,
        offline=source.offline,
        no_parent=not source.parent,
        store=store,
        refresh=source.refresh,
        history=history,
        git_dir=Path(source.tree.rpartition("@")[0] or source.tree).expanduser() if source.tree else None,
    )


def load_series(what: str, source: Source, *, store: Store | None = None, history: bool = False) -> Loaded:
    """The series that ``what`` names; what was odd on the way is said on stderr. Raises what ``lore.load`` raises."""
    from abireview.lore.load import load

    with Progress() as progress:
        progress(f"reading {what}")
        loaded = load(what, load_options(source, store, history=history))
    for warning in loaded.warnings:
        warn(warning)
    return loaded


def warn(text: str) -> None:
    """Say on stderr what was odd but did not stop the run."""
    sys.stderr.write(f"abireview: warning: {safe_line(text)}\n")


def tree_of(loaded: Loaded, source: Source) -> Tree | None:
    """The kernel to look at: --tree, or for commits their repository. Raises NotFoundError and TreeError."""
    if source.tree is None and loaded.thread is not None:
        return None
    from abireview.source.tree import open_tree

    return open_tree(source.tree or Path.cwd(), base_commit=loaded.series.base_commit)
