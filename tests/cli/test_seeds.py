# SPDX-License-Identifier: GPL-2.0-or-later
"""The discussions this project comes from, checked as a reviewer would check them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run

pytestmark = pytest.mark.corpus


def check(run: Run, mbox: Path, *args: str) -> list[dict[str, object]]:
    done = run("check", str(mbox), "--format", "json", *args)
    assert done.returncode in (0, 1), done.stderr
    findings: list[dict[str, object]] = json.loads(done.stdout)["findings"]
    return findings


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_vgic_revision_is_bumped_and_revision_1_stays_out_of_reach(run: Run, shared: Path, version: str) -> None:
    findings = check(run, shared / "corpus" / "seeds" / "gicr-ctlr-iidr.mbox", "--revision", version)
    (bump,) = [one for one in findings if one["rule"] == "vgic-revision-not-selectable"]
    assert bump["level"] == "flag"
    message = str(bump["message"])
    assert "becomes 3 (before: 2)" in message  # the bump
    assert "may still select 2, 3, not 1;" in message  # what userspace may select, and what not
    assert message.endswith("gated on the revision: GICR_CTLR_IR | GICR_CTLR_CES")  # whether the new bits are gated


@pytest.mark.parametrize("version", ["1", "2", "3", "4", "5", "6"])
def test_the_psci_version_and_its_function_in_every_version(run: Run, shared: Path, version: str) -> None:
    findings = check(run, shared / "corpus" / "seeds" / "psci-system-off2.mbox", "--revision", version)
    (function,) = [one for one in findings if one["rule"] == "psci-function-ungated"]
    assert "SYSTEM_OFF2" in str(function["message"])
    knob = function["knob"]
    assert isinstance(knob, dict)
    assert knob["id"] == ("psci-vm-flag" if version in "12" else "psci-version-gate")
    bumped = [one for one in findings if one["rule"] == "psci-default-version"]
    if version in "12":
        assert not bumped
        assert "the default PSC" in str(function["message"])
    else:
        assert f"goes from 1_1 to {'1_2' if version == '3' else '1_3'}" in str(bumped[0]["message"])
        assert isinstance(bumped[0]["knob"], dict)
        assert bumped[0]["knob"]["id"] == "psci-version-register"


def test_a_discussion_has_no_patches_until_one_is_named(run: Run, shared: Path) -> None:
    mbox = str(shared / "corpus" / "seeds" / "rollback-safe.mbox")
    done = run("check", mbox)
    assert (done.returncode, done.stdout) == (3, "")
    assert "there are no patches among 25 mails" in done.stderr
    assert "20210824213450.1206228-1-oupton@google.com" in done.stderr
    named = run("check", mbox, "--msgid", "20210824213450.1206228-1-oupton@google.com", "--format", "json")
    assert named.returncode == 0
    assert json.loads(named.stdout)["series"]["id"] == "20210824213450.1206228-1-oupton@google.com"


def test_every_series_of_the_corpus_gives_a_result(run: Run, shared: Path) -> None:
    boxes = sorted((shared / "corpus" / "series").glob("*.mbox"))
    done = run("check", *map(str, boxes), "--format", "jsonl", "--exit-zero")
    assert (done.returncode, done.stderr) == (0, "")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(boxes) > 100
    assert not [result["failed"] for result in results if result["failed"]]
    for result in results:
        for finding in result["findings"]:
            shown = (finding["message"], finding["question"], *(knob["what"] for knob in finding["sought"]))
            assert not [text for text in shown if "{" in text and "{" not in "".join(finding["evidence"])]
