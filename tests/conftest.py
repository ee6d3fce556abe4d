# SPDX-License-Identifier: GPL-2.0-or-later
"""What several parts of the test suite share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory with corpus/, archive/ and trees/: ABIREVIEW_CORPUS, else ../shared beside the checkout.

    Its absence skips the test, and fails it where CI is set.
    """
    found = Path(os.environ.get("ABIREVIEW_CORPUS") or ROOT.parent / "shared")
    if (found / "corpus").is_dir():
        return found
    text = f"no corpus at {found}: set ABIREVIEW_CORPUS to the directory that has corpus/"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)
