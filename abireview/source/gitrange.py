# SPDX-License-Identifier: GPL-2.0-or-later
"""A range of commits of a git repository as a series: each commit a patch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from abireview.errors import LimitError, NoPatchesError
from abireview.limits import MAX_RANGE_COMMITS
from abireview.mail.commit import read_commit
from abireview.mail.kind import KERNEL, Projects, classify
from abireview.mail.model import Patch, Person, Series
from abireview.source.diff import parse_diff
from abireview.source.model import FileDiff, Skipped
from abireview.source.tree import is_repository, open_repository, resolve


def series_from_range(repo: Path, a: str, b: str, *, projects: Projects | None = None) -> Series:
    """The commits of ``a..b`` (reachable from ``b`` and not from ``a``) in ``repo`` as one series, oldest first.

    ``Patch.msgid`` is the full commit id, ``Series.id`` is ``<id of a>..<id of b>``, ``base_commit`` the commit that
    the first patch stands on. Merges are left out, with a note. Renames are found as git does by default. Without
    ``projects`` the repository is taken for a kernel's. Raises NotFoundError for an unknown revision, TreeError for
    what is no repository, NoPatchesError for an empty range and LimitError for one of more than MAX_RANGE_COMMITS.
    """
    place = repo.expanduser()
    if not is_repository(place):
        place = next((parent for parent in place.absolute().parents if is_repository(parent)), place)
    repository = open_repository(place)
    first, last = resolve(repository, a), resolve(repository, b)
    commits, merges = _commits(repository, first, last)
    if not commits:
        raise NoPatchesError(f"there are no commits in {a}..{b}", hint="is it the right way round? older..newer")
    patches = tuple(_patch(repository, commit, n, len(commits)) for n, commit in enumerate(commits, 1))
    newest = commits[-1]
    subject = patches[-1].subject if len(patches) == 1 else f"{a}..{b}"
    kind = classify((), [file.path for patch in patches for file in patch.files], projects) if projects else KERNEL
    return Series(
        id=f"{first.id}..{last.id}",
        subject=subject,
        version=1,
        version_text="",
        author=_person(newest.author),
        date=int(newest.author.time),
        kernel=kind == KERNEL,
        kind=kind,
        cover=None,
        patches=patches,
        expected=len(patches),
        base_commit=str(commits[0].parents[0].id) if commits[0].parents else None,
        notes=(f"{merges} merge commit{'s' * (merges != 1)} left out",) if merges else (),
    )


def _commits(repository: Any, first: Any, last: Any) -> tuple[list[Any], int]:
    """The commits without merges, oldest first, and how many merges there are."""
    import pygit2

    walk = repository.walk(last.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
    walk.hide(first.id)
    commits: list[Any] = []
    merges = 0
    for commit in walk:
        if len(commit.parents) > 1:
            merges += 1
        else:
            commits.append(commit)
        if len(commits) > MAX_RANGE_COMMITS:
            raise LimitError(
                f"the range has more than {MAX_RANGE_COMMITS} commits", hint="compare two trees, or a shorter range"
            )
    return commits, merges


def _patch(repository: Any, commit: Any, n: int, m: int) -> Patch:
    subject, _, body = commit.message.lstrip("\n").partition("\n\n")
    message = read_commit(body)
    files, skipped = _diff(repository, commit)
    return Patch(
        msgid=str(commit.id),
        n=n,
        m=m,
        subject=" ".join(subject.split()),
        log=message.log,
        trailers=message.trailers,
        files=files,
        skipped=skipped,
        author=_person(commit.author),
        date=int(commit.author.time),
    )


def _diff(repository: Any, commit: Any) -> tuple[tuple[FileDiff, ...], tuple[Skipped, ...]]:
    """The commit's diff against its parent, through the same reader as a mail's."""
    import pygit2

    if commit.parents:
        diff = repository.diff(commit.parents[0].tree, commit.tree, context_lines=3)
    else:
        diff = commit.tree.diff_to_tree(swap=True, context_lines=3)
    diff.find_similar(pygit2.enums.DiffFind.FIND_RENAMES)
    files, skipped = parse_diff(diff.patch or "", str(commit.id))
    return tuple(_unmailed(file) for file in files), skipped


def _unmailed(file: FileDiff) -> FileDiff:
    """``file`` without line numbers of a mail."""
    replace = msgspec.structs.replace
    hunks = [replace(hunk, lines=tuple([replace(line, at=0) for line in hunk.lines])) for hunk in file.hunks]
    return replace(file, hunks=tuple(hunks))


def _person(signature: Any) -> Person:
    return Person(signature.name, signature.email)
