# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading the cases of rules: ``<rule-id>/{hit,near-miss,known-miss}/<name>.mbox`` (or ``.patch``, one patch).

A ``.patch`` file is a mail with at least ``Subject:``; what is missing of the other headers is filled in. A known-miss
says in an ``X-Why:`` header why it cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from abireview.mail.decode import decode
from abireview.mail.kind import load_projects
from abireview.mail.mbox import split_mbox
from abireview.mail.model import Series
from abireview.mail.series import assemble, pick
from abireview.rules.load import default_dir

HERE = Path(__file__).parent
KINDS = ("hit", "near-miss", "known-miss")


class Case(NamedTuple):
    """One case: the rule it is for, what it must do, its file."""

    rule: str
    kind: str
    path: Path

    @property
    def name(self) -> str:
        """``rule/kind/name``, as the snapshot and the test ids have it."""
        return f"{self.rule}/{self.kind}/{self.path.stem}"


def cases() -> Iterator[Case]:
    """All cases, sorted by name."""
    for path in sorted([*HERE.glob("*/*/*.mbox"), *HERE.glob("*/*/*.patch")]):
        yield Case(path.parent.parent.name, path.parent.name, path)


def series_of(case: Case) -> Series:
    """The series that a case's file holds."""
    data = case.path.read_bytes()
    raws = split_mbox(data) if case.path.suffix == ".mbox" else [_complete(data, case)]
    thread = assemble(
        [decode(raw) for raw in raws], load_projects((default_dir() / "lists/projects.toml").read_bytes())
    )
    return pick(thread, None, None)


def _complete(data: bytes, case: Case) -> bytes:
    head = data.split(b"\n\n", 1)[0].lower()
    extra = b""
    if b"message-id:" not in head:
        extra += f"Message-ID: <{case.rule}.{case.kind}.{case.path.stem}@example.org>\n".encode()
    if b"from:" not in head:
        extra += b"From: A Developer <dev@example.org>\n"
    if b"date:" not in head:
        extra += b"Date: Mon, 5 Jan 2026 10:00:00 +0000\n"
    return extra + data
