# SPDX-License-Identifier: GPL-2.0-or-later
"""The diff of a patch mail: what is read, what is mended, what is reported."""

from __future__ import annotations

import time

import pytest

from abireview.source.diff import diff_start, parse_diff
from abireview.source.model import FileDiff, Skipped

GIT = """\
diff --git a/arch/x/foo.c b/arch/x/foo.c
index 0123456789ab..ba9876543210 100644
--- a/arch/x/foo.c
+++ b/arch/x/foo.c
@@ -10,6 +10,7 @@ int foo(int a)
 one
 two
 three
-four
+FOUR
+five
 six
 seven
"""

MAIL = f"""\
Say what it does.

Signed-off-by: A. Nonymous <a@example.org>
---
 arch/x/foo.c | 3 ++-
 1 file changed, 2 insertions(+), 1 deletion(-)

{GIT}
base-commit: 0123456789abcdef0123456789abcdef01234567
{"-- "}
2.39.2

_______________________________________________
somelist mailing list
somelist@lists.example.org
"""


def read(body: str) -> tuple[tuple[FileDiff, ...], tuple[Skipped, ...]]:
    return parse_diff(body, "m@example.org")


def only(body: str) -> FileDiff:
    files, skipped = read(body)
    assert not skipped
    assert len(files) == 1
    return files[0]


def changed(file: FileDiff) -> list[str]:
    return [line.kind + line.text for hunk in file.hunks for line in hunk.lines if line.kind != " "]


def test_a_mail_as_git_sends_it() -> None:
    file = only(MAIL)
    assert (file.old_path, file.new_path, file.change) == ("arch/x/foo.c", "arch/x/foo.c", "modified")
    assert (file.old_blob, file.new_blob) == ("0123456789ab", "ba9876543210")
    (hunk,) = file.hunks
    assert (hunk.old_start, hunk.old_length, hunk.new_start, hunk.new_length) == (10, 6, 10, 7)
    assert hunk.section == "int foo(int a)"
    assert [line.kind for line in hunk.lines] == [" ", " ", " ", "-", "+", "+", " ", " "]
    assert [line.old_no for line in hunk.lines] == [10, 11, 12, 13, None, None, 14, 15]
    assert [line.new_no for line in hunk.lines] == [10, 11, 12, None, 13, 14, 15, 16]
    body = MAIL.split("\n")
    assert all(body[line.at - 1] == line.kind + line.text for line in hunk.lines)
    assert diff_start(MAIL) == body.index("diff --git a/arch/x/foo.c b/arch/x/foo.c") + 1


def test_no_diff() -> None:
    assert read("Just words.\n\n-- \nA.\n") == ((), ())
    assert read("") == ((), ())
    cover = "Hello,\n\n foo.c | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n\n-- \n2.39\n"
    assert read(cover) == ((), ())
    assert diff_start(cover) == 0


def test_crlf() -> None:
    file = only(MAIL.replace("\n", "\r\n"))
    assert file == only(MAIL)


@pytest.mark.parametrize(
    "prose",
    [
        "+++ this line, and\n@@ -1,2 +3,4 @@ that one,\n--- are prose",
        "--- a\nis prose as well",
        "new file mode 100644\nGIT binary patch\nindex 123..456",
        "diff --git is a command that prints diffs",
        "    " + GIT.replace("\n", "\n    "),
        "> " + GIT.replace("\n", "\n> "),
        "an example:\n\n" + GIT.replace("foo.c", "example.c"),
    ],
    ids=["plus", "minus", "git-words", "command", "indented", "quoted", "example"],
)
def test_prose_is_no_diff(prose: str) -> None:
    file = only(MAIL.replace("Say what it does.", prose))
    assert file.path == "arch/x/foo.c"
    assert changed(file) == ["-four", "+FOUR", "+five"]


def test_quoted_diff_alone_is_no_diff() -> None:
    assert read("> " + GIT.replace("\n", "\n> ") + "\nWhy this?\n") == ((), ())


def test_diff_between_versions_in_the_notes() -> None:
    notes = "---\nChanges since v1:\n" + GIT.replace("foo.c", "notes.c") + "\n arch/x/foo.c | 3 ++-"
    file = only(MAIL.replace("---\n arch/x/foo.c | 3 ++-", notes, 1))
    assert file.path == "arch/x/foo.c"


def test_removed_rule_in_a_diff_without_a_message() -> None:
    body = GIT.replace("-four\n", "---\n")
    file = only(body)
    assert changed(file) == ["---", "+FOUR", "+five"]


def test_a_removed_line_like_the_signature_mark() -> None:
    assert changed(only(MAIL.replace("-four\n", "-- \n"))) == ["-- ", "+FOUR", "+five"]


def test_text_behind_the_diff_is_no_part_of_it() -> None:
    body = GIT + "\n- a list item\n+ another\n"
    assert changed(only(body)) == ["-four", "+FOUR", "+five"]


def test_two_files_and_a_fault_in_one() -> None:
    broken = GIT.replace("foo.c", "bar.c").replace("@@ -10,6 +10,7 @@", "@@ -10,6 +ten,7 @@")
    files, skipped = read("log\n---\n\n" + broken + GIT)
    assert [file.path for file in files] == ["arch/x/bar.c", "arch/x/foo.c"]
    assert changed(files[1]) == ["-four", "+FOUR", "+five"]
    assert [item.file for item in skipped] == ["arch/x/bar.c"]
    assert skipped[0].patch == "m@example.org"


def test_plain_diff_without_git_headers() -> None:
    body = (
        "log\n---\n\nIndex: linux/a.c\n===================\n--- linux.orig/a.c\t2019-01-01 00:00:00.000000000 +0000\n"
        "+++ linux/a.c\t2019-01-02 00:00:00.000000000 +0000\n@@ -1,2 +1,2 @@\n-x\n+y\n z\n"
        "--- linux.orig/b.c\n+++ linux/b.c\n@@ -5 +5,2 @@\n--- not a name\n+++ nor this\n+q\n"
    )
    files, skipped = read(body)
    assert not skipped
    assert [file.path for file in files] == ["a.c", "b.c"]
    assert changed(files[1]) == ["--- not a name", "+++ nor this", "+q"]


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("--- a/x/y.c\n+++ b/x/y.c", "x/y.c"),
        ("--- x/y.c\n+++ x/y.c", "x/y.c"),
        ("--- i/x/y.c\n+++ w/x/y.c", "x/y.c"),
        ("--- linux-5.4.orig/x/y.c\n+++ linux-5.4/x/y.c", "x/y.c"),
        ('--- "a/x/\\303\\244\\t.c"\n+++ "b/x/\\303\\244\\t.c"', "x/ä\t.c"),
    ],
)
def test_names(names: str, path: str) -> None:
    file = only(f"{names}\n@@ -1 +1 @@\n-a\n+b\n")
    assert (file.old_path, file.new_path) == (path, path)


def test_quoted_names_of_git() -> None:
    body = 'diff --git "a/x/\\303\\244.c" "b/x/\\303\\244.c"\nold mode 100644\nnew mode 100755\n'
    file = only(body)
    assert (file.path, file.change, file.hunks) == ("x/ä.c", "mode", ())


def test_names_with_blanks() -> None:
    file = only("diff --git a/x y.c b/x y.c\nold mode 100644\nnew mode 100755\n")
    assert (file.old_path, file.new_path, file.change) == ("x y.c", "x y.c", "mode")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("new file mode 100644\nindex 000000000000..123456789abc", (None, "f.c", "added")),
        ("deleted file mode 100644\nindex 123456789abc..000000000000", ("f.c", None, "deleted")),
        ("similarity index 100%\nrename from e.c\nrename to f.c", ("e.c", "f.c", "renamed")),
        ("similarity index 100%\ncopy from e.c\ncopy to f.c", ("e.c", "f.c", "copied")),
        ("old mode 100644\nnew mode 100755", ("f.c", "f.c", "mode")),
        ("index 123..456 100644\nBinary files a/f.c and b/f.c differ", ("f.c", "f.c", "binary")),
        (
            "new file mode 100644\nindex 000..456\nGIT binary patch\nliteral 3\nKc$}\n\nliteral 0\nH",
            (None, "f.c", "binary"),
        ),
    ],
)
def test_headers_without_hunks(header: str, expected: tuple[str | None, str | None, str]) -> None:
    files, skipped = read(f"log\n---\n\ndiff --git a/f.c b/f.c\n{header}\n{GIT}-- \n2.39\n")
    assert not skipped
    assert (files[0].old_path, files[0].new_path, files[0].change) == expected
    assert files[0].hunks == ()
    assert files[1].path == "arch/x/foo.c"


def test_added_file_and_renamed_file_with_hunks() -> None:
    head = "diff --git a/n.c b/n.c\nnew file mode 100644\nindex 000..123\n"
    added = head + "--- /dev/null\n+++ b/n.c\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    moved = (
        "diff --git a/o.c b/p.c\nsimilarity index 90%\nrename from o.c\nrename to p.c\nindex 123..456 100644\n"
        "--- a/o.c\n+++ b/p.c\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n"
    )
    files, skipped = read(added + moved)
    assert not skipped
    assert [(file.old_path, file.new_path, file.change) for file in files] == [
        (None, "n.c", "added"),
        ("o.c", "p.c", "renamed"),
    ]
    assert [line.new_no for line in files[0].hunks[0].lines] == [1, 2]


def test_no_newline_at_the_end() -> None:
    mark = "\\ No newline at end of file\n"
    head = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n x\n"
    both = only(f"{head}-a\n{mark}+b\n{mark}").hunks[0]
    assert (both.old_bare, both.new_bare) == (True, True)
    old = only(f"{head}-a\n{mark}+b\n").hunks[0]
    assert (old.old_bare, old.new_bare) == (True, False)
    new = only(f"{head}-a\n+b\n{mark}").hunks[0]
    assert (new.old_bare, new.new_bare) == (False, True)
    kept = only(f"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-a\n+b\n x\n{mark}").hunks[0]
    assert (kept.old_bare, kept.new_bare) == (True, True)
    assert [line.kind for line in kept.lines] == ["-", "+", " "]


def test_combined_diff_is_reported() -> None:
    body = "diff --cc x/y.c\nindex 1,2..3\n--- a/x/y.c\n+++ b/x/y.c\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n"
    files, skipped = read(body + GIT)
    assert [file.path for file in files] == ["arch/x/foo.c"]
    assert [(item.file, "combined" in item.why) for item in skipped] == [("x/y.c", True)]


def test_hunk_longer_than_its_header_loses_nothing() -> None:
    files, skipped = read("log\n---\n\n" + GIT.replace("@@ -10,6 +10,7 @@", "@@ -10,4 +10,4 @@"))
    assert not skipped
    assert changed(files[0]) == ["-four", "+FOUR", "+five"]
    assert (files[0].hunks[0].old_length, files[0].hunks[0].new_length) == (6, 7)


def test_hunk_shorter_than_its_header_is_reported() -> None:
    files, skipped = read(GIT.replace("@@ -10,6 +10,7 @@", "@@ -10,9 +10,11 @@") + GIT.replace("foo.c", "bar.c"))
    assert [file.path for file in files] == ["arch/x/foo.c", "arch/x/bar.c"]
    assert changed(files[0]) == ["-four", "+FOUR", "+five"]
    assert [(item.file, "fewer lines" in item.why) for item in skipped] == [("arch/x/foo.c", True)]


def test_truncated_mail_is_reported() -> None:
    _, skipped = read(MAIL[: MAIL.index("+five")])
    assert [item.file for item in skipped] == ["arch/x/foo.c"]


def test_blank_context_stripped_from_the_end() -> None:
    body = GIT.replace(" two\n", "\n").replace(" six\n seven\n", " six\n")
    file = only(body)
    assert [line.text for line in file.hunks[0].lines][-2:] == ["six", ""]
    assert file.hunks[0].lines[1].text == ""
    assert file.hunks[0].old_length == 6


def test_wrapped_lines_are_put_together() -> None:
    body = GIT.replace("+five\n", "+five is a very long\nline indeed\n").replace("int foo(int a)", "int\nfoo(int a)")
    file = only(body)
    assert changed(file) == ["-four", "+FOUR", "+five is a very long line indeed"]
    assert file.hunks[0].section == "int foo(int a)"


def test_wrapped_lines_that_cannot_be_put_together_are_reported() -> None:
    _, skipped = read(GIT.replace("+five\n", "+five is a very long\n line\nindeed\n"))
    assert [(item.file, "wrapped" in item.why) for item in skipped] == [("arch/x/foo.c", True)]


def test_no_break_blanks_are_blanks() -> None:
    file = only(GIT.replace("\n one", "\n\xa0one").replace("\n two", "\n\xa0two"))
    assert [line.kind + line.text for line in file.hunks[0].lines][:2] == [" one", " two"]


def test_orphan_lines_after_a_hunk_header_was_lost() -> None:
    body = GIT + "@@ garbage @@\n context\n+lost\n"
    _, skipped = read(body)
    assert skipped
    assert skipped[0].file == "arch/x/foo.c"


def test_diffstat_that_counts_more_is_reported() -> None:
    _, skipped = read(MAIL.replace("2 insertions", "20 insertions"))
    assert [item.why for item in skipped] == [
        "the diffstat says 1 files, 20 lines added, 1 removed; the diff has 1, 2, 1"
    ]
    two = MAIL.replace("Say what", " 9 files changed, 99 insertions(+)\n\nSay what")
    assert not read(two)[1]


def test_diffstat_of_files_without_content_is_not_compared() -> None:
    gone = "diff --git a/g.c b/g.c\ndeleted file mode 100644\nindex 123..000\n"
    body = MAIL.replace("1 file changed, 2", "2 files changed, 2").replace("1 deletion", "50 deletions") + gone
    assert not read(body)[1]


def test_git_and_plus_names_disagree() -> None:
    files, skipped = read(GIT.replace("+++ b/arch/x/foo.c", "+++ b/arch/x/bar.c"))
    assert not skipped
    assert changed(files[0]) == ["-four", "+FOUR", "+five"]


def test_attached_patch_behind_a_signed_text() -> None:
    body = "See attached.\n-- \nA. Nonymous\n" + MAIL
    assert only(body).path == "arch/x/foo.c"


def test_odd_line_ends_inside_lines() -> None:
    body = GIT.replace("+five", "+fi\x0cve\u2028x\x85y")
    assert changed(only(body)) == ["-four", "+FOUR", "+fi\x0cve\u2028x\x85y"]


def test_long_diff_in_time() -> None:
    many = 20_000
    body = f"--- a/f.c\n+++ b/f.c\n@@ -1,{many} +1,{many} @@\n" + "-\told line of code\n+\tnew line of code\n" * many
    begin = time.process_time()
    file = only(body)
    assert len(file.hunks[0].lines) == 2 * many
    assert time.process_time() - begin < 4


@pytest.mark.parametrize(
    "line",
    ["-- ", "--- a", "@@ -1,9 +1,9 @@", "@@ -1 +1 @@", "_" * 30, "diff --git a/x b/x", " 1 file changed", "+", " ", ""],
)
def test_hostile_repetition_in_time(line: str) -> None:
    body = "log\n---\n" + GIT + f"{line}\n" * 50_000 + GIT
    begin = time.process_time()
    read(body)
    assert time.process_time() - begin < 16


def test_a_file_that_is_not_wanted_is_named_and_counted_without_its_hunks() -> None:
    second = GIT.replace("arch/x/foo.c", "fs/foo.c")
    body = MAIL.replace("1 file changed, 2 insertions(+), 1", "2 files changed, 4 insertions(+), 2").replace(
        GIT, GIT + second
    )
    files, skipped = parse_diff(body, "m@example.org", lambda path: path.startswith("arch/"))
    assert not skipped
    assert [(file.path, len(file.hunks)) for file in files] == [("arch/x/foo.c", 1), ("fs/foo.c", 0)]
    assert changed(files[0]) == ["-four", "+FOUR", "+five"]
    wrong, skipped = parse_diff(body.replace("4 ins", "5 ins"), "m@example.org", lambda path: path.startswith("arch/"))
    assert len(wrong) == 2
    assert "5 lines added" in skipped[0].why


def test_a_damaged_file_is_read_even_if_it_is_not_wanted() -> None:
    files, _ = parse_diff(MAIL.replace("@@ -10,6", "@@ -10,7"), "m@example.org", lambda path: False)
    assert files[0].hunks
