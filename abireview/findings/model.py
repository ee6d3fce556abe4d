# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings and the result document: the JSON contract of DESIGN.md section 3.

Fields may be added, none may change its meaning; ``schema`` is raised if one has to.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1

Level = Literal["flag", "note"]
Grade = Literal["high", "medium", "low"]
State = Literal["new", "carried", "answered", "suppressed"]
FindingClass = Literal["needs-opt-out", "needs-revision", "arch-fix?", "uapi", "save-restore", "documentation", "test"]
Direction = Literal["boot", "forward", "rollback", "host"]
Observer = Literal["guest", "vmm"]


class KnobFound(msgspec.Struct, frozen=True, gc=False):
    """The way back that was found: which knob, its kind, and the lines that show it."""

    id: str
    kind: str
    what: str
    evidence: tuple[str, ...] = ()
    patch: str = ""
    file: str = ""


class KnobSought(msgspec.Struct, frozen=True, gc=False):
    """A knob that was looked for: what it would be, where it was looked for, whether it was there."""

    id: str
    what: str
    where: str
    found: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One question to the series. ``line`` counts from 1 in the file (new side, old side for a removed line).

    ``at`` is the line in the decoded body of the patch mail (0 if unknown); ``before``/``after`` are the facts
    compared.
    """

    rule: str
    level: Level
    klass: FindingClass = msgspec.field(name="class")
    severity: Grade
    confidence: Grade
    surface: str
    arch: str
    visible_to: tuple[Observer, ...]
    direction: tuple[Direction, ...]
    patch: str
    file: str
    line: int
    symbol: str
    evidence: tuple[str, ...]
    message: str
    question: str
    knob: KnobFound | None
    fingerprint: str
    state: State = "new"
    n: int = 1
    m: int = 1
    at: int = 0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sought: tuple[KnobSought, ...] = ()
    gates: tuple[str, ...] = ()
    reason: str = ""
    partial: bool = False


class ToolInfo(msgspec.Struct, frozen=True, gc=False):
    """Who checked: the version, and the hash of the rule set."""

    version: str
    rules: str


class PatchInfo(msgspec.Struct, frozen=True, gc=False):
    """A patch as the result names it."""

    msgid: str
    n: int
    subject: str


class SeriesInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The series as the result names it (``sender`` is the JSON field ``from``)."""

    id: str
    subject: str
    version: int
    sender: str = msgspec.field(name="from")
    kernel: bool
    patches: tuple[PatchInfo, ...]
    base: str | None
    tree: bool
    date: int | None = None
    kind: str = "kernel"
    expected: int = 0
    missing: tuple[int, ...] = ()
    rfc: bool = False
    notes: tuple[str, ...] = ()


class SkippedInfo(msgspec.Struct, frozen=True, gc=False):
    """Something that was not checked, and why."""

    patch: str
    file: str
    why: str


class Result(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One checked series: the document that every format renders.

    ``failed`` names the rules that raised while they ran, each with a sentence on why: the others still reported.
    """

    schema: int = SCHEMA
    tool: ToolInfo
    series: SeriesInfo
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedInfo, ...] = ()
    failed: tuple[str, ...] = ()


def encode(result: Result) -> bytes:
    """The result as one line of JSON (UTF-8, no newline), always the same bytes for the same result."""
    return msgspec.json.encode(result)
