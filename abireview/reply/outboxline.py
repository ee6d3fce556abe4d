# SPDX-License-Identifier: GPL-2.0-or-later
"""One line for one mail of the outbox."""

from __future__ import annotations

from datetime import UTC, datetime

from abireview.store.outbox import Entry


def outbox_line(entry: Entry) -> str:
    """One line of the list, for the screen and ``abireview send --list``."""
    when = datetime.fromtimestamp(entry.changed, UTC).strftime("%Y-%m-%d %H:%M")
    reason = f"  ({entry.reason})" if entry.reason else ""
    return f"{entry.id:>4}  {entry.state:<12} {when}  {entry.origin:<6} {entry.subject}{reason}"
