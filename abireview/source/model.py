# SPDX-License-Identifier: GPL-2.0-or-later
"""Diffs, and the fragments of C they show, as plain frozen data.

Line numbers count from 1. Paths are those in the kernel tree, without the ``a/`` and ``b/`` prefixes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Change = Literal["modified", "added", "deleted", "renamed", "copied", "mode", "binary"]
Side = Literal["old", "new"]


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a hunk: ``kind`` is ``" "``, ``"+"`` or ``"-"``, ``text`` has neither marker nor newline.

    ``old_no``/``new_no`` are the line numbers in the file, None on the side that lacks the line; ``at`` is the line of
    the decoded mail body (0 when the diff does not come from a mail).
    """

    kind: str
    text: str
    old_no: int | None
    new_no: int | None
    at: int = 0


class Hunk(msgspec.Struct, frozen=True, gc=False):
    """One ``@@ -a,b +c,d @@ section`` hunk.

    ``old_bare``/``new_bare``: the hunk's last line on that side is the file's last and has no newline.
    """

    old_start: int
    old_length: int
    new_start: int
    new_length: int
    section: str
    lines: tuple[Line, ...]
    old_bare: bool = False
    new_bare: bool = False


class FileDiff(msgspec.Struct, frozen=True, gc=False):
    """The change of one file in one patch; ``old_path`` is None for an added file, ``new_path`` for a deleted one.

    ``old_blob``/``new_blob`` are the (abbreviated) ids of the ``index`` line, "" where there is none.
    """

    old_path: str | None
    new_path: str | None
    change: Change
    hunks: tuple[Hunk, ...]
    old_blob: str = ""
    new_blob: str = ""

    @property
    def path(self) -> str:
        """The path after the patch, or before it for a deleted file."""
        return self.new_path or self.old_path or ""


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """Something that was not checked: ``patch`` a message-id ("" for the whole series), ``file`` a path or ""."""

    patch: str
    file: str
    why: str


class FragmentSide(msgspec.Struct, frozen=True, gc=False):
    """One side of a fragment: ``lines`` of C, their numbers in the file, and which of them the patch adds or removes.

    The three tuples are of the same length.
    """

    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    changed: tuple[bool, ...]

    @property
    def text(self) -> str:
        """The lines joined by newlines, with a newline at the end unless empty."""
        return "\n".join(self.lines) + "\n" if self.lines else ""


ScopeKind = Literal["function", "table", "enum", "struct", "macro", "top", "asm", "text"]


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A piece of one file as one patch changes it, cut at one scope of C (a function, a table, an enum, …).

    ``patch`` is the index in ``Series.patches`` (from 0), ``path`` the path after the patch.
    ``name`` is the function's, table's or tag's name on the new side ("" if it cannot be known), ``old_name`` the one
    on the old side. ``header`` is the scope's first lines where the fragment does not contain them (rebuilt from the
    hunk's section header), "" where it does.
    ``whole`` is True if the entire scope is in the fragment; ``born``/``died`` if the scope exists only after/before
    the patch. ``kind`` "top" is file-scope text (defines, prototypes, includes), "text" is anything that is not C
    (documentation, Kconfig, Makefiles), "asm" an assembler file.
    """

    patch: int
    path: str
    kind: ScopeKind
    name: str
    old_name: str
    header: str
    old: FragmentSide
    new: FragmentSide
    whole: bool = False
    born: bool = False
    died: bool = False
