# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF 2.1.0 (OASIS Standard, 27 March 2020): one log, a run for each series.

A flag is a ``warning``, or an ``error`` if it is severe and sure; a note is a ``note``. What was answered or suppressed
stays in the log with its justification. What could not be checked is a notification of the run's invocation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from abireview.findings.model import Finding, Result
from abireview.render import Style
from abireview.render._unchecked import unchecked
from abireview.render.jsonl import escaped
from abireview.safetext import safe

EXIT_ZERO = True

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE = "SRCROOT"

Object = dict[str, Any]


def render(results: Iterable[Result], style: Style) -> str:
    """The log of all results, indented, with a newline at the end."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(result) for result in results]}
    return escaped(json.dumps(log, ensure_ascii=False, indent=1)) + "\n"


def _run(result: Result) -> Object:
    rules = sorted({finding.rule for finding in result.findings})
    return {
        "tool": {
            "driver": {
                "name": "abireview",
                "version": safe(result.tool.version),
                "rules": [_rule(result, name) for name in rules],
                "properties": {"rules": safe(result.tool.rules)},
            }
        },
        "automationDetails": {
            "id": f"abireview/{safe(result.series.id)}",
            "description": {"text": _text(result.series.subject)},
        },
        "originalUriBaseIds": {BASE: {"description": {"text": "The top directory of the kernel tree."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result)],
        "results": [_result(finding, rules.index(finding.rule)) for finding in result.findings],
        "properties": {
            "series": safe(result.series.id),
            "kernel": result.series.kernel,
            "tree": result.series.tree,
            "patches": [{"msgid": safe(p.msgid), "n": p.n, "subject": safe(p.subject)} for p in result.series.patches],
        },
    }  # fmt: skip


def _rule(result: Result, name: str) -> Object:
    first = next(finding for finding in result.findings if finding.rule == name)
    return {
        "id": safe(name),
        "shortDescription": {"text": _text(name.replace("-", " "))},
        "help": {"text": f"abireview explain {safe(name)}"},
        "defaultConfiguration": {"level": "warning" if first.level == "flag" else "note"},
        "properties": {"tags": [first.klass]},
    }


def _result(finding: Finding, index: int) -> Object:
    message = [finding.message, finding.question if not finding.knob else f"Way back: {finding.knob.what}."]
    found: Object = {
        "ruleId": safe(finding.rule),
        "ruleIndex": index,
        "level": _level(finding),
        "message": {"text": _text(" ".join(part for part in message if part))},
        "baselineState": "unchanged" if finding.state == "carried" else "new",
        "partialFingerprints": {"abireview/v1": safe(finding.fingerprint)},
        "suppressions": _suppressions(finding),
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "surface": safe(finding.surface),
            "arch": safe(finding.arch),
            "visible_to": list(finding.visible_to),
            "direction": list(finding.direction),
            "patch": safe(finding.patch),
            "knob": safe(finding.knob.id) if finding.knob else "",
        },
    }
    location = _location(finding)
    if location:
        found["locations"] = [location]
    return found


def _level(finding: Finding) -> str:
    if finding.level == "note":
        return "note"
    return "error" if finding.severity == "high" and finding.confidence == "high" else "warning"


def _location(finding: Finding) -> Object:
    location: Object = {}
    if finding.file:
        place: Object = {"artifactLocation": {"uri": quote(safe(finding.file)), "uriBaseId": BASE}}
        if finding.line > 0:
            place["region"] = {"startLine": finding.line}
            if finding.evidence:
                snippet = "\n".join(safe(line) for line in finding.evidence)
                place["contextRegion"] = {"startLine": finding.line, "snippet": {"text": snippet}}
        location["physicalLocation"] = place
    if finding.symbol:
        location["logicalLocations"] = [{"name": safe(finding.symbol)}]
    return location


def _suppressions(finding: Finding) -> list[Object]:
    """Why the finding counts no more; empty (not absent) for an open one, as section 3.27.23 wants."""
    if finding.state not in ("answered", "suppressed"):
        return []
    justification = _text(finding.reason or f"{finding.state} without a reason")
    return [{"kind": "external", "status": "accepted", "justification": justification}]


def _invocation(result: Result) -> Object:
    notes = [_notification(f"{place}: {why}", "warning") for place, why in unchecked(result)]
    notes += [_notification(f"a rule failed: {one}", "error") for one in result.failed]
    return {"executionSuccessful": not result.failed, "toolExecutionNotifications": notes}


def _notification(text: str, level: str) -> Object:
    return {"level": level, "message": {"text": _text(text.strip(" :"))}}


def _text(text: str) -> str:
    """TEXT as a message's: one line, never empty, without the braces and links that SARIF gives a meaning."""
    flat = " ".join(safe(text).split()) or "-"
    return flat.replace("{", "{{").replace("}", "}}").replace("[", "\\[").replace("]", "\\]")
