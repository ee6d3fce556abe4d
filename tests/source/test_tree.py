# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel trees: directories and git repositories, read without trusting them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from abireview import limits
from abireview.errors import LimitError, NotFoundError, TreeError
from abireview.source import tree as tree_module
from abireview.source.tree import is_safe, open_tree
from tests.source.make import commit, git, write

FILES = {"arch/a.c": "int a;\nint KVM_CAP;\n", "arch/b/c.c": "int c;\n", "README": "words KVM_CAP\n"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write(tmp_path / "tree", FILES)
    return tmp_path / "tree"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "repo"
    commit(place, FILES)
    git(place, "tag", "v1")
    commit(place, {**FILES, "arch/a.c": "int a2;\n"})
    return place


@pytest.mark.parametrize("kind", ["directory", "repository"])
def test_reading(kind: str, request: pytest.FixtureRequest) -> None:
    place = request.getfixturevalue(kind)
    tree = open_tree(f"{place}@v1" if kind == "repository" else place)
    assert tree.read("arch/a.c") == FILES["arch/a.c"]
    assert tree.read("arch/none.c") is None
    assert tree.read("arch") is None
    assert tree.files() == ["README", "arch/a.c", "arch/b/c.c"]
    assert tree.files("arch/b") == tree.files("arch/b/") == ["arch/b/c.c"]
    assert tree.files("README") == ["README"]
    assert tree.files("none") == []
    assert list(tree.find("KVM_CAP")) == [("README", 1, "words KVM_CAP"), ("arch/a.c", 2, "int KVM_CAP;")]
    assert list(tree.find("KVM_CAP", ["arch", "arch/a.c"])) == [("arch/a.c", 2, "int KVM_CAP;")]
    assert str(place) in tree.describe()
    assert tree.kind == ("git" if kind == "repository" else "directory")


def test_revisions(repository: Path) -> None:
    assert open_tree(repository).read("arch/a.c") == "int a2;\n"
    assert open_tree(f"{repository}@v1").read("arch/a.c") == FILES["arch/a.c"]
    base = git(repository, "rev-parse", "v1").strip()
    assert open_tree(repository, base_commit=base).read("arch/a.c") == FILES["arch/a.c"]
    assert open_tree(repository, base_commit="0" * 40).read("arch/a.c") == "int a2;\n"
    named = open_tree(f"{repository}@HEAD")
    assert named.at(base) is named
    assert base[:12] in open_tree(repository, base_commit=base[:12]).describe()


def test_the_work_tree_does_not_count(repository: Path) -> None:
    write(repository, {"arch/a.c": "changed\n"})
    assert open_tree(repository).read("arch/a.c") == "int a2;\n"


def test_blobs(repository: Path, directory: Path) -> None:
    oid = git(repository, "rev-parse", "v1:arch/a.c").strip()
    tree = open_tree(repository)
    assert tree.blob(oid) == tree.blob(oid[:10]) == FILES["arch/a.c"]
    for other in ("", "0" * 12, "f" * 12, "HEAD", "v1:arch/a.c", git(repository, "rev-parse", "HEAD").strip()):
        assert tree.blob(other) is None
    assert open_tree(directory).blob(oid) is None


def test_bare_repository(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    assert open_tree(tmp_path / "bare.git").read("arch/a.c") == "int a2;\n"


def test_a_name_with_an_at_sign(tmp_path: Path) -> None:
    write(tmp_path / "a@b", FILES)
    assert open_tree(tmp_path / "a@b").read("README")
    commit(tmp_path / "c@d", FILES)
    assert open_tree(f"{tmp_path}/c@d@HEAD").read("README")


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", ".git/config", "a/.git/config", "a\0b"]
)
def test_unsafe_paths(path: str, repository: Path) -> None:
    assert not is_safe(path)
    assert open_tree(repository).read(path) is None
    (repository / ".git").rename(repository / "git")
    write(repository, {".git/config": "secret"})
    assert tree_module.DirectoryTree(repository).read(path) is None


def test_links_do_not_lead_out(tmp_path: Path, directory: Path) -> None:
    write(tmp_path, {"secret": "secret\n"})
    (directory / "out").symlink_to(tmp_path / "secret")
    (directory / "up").symlink_to(tmp_path)
    (directory / "in").symlink_to("arch/a.c")
    (directory / "loop").symlink_to("loop")
    os.mkfifo(directory / "fifo")
    tree = open_tree(directory)
    assert tree.read("out") is None
    assert tree.read("up/secret") is None
    assert tree.read("loop") is None
    assert tree.read("fifo") is None
    assert tree.read("in") == FILES["arch/a.c"]
    assert "up/secret" not in tree.files()


def test_links_and_submodules_of_git(tmp_path: Path) -> None:
    place = tmp_path / "repo"
    commit(place, FILES)
    (place / "link").symlink_to("README")
    git(place, "add", "link")
    head = git(place, "rev-parse", "HEAD").strip()
    git(place, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(place, "commit", "-q", "-m", "links")
    tree = open_tree(place)
    assert tree.read("link") is None
    assert tree.read("module") is None
    assert tree.files() == sorted(FILES)


def test_binary_and_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MAX_TREE_FILE_BYTES", 100)
    files = {"binary": "a\0b", "large": "x" * 101, "just": "x" * 100}
    write(tmp_path / "plain", files)
    commit(tmp_path / "repo", files)
    for tree in (open_tree(tmp_path / "plain"), open_tree(tmp_path / "repo")):
        assert tree.read("binary") is None
        assert tree.read("large") is None
        assert tree.read("just") == "x" * 100
    assert limits.MAX_TREE_FILE_BYTES > 1_000_000


def test_too_many_files(directory: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "MAX_TREE_FILES", 1)
    for place in (directory, repository):
        with pytest.raises(LimitError) as caught:
            open_tree(place).files()
        assert caught.value.hint


def test_what_is_no_tree(tmp_path: Path, repository: Path) -> None:
    write(tmp_path, {"file": "x"})
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    for path, error in [
        (tmp_path / "none", NotFoundError),
        (tmp_path / "file", TreeError),
        (tmp_path / "broken", TreeError),
        (f"{repository}@no-such-tag", NotFoundError),
        (f"{repository}@-x", NotFoundError),
        (f"{tmp_path / 'none'}@v1", NotFoundError),
    ]:
        with pytest.raises(error) as caught:
            open_tree(path)
        assert caught.value.hint
        assert "\n" not in str(caught.value)


def test_a_repository_does_not_make_us_run_anything(repository: Path, tmp_path: Path) -> None:
    """Every way in which git's configuration names a program: none runs when the repository is read."""
    mark = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "diff.c.command", "core.editor"):
        git(repository, "config", key, str(script))
    for key in (
        "diff.c.textconv",
        "filter.c.smudge",
        "filter.c.clean",
        "filter.c.process",
        "uploadpack.packObjectsHook",
    ):
        git(repository, "config", key, str(script))
    git(repository, "config", "core.hooksPath", str(tmp_path))
    git(repository, "config", "alias.cat-file", f"!{script}")
    write(repository, {".git/info/attributes": "*.c diff=c filter=c\n"})
    tree = open_tree(f"{repository}@v1")
    assert tree.read("arch/a.c") == FILES["arch/a.c"]
    assert tree.files()
    assert list(tree.find("KVM"))
    from abireview.source.gitrange import series_from_range

    assert series_from_range(repository, "v1", "HEAD").patches
    assert not mark.exists()
