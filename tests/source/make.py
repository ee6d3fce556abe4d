# SPDX-License-Identifier: GPL-2.0-or-later
"""Small diffs, repositories and series for the tests of abireview.source."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from abireview.mail.model import Patch, Person, Series
from abireview.source.diff import parse_diff
from abireview.source.model import FileDiff, Fragment
from abireview.source.scope import fragments

NOBODY = Person("A. Nonymous", "a@example.org")

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A. Nonymous",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A. Nonymous",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(place: Path, *arguments: str, check: bool = True) -> str:
    """What git prints when run in ``place`` with no configuration but the repository's."""
    done = subprocess.run(
        ["git", *arguments], cwd=place, env=ENVIRONMENT, check=check, capture_output=True, text=True, errors="replace"
    )
    return done.stdout


def write(place: Path, files: dict[str, str]) -> None:
    """Write ``files`` below ``place``."""
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def commit(place: Path, files: dict[str, str], message: str = "a change") -> str:
    """Commit ``files`` (all there are) in ``place``; the commit's id."""
    if not (place / ".git").exists():
        place.mkdir(parents=True, exist_ok=True)
        git(place, "init", "-q")
    else:
        git(place, "rm", "-rqf", "--ignore-unmatch", ".")
    write(place, files)
    git(place, "add", "-A")
    git(place, "commit", "-q", "--allow-empty", "-m", message)
    return git(place, "rev-parse", "HEAD").strip()


def git_diff(place: Path, old: str | None, new: str | None, name: str = "f.c", context: int = 3) -> str:
    """git's diff of one file's two texts (None: the file does not exist), with funcname rules for C."""
    place.mkdir(parents=True, exist_ok=True)
    if not (place / ".git").exists():
        git(place, "init", "-q")
        write(place, {".gitattributes": "*.c diff=cpp\n*.h diff=cpp\n"})
    path = place / name
    path.unlink(missing_ok=True)
    git(place, "rm", "-q", "--cached", "--ignore-unmatch", name)
    if old is not None:
        write(place, {name: old})
        git(place, "add", name)
    if new is None:
        path.unlink()
    else:
        write(place, {name: new})
    if old is None:
        git(place, "add", "-N", name)
    return git(place, "diff", f"-U{context}", "--", name)


def patch(files: Sequence[FileDiff], n: int = 1, m: int = 1) -> Patch:
    """A patch with ``files``."""
    return Patch(f"{n}@example.org", n, m, f"patch {n}", "", (), tuple(files), (), NOBODY)


def series(*patches: Sequence[FileDiff], base: str | None = None) -> Series:
    """A series of patches, each given by its files."""
    made = tuple(patch(files, n, len(patches)) for n, files in enumerate(patches, 1))
    return Series(
        "0@example.org", "a series", 1, "", NOBODY, None, True, "kernel", None, made, len(made), base_commit=base
    )


def files_of(diff: str) -> tuple[FileDiff, ...]:
    """The files of a diff that has no fault."""
    files, skipped = parse_diff(diff, "m@example.org")
    assert not skipped
    return files


def fragments_of(diff: str) -> list[Fragment]:
    """The fragments of a faultless diff, made without a tree."""
    return fragments(files_of(diff), 0)


def hunk(section: str, body: str, name: str = "a.c", at: int = 100) -> str:
    """A diff of one hunk at line ``at`` whose header is counted from ``body`` (lines with their markers)."""
    lines = body.strip("\n").split("\n")
    old = sum(line[:1] != "+" for line in lines)
    new = sum(line[:1] != "-" for line in lines)
    head = f"diff --git a/{name} b/{name}\nindex 1111111..2222222 100644\n--- a/{name}\n+++ b/{name}\n"
    return f"{head}@@ -{at},{old} +{at},{new} @@ {section}\n" + "\n".join(lines) + "\n"
