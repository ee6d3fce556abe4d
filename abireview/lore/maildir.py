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
    found: list[tuple[float, Path]] = []
    for part in parts:
        for path in part.iterdir():
            try:
                changed = path.lstat().st_mtime
            except OSError:
                continue  # another program moved it
            if path.is_file() and not path.is_symlink() and changed > last - OVERLAP:
                found.append((changed, path))
    found.sort()
    mails = []
    for changed, path in found[: limits.MAX_POLL_MAILS]:
        try:
            with path.open("rb") as file:
                mails.append(file.read(limits.MAX_MAIL_BYTES + 1))
        except OSError:
            continue
        last = max(last, changed)
    return mails, {"changed": last}
