# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel trees: a commit of a git repository, or a plain directory. Nothing in either is executed or written.

Git is read through libgit2 (pygit2), which runs no hook, filter, text conversion, pager or remote helper whatever the
repository's configuration says, and fetches nothing for a partial clone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from abireview.errors import LimitError, NotFoundError, TreeError
from abireview.limits import MAX_TREE_FILE_BYTES, MAX_TREE_FILES

if TYPE_CHECKING:
    import pygit2

_HEX = re.compile(r"^[0-9a-f]{7,64}$")
_LINK = 0o120000


class Tree(Protocol):
    """Files of a kernel tree. Paths are relative, with forward slashes."""

    @property
    def kind(self) -> Literal["git", "directory"]:
        """Whether blobs can be looked up by id."""
        ...

    def read(self, path: str) -> str | None:
        """The text of ``path``; None if there is no such file or it is a link, binary or larger than the limit."""
        ...

    def blob(self, oid: str) -> str | None:
        """The text of the blob with that id (7 digits or more); None if it is not there or the tree is no git one."""
        ...

    def at(self, commit: str | None) -> Tree:
        """The tree at ``commit``, if it has that commit and the user named no revision; else the same tree."""
        ...

    def files(self, under: str = "") -> list[str]:
        """The paths of all regular files below ``under``, sorted."""
        ...

    def find(self, text: str, under: Iterable[str] = ("",)) -> Iterator[tuple[str, int, str]]:
        """(path, line number from 1, line) for each line with ``text`` in the files and directories ``under``."""
        ...

    def describe(self) -> str:
        """The tree in a few words, for a person."""
        ...


def open_tree(path: str | Path, *, base_commit: str | None = None) -> Tree:
    """The tree at ``path``: a directory, a git repository (work tree or bare), or ``REPOSITORY@REVISION``.

    A repository without ``@REVISION`` is read at ``base_commit`` if it has that commit, else at HEAD; the work tree's
    changes do not count. Raises NotFoundError if there is nothing at ``path`` and TreeError if it cannot be read.
    """
    name = os.fspath(path)
    revision = ""
    place = Path(name).expanduser()
    if not place.exists() and "@" in name:
        name, _, revision = name.rpartition("@")
        place = Path(name).expanduser()
    if not place.exists():
        raise NotFoundError(f"there is no tree at {path}", hint="give a directory, a git repository or REPOSITORY@TAG")
    if not place.is_dir():
        raise TreeError(f"{place} is no directory", hint="give a directory, a git repository or REPOSITORY@TAG")
    if revision or is_repository(place):
        tree = GitTree(place, revision or "HEAD", fixed=bool(revision))
        return tree.at(base_commit)
    return DirectoryTree(place)


def is_repository(place: Path) -> bool:
    """Whether ``place`` is the top of a git work tree or a bare repository."""
    return (place / ".git").exists() or ((place / "HEAD").is_file() and (place / "objects").is_dir())


def is_safe(path: str) -> bool:
    """Whether ``path`` (from a diff) can name a file inside a tree: relative, no ``..``, no NUL, not inside .git."""
    parts = path.split("/")
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") or part == ".git" for part in parts)


def _text(data: bytes) -> str | None:
    return None if b"\0" in data[:8000] else data.decode("utf-8", "replace")


def _read_regular(place: str) -> bytes | None:
    """The content of a regular file, one byte over the limit at most; None for anything else."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(MAX_TREE_FILE_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(handle)


def _search(tree: Tree, text: str, under: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    seen = set()
    for place in under:
        for path in tree.files(place):
            content = tree.read(path) if path not in seen else None
            seen.add(path)
            if content is not None and text in content:
                for number, line in enumerate(content.split("\n"), 1):
                    if text in line:
                        yield path, number, line


class DirectoryTree:
    """A plain directory; links that lead out of it do not exist."""

    kind: Literal["directory"] = "directory"

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def read(self, path: str) -> str | None:
        """See Tree.read."""
        if not is_safe(path):
            return None
        place = os.path.realpath(self.root / path)
        if not place.startswith(f"{self.root}{os.sep}".replace(os.sep * 2, os.sep)):
            return None
        data = _read_regular(place)
        return _text(data) if data is not None and len(data) <= MAX_TREE_FILE_BYTES else None

    def blob(self, oid: str) -> str | None:
        """None: a directory has no blobs."""
        return None

    def at(self, commit: str | None) -> Tree:
        """The tree itself: a directory has no commits."""
        return self

    def files(self, under: str = "") -> list[str]:
        """See Tree.files; links are not followed."""
        if under and not is_safe(under.rstrip("/")):
            return []
        top = self.root / under
        if top.is_file():
            return [under]
        found = []
        for folder, folders, names in os.walk(top, followlinks=False):
            folders[:] = [name for name in folders if name != ".git"]
            base = Path(folder)
            found += [
                (base / name).relative_to(self.root).as_posix() for name in names if not (base / name).is_symlink()
            ]
            if len(found) > MAX_TREE_FILES:
                raise LimitError(f"{top} has more than {MAX_TREE_FILES} files", hint="name a kernel tree")
        return sorted(found)

    def find(self, text: str, under: Iterable[str] = ("",)) -> Iterator[tuple[str, int, str]]:
        """See Tree.find."""
        return _search(self, text, under)

    def describe(self) -> str:
        """The directory's name."""
        return f"directory {self.root}"


class GitTree:
    """One commit of a git repository."""

    kind: Literal["git"] = "git"

    def __init__(self, place: Path, revision: str, *, fixed: bool = False) -> None:
        self.place = place
        self.fixed = fixed
        self.repository = open_repository(place)
        self._commit = resolve(self.repository, revision)
        self._cache: dict[str, str | None] = {}

    @property
    def commit(self) -> str:
        """The full id of the commit."""
        return str(self._commit.id)

    def read(self, path: str) -> str | None:
        """See Tree.read."""
        if not is_safe(path):
            return None
        if path not in self._cache:
            self._cache[path] = self._read(path)
        return self._cache[path]

    def _read(self, path: str) -> str | None:
        try:
            entry: Any = self._commit.tree[path]
        except KeyError:
            return None
        if entry.type_str != "blob" or entry.filemode == _LINK:
            return None
        return self._blob_text(entry)

    @staticmethod
    def _blob_text(entry: Any) -> str | None:
        return _text(entry.data) if entry.size <= MAX_TREE_FILE_BYTES else None

    def blob(self, oid: str) -> str | None:
        """See Tree.blob; an abbreviated id that is not unique is not found."""
        if not _HEX.match(oid) or not oid.strip("0"):
            return None
        try:
            entry: Any = self.repository.get(oid)
        except (KeyError, ValueError):
            return None
        return self._blob_text(entry) if entry is not None and entry.type_str == "blob" else None

    def at(self, commit: str | None) -> Tree:
        """See Tree.at."""
        if self.fixed or not commit or not _HEX.match(commit):
            return self
        try:
            return GitTree(self.place, commit)
        except NotFoundError:
            return self

    def files(self, under: str = "") -> list[str]:
        """See Tree.files; links and submodules are left out."""
        node: Any = self._commit.tree
        if under.rstrip("/"):
            try:
                node = node[under.rstrip("/")]
            except KeyError:
                return []
        if node.type_str == "blob":
            return [under]
        found: list[str] = []
        todo: list[tuple[str, Any]] = [(f"{under.rstrip('/')}/" if under else "", node)]
        while todo:
            prefix, folder = todo.pop()
            for entry in folder:
                if entry.type_str == "tree":
                    todo.append((f"{prefix}{entry.name}/", entry))
                elif entry.type_str == "blob" and entry.filemode != _LINK:
                    found.append(f"{prefix}{entry.name}")
            if len(found) > MAX_TREE_FILES:
                raise LimitError(f"{self.describe()} has more than {MAX_TREE_FILES} files", hint="name a kernel tree")
        return sorted(found)

    def find(self, text: str, under: Iterable[str] = ("",)) -> Iterator[tuple[str, int, str]]:
        """See Tree.find."""
        return _search(self, text, under)

    def describe(self) -> str:
        """The repository and the commit."""
        return f"git repository {self.place} at {self.commit[:12]}"


def open_repository(place: Path) -> pygit2.Repository:
    """The repository at ``place``; TreeError if libgit2 cannot read it."""
    import pygit2

    pygit2.settings.owner_validation = False  # git's reason for it is that git executes configuration; libgit2 does not
    try:
        return pygit2.Repository(os.fspath(place), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise TreeError(
            f"{place} cannot be read as a git repository ({error})", hint="try 'git fsck', or give a plain directory"
        ) from error


def resolve(repository: pygit2.Repository, revision: str) -> Any:
    """The commit that ``revision`` names (a tag, branch, id, HEAD~3, …); NotFoundError if there is none."""
    import pygit2

    if not revision or revision.startswith("-") or len(revision) > 250:
        raise NotFoundError(f"'{revision[:60]}' is no revision", hint="give a tag, a branch or a commit id")
    try:
        return repository.revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        where = repository.path
        raise NotFoundError(f"there is no revision {revision} in {where}", hint="'git fetch' may bring it") from error
