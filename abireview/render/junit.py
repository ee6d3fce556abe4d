# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit XML as CI servers read it: a suite a series, a case a flag or note, and one for each patch without any.

A flag is a failure, a settled finding is skipped with its reason, what could not be checked is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from abireview.findings.model import Finding, Result
from abireview.render import Style
from abireview.render._unchecked import unchecked
from abireview.safetext import safe

# XML 1.0 section 2.2: characters that cannot stand in a document, not even as references
_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: Iterable[Result], style: Style) -> str:
    """The document of all results, with a newline at the end."""
    root = ET.Element("testsuites", {"name": "abireview"})
    for result in results:
        root.append(_suite(result))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(result: Result) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _line(result.series.subject) or _line(result.series.id)})
    properties = ET.SubElement(suite, "properties")
    for name, value in (("series", result.series.id), ("rules", result.tool.rules), ("version", result.tool.version)):
        ET.SubElement(properties, "property", {"name": name, "value": _line(value)})
    for patch in result.series.patches:
        mine = [finding for finding in result.findings if finding.patch == patch.msgid]
        name = f"{patch.n}/{result.series.expected or len(result.series.patches)} {patch.subject}"
        for finding in mine:
            suite.append(_finding(finding, name))
        if not mine:
            ET.SubElement(suite, "testcase", {"classname": _line(name), "name": "nothing found"})
    others = {patch.msgid for patch in result.series.patches}
    for finding in result.findings:
        if finding.patch not in others:
            suite.append(_finding(finding, "series"))
    _errors(suite, result)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    return suite


def _finding(finding: Finding, patch: str) -> ET.Element:
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
    case = ET.Element("testcase", {"classname": _line(patch), "name": _line(f"{finding.rule} {where}")})
    case.set("file", _line(finding.file))
    if finding.line:
        case.set("line", str(finding.line))
    text = _text("\n".join((finding.message, *finding.evidence, finding.question)))
    if finding.state in ("answered", "suppressed"):
        ET.SubElement(case, "skipped", {"message": _line(f"{finding.state}: {finding.reason}".rstrip(": "))})
    elif finding.level == "flag":
        failure = ET.SubElement(case, "failure", {"type": _line(finding.rule), "message": _line(finding.message)})
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = text
    return case


def _errors(suite: ET.Element, result: Result) -> None:
    for place, why in unchecked(result):
        _error(suite, place or "series", "not-checked", why)
    for failed in result.failed:
        _error(suite, "rule", "rule-failed", failed)


def _error(suite: ET.Element, name: str, kind: str, text: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": "not checked", "name": _line(name)})
    ET.SubElement(case, "error", {"type": kind, "message": _line(text)})


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", safe(text))


def _line(text: str) -> str:
    return " ".join(_text(text).split())
