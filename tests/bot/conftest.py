# SPDX-License-Identifier: GPL-2.0-or-later
"""What the bot's tests share: an SMTP server, a private git configuration, texts compared with files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Warm
from tests.reply.reply_smtp import Server

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[str, str], None]


@pytest.fixture
def golden() -> Golden:
    """``golden(name, text)`` compares with tests/bot/golden/NAME; ABIREVIEW_GOLDEN=write writes it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("ABIREVIEW_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: Warm) -> Path:
    """A HOME of its own with the bot's git identity; b4 reads it afresh."""
    from abireview.lore import b4mail

    config = tmp_path / "gitconfig"
    config.write_text(
        "[user]\n\tname = abireview\n\temail = abireview@bots.example\n[b4]\n\tattestation-policy = off\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("ABIREVIEW_CACHE", str(tmp_path / "store"))
    warm(tmp_path / "store")
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
