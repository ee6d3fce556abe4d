# SPDX-License-Identifier: GPL-2.0-or-later
"""The structured log: one JSON object a line, ASCII, without secrets; for journald, or for grep and jq."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from abireview.errors import ConfigError

TEXT_MAX = 500  # characters of one value


class Log:
    """Writes to ``path``, or to ``stream`` (stderr by default; None for nothing)."""

    def __init__(
        self, path: Path | None = None, *, stream: TextIO | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._stream = stream
        self._path = path

    def __call__(self, event: str, **fields: object) -> None:
        """One line: what happened, and its fields. Raises ConfigError if it cannot be written."""
        line: dict[str, object] = {"at": _iso(self._clock()), "event": event}
        line.update({key: value[:TEXT_MAX] if isinstance(value, str) else value for key, value in fields.items()})
        text = json.dumps(line, default=str) + "\n"
        if self._path is None:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
            return
        try:
            with self._path.open("a", encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"the log {self._path} cannot be written: {error.strerror}") from error


def stderr_log(clock: Callable[[], float] = time.time) -> Log:
    """A log on stderr."""
    return Log(stream=sys.stderr, clock=clock)


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, seconds)))
