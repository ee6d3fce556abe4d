# SPDX-License-Identifier: GPL-2.0-or-later
"""A private HOME and git configuration, and an SMTP server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reply.reply_smtp import Server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HOME of its own with a git identity; b4 reads it afresh."""
    from abireview.lore import b4mail

    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Rita Reviewer\n\temail = rita@example.com\n[b4]\n\tattestation-policy = off\n")
    for name, value in {
        "HOME": tmp_path,
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_NOSYSTEM": "1",
        "XDG_CACHE_HOME": tmp_path / "cache",
        "XDG_DATA_HOME": tmp_path / "data",
        "XDG_CONFIG_HOME": tmp_path / "config",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    b4mail._b4.cache_clear()
    return tmp_path


@pytest.fixture
def smtp(home: Path) -> Iterator[Server]:
    """An SMTP server on loopback that git's configuration names."""
    with Server() as server:
        with (home / "gitconfig").open("a") as file:
            file.write(f"[sendemail]\n\tsmtpServer = 127.0.0.1\n\tsmtpServerPort = {server.port}\n")
        yield server
