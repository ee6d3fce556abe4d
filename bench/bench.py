# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU time and peak memory of the main jobs, start-up included, each the best of several runs.

    make bench

Exits 1 if a job takes longer than DESIGN.md section 5 allows. The series come from bench/series.py; the cached ones
are fetched once from a server on loopback, then checked with --offline.
"""

from __future__ import annotations

import gzip
import http.server
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
from series import msgid, series

RUNS = 7
ABIREVIEW = Path(sys.executable).parent / "abireview"


class Cost(NamedTuple):
    """What one run took: seconds of CPU (user and system, children included) and peak memory in MiB."""

    cpu: float
    memory: float


class Job(NamedTuple):
    """A command, what it is called in the table, and how many seconds of CPU it may take (None: no limit)."""

    name: str
    command: Sequence[str]
    limit: float | None


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="abireview-bench-") as name:
        work = Path(name)
        environ = {**os.environ, "ABIREVIEW_CACHE": str(work / "cache"), "XDG_CONFIG_HOME": str(work / "config")}
        over = False
        print(f"{'job':44} {'CPU s':>7} {'limit':>7} {'MiB':>6}")
        for job in jobs(work, environ):
            cost = best(job.command, environ)
            slow = job.limit is not None and cost.cpu > job.limit
            over |= slow
            limit = "" if job.limit is None else f"{job.limit:.2f}"
            print(f"{job.name:44} {cost.cpu:7.3f} {limit:>7} {cost.memory:6.0f}{'  too slow' if slow else ''}")
    return int(over)


def jobs(work: Path, environ: dict[str, str]) -> Iterator[Job]:
    """The jobs, their input made in ``work``."""
    tool = str(ABIREVIEW)
    yield Job("python -c pass", [sys.executable, "-c", "pass"], None)
    yield Job("abireview --version", [tool, "--version"], 0.1)
    yield Job("abireview --help", [tool, "--help"], None)
    one, many = work / "1.mbox", work / "30.mbox"
    one.write_bytes(series(1))
    many.write_bytes(series(30))
    yield Job("check of an mbox, 1 patch", [tool, "check", str(one), "--exit-zero"], 0.3)
    yield Job("check of an mbox, 30 patches", [tool, "check", str(many), "--exit-zero"], 1.0)
    for patches, limit in ((1, 0.3), (30, 1.0)):
        with server(series(patches)) as url:
            check = [tool, "check", msgid(0, patches), "--exit-zero", "--server", url]
            best(check, environ, runs=1)
        noun = "patch" if patches == 1 else "patches"
        yield Job(f"check of a cached thread, {patches} {noun}", [*check, "--offline"], limit)


def best(command: Sequence[str], environ: dict[str, str], runs: int = RUNS) -> Cost:
    """The cheapest of ``runs`` runs. A run that fails ends the benchmark."""
    return min(once(command, environ) for _ in range(runs))


def once(command: Sequence[str], environ: dict[str, str]) -> Cost:
    with tempfile.TemporaryFile() as out:
        pid = os.posix_spawn(
            command[0],
            command,
            environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        if status:
            out.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{out.read().decode(errors='replace')}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def server(mbox: bytes) -> Iterator[str]:
    """A server on loopback that answers every request for a thread with ``mbox``; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = gzip.compress(mbox, mtime=0) if self.path.endswith("/t.mbox.gz") else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/bench"
        httpd.shutdown()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
