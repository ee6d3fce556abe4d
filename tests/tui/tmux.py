# SPDX-License-Identifier: GPL-2.0-or-later
"""A program in a real terminal: tmux, its keys and its screen."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

XDIST = ("COLUMNS", "LINES")  # that pytest-xdist sets, and Textual believes more than the terminal
WAIT = 60.0  # seconds until a screen must show what is expected


class Tmux:
    """One tmux server of its own with one pane."""

    def __init__(self, folder: Path, size: tuple[int, int] = (180, 45)) -> None:
        self._socket = folder / f"tmux-{uuid4().hex[:8]}"  # a server that is going away keeps its socket for a while
        self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)

    def _run(self, *args: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self._socket), *args], check=True, capture_output=True, text=True)
        return done.stdout

    def start(self, command: Sequence[str], env: dict[str, str]) -> int:
        """Run ``command`` in a fresh pane; its pid."""
        width, height = self._size
        pairs = [f"{name}={value}" for name, value in env.items()]
        line = shlex.join(["exec", "env", *pairs, *command])
        tmux = ["tmux", "-S", str(self._socket), "-f", os.devnull]
        new = ["new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", line]
        outer = {name: value for name, value in os.environ.items() if name not in XDIST}
        subprocess.run(
            [*tmux, *new, ";", "set", "-g", "remain-on-exit", "on"],
            check=True,
            env={**outer, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    def keys(self, *keys: str) -> None:
        """Press keys (tmux's names: Enter, C-y, Escape)."""
        for key in keys:
            self._run("send-keys", key)
            time.sleep(0.05)

    def write(self, text: str) -> None:
        """Type a text."""
        self._run("send-keys", "-l", text)

    def screen(self) -> str:
        """What the terminal shows."""
        return self._run("capture-pane", "-p")

    def title(self) -> str:
        """The title that the program gave the terminal."""
        return self._run("display-message", "-p", "#{pane_title}").strip()

    def wait(self, *texts: str, gone: str = "") -> str:
        """Wait until all ``texts`` are on the screen and ``gone`` is not; the screen."""
        end = time.monotonic() + WAIT
        while True:
            shown = self.screen()
            if all(text in shown for text in texts) and not (gone and gone in shown):
                return shown
            assert time.monotonic() < end, f"{texts} (without {gone!r}) never came:\n{shown}"
            time.sleep(0.1)

    def kill(self, pid: int) -> None:
        """kill -9, and wait until it is dead."""
        os.kill(pid, signal.SIGKILL)
        self.wait_for_end()

    def wait_for_end(self) -> None:
        """Wait until the program has ended."""
        end = time.monotonic() + WAIT
        while self._run("display-message", "-p", "#{pane_dead}").strip() != "1":
            assert time.monotonic() < end, f"it does not end:\n{self.screen()}"
            time.sleep(0.1)
