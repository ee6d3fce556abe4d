# SPDX-License-Identifier: GPL-2.0-or-later
"""A range of commits as a series."""

from __future__ import annotations

from pathlib import Path

import pytest

from abireview.errors import LimitError, NoPatchesError, NotFoundError, TreeError
from abireview.source import gitrange
from abireview.source.gitrange import series_from_range
from tests.source.make import commit, git

MESSAGE = """\
first: change
it

Because of that.

Signed-off-by: A. Nonymous <a@example.org>
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repo"
    commit(place, {"a.c": "int a;\n", "old.c": "1\n2\n3\n4\n5\n"})
    git(place, "tag", "v1")
    commit(place, {"a.c": "int b;\n", "old.c": "1\n2\n3\n4\n5\n"}, MESSAGE)
    commit(place, {"a.c": "int b;\n", "new.c": "1\n2\n3\n4\n5\n"}, "second: rename\n\n---\nnot a diff\n")
    return place


def test_each_commit_is_a_patch(repository: Path) -> None:
    series = series_from_range(repository, "v1", "HEAD")
    one, two = series.patches
    ids = git(repository, "rev-list", "--reverse", "v1..HEAD").split()
    assert [patch.msgid for patch in series.patches] == ids
    assert series.id == f"{git(repository, 'rev-parse', 'v1').strip()}..{ids[-1]}"
    assert series.base_commit == git(repository, "rev-parse", "v1").strip()
    assert (one.n, one.m, two.n, two.m) == (1, 2, 2, 2)
    assert one.subject == "first: change it"
    assert one.log == "Because of that."
    assert [(trailer.name, trailer.value) for trailer in one.trailers] == [
        ("Signed-off-by", "A. Nonymous <a@example.org>")
    ]
    assert (one.author.name, one.author.email, one.date) == ("A. Nonymous", "a@example.org", 1700000000)
    (file,) = one.files
    assert [line.kind + line.text for line in file.hunks[0].lines] == ["-int a;", "+int b;"]
    assert [line.at for line in file.hunks[0].lines] == [0, 0]
    assert git(repository, "rev-parse", "v1:a.c").startswith(file.old_blob)
    assert [(each.old_path, each.new_path, each.change) for each in two.files] == [("old.c", "new.c", "renamed")]
    assert series.kernel
    assert (series.expected, series.missing, series.cover) == (2, (), None)


def test_one_commit_gives_its_subject(repository: Path) -> None:
    assert series_from_range(repository, "HEAD~1", "HEAD").subject == "second: rename"
    assert series_from_range(repository, "v1", "HEAD").subject == "v1..HEAD"


def test_from_a_folder_inside(repository: Path) -> None:
    (repository / "sub").mkdir()
    assert len(series_from_range(repository / "sub", "v1", "HEAD").patches) == 2


def test_merges_are_left_out(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side", "v1")
    commit(repository, {"a.c": "int a;\n", "old.c": "1\n2\n3\n4\n5\n", "side.c": "x\n"}, "side")
    git(repository, "merge", "-q", "--no-edit", "master" if "master" in git(repository, "branch") else "main")
    series = series_from_range(repository, "v1", "side")
    assert sorted(patch.subject for patch in series.patches) == ["first: change it", "second: rename", "side"]
    assert series.notes == ("1 merge commit left out",)


def test_the_first_commit_of_all(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "other")
    commit(repository, {"z.c": "int z;\n"}, "root")
    (patch,) = series_from_range(repository, "v1", "other").patches
    assert [(file.old_path, file.new_path, file.change) for file in patch.files] == [(None, "z.c", "added")]


def test_what_is_no_range(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoPatchesError):
        series_from_range(repository, "HEAD", "v1")
    with pytest.raises(NotFoundError):
        series_from_range(repository, "v1", "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TreeError):
        series_from_range(tmp_path / "empty", "v1", "HEAD")
    monkeypatch.setattr(gitrange, "MAX_RANGE_COMMITS", 1)
    with pytest.raises(LimitError):
        series_from_range(repository, "v1", "HEAD")
