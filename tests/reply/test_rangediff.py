# SPDX-License-Identifier: GPL-2.0-or-later
"""What changed between versions of a patch: from the mails, and by git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from abireview.errors import TreeError
from abireview.findings.rangediff import difference, overview, pair
from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.model import Series
from abireview.mail.series import Thread, assemble
from abireview.source.rangediff import git_range_diff
from tests.tui.tui_make import NAMES, series


def versions(*mails: list[bytes]) -> tuple[Thread, Series, Series]:
    thread = assemble([decode(raw) for version in mails for raw in version], projects())
    first, second = thread.series
    return thread, first, second


def test_the_same_patches_have_no_difference() -> None:
    _, older, newer = versions(series(1), series(2))
    assert [(mark, old and old.n, new and new.n) for mark, old, new in overview(older, newer)] == [
        ("=", 1, 1),
        ("=", 2, 2),
        ("=", 3, 3),
    ]


def test_a_rebase_shows_nothing_and_a_change_only_itself() -> None:
    moved = [
        raw.replace(b"@@ -20,9 +20,9 @@", b"@@ -33,9 +35,9 @@").replace(b"1111111", b"3333333") for raw in series(2)
    ]
    changed = [raw.replace(b"WIDGET_LIMIT\t20", b"WIDGET_LIMIT\t21") for raw in moved]
    _, older, newer = versions(series(1), changed)
    assert [mark for mark, _, _ in overview(older, newer)] == ["=", "!", "="]
    lines = difference(older.patches[1], newer.patches[1], context=0)
    assert lines == ["@@", "-+#define WIDGET_LIMIT\t20", "++#define WIDGET_LIMIT\t21"]


def test_a_retitled_patch_is_known_by_its_lines_and_dropped_and_added_ones_are_told() -> None:
    new = [raw for raw in series(2) if b"[PATCH v2 3/3]" not in raw]
    new = [raw.replace(b"KVM: arm64: Correct WIDGET_VERSION", b"KVM: arm64: Say it otherwise") for raw in new]
    _, older, newer = versions(series(1), new)
    assert pair(newer.patches[0], older) is older.patches[0]
    assert [mark for mark, _, _ in overview(older, newer)] == ["!", "=", "<"]
    assert [mark for mark, _, _ in overview(newer, older)] == ["!", "=", ">"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that our series apply to."""
    top = tmp_path / "linux"
    for k, name in enumerate(NAMES, 1):
        path = top / f"arch/arm64/include/asm/kvm_widget{k}.h"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"/* {n} */" for n in range(19)] + [f"#define {name}_PAD{n}\t{n}" for n in range(6)]
        path.write_text(
            "\n".join([*lines, f"#define {name}\t1", f"#define {name}_PAD6\t6", f"#define {name}_PAD7\t7", ""])
        )
    for command in (["init", "-q"], ["add", "."], ["-c", "commit.gpgsign=false", "commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-C", str(top), *command], check=True)
    return top


def test_git_makes_it_where_there_is_a_repository(repository: Path) -> None:
    thread, older, newer = versions(series(1), series(2, values=(2, 20, 201)))
    before = subprocess.run(["git", "-C", str(repository), "count-objects"], capture_output=True, check=True).stdout
    lines = git_range_diff(repository, older, newer, thread.by_id)
    assert [line.split()[2] for line in lines if line[:2] in {"1:", "2:", "3:"}] == ["=", "=", "!"]
    assert any(line.strip().startswith("-+#define WIDGET_BASE\t200") for line in lines)
    assert (
        subprocess.run(["git", "-C", str(repository), "count-objects"], capture_output=True, check=True).stdout
        == before
    )
    assert subprocess.run(["git", "-C", str(repository), "status", "-s"], capture_output=True, check=True).stdout == b""


def test_what_does_not_apply_is_said(repository: Path, tmp_path: Path) -> None:
    thread, older, newer = versions(series(1), [raw.replace(b"_PAD5", b"_PAX5") for raw in series(2)])
    with pytest.raises(TreeError, match="git apply failed"):
        git_range_diff(repository, older, newer, thread.by_id)
    with pytest.raises(TreeError):
        git_range_diff(tmp_path, older, newer, thread.by_id)
