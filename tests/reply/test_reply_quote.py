# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.limits import MAX_QUOTED_LINE_CHARS
from abireview.reply.quote import Note, find_line, quote
from tests.reply.reply_make import BODY, line_of

COUNT = line_of("+\treturn w->count + 1;")
RESET = line_of("+\tw->count = 1;")
GADGET = line_of("+#define GADGET_MAX 4")


def test_one_line_brings_its_headers_and_little_context() -> None:
    assert quote(BODY, [Note(COUNT, "Can it be kept?")], context=2) == (
        "> [...]\n"
        "> diff --git a/virt/widget.c b/virt/widget.c\n"
        "> --- a/virt/widget.c\n"
        "> +++ b/virt/widget.c\n"
        "> @@ -10,12 +10,12 @@ static int widget_count(struct widget *w)\n"
        "> [...]\n"
        ">\n"
        "> -\treturn w->count;\n"
        "> +\treturn w->count + 1;\n"
        "\n"
        "Can it be kept?"
    )


def test_second_hunk_of_a_file_has_no_second_file_header() -> None:
    text = quote(BODY, [Note(COUNT, "one"), Note(RESET, "two"), Note(GADGET, "three")], context=1)
    assert text.count("> diff --git a/virt/widget.c") == 1
    assert text.count("> diff --git a/virt/gadget.c") == 1
    assert text.count("> @@ ") == 3
    assert text.index("one") < text.index("widget_reset") < text.index("two") < text.index("gadget.c") < len(text) - 5


def test_a_hunk_that_nothing_is_said_about_is_left_out() -> None:
    text = quote(BODY, [Note(GADGET, "three")])
    assert "widget" not in text
    assert "GADGET_MIN" not in text  # nothing below the comment is quoted


def test_two_notes_on_one_line_and_two_near_each_other() -> None:
    text = quote(BODY, [Note(RESET, "first"), Note(RESET, "second"), Note(RESET - 1, "above")])
    assert text.index("above") < text.index("> +\tw->count = 1;") < text.index("first") < text.index("second")
    assert text.count("> -\tw->count = 0;") == 1


def test_text_above_the_diff_can_be_quoted() -> None:
    assert quote(BODY, [Note(3, "Since when?")], context=0) == "> [...]\n> The old count was off by one.\n\nSince when?"


def test_a_note_without_line_comes_first_and_unquoted() -> None:
    assert quote(BODY, [Note(0, "In general:"), Note(99_999, "Elsewhere")]) == "In general:\n\nElsewhere"


def test_nothing_to_say_quotes_nothing() -> None:
    assert quote(BODY, []) == ""


def test_a_hunk_longer_than_its_header_says_does_not_swallow_the_next_file() -> None:
    first = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\n"
    body = first + "diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-c\n+d\n"
    text = quote(body, [Note(12, "why d?")])
    assert "a/x" not in text
    assert text.endswith("> @@ -1 +1 @@\n> -c\n> +d\n\nwhy d?")


def test_escapes_and_endless_lines_do_not_get_into_the_quote() -> None:
    body = "a \x1b]0;title\x07 b\n" + "x" * 5000 + "\n"
    text = quote(body, [Note(1, "?"), Note(2, "!")])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert max(map(len, text.split("\n"))) <= MAX_QUOTED_LINE_CHARS + 10


def test_b4_finds_the_comment_on_its_very_line() -> None:
    """What b4 review does with a reply of ours: every comment at the path and the content of its line."""
    from b4.review._review import _extract_comments_from_quoted_reply

    text = "On Tue, Ada wrote:\n" + quote(BODY, [Note(COUNT, "one?"), Note(RESET - 1, "two?"), Note(GADGET, "three?")])
    found = [(note["path"], note["content"], note["text"]) for note in _extract_comments_from_quoted_reply(text)]
    assert found == [
        ("b/virt/widget.c", "+\treturn w->count + 1;", "one?"),
        ("a/virt/widget.c", "-\tw->count = 0;", "two?"),
        ("b/virt/gadget.c", "+#define GADGET_MAX 4", "three?"),
    ]


@given(st.lists(st.sampled_from(BODY.split("\n")), max_size=40), st.lists(st.integers(0, 45), max_size=6))
def test_whatever_the_body_each_note_stands_below_its_line(lines: list[str], places: list[int]) -> None:
    body = "\n".join(lines)
    notes = [Note(at, f"note {k} at {at}") for k, at in enumerate(places)]
    out = quote(body, notes).split("\n")
    count = len(body.split("\n"))
    for note in notes:
        index = out.index(note.text)
        if 1 <= note.at <= count:
            above = next(text for text in reversed(out[:index]) if text and not text.startswith("note "))
            wanted = body.split("\n")[note.at - 1]
            assert above == (f"> {wanted}" if wanted.strip() else ">")
    assert all(not line or line.startswith((">", "note ")) for line in out)


@pytest.mark.parametrize(("path", "expected"), [("virt/widget.c", COUNT), ("", COUNT)])
def test_a_line_is_found_by_its_evidence(path: str, expected: int) -> None:
    assert find_line(BODY, ["+\tno such line", "+\treturn w->count + 1;"], path) == expected


def test_evidence_above_the_file_is_not_taken() -> None:
    body = "+\tx = 1;\n--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-\tx = 0;\n+\tx = 1;\n"
    assert find_line(body, ["+\tx = 1;"], "f.c") == 6
    assert find_line(body, ["+\ty = 1;"], "f.c") == 0
