# SPDX-License-Identifier: GPL-2.0-or-later
"""A scan that is killed goes on where it was and ends with the bytes of a clean one."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.mails import mbox
from tests.scan import making
from tests.scan.conftest import ABIREVIEW, Scan


def kill_and_resume(archive: Path, out: Path, kills: int, longest: float, seed: int) -> tuple[bytes, int]:
    """The output after ``kills`` kills at random moments, and how many of them hit a scan that had a journal."""
    rand = random.Random(seed)
    journal = out.with_name(f"{out.name}.journal")
    found = b""
    hits = done = 0
    while done < kills:
        process = subprocess.Popen([*ABIREVIEW, "scan", str(archive), "-o", str(out)], stderr=subprocess.PIPE)
        try:
            process.wait(rand.uniform(0.05, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, errors = process.communicate()
            assert errors == b""
            done += 1
            hits += journal.exists()
            if out.exists():  # killed behind the last step: then it is whole
                assert not found or out.read_bytes() == found
                found = out.read_bytes()
                out.unlink()
            continue
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, b"")
        assert not journal.exists()
        assert not found or out.read_bytes() == found
        found = out.read_bytes()
        out.unlink()
    done_at_last = subprocess.run(
        [*ABIREVIEW, "scan", str(archive), "-o", str(out)], capture_output=True, timeout=300, check=False
    )
    assert (done_at_last.returncode, done_at_last.stderr) == (0, b"")
    assert not found or out.read_bytes() == found
    assert not journal.exists()
    return out.read_bytes(), hits


def test_killed_twenty_times(tmp_path: Path) -> None:
    archive = tmp_path / "list.mbox"
    mails = [raw for number in range(120) for raw in making.series(number, patches=6, at=100 * number)]
    archive.write_bytes(mbox(mails + making.oddities()))
    began = time.monotonic()
    clean = subprocess.run([*ABIREVIEW, "scan", str(archive)], capture_output=True, timeout=120, check=True).stdout
    took = time.monotonic() - began
    found, hits = kill_and_resume(archive, tmp_path / "out.jsonl", 20, max(0.4, 0.9 * took), seed=5)
    assert found == clean
    assert hits >= 8


@pytest.mark.slow
@pytest.mark.corpus
def test_the_real_archive_killed_twenty_times(shared: Path, tmp_path: Path) -> None:
    archive = shared / "archive" / "kvmarm-2019-2022.mbox.xz"
    clean = subprocess.run([*ABIREVIEW, "scan", str(archive)], capture_output=True, timeout=300, check=True).stdout
    found, hits = kill_and_resume(archive, tmp_path / "out.jsonl", 20, 4.0, seed=6)
    assert found == clean
    assert hits >= 15


def test_what_was_done_is_not_done_again(small: Path, clean: bytes, tmp_path: Path, abireview: Scan) -> None:
    """A journal whose results are marked is gone on with: the marked line is in the output."""
    out = tmp_path / "out.jsonl"
    journal = _stopped(small, out)
    with sqlite3.connect(journal) as db:
        assert db.execute("SELECT COUNT(*) FROM team WHERE done").fetchone()[0] > 0
        db.execute("UPDATE result SET line = CAST(replace(line, '\"schema\":1', '\"schema\": 1') AS BLOB)")
        marked = db.execute("SELECT COUNT(*) FROM result").fetchone()[0]
    db.close()
    abireview("scan", small, "-o", out)
    data = out.read_bytes()
    assert data.count(b'"schema": 1') == marked
    assert data.replace(b'"schema": 1', b'"schema":1') == clean


def _stopped(archive: Path, out: Path) -> Path:
    """The journal of a scan of ``archive`` to ``out`` that was interrupted in the middle."""
    from abireview.rules.load import load_rules
    from abireview.scan import run
    from abireview.scan.executors import processes
    from abireview.scan.source import open_source
    from abireview.store.journal import Journal

    path = out.with_name(f"{out.name}.journal")
    rules = load_rules()
    source = open_source(str(archive), since=None, mirrors=out.parent, say=lambda _: None)
    wanted = run.Wanted()

    def stop(text: str) -> None:
        if text.startswith("checking"):
            raise KeyboardInterrupt

    with Journal(path, run.identity(source, rules, wanted)) as journal, pytest.raises(KeyboardInterrupt):
        run.scan(source, journal, rules, wanted, lambda: processes(1), stop)
    return path


@pytest.mark.parametrize("change", ["options", "archive", "rules"])
def test_a_journal_of_something_else_is_begun_anew(
    change: str, small: Path, clean: bytes, tmp_path: Path, abireview: Scan
) -> None:
    out = tmp_path / "out.jsonl"
    archive = tmp_path / "list.mbox"
    archive.write_bytes(small.read_bytes())
    journal = _stopped(archive, out)
    with sqlite3.connect(journal) as db:
        db.execute("UPDATE result SET line = CAST('wrong' AS BLOB)")
    db.close()
    if change == "options":
        found = abireview("scan", archive, "--all", "--journal", journal).stdout
        assert b"wrong" not in found
        assert found.count(b"\n") > clean.count(b"\n")
    elif change == "archive":
        archive.write_bytes(small.read_bytes())
        abireview("scan", archive, "-o", out)
        assert out.read_bytes() == clean
    else:
        abireview("scan", archive, "--ignore", "cache-id-changed", "-o", out)
        assert b"wrong" not in out.read_bytes()
        assert out.read_bytes().count(b"\n") == clean.count(b"\n")


def test_a_journal_that_is_none_is_left_alone(small: Path, tmp_path: Path, abireview: Scan) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear list,\n" * 500)
    done = abireview("scan", small, "--journal", text, code=4)
    assert b"cannot be used" in done.stderr
    assert text.read_text() == "Dear list,\n" * 500
    base = tmp_path / "people.db"
    with sqlite3.connect(base) as db:
        db.execute("CREATE TABLE people (name)")
    db.close()
    assert b"no journal" in abireview("scan", small, "--journal", base, code=2).stderr


def test_two_scans_do_not_share_a_journal(small: Path, tmp_path: Path, abireview: Scan) -> None:
    from abireview.store.journal import Journal

    out = tmp_path / "out.jsonl"
    with Journal(tmp_path / "out.jsonl.journal", "x"):
        assert b"another scan" in abireview("scan", small, "-o", out, code=2).stderr
    abireview("scan", small, "-o", out)


def test_no_worker_outlives_a_killed_scan(tmp_path: Path) -> None:
    archive = tmp_path / "list.mbox"
    archive.write_bytes(mbox([raw for n in range(300) for raw in making.series(n, patches=6, at=100 * n)]))
    process = subprocess.Popen([*ABIREVIEW, "scan", str(archive), "-o", str(tmp_path / "o"), "-j", "2"])
    workers: list[int] = []
    end = time.monotonic() + 20
    while len(workers) < 2 and time.monotonic() < end:
        time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = [int(word) for word in children.read_text().split()] if children.exists() else []
    assert len(workers) == 2
    process.kill()
    process.wait()
    while any(_runs(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
