# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview doctor`` and ``abireview cache``: what they say where things are missing or broken."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from abireview.store.db import Store
from abireview.store.threads import Threads

from .conftest import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples" / "no1n-and-system-off2.mbox").read_bytes()
DAY = 86_400


def state(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """{what was looked at: "ok" or "no"}."""
    return {line.split()[1]: line.split()[0] for line in done.stdout.splitlines() if line[:3] in ("ok ", "no ")}


def test_without_a_mail_set_up_a_check_is_possible(run_process: Run) -> None:
    done = run_process("doctor", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    seen = state(done)
    assert seen["git"] == seen["rules"] == seen["cache"] == "ok"
    assert seen["identity"] == seen["sending"] == "no"
    assert "git config --global user.email" in done.stdout
    assert "server" not in seen


def test_a_mail_set_up_is_seen(run_process: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        "[user]\nname = A Reviewer\nemail = me@example.org\n[sendemail]\nsmtpserver = smtp.example.org\n"
    )
    done = run_process("doctor", "--offline")
    assert "ok  identity   A Reviewer <me@example.org>\n" in done.stdout
    assert "ok  sending    smtp.example.org" in done.stdout


def test_a_server_that_is_not_there_is_no_failure(run_process: Run) -> None:
    done = run_process("doctor", "--server", "http://127.0.0.1:1/x")
    assert done.returncode == 0
    assert state(done)["server"] == "no"


def test_without_git(run_process: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run_process("doctor", "--offline", env={"PATH": str(tmp_path / "empty")})
    assert done.returncode == 2
    assert "no  git        git is not installed\n" in done.stdout
    assert "apt-get install git" in done.stdout


def test_a_broken_store(run_process: Run, tmp_path: Path) -> None:
    (tmp_path / "cache" / "abireview.db").write_bytes(b"not a database" * 200)
    done = run_process("doctor", "--offline")
    assert done.returncode == 4
    assert state(done)["cache"] == "no"
    assert "ABIREVIEW_CACHE" in done.stdout


def test_a_rule_of_ones_own_that_is_wrong(run_process: Run, tmp_path: Path) -> None:
    own = tmp_path / "home" / ".config" / "abireview" / "rules" / "mine" / "bad.toml"
    own.parent.mkdir(parents=True)
    own.write_text("id = 3\n")
    done = run_process("doctor", "--offline")
    assert done.returncode == 2
    assert f"no  rules      {own}: " in done.stdout


@pytest.fixture
def cached(tmp_path: Path) -> None:
    """Two cached threads, fetched now and a hundred days ago."""
    with Store(tmp_path / "cache" / "abireview.db") as store:
        Threads.of(store).put(EXAMPLE, "https://archive.example/all", time.time())
        old = EXAMPLE.replace(b"20300103100000.1-", b"20200103100000.1-")
        Threads.of(store).put(old, "https://archive.example/all", time.time() - 100 * DAY)


@pytest.mark.usefixtures("cached")
def test_the_cache_is_listed_newest_first(run: Run) -> None:
    lines = run("cache", "list").stdout.splitlines()
    assert lines[0].split()[:2] == ["0m", "5"]
    assert "20300103100000.1-1-ada@example.org  [PATCH 0/4] KVM: arm64" in lines[0]
    assert lines[1].startswith(" 14w")
    assert lines[2].startswith("2 threads, ")


@pytest.mark.usefixtures("cached")
def test_a_cached_thread_is_shown_as_it_was_fetched(run: Run) -> None:
    done = run("cache", "show", "<20300103100000.1-3-ada@example.org>")
    assert done.stdout.encode() == EXAMPLE
    assert run("cache", "show", "nobody@example.org").returncode == 3


@pytest.mark.usefixtures("cached")
def test_prune_and_clear(run: Run) -> None:
    assert run("cache", "prune", "--older-than", "30w").stdout == "dropped 0 threads\n"
    assert run("cache", "prune").stdout == "dropped 1 threads\n"
    assert run("cache", "clear").stdout == "dropped 1 threads\n"
    assert run("cache", "list").stdout == "0 threads, 0B unpacked\n"


@pytest.mark.parametrize("age", ["", "5", "d", "-1d", "1y", "1 d", "9999999d"])
def test_an_age_that_is_none(run: Run, age: str) -> None:
    assert run("cache", "prune", "--older-than", age).returncode == 2


@pytest.mark.usefixtures("cached")
def test_a_cached_thread_is_checked_as_the_file_is(run: Run) -> None:
    from_cache = run("check", "20300103100000.1-4-ada@example.org", "--offline", "--format", "json")
    assert from_cache.returncode == 1
    assert from_cache.stdout == run("check", "-", "--format", "json", input=EXAMPLE.decode()).stdout
