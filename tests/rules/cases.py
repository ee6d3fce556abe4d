# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading the cases of rules: ``<rule-id>/{hit,near-miss,known-miss}/<name>.mbox`` (or ``.patch``, one patch).

A ``.patch`` file is a mail with at least ``Subject:``; what is missing of the other headers is filled in. A known-miss
says in an ``X-Why:`` header why it cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from abireview.cli.rulecases import read_case
from abireview.mail.model import Series
from abireview.rules.load import default_dir

HERE = Path(__file__).parent


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
    return read_case(case.path, (default_dir() / "lists/projects.toml").read_bytes())
