# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that a patch adds, deletes, renames or copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from abireview.facts.model import Fact
from abireview.source.model import FileDiff

_CHANGES: Final = frozenset({"added", "deleted", "renamed", "copied"})


def files(diffs: Iterable[FileDiff]) -> list[Fact]:
    """A fact for each file that comes, goes or moves, in the order of the diff; a file that only changes gives none.

    The key is the path after the patch (before it for a deleted file), the value ``added``, ``deleted``, ``renamed`` or
    ``copied``; of a renamed or copied file a column ``from`` holds the old path.
    """
    return [
        Fact(
            kind="file",
            scope="",
            key=diff.path,
            value=diff.change,
            columns=(("from", diff.old_path),) if diff.change in ("renamed", "copied") and diff.old_path else (),
            path=diff.path,
            whole=True,
            changed=True,
        )
        for diff in diffs
        if diff.change in _CHANGES
    ]
