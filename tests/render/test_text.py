# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person reads: text and concise."""

from __future__ import annotations

import msgspec
import pytest

from abireview.findings.model import Finding, Result
from abireview.render import Style, get_format


def text(result: Result, style: Style | None = None) -> str:
    return get_format("text").render([result], style or Style())


def test_a_finding_answers_what_who_when_and_which_way_back(result: Result) -> None:
    assert (
        text(result)
        == """\
[PATCH v2 0/3] KVM: example: newer things
A Developer <dev@example.org>, 3 patches, <cover@example.org>

flag 2/3 include/example.h:42 [example-latest-bumped] 01234567
  The default version goes from 1 to 2.
    -#define EXAMPLE_LATEST 1
    +#define EXAMPLE_LATEST 2
  visible to  guest and VMM; fresh boot, rollback
  way back    none found
  looked for  a register that selects the version, in the whole series
  weight      severity high, confidence medium
  ask         Can userspace still ask for version 1?

note 3/3 arch/example/calls.c:7 [example-function-added] ba987654
  Function EXAMPLE_NEW is answered.
    +       case EXAMPLE_NEW:
  way back    a per-VM version [example-gate, OPT_IN] (a.c)
    +       if (example_version(vcpu) < 2)

not checked:
  1/3 logo.png: a binary file
  patch 4 is missing

1 flag, 1 note in 3 patches, seen without a tree, 2 things not checked
"""
    )


def test_a_note_of_low_confidence_is_counted_and_shown_on_request(result: Result) -> None:
    note = next(finding for finding in result.findings if finding.level == "note")
    quiet = msgspec.structs.replace(note, confidence="low", knob=None, fingerprint="feedfeedfeed")
    more = msgspec.structs.replace(result, findings=(*result.findings, quiet))
    assert "feedfeed" not in text(more)
    assert "1 note of low confidence not shown (--all shows them)" in " ".join(text(more).split())
    everything = text(more, Style(everything=True))
    assert "feedfeed" in everything
    assert "not shown" not in everything
    assert everything.count("  weight      ") == 3


def test_a_silent_series_is_one_line(silent: Result) -> None:
    assert text(silent) == "nothing found in 3 patches: [PATCH v2 0/3] KVM: example: newer things\n"


def test_another_projects_patch_is_said_to_be_one(silent: Result) -> None:
    series = msgspec.structs.replace(silent.series, kernel=False, kind="kvm-unit-tests", subject="[PATCH] x")
    other = msgspec.structs.replace(silent, series=series)
    assert text(other) == "not a kernel patch (kvm-unit-tests), nothing checked: [PATCH] x\n"


def test_settled_findings_are_short_and_counted(result: Result, flag: Finding) -> None:
    answered = msgspec.structs.replace(flag, state="answered", reason="the register exists since 5.18")
    out = text(msgspec.structs.replace(result, findings=(answered,), skipped=()))
    assert (
        "answered 2/3 include/example.h:42 [example-latest-bumped] 01234567: the register\n  exists since 5.18\n" in out
    )
    assert out.endswith("\n1 answered in 3 patches, seen without a tree\n")
    assert "Can userspace" not in out


def test_a_question_is_asked_once(result: Result, flag: Finding) -> None:
    again = msgspec.structs.replace(flag, line=99, fingerprint="777777777777")
    out = text(msgspec.structs.replace(result, findings=(flag, again)))
    assert out.count("Can userspace still ask for version 1?") == 1
    assert out.count("  ask         as for 01234567\n") == 1


def test_with_a_tree_it_says_what_was_seen_in_part(result: Result) -> None:
    series = msgspec.structs.replace(result.series, tree=True)
    out = text(msgspec.structs.replace(result, series=series))
    assert "confidence medium, seen only in part\n" in out
    assert "without a tree" not in out


@pytest.mark.parametrize("width", [10, 60, 80, 100, 300])
def test_prose_fits_the_width(width: int, result: Result, flag: Finding) -> None:
    wordy = msgspec.structs.replace(flag, message="word " * 60, question="why " * 60)
    out = text(msgspec.structs.replace(result, findings=(wordy,)), Style(width=width))
    prose = [line for line in out.splitlines() if "word" in line or "why" in line]
    assert len(prose) > 2
    assert max(map(len, prose)) <= max(40, min(width, 100))


def test_colour_adds_nothing_but_escapes(result: Result) -> None:
    import re

    colored = text(result, Style(color=True))
    assert "\x1b[1;31mflag\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == text(result)


def test_two_series_are_set_apart(result: Result, silent: Result) -> None:
    both = get_format("text").render([result, silent], Style())
    assert both == text(result) + "\n" + text(silent)


def test_concise_is_what_compilers_print(result: Result) -> None:
    assert (
        get_format("concise").render([result], Style())
        == """\
include/example.h:42: flag: The default version goes from 1 to 2. [example-latest-bumped]
arch/example/calls.c:7: note: Function EXAMPLE_NEW is answered. [example-function-added]
logo.png: skipped: a binary file
-: skipped: patch 4 is missing
"""
    )


def test_concise_leaves_out_what_is_settled(result: Result, flag: Finding) -> None:
    settled = tuple(msgspec.structs.replace(flag, state=state) for state in ("answered", "suppressed"))
    assert get_format("concise").render([msgspec.structs.replace(result, findings=settled, skipped=())], Style()) == ""


def test_concise_stays_on_one_line(result: Result, flag: Finding) -> None:
    broken = msgspec.structs.replace(flag, message="one\ntwo\n\tthree", file="a\nb.c")
    out = get_format("concise").render([msgspec.structs.replace(result, findings=(broken,), skipped=())], Style())
    assert out == "a b.c:42: flag: one two three [example-latest-bumped]\n"


def test_a_missing_patch_is_said_by_both(silent: Result) -> None:
    series = msgspec.structs.replace(silent.series, patches=silent.series.patches[:2], missing=(3,))
    short = msgspec.structs.replace(silent, series=series)
    assert " ".join(text(short).split()) == f"nothing found in 2 patches, 1 patch missing: {series.subject}"
    assert get_format("concise").render([short], Style()) == "-: skipped: patch 3 of 3 is missing\n"
