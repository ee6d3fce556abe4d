# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with some mails costs those mails only; archives that try to be too much are bounded."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abireview import limits
from abireview.errors import LimitError, MailFormatError, NotFoundError
from abireview.mail.decode import decode_head
from abireview.rules.load import load_rules
from abireview.scan import run, source, work
from abireview.scan.executors import processes
from abireview.store.journal import Journal
from tests.mails import mail, mbox, patch_body
from tests.scan import making
from tests.scan.conftest import Scan

Results = dict[str, dict[str, Any]]


@pytest.fixture
def scan_in_process(tmp_path: Path) -> Callable[..., tuple[run.Summary, Results]]:
    """Scan mails with this process as the parent of the workers, so that what is patched here is patched there."""

    def scan(mails: list[bytes], jobs: int = 2) -> tuple[run.Summary, Results]:
        path = tmp_path / "list.mbox"
        path.write_bytes(mbox(mails))
        rules, wanted = load_rules(), run.Wanted()
        archive = source.open_source(str(path), since=None, mirrors=tmp_path, say=print)
        with Journal(tmp_path / "journal", run.identity(archive, rules, wanted)) as journal:
            summary = run.scan(archive, journal, rules, wanted, lambda: processes(jobs), lambda _: None)
            lines = [json.loads(outcome.line) for outcome in journal.outcomes()]
        return summary, {line["series"]["id"]: line for line in lines}

    return scan


def poisoned(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]) -> None:
    """``what`` happens when the series of v1 of series 5 is checked."""
    real = work.check

    def check(series: Any, *args: Any, **kwargs: Any) -> Any:
        if series.id == "s5-v1-0@example.org":
            what()
        return real(series, *args, **kwargs)

    monkeypatch.setattr(work, "check", check)


def test_a_series_that_kills_its_worker_costs_itself_only(
    scan_in_process: Any, monkeypatch: pytest.MonkeyPatch, mails: list[bytes]
) -> None:
    poisoned(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    summary, found = scan_in_process(mails)
    assert summary.lost == 1
    assert found["s5-v1-0@example.org"]["failed"] == ["scan: the worker died of these mails"]
    assert sum(bool(line["failed"]) for line in found.values()) == 1
    assert found["s6-v2-0@example.org"]["findings"]


def test_a_worker_that_is_killed_once_costs_nothing(
    scan_in_process: Any, monkeypatch: pytest.MonkeyPatch, mails: list[bytes], tmp_path: Path, clean: bytes
) -> None:
    mark = tmp_path / "killed"

    def once() -> None:
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    poisoned(monkeypatch, once)
    summary, found = scan_in_process(mails)
    assert mark.exists()
    assert summary.lost == 0
    assert list(found.values()) == [json.loads(line) for line in clean.splitlines()]


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError("deep"), MemoryError(), KeyError("x")])
def test_a_series_that_makes_the_check_fail_costs_itself_only(
    error: Exception, scan_in_process: Any, monkeypatch: pytest.MonkeyPatch, mails: list[bytes]
) -> None:
    def fail() -> None:
        raise error

    poisoned(monkeypatch, fail)
    summary, found = scan_in_process(mails, jobs=1)
    assert summary.lost == 1
    assert found["s5-v1-0@example.org"]["failed"][0].startswith("scan: ")
    assert sum(bool(line["failed"]) for line in found.values()) == 1


def test_a_series_that_takes_too_long_is_given_up(
    scan_in_process: Any, monkeypatch: pytest.MonkeyPatch, mails: list[bytes]
) -> None:
    monkeypatch.setattr(limits, "MAX_SCAN_SECONDS", 0.3)
    poisoned(monkeypatch, lambda: time.sleep(60))
    began = time.monotonic()
    summary, found = scan_in_process(mails)
    assert time.monotonic() - began < 20
    assert summary.lost == 1
    assert "TooLong" in found["s5-v1-0@example.org"]["failed"][0]


def test_a_worker_has_bounded_memory(scan_in_process: Any, monkeypatch: pytest.MonkeyPatch, mails: list[bytes]) -> None:
    heap: list[bytearray] = []
    poisoned(monkeypatch, lambda: heap.append(bytearray(limits.MAX_WORKER_BYTES)))
    summary, found = scan_in_process(mails)
    assert summary.lost == 1
    assert "MemoryError" in found["s5-v1-0@example.org"]["failed"][0]


def test_mails_that_all_answer_each_other_are_cut_into_teams(
    scan_in_process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_TEAM_MAILS", 20)
    every = " ".join(f"<p{n}@example.org>" for n in range(100))
    mails = [
        mail(f"[PATCH] KVM: example: Step {n}", f"p{n}@example.org", parent=f"p{n - 1}@example.org", references=every)
        for n in range(100)
    ]
    teams: list[int] = []
    real = run._team
    monkeypatch.setattr(run, "_team", lambda *args: teams.append(len(args[1].team(args[2]))) or real(*args))
    _, found = scan_in_process(mails, jobs=1)
    assert len(found) == 100
    assert max(teams) <= 20
    assert sum(teams) == 100


def test_the_bytes_of_a_team_are_bounded(scan_in_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TEAM_BYTES", 4000)
    mails = making.series(1, patches=9)
    teams: list[int] = []
    real = run._team
    monkeypatch.setattr(
        run, "_team", lambda *args: teams.append(sum(mail.size for mail in args[1].team(args[2]))) or real(*args)
    )
    summary, _ = scan_in_process(mails, jobs=1)
    assert max(teams) <= 4000
    assert sum(teams) > 4000
    assert summary.lost == 0


def test_a_mail_larger_than_the_limit_is_cut_and_said(scan_in_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MAIL_BYTES", 20_000)
    monkeypatch.setattr(limits, "MAX_HEADER_BYTES", 2_000)
    large = mail("[PATCH] KVM: example: Long", "long@example.org", patch_body() + "x\n" * 40_000)
    _, found = scan_in_process([large, *making.series(1)], jobs=1)
    assert "larger than" in found["long@example.org"]["skipped"][0]["why"]
    assert found["s1-v1-0@example.org"]["findings"]


def test_pieces_that_are_no_mails_are_counted(tmp_path: Path, abireview: Scan) -> None:
    path = tmp_path / "list.mbox"
    junk = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n\0\xff\xfe no mail\n\n"
    path.write_bytes(mbox(making.series(1)) + junk * 3 + mbox(making.series(2)))
    done = abireview("scan", path)
    assert done.stderr == b"abireview: warning: 3 pieces of the archive are no mails\n"
    assert done.stdout.count(b"\n") == 2


def test_an_archive_that_is_cut_off_is_scanned_as_far_as_it_goes(tmp_path: Path, abireview: Scan) -> None:
    path = tmp_path / "list.mbox.gz"
    whole = gzip.compress(mbox([raw for n in range(30) for raw in making.series(n, at=100 * n)]), 1)
    path.write_bytes(whole[: len(whole) * 3 // 4])
    done = abireview("scan", path, code=3)
    assert b"not read to its end" in done.stderr
    assert 10 < done.stdout.count(b"\n") < 30


def test_a_damaged_epoch_is_scanned_as_far_as_it_goes(tmp_path: Path, abireview: Scan) -> None:
    path = making.epoch(tmp_path / "0.git", [raw for n in range(30) for raw in making.series(n, at=100 * n)])
    for pack in (path / "objects" / "pack").glob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[len(data) // 3 : len(data) // 3 + 200] = bytes(200)
        pack.chmod(0o600)
        pack.write_bytes(data)
    done = abireview("scan", path, code=3)
    assert b"not read to its end" in done.stderr


def test_a_packed_bomb_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MIB", 1024)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(mbox(making.series(1)) + bytes(20_000_000)))
    assert path.stat().st_size * limits.MAX_PACK_RATIO < 19_000_000
    archive = source.open_source(str(path), since=None, mirrors=tmp_path, say=print)
    with pytest.raises(LimitError, match="unpacked"):
        list(archive.mails())


def test_the_whole_of_an_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SCAN_BYTES", 5_000)
    path = tmp_path / "list.mbox"
    path.write_bytes(mbox(making.series(1, patches=20)))
    with pytest.raises(LimitError, match="unpacked"):
        list(source.open_source(str(path), since=None, mirrors=tmp_path, say=print).mails())


def test_the_files_of_a_maildir_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SCAN_FILES", 3)
    path = making.maildir(tmp_path / "box", making.series(1, patches=8))
    with pytest.raises(LimitError):
        source.open_source(str(path), since=None, mirrors=tmp_path, say=print)


def test_the_epochs_of_an_inbox_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SCAN_EPOCHS", 2)
    for number in range(3):
        making.epoch(tmp_path / "list" / "git" / f"{number}.git", making.series(number))
    with pytest.raises(LimitError):
        source.open_source(str(tmp_path / "list"), since=None, mirrors=tmp_path, say=print)


def test_links_and_files_that_vanish_are_passed_over(tmp_path: Path) -> None:
    path = making.maildir(tmp_path / "box", making.series(1))
    (tmp_path / "secret").write_bytes(mail("[PATCH] Secret", "secret@example.org"))
    (path / "new" / "link").symlink_to(tmp_path / "secret")
    (path / "new" / "pipe").mkdir()
    archive = source.open_source(str(path), since=None, mirrors=tmp_path, say=print)
    (path / "new" / "00000.x").unlink()
    found = [raw for _, raw in archive.mails() if raw]
    assert len(found) == 4
    assert not any(b"secret" in raw for raw in found)


@pytest.mark.parametrize("what", ["nothing", "empty", "garbage", "folder", "git", "maildir", "nul"])
def test_what_is_no_archive_is_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / what
    if what in ("empty", "garbage"):
        path.write_bytes(b"" if what == "empty" else os.urandom(5000))
    elif what == "folder":
        path.mkdir()
    elif what == "git":
        making.epoch(path, [])
    elif what == "maildir":
        making.maildir(path, [])
    elif what == "nul":
        path = tmp_path / "a\0b"
    with pytest.raises((NotFoundError, MailFormatError) if what != "nul" else Exception) as caught:
        list(source.open_source(str(path), since=None, mirrors=tmp_path, say=print).mails())
    assert caught.value.hint if what in ("garbage", "folder") else True  # type: ignore[attr-defined]


def test_what_a_worker_gets_back_is_bytes_of_outcomes() -> None:
    """The function that crosses machines: packed in, packed out, rules included."""
    orders = work.Orders(rules=work.pack_rules(load_rules()))
    raws = making.series(1)
    mails = tuple(work.Mail(msgspec.msgpack.encode(decode_head(raw)), raw) for raw in raws)
    out = work.run(msgspec.msgpack.encode(orders), msgspec.msgpack.encode([work.Team(1, mails)]))
    (outcome,) = msgspec.msgpack.decode(out, type=list[work.Outcome])
    assert (outcome.id, outcome.found, outcome.lost) == ("s1-v1-0@example.org", True, False)


def test_an_mbox_that_is_written_to_meanwhile(tmp_path: Path) -> None:
    """What stands at a mail's place is given only if it is that mail; mails that come behind change nothing."""
    path = tmp_path / "list.mbox"
    path.write_bytes(mbox(making.series(1)))
    archive = source.open_source(str(path), since=None, mirrors=tmp_path, say=print)
    placed = list(archive.mails())
    with path.open("ab") as file:
        file.write(mbox(making.series(2)))
    assert [archive.read(place) for place, _ in placed] == [raw for _, raw in placed]
    path.write_bytes(mbox(making.series(3) + making.series(2)))
    assert {archive.read(place) for place, _ in placed} == {b""}
    path.unlink()
    assert {archive.read(place) for place, _ in placed} == {b""}
