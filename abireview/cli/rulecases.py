# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of a rule: ``<rule>/{hit,near-miss,known-miss}/*.{patch,mbox}``, and what the rule says about each.

A ``.mbox`` is a thread, a ``.patch`` one mail of which only the Subject is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from abireview.check import check
from abireview.mail.decode import decode
from abireview.mail.kind import load_projects
from abireview.mail.mbox import split_mbox
from abireview.mail.model import Series
from abireview.mail.series import assemble, pick
from abireview.rules.load import RuleSet
from abireview.rules.schema import Rule

HIT, NEAR_MISS, KNOWN_MISS = KINDS = ("hit", "near-miss", "known-miss")
FILLED_IN = (
    (b"from:", b"From: A Developer <dev@example.org>\n"),
    (b"date:", b"Date: Mon, 5 Jan 2026 10:00:00 +0000\n"),
)


class Outcome(msgspec.Struct, frozen=True):
    """What the rule said about one case: ``said`` are its findings, ``right`` whether that is what the case wants."""

    path: Path
    kind: str
    said: tuple[str, ...]
    right: bool


def run_cases(rule: Rule, rules: RuleSet, directory: Path) -> Iterator[Outcome]:
    """Run every case of ``rule`` under ``directory``/<rule>. Raises MailFormatError for a file that is no mail."""
    for kind in KINDS:
        for path in sorted((directory / rule.id / kind).glob("*")):
            if path.suffix not in (".mbox", ".patch"):
                continue
            found = [one for one in check(read_case(path, rules.projects), rules).findings if one.rule == rule.id]
            firm = [one for one in found if one.level == rule.level]
            loud = [one for one in found if one.level == "flag" or rule.level == "note"]
            right = bool(firm) if kind == HIT else not loud
            said = tuple(f"{one.level} {one.file}:{one.line}: {one.message}" for one in found)
            yield Outcome(path, kind, said, right)


def read_case(path: Path, projects: bytes) -> Series:
    """The series that a case's file holds; ``projects`` is the rules' lists/projects.toml. Raises MailFormatError."""
    data = path.read_bytes()
    mails = split_mbox(data) if path.suffix == ".mbox" else [_filled_in(data, path)]
    return pick(assemble([decode(mail) for mail in mails], load_projects(projects)), None, None)


def _filled_in(data: bytes, path: Path) -> bytes:
    head = b"\n" + data.split(b"\n\n", 1)[0].lower()
    named = (*FILLED_IN, (b"message-id:", f"Message-ID: <{path.stem}@case.example.org>\n".encode("ascii", "replace")))
    return b"".join(line for name, line in named if b"\n" + name not in head) + data
