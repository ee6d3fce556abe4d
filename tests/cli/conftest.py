# SPDX-License-Identifier: GPL-2.0-or-later
"""Running the command line as a user does: in a process of its own, with a cache and a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ABIREVIEW = Path(sys.executable).parent / "abireview"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the person who runs the tests is seen."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "XDG_", "ABIREVIEW", "_ABI"))
    }
    kept.pop("NO_COLOR", None)
    return kept | {
        "HOME": str(tmp_path / "home"),
        "ABIREVIEW_CACHE": str(tmp_path / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    """``run("check", "x.mbox", input=..., env={...})``: a finished ``abireview``, run in an empty directory."""

    def run(*args: str, input: str | None = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ABIREVIEW), *args],
            input=input,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=environ | (env or {}),
            cwd=tmp_path,
            timeout=120,
            check=False,
        )

    return run
