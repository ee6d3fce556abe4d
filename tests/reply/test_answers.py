# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.errors import UsageError
from abireview.findings.answers import Answer, apply_answers, lineage, lineage_keys, make_answer, plain_title
from abireview.findings.carry import compare, history
from abireview.findings.model import Finding, PatchInfo, Result, SeriesInfo, ToolInfo
from abireview.mail.model import Series
from tests.reply.reply_make import AUTHOR, finding

KEYS = lineage_keys(None, "ada@example.org", "[PATCH v2 0/3] Widgets")


def result(*prints: str, version: int = 1, **changes: Any) -> Result:
    info = SeriesInfo(
        id=f"cover-v{version}@example.org",
        subject=f"[PATCH v{version} 0/3] Widgets",
        version=version,
        sender="ada@example.org",
        kernel=True,
        patches=(PatchInfo("p1@example.org", 1, "widget"),),
        base=None,
        tree=False,
    )
    findings = tuple(finding(fingerprint=name * 12, **changes) for name in prints)
    return Result(tool=ToolInfo("0.1", "0"), series=info, findings=findings)


def states(checked: Result) -> dict[str, str]:
    return {item.fingerprint[0]: item.state for item in checked.findings}


def answer(name: str, kind: str = "false-positive", **changes: Any) -> Answer:
    return make_answer(name * 12, KEYS, kind, "because", **changes)


def test_without_answers_all_is_new() -> None:
    assert states(apply_answers(result("a", "b"), [])) == {"a": "new", "b": "new"}


def test_what_an_earlier_version_had_is_carried() -> None:
    assert states(apply_answers(result("a", "b", version=2), [], [result("a", "c")])) == {"a": "carried", "b": "new"}


@pytest.mark.parametrize("kind", ["knob", "arch-fix", "false-positive"])
def test_an_answer_settles_the_finding_in_later_versions_too(kind: str) -> None:
    checked = apply_answers(result("a", "b", version=2), [answer("a", kind)], [result("a", "b")], lineage=KEYS)
    assert states(checked) == {"a": "answered", "b": "carried"}
    assert checked.findings[0].reason == f"{kind}: because"


def test_a_suppression_holds_until_it_expires() -> None:
    quiet = answer("a", "suppress", until=1000)
    assert states(apply_answers(result("a"), [quiet], now=999)) == {"a": "suppressed"}
    assert states(apply_answers(result("a"), [quiet], now=1000)) == {"a": "new"}
    assert states(apply_answers(result("a"), [answer("a", "suppress")], now=10**12)) == {"a": "suppressed"}


def test_answers_of_another_series_do_not_count() -> None:
    other = lineage_keys(None, "bob@example.org", "[PATCH v2 0/3] Widgets")
    assert states(apply_answers(result("a"), [answer("a")], lineage=other)) == {"a": "new"}


def test_the_latest_answer_counts() -> None:
    both = [answer("a", "suppress", when=20), answer("a", "knob", when=10)]
    assert apply_answers(result("a"), both).findings[0].state == "suppressed"


def test_a_state_that_the_check_gave_stays() -> None:
    checked = apply_answers(result("a", state="suppressed", reason="in a file"), [], [result("a")])
    assert (checked.findings[0].state, checked.findings[0].reason) == ("suppressed", "in a file")


def test_applying_twice_changes_nothing() -> None:
    once = apply_answers(result("a", "b", "c"), [answer("a")], [result("b")])
    assert apply_answers(once, [answer("a")], [result("b")]) == once


@pytest.mark.parametrize(
    ("kind", "text", "changes"),
    [
        ("knob", "  \n ", {}),
        ("wont-fix", "x", {}),
        ("knob", "x" * 1001, {}),
        ("knob", "x", {"until": 5}),
    ],
)
def test_an_answer_without_its_ground_is_refused(kind: str, text: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        make_answer("a" * 12, KEYS, kind, text, **changes)


def test_a_fingerprint_is_12_hex() -> None:
    with pytest.raises(UsageError, match="no fingerprint"):
        make_answer("../etc", KEYS, "knob", "x")


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("[PATCH v3 0/12] KVM: Widgets", "kvm: widgets"),
        ("Re: [RFC v2] [PATCH 1/2]  KVM:\n Widgets", "kvm: widgets"),
        ("AW: Fwd: [kvm-unit-tests PATCH] x [y] z", "x [y] z"),
        ("[PATCH]", ""),
        ("", ""),
    ],
)
def test_titles_are_compared_without_tags(subject: str, title: str) -> None:
    assert plain_title(subject) == title


def series(**changes: Any) -> Series:
    values: dict[str, Any] = {
        "id": "c@example.org",
        "subject": "[PATCH v2 0/3] Widgets",
        "version": 2,
        "version_text": "v2",
        "author": AUTHOR,
        "date": 0,
        "kernel": True,
        "kind": "kernel",
        "cover": None,
        "patches": (),
        "expected": 3,
    }
    return Series(**{**values, **changes})


def test_versions_know_each_other_by_change_id_or_by_author_and_title() -> None:
    first = lineage(series(subject="[PATCH 0/2] Widgets", change_id=None))
    second = lineage(series(change_id="20240101-widgets-abc"))
    third = lineage(series(subject="[PATCH v3 0/4] Widgets, renamed", change_id="20240101-widgets-abc"))
    assert set(first) & set(second)
    assert set(second) & set(third)
    assert not set(first) & set(third)
    assert lineage(series(subject="", change_id=None)) == ()


def test_comparison_partitions_the_findings() -> None:
    newer = apply_answers(result("a", "b", "c", version=3), [answer("c")], [result("b", "d", version=2)])
    seen = compare(result("b", "d", version=2), newer)

    def names(findings: tuple[Finding, ...]) -> str:
        return "".join(item.fingerprint[0] for item in findings)

    assert (names(seen.new), names(seen.carried), names(seen.gone), names(seen.settled)) == ("a", "b", "d", "c")
    assert (seen.older, seen.newer) == (2, 3)


def test_history_is_in_the_order_of_versions() -> None:
    steps = history([result("a", "b", version=3), result("a", version=1), result("b", version=2)])
    assert [(step.older, step.newer) for step in steps] == [(0, 1), (1, 2), (2, 3)]
    assert [len(step.gone) for step in steps] == [0, 1, 0]
    assert history([]) == []


names = st.lists(st.sampled_from("abcdef"), max_size=6, unique=True)


@given(names, names, names, names)
def test_every_finding_has_exactly_one_state(
    now: list[str], before: list[str], yes: list[str], quiet: list[str]
) -> None:
    given_answers = [answer(name) for name in yes] + [answer(name, "suppress", when=1) for name in quiet]
    checked = apply_answers(result(*now, version=2), given_answers, [result(*before)])
    for item in checked.findings:
        name = item.fingerprint[0]
        expected = (
            "suppressed" if name in quiet else "answered" if name in yes else "carried" if name in before else "new"
        )
        assert item.state == expected
    assert [item.fingerprint for item in checked.findings] == [name * 12 for name in now]
    stripped = [msgspec.structs.replace(item, state="new", reason="") for item in checked.findings]
    assert tuple(stripped) == result(*now).findings
