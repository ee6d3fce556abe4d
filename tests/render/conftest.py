# SPDX-License-Identifier: GPL-2.0-or-later
"""Results made by hand: what the renderers are given."""

from __future__ import annotations

import pytest

from abireview.findings.model import (
    Finding,
    KnobFound,
    KnobSought,
    PatchInfo,
    Result,
    SeriesInfo,
    SkippedInfo,
    ToolInfo,
)

SERIES = SeriesInfo(
    id="cover@example.org",
    subject="[PATCH v2 0/3] KVM: example: newer things",
    version=2,
    sender="A Developer <dev@example.org>",
    kernel=True,
    patches=tuple(PatchInfo(f"p{n}@example.org", n, f"[PATCH v2 {n}/3] step {n}") for n in (1, 2, 3)),
    base=None,
    tree=False,
    expected=3,
)

FLAG = Finding(
    rule="example-latest-bumped",
    level="flag",
    klass="needs-opt-out",
    severity="high",
    confidence="medium",
    surface="psci",
    arch="arm64",
    visible_to=("guest", "vmm"),
    direction=("boot", "rollback"),
    patch="p2@example.org",
    file="include/example.h",
    line=42,
    symbol="EXAMPLE_LATEST",
    evidence=("-#define EXAMPLE_LATEST\t1", "+#define EXAMPLE_LATEST\t2"),
    message="The default version goes from 1 to 2.",
    question="Can userspace still ask for version 1?",
    knob=None,
    fingerprint="0123456789ab",
    n=2,
    m=3,
    sought=(KnobSought("example-pin", "a register that selects the version", "the whole series", False),),
    partial=True,
)

NOTE = Finding(
    rule="example-function-added",
    level="note",
    klass="needs-opt-out",
    severity="low",
    confidence="high",
    surface="psci",
    arch="arm64",
    visible_to=("guest",),
    direction=("boot",),
    patch="p3@example.org",
    file="arch/example/calls.c",
    line=7,
    symbol="example_call",
    evidence=("+\tcase EXAMPLE_NEW:",),
    message="Function EXAMPLE_NEW is answered.",
    question="",
    knob=KnobFound("example-gate", "OPT_IN", "a per-VM version", ("+\tif (example_version(vcpu) < 2)",), file="a.c"),
    fingerprint="ba9876543210",
    n=3,
    m=3,
)


@pytest.fixture
def flag() -> Finding:
    return FLAG


@pytest.fixture
def result() -> Result:
    return Result(
        tool=ToolInfo("0.1.0", "abcdef012345"),
        series=SERIES,
        findings=(FLAG, NOTE),
        skipped=(SkippedInfo("p1@example.org", "logo.png", "a binary file"), SkippedInfo("", "", "patch 4 is missing")),
    )


@pytest.fixture
def silent() -> Result:
    return Result(tool=ToolInfo("0.1.0", "abcdef012345"), series=SERIES, findings=())
