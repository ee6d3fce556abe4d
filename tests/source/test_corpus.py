# SPDX-License-Identifier: GPL-2.0-or-later
"""Real patches and real trees: every diff is read, every file cut, and the names that hunks give are the right ones."""

from __future__ import annotations

import lzma
import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from abireview.mail.decode import decode
from abireview.mail.mbox import split_mbox
from abireview.source.cut import cut
from abireview.source.diff import parse_diff
from abireview.source.model import FileDiff, Hunk, Line
from abireview.source.scope import file_fragments, fragments

pytestmark = pytest.mark.corpus

_PATCH = re.compile(r"\[[^\]]*PATCH[^\]]*\]", re.IGNORECASE)
_COVER = re.compile(r"\b0+/\d+\]")
_FUNCNAME = re.compile(r"^[A-Za-z_]")
_LABEL = re.compile(r"^[ \t]*[A-Za-z_]\w*:\s*(?:$|/[/*])")


def bodies(data: bytes) -> Iterator[tuple[str, str]]:
    """Message-id and body of each mail that was posted as a patch."""
    for raw in split_mbox(data):
        message = decode(raw)
        subject = message.subject
        if _PATCH.search(subject) and not subject.lower().startswith(("re:", "aw:")) and not _COVER.search(subject):
            yield message.msgid, message.body


@pytest.fixture(scope="module")
def posted(shared: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for path in sorted((shared / "corpus" / "series").glob("*.mbox")):
        found.extend(bodies(path.read_bytes()))
    return found


def test_every_series_is_read_in_time(posted: list[tuple[str, str]]) -> None:
    begin = time.process_time()
    lost, lines, shown = [], 0, 0
    for msgid, body in posted:
        files, skipped = parse_diff(body, msgid)
        lost.extend(skipped)
        assert bool(files) == ("\ndiff --git " in body or "\n+++ " in body)
        parts = fragments(files, 0)
        every = [line for file in files for hunk in file.hunks for line in hunk.lines if line.kind != " "]
        lines += sum(bool(line.text.strip()) for line in every)
        sides = [side for part in parts for side in (part.old, part.new)]
        pairs = [pair for side in sides for pair in zip(side.changed, side.lines, strict=True)]
        shown += sum(changed and bool(text.strip()) for changed, text in pairs)
    assert len(posted) > 700
    assert lost == []
    assert shown == lines > 30_000
    assert time.process_time() - begin < 24


def test_line_numbers_point_into_the_body(posted: list[tuple[str, str]]) -> None:
    for msgid, body in posted[::7]:
        text = body.split("\n")
        for file in parse_diff(body, msgid)[0]:
            for hunk in file.hunks:
                for line in hunk.lines:
                    assert not line.at or text[line.at - 1] in (line.kind + line.text, line.text)


@pytest.mark.slow
def test_the_archive_is_read(shared: Path) -> None:
    data = lzma.decompress((shared / "archive" / "kvmarm-2019-2022.mbox.xz").read_bytes())
    count = lost = 0
    for msgid, body in bodies(data):
        files, skipped = parse_diff(body, msgid)
        fragments(files, 0)
        count += bool(files)
        lost += bool(skipped)
    assert count > 3_500
    assert lost < count / 500


def sources(shared: Path, version: str) -> Iterator[tuple[str, list[str]]]:
    with tarfile.open(shared / "trees" / f"kvm-{version}.tar.xz") as archive:
        for member in archive:
            if member.isfile() and member.name.endswith((".c", ".h")):
                content = archive.extractfile(member)
                assert content is not None
                yield member.name, content.read().decode("utf-8", "replace").rstrip("\n").split("\n")


def headers(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Index and text of the first line of each function, by a rule of its own: what stands above a ``{`` line."""
    for at, line in enumerate(lines):
        if line == "{":
            first = at - 1
            while first > 0 and lines[first][:1] in (" ", "\t"):
                first -= 1
            if re.match(r"[a-z_][\w \t*]*\w+\s*\(", lines[first]) and "=" not in lines[first]:
                yield first, lines[first]


@pytest.mark.parametrize("version", ["6.12"])
def test_every_function_of_a_tree_is_found(shared: Path, version: str) -> None:
    functions = found = 0
    for name, lines in sources(shared, version):
        scopes = cut(lines)
        assert [scope.first for scope in scopes[1:]] == [scope.end for scope in scopes[:-1]], name
        assert (scopes[0].first, scopes[-1].end) == (0, len(lines)), name
        by_first = {line: scope for scope in scopes for line in range(scope.first, scope.body)}
        for first, header in headers(lines):
            functions += 1
            scope = by_first.get(first)
            found += scope is not None and scope.kind == "function" and scope.closed and f"{scope.name}(" in header
    assert functions > 10_000
    assert found / functions > 0.995


def one_change(lines: list[str], at: int, section: str) -> FileDiff:
    """The diff, with three lines of context, that replaces line ``at`` by itself."""
    first, last = max(0, at - 3), min(len(lines), at + 4)
    shown = [Line(" ", lines[n], n + 1, n + 1) for n in range(first, last)]
    shown[at - first : at - first + 1] = [Line("-", lines[at], at + 1, None), Line("+", lines[at], None, at + 1)]
    length = last - first
    return FileDiff("f.c", "f.c", "modified", (Hunk(first + 1, length, first + 1, length, section, tuple(shown)),))


def test_a_hunk_gives_the_name_that_the_whole_file_gives(shared: Path) -> None:
    """Changes all over a tree, each seen through three lines of context and git's section header."""
    tried = right = 0
    for _, lines in sources(shared, "6.12"):
        owner = [scope for scope in cut(lines) for _ in range(scope.first, scope.end)]
        section, above = "", []
        for line in lines:
            above.append(section)
            if _FUNCNAME.match(line) and not _LABEL.match(line):
                section = line[:80].rstrip()
        for at in range(7, len(lines), 37):
            whole = owner[at]
            if not lines[at].strip() or whole.kind == "macro":
                continue  # the name of a macro that begins above the hunk is nowhere in the mail
            tried += 1
            parts = file_fragments(one_change(lines, at, above[at - 3]), 0)
            right += [(part.kind, part.name) for part in parts] == [(whole.kind, whole.name)]
    assert tried > 5_000
    assert right / tried > 0.99
