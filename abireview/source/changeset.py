# SPDX-License-Identifier: GPL-2.0-or-later
"""A series as fragments: from its mails alone, or laid patch upon patch into a kernel tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from abireview.source.apply import Merged, merge
from abireview.source.model import Change, FileDiff, Fragment, Hunk, Skipped
from abireview.source.scope import file_fragments, fragments, whole_fragments
from abireview.source.tree import Tree

if TYPE_CHECKING:
    from abireview.mail.model import Patch, Series

Wanted = Callable[[str], bool]


class FileChange(msgspec.Struct, frozen=True, gc=False):
    """That a patch (index from 0) touches a file; ``old_path`` is None for an added one."""

    patch: int
    path: str
    old_path: str | None
    change: Change


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a series changes.

    ``fragments`` stand in the order of the patches. ``file_changes`` names every file of every patch, also those whose
    content was not asked for. ``tree`` is the tree the fragments were made with, at the commit that was used.
    ``files_before`` and ``files_after`` are the whole texts of the files that were read from the tree, by path; empty
    without a tree. ``notes`` are sentences on offsets, fuzz and files that the tree lacks.
    """

    fragments: tuple[Fragment, ...]
    file_changes: tuple[FileChange, ...]
    skipped: tuple[Skipped, ...] = ()
    tree: Tree | None = None
    files_before: Mapping[str, str] = field(default_factory=dict)
    files_after: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def changeset(series: Series, tree: Tree | None = None, *, wanted: Wanted | None = None) -> ChangeSet:
    """The change set of ``series``; ``wanted`` limits it to paths (old or new) for which it is true.

    Without ``tree`` the fragments are what the hunks show. With one they hold the whole enclosing scope on both sides:
    a git tree gives the blobs that the ``index`` lines name, else the base commit's files, else those of its revision;
    a directory gives its files. Each patch is applied to what the patches before it left, with offset and fuzz. A hunk
    that does not apply is in ``skipped`` and its fragments are made from the mail alone; so are those of files that
    the tree lacks (a note says so). Nothing raises.
    """
    changes = tuple(
        FileChange(index, file.path, file.old_path, file.change)
        for index, patch in enumerate(series.patches)
        for file in patch.files
    )
    if tree is None:
        found: list[Fragment] = []
        for index, patch in enumerate(series.patches):
            found.extend(fragments(patch.files, index, surfaces=wanted))
        return ChangeSet(tuple(found), changes)
    work = _Work(tree.at(series.base_commit), wanted)
    for index, patch in enumerate(series.patches):
        work.patch(patch, index)
    after = {path: text for path, text in work.now.items() if text is not None}
    return ChangeSet(
        tuple(work.found), changes, tuple(work.skipped), work.tree, work.before, after, tuple(work.notes)
    )  # fmt: skip


class _Work:
    """The files of the tree as the patches so far left them."""

    def __init__(self, tree: Tree, wanted: Wanted | None) -> None:
        self.tree = tree
        self.wanted = wanted
        self.now: dict[str, str | None] = {}  # None: the file does not exist
        self.before: dict[str, str] = {}
        self.found: list[Fragment] = []
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []
        self._lacking: set[str] = set()

    def patch(self, patch: Patch, index: int) -> None:
        for file in patch.files:
            paths = [path for path in (file.old_path, file.new_path) if path]
            if self.wanted is None or any(self.wanted(path) for path in paths):
                self._file(patch, index, file)

    def _file(self, patch: Patch, index: int, file: FileDiff) -> None:
        if file.change in ("binary", "mode"):
            return
        text = "" if file.old_path is None else self._text(file.old_path, file.old_blob)
        if text is None:
            self._lacks(file.old_path or "")
            self.found.extend(file_fragments(file, index))
            return
        if file.old_path is None and self.now.get(file.path) is None and self.tree.read(file.path):
            self._reject(patch, index, file, file.hunks, "the tree has the file already")
            return
        merged = merge(text, file.hunks)
        self.notes.extend(f"patch {patch.n}, {file.path}: {note}" for note in merged.notes)
        if len(merged.rejects) < len(file.hunks):
            self.found.extend(whole_fragments(merged.lines, file.path, index))
        if merged.rejects:
            self._reject(patch, index, file, tuple(merged.rejects), _why(merged, len(file.hunks)))
        self._store(file, merged)

    def _text(self, path: str, oid: str) -> str | None:
        """The file as the patches so far left it, or from the tree: the named blob before the commit's file."""
        if path not in self.now:
            text = self.tree.blob(oid) if oid else None
            if text is None:
                text = self.tree.read(path)
            self.now[path] = text
            if text is not None:
                self.before[path] = text
        return self.now[path]

    def _store(self, file: FileDiff, merged: Merged) -> None:
        if file.old_path and file.change != "copied" and file.old_path != file.new_path:
            self.now[file.old_path] = None
        if file.new_path:
            self.now[file.new_path] = merged.text

    def _reject(self, patch: Patch, index: int, file: FileDiff, hunks: tuple[Hunk, ...], why: str) -> None:
        """Report hunks that do not apply and read them from the mail alone."""
        self.skipped.append(Skipped(patch.msgid, file.path, f"{why}; {_count(len(hunks))} read from the mail alone"))
        self.found.extend(file_fragments(msgspec.structs.replace(file, hunks=hunks), index))

    def _lacks(self, path: str) -> None:
        if path not in self._lacking:
            self._lacking.add(path)
            self.notes.append(f"{path} is not in the tree: read from the mail alone")


def _count(hunks: int) -> str:
    return "1 hunk" if hunks == 1 else f"{hunks} hunks"


def _why(merged: Merged, total: int) -> str:
    rejected = len(merged.rejects)
    if merged.present == rejected == total:
        return "the tree contains this change already"
    return f"{rejected} of {_count(total)} {'does' if rejected == 1 else 'do'} not apply to the tree"
