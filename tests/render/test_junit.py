# SPDX-License-Identifier: GPL-2.0-or-later
"""JUnit documents: well-formed whatever a mail says, with counts that are right."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from abireview.findings.model import Finding, Result
from abireview.render import Style, get_format


def parsed(*results: Result) -> ET.Element:
    text = get_format("junit").render(results, Style())
    return ET.fromstring(text.encode("utf-8"))


def test_a_case_a_finding_and_one_for_each_silent_patch(result: Result) -> None:
    root = parsed(result)
    (suite,) = root
    cases = [
        (case.get("classname"), case.get("name"), [child.tag for child in case]) for case in suite.iter("testcase")
    ]
    assert cases[:3] == [
        ("1/3 [PATCH v2 1/3] step 1", "nothing found", []),
        ("2/3 [PATCH v2 2/3] step 2", "example-latest-bumped include/example.h:42", ["failure"]),
        ("3/3 [PATCH v2 3/3] step 3", "example-function-added arch/example/calls.c:7", ["system-out"]),
    ]
    assert [case[2] for case in cases[3:]] == [["error"], ["error"]]
    for element in (root, suite):
        counts = [element.get(name) for name in ("tests", "failures", "errors", "skipped")]
        assert counts == ["5", "1", "2", "0"]
    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "The default version goes from 1 to 2."
    assert "+#define EXAMPLE_LATEST\t2" in (failure.text or "")


def test_suites_add_up(result: Result, silent: Result) -> None:
    root = parsed(result, silent)
    assert root.get("tests") == str(sum(int(suite.get("tests", "")) for suite in root)) == "8"


@pytest.mark.parametrize("state", ["answered", "suppressed"])
def test_what_is_settled_is_skipped_with_the_reason(state: Any, result: Result, flag: Finding) -> None:
    settled = msgspec.structs.replace(flag, state=state, reason="forbidden by the architecture")
    root = parsed(msgspec.structs.replace(result, findings=(settled,), skipped=()))
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == f"{state}: forbidden by the architecture"
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")


def test_a_finding_outside_the_patches_is_a_case(result: Result, flag: Finding) -> None:
    other = msgspec.structs.replace(flag, patch="elsewhere@example.org")
    (failed,) = [
        c
        for c in parsed(msgspec.structs.replace(result, findings=(other,))).iter("testcase")
        if len(c) and c[0].tag == "failure"
    ]
    assert failed.get("classname") == "series"


EVERY = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0x2028, 0x202E, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF]))


@pytest.mark.parametrize("text", [EVERY, "]]><x/>", "<![CDATA[", "&#0;&amp;", "\"'<>&"])
def test_the_document_is_well_formed_whatever_the_mail_says(text: str, result: Result, flag: Finding) -> None:
    hostile = msgspec.structs.replace(flag, message=text, question=text, file=text, evidence=(f"+{text}",), rule=text)
    series = msgspec.structs.replace(result.series, subject=text, id=text)
    root = parsed(msgspec.structs.replace(result, series=series, findings=(hostile,), failed=(text,)))
    assert len(list(root.iter("failure"))) == 1
    words = "".join(root.itertext()) + "".join(value for one in root.iter() for value in one.attrib.values())
    assert not [character for character in words if character < " " and character not in "\t\n"]
