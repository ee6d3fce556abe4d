# SPDX-License-Identifier: GPL-2.0-or-later
"""Series that are in the tree already."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from abireview.bot.merged import Merged
from abireview.errors import ConfigError
from tests.bot.bot_make import series


def commit(folder: Path, *titles: str) -> None:
    for title in titles:
        subprocess.run(["git", "-C", str(folder), "commit", "-q", "--allow-empty", "-m", title], check=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "linux"
    subprocess.run(["git", "init", "-q", "-b", "next", str(folder)], check=True)
    commit(folder, "Something else", "widget: part 1")
    return folder


def test_a_series_whose_patches_are_all_in_the_tree_is_merged(tree: Path) -> None:
    merged = Merged(f"{tree}@next")
    assert not merged(series())
    commit(tree, "Widget:  Part 2.")
    assert merged(series())


def test_a_tree_that_is_not_there_is_said(tmp_path: Path, tree: Path) -> None:
    for place in (f"{tree}@nowhere", str(tmp_path / "none")):
        with pytest.raises(ConfigError):
            Merged(place)(series())
