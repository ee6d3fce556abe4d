# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings as comments of a b4 review branch: which branch, what it has already, and the files that b4 picks up."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from abireview.errors import NotFoundError, TreeError, UsageError
from abireview.findings.model import Result
from abireview.limits import MAX_B4_TRACKING_BYTES
from abireview.render.b4_review import IDENTITY, drop
from abireview.source.tree import is_repository, open_repository

if TYPE_CHECKING:
    from abireview.rules.load import RuleSet

PREFIX = "refs/heads/b4/review/"
MARKER = "--- b4-review-tracking ---"


class Branch(msgspec.Struct, frozen=True):
    """A review branch: its name, the commit at its tip, and its tracking data."""

    name: str
    tip: str
    tracking: dict[str, Any]

    @property
    def patches(self) -> list[str]:
        """The message-ids of its patches in their order, "" where b4 knows none."""
        listed = self.tracking.get("patches")
        return [_msgid(one) for one in listed] if isinstance(listed, list) else []

    @property
    def comments(self) -> str:
        """Everything reviewers wrote on the branch so far, as one text."""
        return json.dumps(self.tracking.get("patches", []), ensure_ascii=False)


def _msgid(entry: Any) -> str:
    info = entry.get("header-info") if isinstance(entry, dict) else None
    value = info.get("msgid") if isinstance(info, dict) else None
    return value.strip("<> ") if isinstance(value, str) else ""


def branches(top: Path) -> Iterator[Branch]:
    """The review branches of the repository at ``top``, in the order of their names.

    Raises NotFoundError and TreeError.
    """
    if not is_repository(top):
        raise NotFoundError(f"{top} is no git repository", hint="run it in, or name, the top directory of the tree")
    repository = open_repository(top)
    for name in sorted(one for one in repository.references if one.startswith(PREFIX)):
        commit: Any = repository.references[name].peel()
        tracking = _tracking(commit.message)
        if tracking is not None:
            yield Branch(name.removeprefix("refs/heads/"), str(commit.id), tracking)


def _tracking(message: str) -> dict[str, Any] | None:
    _, marker, text = message.partition(MARKER)
    if not marker or len(text) > MAX_B4_TRACKING_BYTES:
        return None
    try:
        found = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("#")))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_drop(result: Result, top: Path) -> str:
    """Leave the comments of ``result`` for the review branch that has its patches; what was done, as one line.

    What the branch has already is not written again. Raises NotFoundError, TreeError, UsageError.
    """
    wanted = {patch.msgid for patch in result.series.patches}
    branch = next((one for one in branches(top) if wanted & {*one.patches} - {""}), None)
    if branch is None:
        raise NotFoundError(
            f"no b4/review branch of {top} has this series", hint=f"'b4 review track {result.series.id}' makes one"
        )
    return _write(result, top, branch)


def _write(result: Result, top: Path, branch: Branch) -> str:
    if not (top / ".git").is_dir():
        raise TreeError(f"{top}/.git is no directory", hint="b4 reads comments in a main work tree only")
    place = top / ".git" / "b4-review" / branch.tip
    if place.is_dir() and _read(place / "identity.txt") != f"{IDENTITY}\n":
        raise UsageError(
            f"another reviewer's comments wait in {place}",
            hint="open the branch in 'b4 review' once, then run it again",
        )
    waiting = "".join(_read(path) for path in sorted(place.glob("[0-9][0-9][0-9][0-9].txt")))
    files = drop(result, branch.patches, branch.comments + waiting)
    if not files:
        return f"{branch.name}: nothing new\n"
    try:
        _replace(place, files, waiting)
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror or error}") from error
    number = sum(name[0].isdigit() for name in files)
    return f"{branch.name}: comments on {number} patch{'es' * (number != 1)}, b4 review shows them\n"


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""


def _replace(place: Path, files: dict[str, str], waiting: str) -> None:
    """Write ``files`` below ``place``, all or none; what waits there already (unread by b4) is kept above them."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".abireview-", dir=place.parent))
    try:
        if waiting:
            shutil.copytree(place, partial, dirs_exist_ok=True)
        for name, text in files.items():
            before = _read(partial / name) if name[0].isdigit() else ""
            (partial / name).write_text(before + text, encoding="utf-8")
        if place.exists():
            shutil.rmtree(place)
        partial.chmod(0o755)
        partial.rename(place)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def annotate_branch(top: Path, rules: RuleSet) -> str:
    """Check the series of the review branch that is checked out and leave its comments; what was done, as one line.

    For ``b4.review-agent-command``. Raises NotFoundError if HEAD is no review branch or its thread is gone.
    """
    from abireview.cli.b4protocol import check_thread, settled, tracking_of

    head = next((one for one in branches(top) if one.tip == _head(top)), None)
    if head is None:
        raise NotFoundError("no b4/review branch is checked out", hint="'git switch b4/review/…', or check the series")
    msgid = next((one for one in head.patches if one), "")
    known = check_thread(msgid, rules, tracking_of(head.tracking))
    if known is None:
        raise NotFoundError(f"b4 keeps no thread of {head.name}", hint=f"abireview check {msgid} --format b4-review")
    return _write(settled(known), top, head)


def _head(top: Path) -> str:
    repository = open_repository(top)
    return "" if repository.head_is_unborn else str(repository.head.target)
