# SPDX-License-Identifier: GPL-2.0-or-later
"""A small archive, and the command line in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mails import mbox
from tests.scan.making import archive

Scan = Callable[..., subprocess.CompletedProcess[bytes]]
ABIREVIEW = [sys.executable, "-W", "error", "-c", "from abireview.cli.main import run; run()"]


@pytest.fixture(scope="session")
def mails() -> list[bytes]:
    return archive(40)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, mails: list[bytes]) -> Path:
    """An mbox of 40 series and the odd mails."""
    path = tmp_path_factory.mktemp("small") / "list.mbox"
    path.write_bytes(mbox(mails))
    return path


@pytest.fixture
def abireview() -> Scan:
    """``abireview("scan", …)`` as a user runs it; fails the test if it exits with another code than ``code``."""

    def run(*args: object, code: int = 0) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run([*ABIREVIEW, *map(str, args)], capture_output=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr.decode()
        return done

    return run


@pytest.fixture(scope="session")
def clean(small: Path) -> bytes:
    """What one clean scan of ``small`` writes."""
    done = subprocess.run([*ABIREVIEW, "scan", str(small)], capture_output=True, timeout=120, check=True)
    assert done.stderr == b""
    return done.stdout
