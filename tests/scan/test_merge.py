# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``abireview merge`` takes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from abireview import limits
from abireview.errors import AbireviewError, InputError, LimitError, NotFoundError, UsageError
from abireview.scan.merge import merge
from tests.scan.conftest import Scan


def write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture
def lines(clean: bytes) -> list[bytes]:
    return clean.splitlines(keepends=True)


def merged(*paths: Path) -> list[bytes]:
    return [line for line, _ in merge(paths)]


def test_shards_that_overlap_count_once(lines: list[bytes], tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", lines[:20]), write(tmp_path / "b", lines[10:])
    assert merged(a, b) == lines
    assert merged(b, a) == lines


def test_an_empty_shard(lines: list[bytes], tmp_path: Path) -> None:
    assert merged(write(tmp_path / "a", lines), write(tmp_path / "b", [])) == lines


def test_findings_are_known_from_the_line(lines: list[bytes], tmp_path: Path) -> None:
    found = [has for _, has in merge([write(tmp_path / "a", lines)])]
    assert found == [bool(json.loads(line)["findings"]) for line in lines]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda lines: lines[::-1], InputError),
        (lambda lines: [*lines, b"no json\n"], InputError),
        (lambda lines: [*lines[:-1], lines[-1][:100]], InputError),
        (lambda lines: [lines[0].rstrip(b"\n")], InputError),
        (lambda lines: [line.replace(b'"schema":1', b'"schema":9') for line in lines], InputError),
        (lambda lines: [line.replace(b'"version":"0.', b'"version":"7.') for line in lines], UsageError),
        (lambda lines: [b"\xff\xfe\n"], InputError),
        (lambda lines: [b"[" * 100_000 + b"\n"], InputError),
        (lambda lines: [lines[5].replace(b'"findings":[', b'"findings": ['), *lines[6:]], UsageError),
    ],
)
def test_what_no_scan_of_this_archive_wrote_is_refused(
    change: object, error: type[AbireviewError], lines: list[bytes], tmp_path: Path
) -> None:
    assert callable(change)
    paths = [write(tmp_path / "a", lines), write(tmp_path / "b", change(lines))]
    with pytest.raises(error) as caught:
        merged(*paths)
    assert caught.value.hint


def test_the_length_of_a_line_is_bounded(lines: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RESULT_BYTES", 300)
    with pytest.raises(LimitError):
        merged(write(tmp_path / "a", lines))


def test_a_file_that_is_not_there(tmp_path: Path, abireview: Scan) -> None:
    with pytest.raises(NotFoundError):
        merged(tmp_path / "nothing")
    assert b"there is no file" in abireview("merge", tmp_path / "nothing", code=3).stderr


def test_nothing_is_written_where_one_file_is_wrong(lines: list[bytes], tmp_path: Path, abireview: Scan) -> None:
    good, bad = write(tmp_path / "a", lines), write(tmp_path / "b", [b"{}\n"])
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    abireview("merge", good, bad, "-o", out, code=3)
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "out.jsonl"]


def test_another_format(lines: list[bytes], tmp_path: Path, abireview: Scan) -> None:
    text = abireview("merge", write(tmp_path / "a", lines), "--format", "text").stdout.decode()
    assert "KVM: example: Rework of part 39" in text
    assert "kvm-unit-tests" not in text
