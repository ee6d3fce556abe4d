# SPDX-License-Identifier: GPL-2.0-or-later
"""The files for ``b4 review``: quotes, comments, what is known already. What b4 makes of them: tests/b4."""

from __future__ import annotations

import msgspec
import pytest

from abireview.findings.model import Finding, Result
from abireview.render import Style, get_format
from abireview.render.b4_review import drop

ORDER = ["p1@example.org", "p2@example.org", "p3@example.org"]


def comments(text: str) -> list[str]:
    return [line for line in text.split("\n") if line and not line.startswith(">")]


def test_a_file_a_patch_with_findings_and_one_for_the_series(result: Result) -> None:
    files = drop(result, ORDER)
    assert sorted(files) == ["0002.txt", "0003.txt", "identity.txt", "series.txt"]
    assert files["identity.txt"] == "abireview <noreply@abireview.invalid>\n"
    assert files["series.txt"].startswith("abireview: 1 flag, 1 note\n\n")
    assert "a binary file" in files["series.txt"]
    assert files["0002.txt"].split("\n")[:6] == [
        "> diff --git a/include/example.h b/include/example.h",
        "> --- a/include/example.h",
        "> +++ b/include/example.h",
        "> @@ -42,1 +42,1 @@",
        "> -#define EXAMPLE_LATEST\t1",
        "> +#define EXAMPLE_LATEST\t2",
    ]
    assert comments(files["0002.txt"]) == [
        "The default version goes from 1 to 2.",
        "Can userspace still ask for version 1?",
        "(flag, rule example-latest-bumped, 0123456789ab)",
    ]
    assert "Way back: a per-VM version (OPT_IN)." in files["0003.txt"]


def test_numbers_are_those_of_the_branch(result: Result) -> None:
    assert sorted(drop(result, ["other@example.org", *ORDER]))[:2] == ["0003.txt", "0004.txt"]
    assert sorted(drop(result, ["", "p2@example.org"])) == ["0002.txt", "identity.txt", "series.txt"]


def test_what_is_known_or_settled_is_not_said_again(result: Result, flag: Finding) -> None:
    assert sorted(drop(result, ORDER, "… 0123456789ab …"))[:1] == ["0003.txt"]
    assert drop(result, ORDER, "0123456789ab ba9876543210") == {}
    settled = msgspec.structs.replace(flag, state="answered")
    assert drop(msgspec.structs.replace(result, findings=(settled,)), ORDER) == {}


def test_findings_without_a_line_are_a_note_above(result: Result, flag: Finding) -> None:
    loose = msgspec.structs.replace(flag, line=0, evidence=(), fingerprint="loose")
    text = drop(msgspec.structs.replace(result, findings=(flag, loose)), ORDER)["0002.txt"]
    assert text.index("loose") < text.index("> diff --git")


def test_each_finding_has_its_own_hunk_in_the_order_of_lines(result: Result, flag: Finding) -> None:
    early = msgspec.structs.replace(flag, line=7, evidence=("-\told line",), fingerprint="early")
    text = drop(msgspec.structs.replace(result, findings=(flag, early)), ORDER)["0002.txt"]
    assert text.count("> diff --git") == 1
    assert text.index("@@ -7,1 +7,0 @@") < text.index("early") < text.index("@@ -42,1 +42,1 @@")


@pytest.mark.parametrize(
    "text",
    [
        "> quoted",
        "Fixes: 0123456789ab",
        "Reviewed-by: A <a@example.org>",
        "Link: https://example.org",
        "\x1b[2J",
        "a\n> b",
    ],
)
def test_comments_are_neither_quotes_nor_trailers(text: str, result: Result, flag: Finding) -> None:
    hostile = msgspec.structs.replace(flag, message=text, question=text)
    lines = comments(drop(msgspec.structs.replace(result, findings=(hostile,)), ORDER)["0002.txt"])
    assert len(lines) == 3
    assert not [line for line in lines if line.startswith((">", "Fixes:", "Reviewed-by:", "Link:"))]
    assert "\x1b" not in "".join(lines)


def test_the_format_is_a_directory(result: Result) -> None:
    found = get_format("b4-review")
    assert (found.directory, found.exit_zero, found.one) == (True, True, True)
    assert found.render([result], Style()).startswith("==> identity.txt <==\n")
