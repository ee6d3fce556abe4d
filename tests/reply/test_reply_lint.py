# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.lore.b4mail import find_trailers
from abireview.reply.lint import has_errors, lint
from abireview.reply.trailers import TRAILERS, toggle, trailer_line
from abireview.reply.trailers import given as given_trailers
from tests.reply.reply_make import ME

GOOD = "On Tue, 3 May 2022 10:00:00 +0000, Ada Author wrote:\n> +\tx = 1;\n\nCan the old value be kept?\n"


def faults(body: str) -> list[tuple[int, str]]:
    return [(issue.line, issue.severity) for issue in lint(body, find_trailers)]


def test_a_good_reply_has_no_fault() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    "line",
    [
        "Fixes: 0123456789ab (widget: count)",
        "  Link: https://example.org/x",
        "Closes: https://example.org/x",
        "change-id: 20240101-x",
        "Reviewed-by: Someone Else <else@example.org>",
        "Question: ask ada@example.org",
    ],
)
def test_what_b4_would_collect_is_an_error(line: str) -> None:
    assert faults(GOOD + line + "\n") == [(5, "error")]


@pytest.mark.parametrize(
    "line", ["Rule: widget-count", "See: https://example.org/x", "> Fixes: 0123456789ab (x)", "so: yes"]
)
def test_what_b4_leaves_alone_is_none(line: str) -> None:
    assert [severity for _, severity in faults(line + "\n" + GOOD) if severity == "error"] == []


def test_a_trailer_given_on_purpose_is_allowed() -> None:
    line = trailer_line("Acked-by", ME)
    body = GOOD + "\n" + line + "\n"
    assert has_errors(lint(body, find_trailers))
    assert lint(body, find_trailers, allowed=[line]) == ()


@pytest.mark.parametrize(
    "text",
    ["diff --git a/x b/x", "@@ -1,2 +1,2 @@ f", "--- a/x\n+++ b/x", "Index: foo.c", "index 0123456..89abcde 100644"],
)
def test_an_unquoted_diff_is_an_error(text: str) -> None:
    assert (5, "error") in faults(GOOD + text + "\nWhy?\n")


def test_a_quoted_diff_and_a_rule_line_are_none() -> None:
    assert faults("> diff --git a/x b/x\n> --- a/x\n> +++ b/x\n> @@ -1 +1 @@\n\nWhy?\n--- \n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word " * 16, [(5, "warning")]),
        ("https://example.org/" + "x" * 100, []),
        ("> " + "word " * 40 + "\n\nYes?", []),
        ("x" * 1000, [(5, "error")]),
        ("From here on", [(5, "warning")]),
        ("a \x1b[31mred", [(5, "error")]),
        ("a \u202e right to left", [(5, "error")]),
        ("a \ud800 surrogate", [(5, "error")]),
        ("ein schönes Wörtchen", []),
    ],
)
def test_plain_text_of_78_columns(text: str, expected: list[tuple[int, str]]) -> None:
    assert faults(GOOD + text + "\n") == expected


def test_a_reply_of_quotes_only_is_an_error() -> None:
    assert faults("On Tue, Ada wrote:\n> x\n") == [(0, "error")]
    assert faults("") == [(0, "error")]
    assert faults("On Tue, Ada wrote:\n> x\n-- \nRita\n") == [(0, "error")]


def test_quotes_at_the_end_that_nobody_answers_are_a_warning() -> None:
    assert faults(GOOD + "> y\n> z\n") == [(5, "warning")]


@given(st.text(alphabet=st.sampled_from("abF:-> <>@.\n\x00\x1b0/#[]i\u200b"), max_size=80))
def test_lint_takes_any_text_and_misses_no_trailer(body: str) -> None:
    issues = lint(body, find_trailers)
    if find_trailers(body):
        assert has_errors(issues)
    assert all(0 <= issue.line <= body.count("\n") + 1 for issue in issues)


def test_trailers_come_and_go_by_key() -> None:
    body = GOOD + "\n-- \nRita\n"
    one = toggle(body, "Reviewed-by", ME)
    assert one == GOOD + "\nReviewed-by: Rita Reviewer <rita@example.com>\n\n-- \nRita\n"
    two = toggle(one, "Tested-by", ME)
    assert given_trailers(two, ME) == ("Reviewed-by", "Tested-by")
    assert two.index("Reviewed-by") < two.index("Tested-by") < two.index("\n-- \n")
    assert toggle(toggle(two, "Tested-by", ME), "Reviewed-by", ME).split() == body.split()
    assert toggle("", "Acked-by", ME) == "Acked-by: Rita Reviewer <rita@example.com>\n"


def test_a_quoted_trailer_is_not_mine() -> None:
    assert given_trailers(f"> {trailer_line('Acked-by', ME)}\n", ME) == ()


def test_only_known_trailers_can_be_given() -> None:
    with pytest.raises(ValueError, match="Signed-off-by"):
        trailer_line("Signed-off-by", ME)


@given(st.text(max_size=60), st.lists(st.sampled_from(TRAILERS), max_size=5))
def test_toggling_never_touches_the_text_above(body: str, keys: list[str]) -> None:
    text = body
    for key in keys:
        text = toggle(text, key, ME)
    assert set(given_trailers(text, ME)) == {key for key in keys if keys.count(key) % 2}
