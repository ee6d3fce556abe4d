# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose patches these are: the kernel's, or those of the tests and VMMs that share its lists.

The table is data (``rules/lists/projects.toml``, which explains how it decides).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from abireview.errors import ConfigError

KERNEL = "kernel"
OTHER = "other"


class KernelPaths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the kernel's own files stand: globs that are no other project's, and its top-level entries."""

    id: str
    paths: tuple[str, ...]
    top: tuple[str, ...]


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another project: the words of its subject prefix, and globs of its paths."""

    id: str
    words: tuple[str, ...]
    paths: tuple[str, ...]


class Projects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of projects."""

    schema: int
    kernel: KernelPaths
    project: tuple[Project, ...]


def load_projects(data: bytes) -> Projects:
    """The table from the bytes of ``projects.toml``. Raises ``ConfigError``, which names what is wrong."""
    try:
        return msgspec.toml.decode(data, type=Projects)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list of projects is wrong: {error}") from error


def classify(prefixes: Iterable[str], paths: Sequence[str], projects: Projects) -> str:
    """The id of the project that a series is for ("kernel", a project's id, or "other").

    ``prefixes`` are the words of the subjects' brackets, ``paths`` the files touched (relative to the tree).
    """
    words = {part for word in prefixes for part in re.split(r"[/:;]", word.lower()) if part}
    for project in projects.project:
        if words & set(project.words):
            return project.id
    votes: Counter[str] = Counter()
    kernel = _matcher(projects.kernel.paths)
    for path in paths:
        if kernel.match(path):
            return KERNEL
        votes.update(project.id for project in projects.project if _matcher(project.paths).match(path))
    if votes:
        most = max(votes.values())
        return next(project.id for project in projects.project if votes[project.id] == most)
    return KERNEL if not paths or any(path.split("/", 1)[0] in projects.kernel.top for path in paths) else OTHER


@lru_cache(maxsize=64)
def _matcher(globs: tuple[str, ...]) -> re.Pattern[str]:
    """One regular expression for all ``globs``, anchored at both ends."""
    return re.compile("|".join(f"(?:{_expression(glob)})\\Z" for glob in globs))


def _expression(glob: str) -> str:
    parts = []
    for piece in re.split(r"(\*\*|\*|\?|\[[^\]/]+\])", glob):
        if piece == "**":
            parts.append(".*")
        elif piece == "*":
            parts.append("[^/]*")
        elif piece == "?":
            parts.append("[^/]")
        elif piece.startswith("[") and piece.endswith("]"):
            parts.append(piece)
        else:
            parts.append(re.escape(piece))
    return "".join(parts) + (".*" if glob.endswith("/") else "")
