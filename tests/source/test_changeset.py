# SPDX-License-Identifier: GPL-2.0-or-later
"""A series laid into a tree, patch upon patch, and the same series without one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from abireview.source.changeset import ChangeSet, changeset
from abireview.source.diff import parse_diff
from abireview.source.model import FileDiff, Fragment
from abireview.source.tree import open_tree
from tests.source.make import commit, files_of, git, git_diff, hunk, series, write

BODY = "".join(f"\tstep({n});\n" for n in range(30))
V0 = f"""\
#include <a.h>

static const struct row rows[] = {{
	{{ 1, a }},
	{{ 2, b }},
	{{ 3, c }},
	{{ 4, d }},
	{{ 5, e }},
	{{ 6, f }},
	{{ 7, g }},
	{{ 8, h }},
	{{ 9, i }},
}};

int work(int a)
{{
{BODY}	return a;
}}
"""
V1 = V0.replace("\tstep(15);\n", "\tstep(15);\n\textra();\n")
V2 = V1.replace("{ 5, e }", "{ 5, E }")
V3 = V2.replace("\textra();\n", "\tmore();\n")
VERSIONS = [V0, V1, V2, V3]


def diffs(place: Path, versions: list[str]) -> list[tuple[FileDiff, ...]]:
    return [files_of(git_diff(place, old, new)) for old, new in pairwise(versions)]


@pytest.fixture
def patches(tmp_path: Path) -> list[tuple[FileDiff, ...]]:
    return diffs(tmp_path / "diffs", VERSIONS)


def brief(fragment: Fragment) -> tuple[int, str, str, bool]:
    return fragment.patch, fragment.kind, fragment.name, fragment.whole


def test_without_a_tree(patches: list[tuple[FileDiff, ...]]) -> None:
    found = changeset(series(*patches))
    assert [brief(part) for part in found.fragments] == [
        (0, "function", "work", False),
        (1, "table", "rows", False),
        (2, "function", "work", False),
    ]
    assert found.tree is None
    assert (found.files_before, found.files_after, found.skipped, found.notes) == ({}, {}, (), ())
    assert [(change.patch, change.path, change.change) for change in found.file_changes] == [
        (n, "f.c", "modified") for n in range(3)
    ]


def whole(found: ChangeSet) -> None:
    assert [brief(part) for part in found.fragments] == [
        (0, "function", "work", True),
        (1, "table", "rows", True),
        (2, "function", "work", True),
    ]
    first, _, last = found.fragments
    assert first.old.text == V0[V0.index("int work") :]
    assert first.new.text == last.new.text.replace("more", "extra")
    assert last.old.text == V2[V2.index("int work") :]
    assert first.header == ""
    assert first.new.numbers[0] == V0[: V0.index("int work")].count("\n") + 1
    assert found.skipped == ()
    assert found.files_before == {"f.c": V0}
    assert found.files_after == {"f.c": V3}


def test_with_a_directory(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    write(tmp_path / "tree", {"f.c": V0})
    found = changeset(series(*patches), open_tree(tmp_path / "tree"))
    whole(found)
    assert found.notes == ()


def test_with_git_by_the_blobs_of_the_index_lines(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    commit(tmp_path / "repo", {"f.c": V0})
    commit(tmp_path / "repo", {"f.c": "something else\n"})
    whole(changeset(series(*patches), open_tree(tmp_path / "repo")))


def test_with_git_by_the_base_commit(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    base = commit(tmp_path / "repo", {"f.c": V0})
    commit(tmp_path / "repo", {"f.c": "something else\n"})
    bare = [tuple(FileDiff(f.old_path, f.new_path, f.change, f.hunks) for f in files) for files in patches]
    found = changeset(series(*bare, base=base), open_tree(tmp_path / "repo"))
    whole(found)
    assert found.tree is not None
    assert base[:12] in found.tree.describe()


def test_with_git_by_head(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    commit(tmp_path / "repo", {"f.c": "/* moved */\n" + V0})
    found = changeset(series(*patches, base="0" * 40), open_tree(tmp_path / "repo"))
    assert [part.whole for part in found.fragments] == [True] * 3
    assert found.notes[0] == "patch 1, f.c: the hunk at line 30 applies 1 line down"
    assert found.files_after == {"f.c": "/* moved */\n" + V3}


def test_a_reject_is_reported_and_read_from_the_mail(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    write(tmp_path / "tree", {"f.c": V0.replace("\tstep(15);\n", "\tother();\n")})
    found = changeset(series(*patches), open_tree(tmp_path / "tree"))
    assert [brief(part) for part in found.fragments] == [
        (0, "function", "work", False),
        (1, "table", "rows", True),
        (2, "function", "work", False),
    ]
    assert [(item.patch, item.file) for item in found.skipped] == [("1@example.org", "f.c"), ("3@example.org", "f.c")]
    assert found.skipped[0].why == "1 of 1 hunk does not apply to the tree; 1 hunk read from the mail alone"


def test_a_series_that_is_in_the_tree_already(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    write(tmp_path / "tree", {"f.c": V1})
    found = changeset(series(*patches[:1]), open_tree(tmp_path / "tree"))
    assert [item.why for item in found.skipped] == [
        "the tree contains this change already; 1 hunk read from the mail alone"
    ]


def test_a_file_that_the_tree_lacks(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    write(tmp_path / "tree", {"other.c": V0})
    found = changeset(series(*patches), open_tree(tmp_path / "tree"))
    assert found.fragments == changeset(series(*patches)).fragments
    assert (found.skipped, found.notes) == ((), ("f.c is not in the tree: read from the mail alone",))


def test_files_that_come_move_and_go(tmp_path: Path) -> None:
    place = tmp_path / "repo"
    texts = [{"a.c": V0}, {"a.c": V0, "n.c": V0}, {"b.c": V1, "n.c": V0}, {"b.c": V2}]
    commits = [commit(place, files) for files in texts]
    steps = [files_of(git(place, "diff", "-M", old, new)) for old, new in pairwise(commits)]
    assert [file.change for files in steps for file in files] == ["added", "renamed", "modified", "deleted"]
    write(tmp_path / "tree", texts[0])
    found = changeset(series(*steps), open_tree(tmp_path / "tree"))
    assert found.skipped == ()
    assert found.files_before == {"a.c": V0}
    assert found.files_after == texts[-1]
    assert all(part.whole for part in found.fragments)
    assert [(part.path, part.name) for part in found.fragments if part.patch == 1] == [("b.c", "work")]
    died = [part for part in found.fragments if part.died]
    assert [(part.kind, part.old_name) for part in died] == [("table", "rows"), ("function", "work")]


def test_an_added_file_that_exists(tmp_path: Path) -> None:
    files = files_of(git_diff(tmp_path / "diffs", None, V0))
    write(tmp_path / "tree", {"f.c": "int x;\n"})
    found = changeset(series(files), open_tree(tmp_path / "tree"))
    assert [item.why for item in found.skipped] == ["the tree has the file already; 1 hunk read from the mail alone"]
    assert [part.name for part in found.fragments if part.kind != "top"] == ["rows", "work"]


def test_wanted_limits_what_is_read(tmp_path: Path, patches: list[tuple[FileDiff, ...]]) -> None:
    write(tmp_path / "tree", {"f.c": V0})
    for tree in (None, open_tree(tmp_path / "tree")):
        found = changeset(series(*patches), tree, wanted=lambda path: path != "f.c")
        assert found.fragments == ()
        assert len(found.file_changes) == 3


def test_paths_that_lead_out_of_the_tree(tmp_path: Path) -> None:
    write(tmp_path, {"secret.c": "int f(void)\n{\n\treturn 1;\n}\n", "tree/x.c": "x\n"})
    body = hunk("int f(void)", " \ta();\n-\treturn 1;\n+\treturn 2;\n }\n", "../secret.c")
    files, _ = parse_diff(body, "m")
    found = changeset(series(files), open_tree(tmp_path / "tree"))
    assert found.files_before == {}
    assert [part.whole for part in found.fragments] == [False]


def test_documents_and_assembler_in_a_tree(tmp_path: Path) -> None:
    text = "".join(f"line {n}\n" for n in range(100))
    files: list[FileDiff] = []
    for name in ("api.rst", "entry.S"):
        new = text.replace("line 20\n", "line 20\nmore\n").replace("line 60\n", "LINE 60\n")
        files += files_of(git_diff(tmp_path / "diffs", text, new, name))
        write(tmp_path / "tree", {name: text})
    found = changeset(series(files), open_tree(tmp_path / "tree"))
    assert [(part.kind, len(part.old.lines), len(part.new.lines)) for part in found.fragments] == [
        ("text", 6, 7),
        ("text", 7, 7),
        ("asm", 6, 7),
        ("asm", 7, 7),
    ]
