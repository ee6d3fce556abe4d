# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole file as fragments, one a scope: for what stands in a kernel tree and no patch touches."""

from __future__ import annotations

from abireview.source.cut import cut
from abireview.source.model import Fragment, FragmentSide
from abireview.source.scope import language

TREE = -1  # the patch index of fragments that come from the tree


def file_scopes(text: str, path: str) -> list[Fragment]:
    """Every scope of the file TEXT at PATH as a whole fragment that nothing changes (both sides are the same).

    ``Fragment.patch`` is ``TREE``. A file that is not C gives one fragment.
    """
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    kind = language(path)
    if kind != "top":
        side = _side(lines, 0, len(lines))
        return [Fragment(TREE, path, kind, "", "", "", side, side, whole=True)]
    found = []
    for scope in cut(lines):
        side = _side(lines, scope.first, scope.end)
        found.append(Fragment(TREE, path, scope.kind, scope.name, scope.name, "", side, side, whole=True))
    return found


def _side(lines: list[str], start: int, stop: int) -> FragmentSide:
    part = tuple(lines[start:stop])
    return FragmentSide(part, tuple(range(start + 1, start + 1 + len(part))), (False,) * len(part))
