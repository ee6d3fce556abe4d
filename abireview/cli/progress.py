# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run is doing, on one line of stderr, only where somebody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from abireview.safetext import safe_line

INTERVAL = 0.1  # seconds between two lines; a terminal over ssh shows no more
CLEAR = "\r\x1b[K"


class Progress:
    """A line that is overwritten; silent unless stderr is a terminal. Use it as a context, call it with a text."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self.last = 0.0
        self.dirty = False

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if not self.shown or now - self.last < INTERVAL:
            return
        self.last = now
        self.dirty = True
        sys.stderr.write(CLEAR + safe_line(text)[:78])
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, so that other text can be written."""
        if self.dirty:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
            self.dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
