# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commit brought each entry of a ledger, where both trees are commits of one git repository.

The commits between the two are walked from the newest to the oldest, merges left out. A commit that changes a file the
surfaces name is looked at by what that file states before and after it, with the same reader that made the ledger: the
first commit met that brings an entry's last state is the one that counts. What a commit only moves between files
cancels. A change that only a merge made has no commit here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from abireview.ledger.model import Commit, Entry, Ledger
from abireview.ledger.reading import GENERIC, matches, read_file
from abireview.ledger.schema import SurfaceSpec
from abireview.limits import MAX_ENTRY_COMMITS, MAX_LEDGER_COMMITS, MAX_SUBJECT_CHARS, MAX_TREE_FILE_BYTES
from abireview.source.tree import GitTree, Tree, open_repository

Key = tuple[str, str, str, str, str]  # surface, architecture, item, attribute, value ("" for any)
Progress = Callable[[str], None]

_WORD = re.compile(r"\w+")


def same_repository(old: Tree, new: Tree) -> bool:
    """Whether both trees are commits of one repository, so that the commits between them can be walked."""
    return isinstance(old, GitTree) and isinstance(new, GitTree) and Path(old.place).samefile(new.place)


def with_commits(
    ledger: Ledger, old: GitTree, new: GitTree, specs: Sequence[SurfaceSpec], progress: Progress = lambda text: None
) -> Ledger:
    """LEDGER with the commits that brought its entries, as far as they can be found."""
    search = _Search(ledger, specs, new.place)
    search.walk(old.commit, new.commit, progress)
    return msgspec.structs.replace(ledger, entries=tuple(search.told()))


class _Wanted:
    """What to look for, for one value of one entry: a key that comes, or one that goes."""

    def __init__(self, entry: int, comes: bool, keys: Iterable[Key]) -> None:
        self.entry = entry
        self.comes = comes
        self.keys = tuple(keys)

    def met(self, came: set[Key], went: set[Key]) -> bool:
        found = came if self.comes else went
        return any(key in found for key in self.keys)


class _Search:
    def __init__(self, ledger: Ledger, specs: Sequence[SurfaceSpec], place: Path) -> None:
        self.ledger = ledger
        self.specs = {spec.id: spec for spec in specs}
        self.repository = open_repository(place)
        self.open: list[_Wanted] = []
        for index, entry in enumerate(ledger.entries):
            highest = entry.name == self.specs[entry.group].highest
            self.open += _wanted(index, msgspec.structs.replace(entry, name="") if highest else entry)
        self.found: dict[int, list[Commit]] = {}
        groups = {entry.group for entry in ledger.entries}
        self.paths = _folders(spec for spec in specs if spec.id in groups)
        self._read: dict[tuple[str, str], frozenset[Key]] = {}
        self._words: set[str] = set()

    def told(self) -> Iterator[Entry]:
        for index, entry in enumerate(self.ledger.entries):
            commits = self.found.get(index, [])
            yield msgspec.structs.replace(entry, commits=tuple(commits[:MAX_ENTRY_COMMITS])) if commits else entry

    def walk(self, old: str, new: str, progress: Progress) -> None:
        import pygit2

        self._renew()
        walker = self.repository.walk(new, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME)
        walker.hide(old)
        for count, commit in enumerate(walker):
            if not self.open or count >= MAX_LEDGER_COMMITS:
                break
            if count % 100 == 0:
                progress(f"{count} commits, {len(self.open)} changes left")
            if len(commit.parents) == 1:
                self._look(commit)

    def _look(self, commit: Any) -> None:
        changed = list(_changed(self.repository, self.paths, commit.parents[0].tree, commit.tree, ""))
        came: set[Key] = set()
        went: set[Key] = set()
        for path, before, after, specs in changed:
            if self._concerns(before, after):
                first, second = self._keys(before, path, specs), self._keys(after, path, specs)
                came |= second - first
                went |= first - second
        came, went = came - went, went - came
        met = [wanted for wanted in self.open if wanted.met(came, went)] if came or went else []
        if not met:
            return
        told = _commit(commit)
        for wanted in met:
            commits = self.found.setdefault(wanted.entry, [])
            if told not in commits:
                commits.append(told)
        self.open = [wanted for wanted in self.open if wanted not in met]
        self._renew()

    def _renew(self) -> None:
        self._words = {
            word for wanted in self.open for key in wanted.keys for text in (key[2], key[4]) for word in _stems(text)
        }

    def _concerns(self, before: str, after: str) -> bool:
        """Whether a line that a commit changes has a word of something still looked for."""
        first, second = set(before.split("\n")), set(after.split("\n"))
        return any(word in self._words for line in first.symmetric_difference(second) for word in _stems(line))

    def _keys(self, text: str, path: str, spec_ids: Sequence[str]) -> frozenset[Key]:
        """What TEXT states, as keys with and without their value."""
        if not text:
            return frozenset()
        cached = self._read.get((path, text))
        if cached is None:
            found: set[Key] = set()
            for piece in read_file(text, path, [self.specs[one] for one in spec_ids]):
                found.add((piece.spec, piece.arch, piece.name, piece.attr, piece.value))
                found.add((piece.spec, piece.arch, piece.name, "", ""))
                if self.specs[piece.spec].highest:
                    found.add((piece.spec, piece.arch, "", piece.attr, piece.value))
            cached = frozenset(found)
            if len(self._read) > 64:
                self._read.clear()
            self._read[path, text] = cached
        return cached


def _stems(text: str) -> Iterator[str]:
    """The words of TEXT and, for prefixed ones, their parts without the prefixes that macros add."""
    for word in _WORD.findall(text):
        yield word
        yield from (word[at + 1 :] for at in range(len(word)) if word[at] == "_" and at + 1 < len(word))


def _wanted(index: int, entry: Entry) -> Iterator[_Wanted]:
    archs = {entry.arch, GENERIC}
    if entry.op in ("gained", "lost"):
        for term in entry.terms:
            yield _Wanted(index, entry.op == "gained", [(entry.group, a, entry.name, entry.attr, term) for a in archs])
        return
    for name in entry.terms or (entry.name,):
        if entry.op == "changed":
            value = entry.new or entry.old
            yield _Wanted(index, bool(entry.new), [(entry.group, a, name, entry.attr, value) for a in archs])
        else:
            yield _Wanted(index, entry.op == "added", [(entry.group, a, name, "", "") for a in archs])


class _Folder:
    """The part of the tree that the surfaces name: folders by name, and patterns of files with their surfaces."""

    def __init__(self) -> None:
        self.folders: dict[str, _Folder] = {}
        self.files: list[tuple[str, str]] = []


def _folders(specs: Iterable[SurfaceSpec]) -> _Folder:
    top = _Folder()
    for spec in specs:
        for pattern in spec.files:
            *parts, last = pattern.split("/")
            folder = top
            for part in parts:
                folder = folder.folders.setdefault(part, _Folder())
            folder.files.append((last, spec.id))
    return top


def _changed(
    repository: Any, folder: _Folder, before: Any, after: Any, prefix: str
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(path, text before, text after, surfaces) of each named file that differs between two git trees."""
    if before is not None and after is not None and before.id == after.id:
        return
    for name, below in folder.folders.items():
        pair = [_entry(tree, name, "tree") for tree in (before, after)]
        if pair != [None, None]:
            yield from _changed(repository, below, pair[0], pair[1], f"{prefix}{name}/")
    names = {entry.name for tree in (before, after) if tree is not None for entry in tree} if folder.files else set()
    for name in sorted(names):
        specs = tuple(dict.fromkeys(spec for pattern, spec in folder.files if matches(pattern, name)))
        if specs:
            one, two = _entry(before, name, "blob"), _entry(after, name, "blob")
            if (one and one.id) != (two and two.id):
                yield f"{prefix}{name}", _text(one), _text(two), specs


def _entry(tree: Any, name: str, kind: str) -> Any:
    if tree is None or name not in tree:
        return None
    entry = tree[name]
    return entry if entry.type_str == kind else None


def _text(blob: Any) -> str:
    if blob is None or blob.size > MAX_TREE_FILE_BYTES:
        return ""
    return str(blob.data.decode("utf-8", "replace"))


def _commit(commit: Any) -> Commit:
    zone = timezone(timedelta(minutes=commit.author.offset))
    date = datetime.fromtimestamp(commit.author.time, zone).isoformat()
    return Commit(str(commit.id), commit.message.partition("\n")[0][:MAX_SUBJECT_CHARS], date)
