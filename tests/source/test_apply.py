# SPDX-License-Identifier: GPL-2.0-or-later
"""Hunks laid into files with offset and fuzz."""

from __future__ import annotations

import time

from abireview.source.apply import apply, merge
from tests.source.make import files_of

TEXT = "".join(f"line {n}\n" for n in range(1, 41))
HEAD = "--- a/f\n+++ b/f\n@@ -10,7 +10,7 @@\n"
DIFF = HEAD + " line 10\n line 11\n line 12\n-line 13\n+LINE 13\n line 14\n line 15\n line 16\n"
WANTED = TEXT.replace("line 13\n", "LINE 13\n")


def test_in_place() -> None:
    (file,) = files_of(DIFF)
    done = apply(TEXT, file)
    assert (done.text, done.rejects, done.notes) == (WANTED, (), ())


def test_both_sides_line_by_line() -> None:
    (file,) = files_of(DIFF)
    merged = merge(TEXT, file.hunks)
    assert [line.text for line in merged.lines if line.kind != "+"] == TEXT.splitlines()
    assert [line.old_no for line in merged.lines if line.kind != "+"] == list(range(1, 41))
    assert [line.new_no for line in merged.lines if line.kind != "-"] == list(range(1, 41))
    assert [line.at for line in merged.lines if line.kind != " "] == [7, 8]


def test_offset_is_noted_and_carried_on() -> None:
    (file,) = files_of(DIFF + "@@ -30,3 +30,4 @@\n line 30\n line 31\n+more\n line 32\n")
    done = apply("new 1\nnew 2\n" + TEXT, file)
    assert done.text == "new 1\nnew 2\n" + WANTED.replace("line 31\n", "line 31\nmore\n")
    assert done.notes == ("the hunk at line 10 applies 2 lines down", "the hunk at line 30 applies 2 lines down")
    done = apply(TEXT.replace("line 1\n", ""), file)
    assert done.notes[0] == "the hunk at line 10 applies 1 line up"


def test_nearest_place_wins() -> None:
    (file,) = files_of("--- a/f\n+++ b/f\n@@ -9,3 +9,3 @@\n a\n-b\n+B\n c\n")
    text = "a\nb\nc\n" * 10
    assert apply(text, file).text == "a\nb\nc\n" * 3 + "a\nB\nc\n" + "a\nb\nc\n" * 6


def test_fuzz() -> None:
    (file,) = files_of(DIFF)
    done = apply(TEXT.replace("line 10\n", "other\n").replace("line 15\n", "another\n"), file)
    assert done.text == WANTED.replace("line 10\n", "other\n").replace("line 15\n", "another\n")
    assert done.notes == ("the hunk at line 10 applies with 2 lines of context left out",)


def test_too_much_fuzz_is_a_reject() -> None:
    (file,) = files_of(DIFF)
    for other in ("line 12\n", "line 13\n", "line 14\n"):
        text = TEXT.replace(other, "other\n")
        done = apply(text, file)
        assert (done.text, done.rejects) == (text, file.hunks)


def test_a_reject_does_not_stop_the_rest() -> None:
    (file,) = files_of("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n no such line\n-gone\n+here\n" + DIFF[DIFF.index("@@") :])
    done = apply(TEXT, file)
    assert done.text == WANTED
    assert done.rejects == file.hunks[:1]


def test_hunks_do_not_overlap() -> None:
    part = DIFF[DIFF.index("@@") :]
    (file,) = files_of(DIFF + part)
    done = apply(TEXT, file)
    assert done.text == WANTED
    assert done.rejects == file.hunks[1:]


def test_already_there() -> None:
    (file,) = files_of(DIFF)
    merged = merge(WANTED, file.hunks)
    assert (len(merged.rejects), merged.present) == (1, 1)
    assert merge("nothing\n", file.hunks).present == 0


def test_new_empty_and_emptied_files() -> None:
    (new,) = files_of("--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n")
    assert apply("", new).text == "a\nb\n"
    (gone,) = files_of("--- a/f\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n")
    assert apply("a\nb\n", gone).text == ""
    (blank,) = files_of("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+\n")
    assert apply("a\n", blank).text == "\n"


def test_insertion_without_context() -> None:
    (file,) = files_of("--- a/f\n+++ b/f\n@@ -3,0 +4,2 @@\n+a\n+b\n")
    assert apply(TEXT, file).text == TEXT.replace("line 3\n", "line 3\na\nb\n")


def test_newline_at_the_end() -> None:
    mark = "\\ No newline at end of file\n"
    (file,) = files_of(f"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n x\n-a\n{mark}+b\n")
    assert apply("x\na", file).text == "x\nb\n"
    (file,) = files_of(f"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n x\n-a\n+b\n{mark}")
    assert apply("x\na\n", file).text == "x\nb"
    (file,) = files_of("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-x\n+y\n a\n")
    assert apply("x\na\nb", file).text == "y\na\nb"


def test_hostile_repetition_in_time() -> None:
    body = " same\n" * 30_000 + "-other\n+new\n"
    (file,) = files_of("--- a/f\n+++ b/f\n@@ -1,30001 +1,30001 @@\n" + body)
    begin = time.process_time()
    assert apply("same\n" * 60_000, file).rejects
    assert time.process_time() - begin < 10
