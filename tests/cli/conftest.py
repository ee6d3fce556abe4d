# SPDX-License-Identifier: GPL-2.0-or-later
"""Running the command line as a user does: with a cache and a home of its own, in a process of its own if need be."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from abireview.cli import main as entry
from tests.conftest import Warm

ABIREVIEW = Path(sys.executable).parent / "abireview"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ(tmp_path: Path, warm: Warm) -> dict[str, str]:
    """An environment in which nothing of the person who runs the tests is seen."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "XDG_", "ABIREVIEW", "_ABI"))
    }
    kept.pop("NO_COLOR", None)
    warm(tmp_path / "cache")
    return kept | {
        "HOME": str(tmp_path / "home"),
        "ABIREVIEW_CACHE": str(tmp_path / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def run_process(environ: dict[str, str], tmp_path: Path) -> Run:
    """``run_process("check", "x.mbox", input=..., env={...})``: a finished ``abireview``, run in an empty directory."""

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


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As ``run_process``, but in this process, which saves the start-up: for all that does not depend on one."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, input: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        streams = [
            io.TextIOWrapper(io.BytesIO(data), "utf-8", "surrogateescape") for data in (input.encode(), b"", b"")
        ]
        with monkeypatch.context() as patched:
            for name in set(os.environ) - set(environ):
                patched.delenv(name)
            for name, value in (environ | (env or {})).items():
                patched.setenv(name, value)
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patched.setattr(sys, name, stream)
            code = entry.main(args)
        out, err = (_text(stream) for stream in streams[1:])
        return subprocess.CompletedProcess(args, code, out, err)

    return run


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    text = stream.buffer.read().decode("utf-8", "surrogateescape")
    stream.close()
    return text
