# SPDX-License-Identifier: GPL-2.0-or-later
"""A check with one rule, so that the bot's tests do not move when the project's rules do.

A ``#define`` whose value changes is a flag, one that is added or removed a note.
"""

from __future__ import annotations

import re

from abireview.findings.fingerprint import fingerprint
from abireview.findings.model import Finding, PatchInfo, Result, SeriesInfo, SkippedInfo, ToolInfo
from abireview.mail.model import Patch, Series
from abireview.source.model import FileDiff

RULES = "0123456789ab"
_DEFINE = re.compile(r"#define\s+(\w+)\s+(.+)")


def check(series: Series) -> Result:
    """As ``abireview.check.check``."""
    findings = [one for patch in series.patches for file in patch.files for one in _of_file(patch, file)]
    skipped = [SkippedInfo(one.patch, one.file, one.why) for patch in series.patches for one in patch.skipped]
    return Result(
        tool=ToolInfo("0.1.0", RULES),
        series=SeriesInfo(
            id=series.id,
            subject=series.subject,
            version=series.version,
            sender=str(series.author),
            kernel=series.kernel,
            patches=tuple(PatchInfo(one.msgid, one.n, one.subject) for one in series.patches),
            base=series.base_commit,
            tree=False,
            date=series.date,
            expected=series.expected,
            missing=series.missing,
            rfc=series.rfc,
        ),
        findings=tuple(findings),
        skipped=tuple(skipped),
    )


def _of_file(patch: Patch, file: FileDiff) -> list[Finding]:
    sides: dict[str, dict[str, tuple[str, int]]] = {"-": {}, "+": {}}
    for hunk in file.hunks:
        for line in hunk.lines:
            match = _DEFINE.fullmatch(line.text.strip())
            if match and line.kind in sides:
                sides[line.kind][match[1]] = (line.text, line.new_no or line.old_no or 0)
    found = []
    for name in sorted({*sides["-"], *sides["+"]}):
        old, new = sides["-"].get(name), sides["+"].get(name)
        evidence = tuple(f"{mark}{side[0]}" for mark, side in (("-", old), ("+", new)) if side)
        found.append(_finding(patch, file.path, name, evidence, (new or old or ("", 0))[1], flag=bool(old and new)))
    return found


def _finding(patch: Patch, path: str, name: str, evidence: tuple[str, ...], line: int, *, flag: bool) -> Finding:
    rule = "define-changed" if flag else "define-comes-or-goes"
    return Finding(
        rule=rule,
        level="flag" if flag else "note",
        klass="needs-opt-out",
        severity="high",
        confidence="high",
        surface="other",
        arch="arm64",
        visible_to=("guest", "vmm"),
        direction=("forward", "rollback"),
        patch=patch.msgid,
        file=path,
        line=line,
        symbol=name,
        evidence=evidence,
        message=f"{name} changes",
        question=f"A guest that was started on the old kernel finds another {name}. Can userspace keep the old one?",
        knob=None,
        fingerprint=fingerprint(rule, path, name, evidence),
        n=patch.n,
        m=patch.m,
    )
