# SPDX-License-Identifier: GPL-2.0-or-later
"""The same work on a real Dask scheduler with two worker processes on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from abireview.cli.main import main
from abireview.scan import executors
from tests.mails import mbox
from tests.scan import making
from tests.scan.conftest import ABIREVIEW, Scan


class Cluster:
    """A scheduler and two workers, each a process of its own with one thread."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self._stack = contextlib.ExitStack()
        self._folder = folder
        self._start(
            "scheduler",
            "--scheduler-file",
            self.file,
            "--no-dashboard",
            "--no-show",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
        )
        end = time.monotonic() + 30
        while not self.file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        worker = ("worker", "--scheduler-file", self.file, "--nthreads", "1", "--no-dashboard", "--no-nanny")
        self.workers = [self._start(*worker, "--host", "127.0.0.1", "--name", str(n)) for n in range(2)]
        while time.monotonic() < end and self._joined() < 2:
            time.sleep(0.05)

    def _start(self, *args: object) -> subprocess.Popen[bytes]:
        log = (self._folder / f"{args[0]}-{time.monotonic_ns()}.log").open("wb")
        env = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "false"}
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, args)], stdout=log, stderr=log, cwd=self._folder, env=env
        )
        log.close()
        self._stack.callback(process.wait, 20)
        self._stack.callback(process.kill)
        return process

    def _joined(self) -> int:
        logs = b"".join(path.read_bytes() for path in self._folder.glob("worker-*.log"))
        return logs.count(b"Registered to:")

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "dask"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.close()


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("larger") / "list.mbox"
    mails = [raw for number in range(500) for raw in making.series(number, patches=6, at=100 * number)]
    path.write_bytes(mbox(mails + making.oddities()))
    return path


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(
    cluster: Cluster, larger: Path, tmp_path: Path, abireview: Scan
) -> None:
    clean = abireview("scan", larger).stdout
    address = cluster.address.removeprefix("tcp://")
    assert abireview("scan", larger, "--dask", address).stdout == clean
    out = tmp_path / "out.jsonl"
    process = subprocess.Popen([*ABIREVIEW, "scan", str(larger), "--dask", address, "-o", str(out)])
    killed_at = _kill_half_way(cluster, out.with_name("out.jsonl.journal"))
    assert process.wait(120) == 0
    assert out.read_bytes() == clean
    assert 0 < killed_at < clean.count(b"\n")


def _kill_half_way(cluster: Cluster, journal: Path) -> int:
    """Kill one worker as soon as results have come in; how many there were (seen in the journal's log of writes)."""
    end = time.monotonic() + 60
    log = journal.with_name(f"{journal.name}-wal")
    while time.monotonic() < end:
        data = b"".join(path.read_bytes() for path in (journal, log) if path.exists())
        count = data.count(b'{"schema":1,')
        if count >= 100:
            cluster.workers[0].kill()
            cluster.workers[0].wait(10)
            return count
        time.sleep(0.01)
    pytest.fail("no results came in")


def test_a_cluster_that_goes_away_ends_the_scan_and_it_can_be_resumed(
    cluster: Cluster, larger: Path, tmp_path: Path, abireview: Scan
) -> None:
    out = tmp_path / "out.jsonl"
    address = cluster.address
    process = subprocess.Popen(
        [*ABIREVIEW, "scan", str(larger), "--dask", address, "-o", str(out)], stderr=subprocess.PIPE
    )
    _kill_half_way(cluster, out.with_name("out.jsonl.journal"))
    cluster.close()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors.decode()
    assert b"the Dask cluster went away" in errors
    abireview("scan", larger, "-o", out)
    assert out.read_bytes() == abireview("scan", larger).stdout


def test_no_scheduler(
    small: Path, abireview: Scan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(executors, "DASK_SECONDS", 0.5)
    assert main(["scan", str(small), "--dask", f"127.0.0.1:{port}"]) == 3
    assert "no Dask scheduler answers" in capsys.readouterr().err
    assert b"exclude each other" in abireview("scan", small, "--dask", "127.0.0.1:1", "--jobs", 2, code=2).stderr
