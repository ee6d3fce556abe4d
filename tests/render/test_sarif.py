# SPDX-License-Identifier: GPL-2.0-or-later
"""SARIF logs: valid, complete, with suppressions and their justification."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from abireview.findings.model import Finding, Result
from abireview.render import Style, get_format
from tests.render import sarifschema


def log_of(*results: Result) -> dict[str, Any]:
    text = get_format("sarif").render(results, Style())
    assert text.endswith("}\n")
    log: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(sarifschema.LOG).validate(log)
    official = os.environ.get("ABIREVIEW_SARIF_SCHEMA")
    if official:
        schema = json.loads(Path(official).read_text(encoding="utf-8"))
        jsonschema.validators.validator_for(schema)(schema).validate(log)
    return log


def run_of(*results: Result) -> dict[str, Any]:
    (run,) = log_of(*results)["runs"]
    return dict(run)


def test_our_schema_refuses_what_the_standard_does_not_have(result: Result) -> None:
    log = log_of(result)
    for place, value in (("version", "2.0"), ("extra", 1), ("runs", [{}])):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(sarifschema.LOG).validate(log | {place: value})


def test_a_run_a_series_and_a_result_a_finding(result: Result, silent: Result) -> None:
    runs = log_of(result, silent)["runs"]
    assert [len(run["results"]) for run in runs] == [2, 0]
    assert runs[0]["automationDetails"]["id"] == "abireview/cover@example.org"


def test_what_a_result_says(result: Result) -> None:
    run = run_of(result)
    flag, note = run["results"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(rules)
    assert rules[flag["ruleIndex"]] == flag["ruleId"] == "example-latest-bumped"
    assert (flag["level"], note["level"]) == ("warning", "note")
    assert flag["message"]["text"] == "The default version goes from 1 to 2. Can userspace still ask for version 1?"
    assert "Way back: a per-VM version." in note["message"]["text"]
    place = flag["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "include/example.h", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 42}
    assert flag["partialFingerprints"] == {"abireview/v1": "0123456789ab"}
    assert flag["properties"]["patch"] == "p2@example.org"


def test_a_severe_and_sure_flag_is_an_error(result: Result, flag: Finding) -> None:
    sure = msgspec.structs.replace(flag, severity="high", confidence="high")
    assert run_of(msgspec.structs.replace(result, findings=(sure,)))["results"][0]["level"] == "error"


@pytest.mark.parametrize("state", ["answered", "suppressed"])
def test_what_is_settled_is_suppressed_with_its_justification(state: Any, result: Result, flag: Finding) -> None:
    settled = msgspec.structs.replace(flag, state=state, reason="the architecture forbids it (DDI 0487)")
    bare = msgspec.structs.replace(flag, state=state, reason="")
    found = run_of(msgspec.structs.replace(result, findings=(settled, bare, flag)))["results"]
    assert found[0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "the architecture forbids it (DDI 0487)"}
    ]
    assert found[1]["suppressions"][0]["justification"]
    assert found[2]["suppressions"] == []


def test_a_carried_finding_is_unchanged(result: Result, flag: Finding) -> None:
    carried = msgspec.structs.replace(flag, state="carried")
    assert run_of(msgspec.structs.replace(result, findings=(carried,)))["results"][0]["baselineState"] == "unchanged"


def test_what_was_not_checked_is_a_notification(result: Result) -> None:
    broken = msgspec.structs.replace(result, failed=("a rule broke",))
    missing = msgspec.structs.replace(broken, series=msgspec.structs.replace(result.series, missing=(2,)))
    (invocation,) = run_of(missing)["invocations"]
    assert invocation["executionSuccessful"] is False
    texts = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert texts == [
        "patch 2 of 3 is missing", "p1@example.org logo.png: a binary file", "patch 4 is missing",
        "a rule failed: a rule broke",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c.h", "a%20b/c.h"),
        ("é.c", "%C3%A9.c"),
        ("a?b#c", "a%3Fb%23c"),
        ("\x1b.c", "%E2%90%9B.c"),
        ("a:b", "a%3Ab"),
    ],
)
def test_paths_are_uris(path: str, uri: str, result: Result, flag: Finding) -> None:
    odd = msgspec.structs.replace(flag, file=path)
    (found,) = run_of(msgspec.structs.replace(result, findings=(odd,)))["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize(
    "changes", [{"file": ""}, {"line": 0}, {"file": "", "symbol": ""}, {"evidence": ()}, {"message": ""}]
)
def test_findings_that_lack_something_are_valid(changes: dict[str, Any], result: Result, flag: Finding) -> None:
    run_of(msgspec.structs.replace(result, findings=(msgspec.structs.replace(flag, **changes),)))


def test_placeholders_and_links_are_text(result: Result, flag: Finding) -> None:
    odd = msgspec.structs.replace(flag, message="a{0} [b](c)", question="")
    (found,) = run_of(msgspec.structs.replace(result, findings=(odd,)))["results"]
    assert found["message"]["text"] == r"a{{0}} \[b\](c)"


def test_other_programs_read_it() -> None:
    assert get_format("sarif").exit_zero
    assert not get_format("sarif").one
