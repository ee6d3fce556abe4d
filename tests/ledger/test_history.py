# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commit brought an entry, in a repository made for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from abireview.ledger.compare import compare
from abireview.ledger.history import same_repository, with_commits
from abireview.ledger.load import load_surfaces
from abireview.ledger.model import Ledger
from abireview.ledger.reading import read_surface
from abireview.source.tree import GitTree, open_tree
from tests.ledger.conftest import TOOL

RULES = """
[[surface]]
id = "caps"
title = "Capabilities"
area = "cap"
arch = "x"
about = "Defines and cases."
files = ["include/*.h", "arch/x/kvm/*.c"]
highest = "highest"
[[surface.read]]
kind = ["define"]
key = 'CAP_\\w+'
set = { number = "{number}" }
[[surface.read]]
kind = ["case"]
scope = 'check'
key = 'CAP_\\w+'
add = { in = "{scope}" }
joins = true
"""


class Repository:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, cwd=self.place, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, subject: str, **files: str) -> str:
        for name, text in files.items():
            path = self.place / {"h": "include/a.h", "h2": "include/b.h", "c": "arch/x/kvm/a.c"}[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


def header(*names: str, **numbers: int) -> str:
    return "".join(f"#define CAP_{name} {n}\n" for n, name in enumerate(names, 1)) + "".join(
        f"#define CAP_{name} {n}\n" for name, n in numbers.items()
    )


def cases(*names: str) -> str:
    labels = "".join(f"\tcase CAP_{name}:\n" for name in names)
    return f"int check(int n)\n{{\n\tswitch (n) {{\n{labels}\t\treturn 1;\n\t}}\n\treturn 0;\n}}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    place = tmp_path / "linux"
    place.mkdir()
    return Repository(place)


def told(repository: Repository, old: str, new: str, tmp_path: Path) -> Ledger:
    rules = tmp_path / "rules"
    (rules / "surface").mkdir(parents=True, exist_ok=True)
    (rules / "surface" / "x.toml").write_text(RULES)
    specs = load_surfaces([rules])
    trees = [open_tree(f"{repository.place}@{revision}") for revision in (old, new)]
    assert same_repository(*trees)
    first, second = (read_surface(tree, specs, "", TOOL) for tree in trees)
    one, two = trees
    assert isinstance(one, GitTree)
    assert isinstance(two, GitTree)
    return with_commits(compare(first, second, specs, TOOL), one, two, specs)


def by_text(ledger: Ledger) -> dict[str, list[str]]:
    return {entry.text: [commit.subject for commit in entry.commits] for entry in ledger.entries}


def test_each_entry_has_its_commit(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A", "B"), c=cases("A"))
    repository.git("tag", "v1")
    repository.commit("a comment", h=header("A", "B") + "/* CAP_C may come */\n")
    repository.commit("add C", h=header("A", "B", "C"))
    repository.commit("answer B", c=cases("A", "B"))
    repository.commit("renumber A", h=header(A=7, B=2, C=3))
    repository.commit("drop B's answer", c=cases("A"))
    repository.commit("answer B again", c=cases("B", "A"))
    repository.commit("nothing")
    repository.git("tag", "v2")
    assert by_text(told(repository, "v1", "v2", tmp_path)) == {
        "CAP_C is new.": ["add C"],
        "number of CAP_A goes from 1 to 7.": ["renumber A"],
        "in of CAP_B gains check.": ["answer B again"],
        "number of highest goes from 2 to 7.": ["renumber A"],
        "name of highest goes from CAP_B to CAP_A.": [],
    }


def test_a_move_between_files_is_nobodys_change(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A", "B"))
    repository.git("tag", "v1")
    repository.commit("add C", h=header("A", "B", "C"))
    repository.commit("move all of it", h="\n", h2=header("A", "B", "C"))
    repository.git("tag", "v2")
    assert by_text(told(repository, "v1", "v2", tmp_path))["CAP_C is new."] == ["add C"]


def test_removals_and_files_that_go(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A", "B"), h2="#define CAP_Z 9\n")
    repository.git("tag", "v1")
    (repository.place / "include/b.h").unlink()
    repository.commit("remove the header")
    repository.commit("remove B", h=header("A"))
    repository.git("tag", "v2")
    found = by_text(told(repository, "v1", "v2", tmp_path))
    assert found["CAP_Z is gone."] == ["remove the header"]
    assert found["CAP_B is gone."] == ["remove B"]


def test_commits_of_a_side_branch_count_and_the_merge_does_not(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A"))
    repository.git("tag", "v1")
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit("add B", h2="#define CAP_B 2\n")
    repository.git("checkout", "-q", "main")
    repository.commit("mainline")
    repository.git("merge", "-q", "--no-ff", "-m", "merge topic", "topic")
    repository.git("tag", "v2")
    assert by_text(told(repository, "v1", "v2", tmp_path))["CAP_B is new."] == ["add B"]


def test_a_subject_and_its_date_are_told(repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A"))
    repository.git("tag", "v1")
    oid = repository.commit("add B\n\nwith a body", h=header("A", "B"))
    (entry,) = [entry for entry in told(repository, "v1", "HEAD", tmp_path).entries if entry.name == "CAP_B"]
    (commit,) = entry.commits
    assert (commit.id, commit.subject) == (oid, "add B")
    assert commit.date[:2] == "20"
