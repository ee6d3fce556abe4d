# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of ``abireview scan``, its streams and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from abireview import limits
from abireview.cli import scanning
from abireview.errors import UsageError
from abireview.store.db import Store
from abireview.store.queue import Queue
from tests.mails import mail, mbox
from tests.scan import making
from tests.scan.conftest import ABIREVIEW, Scan


@pytest.mark.parametrize(
    ("text", "seconds"), [("1970-01-02", 86_400), (None, None), ("2024-02-29", 1_709_164_800), ("50y", 50)]
)
def test_dates(text: str | None, seconds: int | None) -> None:
    found = scanning.parse_date(text)
    if text == "50y":
        assert found is not None
        assert found % 86_400 == 0
    else:
        assert found == seconds


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "2024-02-30", "-3d", "3", "1e3d", "9" * 400, "2024-02-29x"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(UsageError):
        scanning.parse_date(text)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5", "1/" + "9" * 50])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError):
        scanning.parse_shard(text)


def test_the_exit_code_says_what_was_found_if_asked(small: Path, tmp_path: Path, abireview: Scan) -> None:
    abireview("scan", small)
    abireview("scan", small, "--fail-on", "note", code=1)
    clean = tmp_path / "clean.mbox"
    clean.write_bytes(mbox([mail("[PATCH] KVM: example: Typo", "typo@example.org")]))
    abireview("scan", clean, "--fail-on", "note")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing.mbox"], 3, "there is no archive"),
        (["."], 3, "no public-inbox"),
        (["{small}", "--since", "soon"], 2, "no date"),
        (["{small}", "--shard", "3/2"], 2, "no shard"),
        (["{small}", "--format", "json"], 2, "one series"),
        (["{small}", "--format", "nonsense"], 2, "no such format"),
        (["{small}", "-o", "/nowhere/at/all"], 2, "cannot write"),
        (["{small}", "--jobs", "0"], 2, "jobs"),
        (["ftp://example.org/list"], 3, "there is no archive"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    arguments: list[str],
    code: int,
    words: str,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    abireview: Scan,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = abireview("scan", *(argument.replace("{small}", str(small)) for argument in arguments), code=code)
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") <= 2
    assert done.stdout == b""


def test_several_documents_of_one_scan(small: Path, clean: bytes, tmp_path: Path, abireview: Scan) -> None:
    done = abireview("scan", small, "-o", tmp_path / "a.jsonl", "-o", f"text:{tmp_path / 'b.txt'}")
    assert done.stdout == b""
    assert (tmp_path / "a.jsonl").read_bytes() == clean
    assert "Rework of part 39" in (tmp_path / "b.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.txt"]


def test_a_document_in_memory_is_bounded(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from abireview.cli.main import main

    monkeypatch.setattr(limits, "MAX_SCAN_RENDERED", 10)
    assert main(["scan", str(small), "--jobs", "1", "--format", "text", "-o", str(tmp_path / "o")]) == 3
    assert "more than 10 series" in capsys.readouterr().err


def test_the_queue_is_filled(
    small: Path, clean: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abireview: Scan
) -> None:
    monkeypatch.setenv("ABIREVIEW_CACHE", str(tmp_path))
    for _ in range(2):  # a second scan adds nothing
        assert abireview("scan", small, "--store").stdout == clean
        with Store() as store:
            rows = Queue.of(store).rows()
        wanted = {one["series"]["id"] for line in clean.splitlines() if (one := json.loads(line))["findings"]}
        assert {row.series for row in rows} == wanted
    assert {row.tag for row in rows} >= {"v1 2/2", "v2 2/2"}


def test_progress_is_for_terminals(small: Path, tmp_path: Path) -> None:
    archive = tmp_path / "list.mbox"
    archive.write_bytes(mbox([raw for n in range(120) for raw in making.series(n, patches=4, at=100 * n)]))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*ABIREVIEW, "scan", str(archive), "-o", str(tmp_path / "o")], stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        seen += data
    os.close(ours)
    assert process.wait(60) == 0
    text = seen.decode()
    assert re.search(r"reading: \d+ mails, \d+/s", text)
    assert re.search(r"checking: \d+ %, [\d.]+ MiB/s, 0:00:\d\d left", text)
    assert text.endswith("abireview: 840 mails, 120 series\r\n")


def test_a_reader_that_goes_away(small: Path) -> None:
    command = " ".join(f"'{word}'" for word in [*ABIREVIEW, "scan", str(small)])
    done = subprocess.run(["sh", "-c", f"{command} | head -c 10"], capture_output=True, timeout=60, check=True)
    assert (len(done.stdout), done.stderr) == (10, b"")
