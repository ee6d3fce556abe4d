# SPDX-License-Identifier: GPL-2.0-or-later
"""The same archive gives the same bytes, whatever holds it and however the work is shared out."""

from __future__ import annotations

import gzip
import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from abireview.check import check
from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.series import Thread, connected
from abireview.render import Style, jsonl
from abireview.rules.load import load_rules
from tests.conftest import ServeMails
from tests.mails import mbox
from tests.scan import making
from tests.scan.conftest import Scan


def results(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def ids(data: bytes) -> list[str]:
    return [result["series"]["id"] for result in results(data)]


def test_every_series_is_there_once_and_in_order(clean: bytes) -> None:
    found = results(clean)
    keys = [(one["series"]["date"] or 0, one["series"]["id"]) for one in found]
    assert keys == sorted(set(keys))
    names = ids(clean)
    assert sum(name.startswith("s") for name in names) == 40
    assert set(names) >= {"b64@example.org", "alone@example.org", "undated@example.org", "kut@example.org"}
    assert "loose-1@example.org" in names
    assert "loose-2@example.org" not in names
    assert not set(names) & {"pull@example.org", "c1@example.org", "c2@example.org"}
    assert all(one["findings"] for one in found if one["series"]["id"].startswith("s"))


def test_only_the_newest_version_unless_all_are_asked_for(small: Path, clean: bytes, abireview: Scan) -> None:
    assert "s3-v2-0@example.org" in ids(clean)
    assert "s3-v1-0@example.org" not in ids(clean)
    every = abireview("scan", small, "--all").stdout
    assert {"s3-v1-0@example.org", "s3-v2-0@example.org"} <= set(ids(every))
    assert set(clean.splitlines()) <= set(every.splitlines())


def test_a_line_is_what_check_says(mails: list[bytes], clean: bytes) -> None:
    rules = load_rules()
    wanted = {}
    for group in connected([decode(raw) for raw in mails]):
        thread = Thread(group, projects())
        for lineage in thread.lineages:
            series = thread.build(lineage[-1])
            wanted[series.id] = jsonl.render([check(series, rules)], Style()).encode()
    for result, line in zip(results(clean), clean.splitlines(keepends=True), strict=True):
        assert line == wanted[result["series"]["id"]]


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_the_order_of_the_mails_does_not_count(
    order: str, mails: list[bytes], clean: bytes, tmp_path: Path, abireview: Scan
) -> None:
    mixed = mails[::-1] if order == "backward" else list(mails)
    if order == "shuffled":
        random.Random(7).shuffle(mixed)
    path = tmp_path / "list.mbox"
    path.write_bytes(mbox(mixed))
    assert abireview("scan", path).stdout == clean


@pytest.mark.parametrize("kind", ["gz", "xz", "maildir", "epoch", "v2"])
def test_every_kind_of_archive(kind: str, mails: list[bytes], clean: bytes, tmp_path: Path, abireview: Scan) -> None:
    path = tmp_path / "list"
    if kind == "gz":
        path.write_bytes(gzip.compress(mbox(mails)))
    elif kind == "xz":
        path.write_bytes(lzma.compress(mbox(mails)))
    elif kind == "maildir":
        making.maildir(path, mails)
    elif kind == "epoch":
        making.epoch(path, mails)
    else:
        making.epoch(path / "git" / "0.git", mails[:100])
        making.epoch(path / "git" / "1.git", mails[100:])
    assert abireview("scan", path, "-j", 1).stdout == clean


def test_a_mail_that_was_taken_out_of_an_inbox_is_not_there(
    mails: list[bytes], clean: bytes, tmp_path: Path, abireview: Scan
) -> None:
    path = making.epoch(tmp_path / "0.git", mails, removed=making.series(777))
    assert abireview("scan", path).stdout == clean


@pytest.mark.server
def test_a_served_inbox(
    mails: list[bytes], clean: bytes, serve_mails: ServeMails, abireview: Scan, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("ABIREVIEW_CACHE", str(tmp_path))
    unique = list(dict.fromkeys(mails))
    url = serve_mails(unique)
    assert abireview("scan", url).stdout == clean
    assert abireview("scan", url, "--since", "2020-01-01").stdout in (clean, without_dates(clean))
    gone = abireview("scan", f"{url}-not", code=3)
    assert gone.stderr.startswith(b"abireview: git cannot read the archive")


def without_dates(data: bytes) -> bytes:
    return b"".join(line for line in data.splitlines(keepends=True) if json.loads(line)["series"]["date"])


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_number_of_processes_does_not_count(jobs: int, small: Path, clean: bytes, abireview: Scan) -> None:
    assert abireview("scan", small, "--jobs", jobs).stdout == clean


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_shards_make_the_whole(shards: int, small: Path, clean: bytes, tmp_path: Path, abireview: Scan) -> None:
    files = [tmp_path / f"{shard}.jsonl" for shard in range(1, shards + 1)]
    for shard, file in enumerate(files, 1):
        abireview("scan", small, "--shard", f"{shard}/{shards}", "-o", file)
        assert file.stat().st_size
    assert sum(file.read_bytes().count(b"\n") for file in files) == clean.count(b"\n")
    assert abireview("merge", *reversed(files)).stdout == clean
    abireview("merge", *files, "-o", tmp_path / "whole.jsonl")
    assert (tmp_path / "whole.jsonl").read_bytes() == clean


def test_time_bounds(small: Path, clean: bytes, abireview: Scan) -> None:
    """The archive begins on 2020-09-13 12:26 UTC; series follow each other by 100 minutes."""
    early = abireview("scan", small, "--until", "2020-09-14").stdout
    late = abireview("scan", small, "--since", "2020-09-14").stdout
    days = {one["series"]["id"]: one["series"]["date"] for one in results(abireview("scan", small, "--all").stdout)}
    assert all(days[name] < 1_600_041_600 for name in ids(early))
    assert all(days[name] >= 1_600_041_600 for name in ids(late))
    # as the list was before that day, v1 of a series whose v2 came later is the newest one
    assert set(ids(early)) | set(ids(late)) >= {name for name in ids(clean) if days[name]}
    assert not set(ids(early)) & set(ids(late))
    both = abireview("scan", small, "--since", "2020-09-14", "--until", "2020-09-15").stdout
    assert set(ids(both)) == {n for n in days if 1_600_041_600 <= (days[n] or 0) < 1_600_128_000} & set(
        ids(late) + ids(both)
    )
    assert abireview("scan", small, "--since", "1d").stdout == b""


def test_only_one_architecture(small: Path, abireview: Scan) -> None:
    arm = results(abireview("scan", small, "--arch", "arm64").stdout)
    x86 = results(abireview("scan", small, "--arch", "x86").stdout)
    assert any(one["findings"] for one in arm)
    assert len(arm) == len(x86)
    assert not any(finding["arch"] == "arm64" for one in x86 for finding in one["findings"])
