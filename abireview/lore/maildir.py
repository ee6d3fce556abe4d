# SPDX-License-Identifier: GPL-2.0-or-later
"""A maildir as a source of news: files that were not seen yet. It is only read; flags and places stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abireview import limits
from abireview.errors import NotFoundError

OVERLAP = 3600.0  # seconds: a delivery may be stamped before the look that misses it


def news(folder: Path, cursor: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
    """Mails in ``new`` and ``cur`` that ``cursor`` ({} at first: all) does not cover, oldest first, and the new cursor.

    Some may be given again (the caller knows mails by message-id). Raises NotFoundError for what is no maildir.
    """
    parts = [folder / name for name in ("new", "cur")]
    if not all(part.is_dir() for part in parts):
        raise NotFoundError(f"{folder} is no maildir", hint="it has no 'new' and 'cur'")
    last = float(cursor.get("changed", 0.0))
    cut = (last, str(cursor["name"])) if "name" in cursor else None
    found: list[tuple[float, str, Path]] = []
    for part in parts:
        for path in part.iterdir():
            try:
                changed = path.lstat().st_mtime
            except OSError:
                continue  # another program moved it
            wanted = (changed, path.name) > cut if cut else changed > last - OVERLAP
            if wanted and path.is_file() and not path.is_symlink():
                found.append((changed, path.name, path))
    found.sort()
    mails = []
    taken = found[: limits.MAX_POLL_MAILS]
    for changed, _, path in taken:
        try:
            with path.open("rb") as file:
                mails.append(file.read(limits.MAX_MAIL_BYTES + 1))
        except OSError:
            continue
        last = max(last, changed)
    # the overlap would give the first of very many again and again: what was left goes on behind the last name
    return mails, {"changed": last, "name": taken[-1][1]} if len(taken) < len(found) else {"changed": last}
