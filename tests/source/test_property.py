# SPDX-License-Identifier: GPL-2.0-or-later
"""For generated files and edits: nothing is lost, nothing is misplaced, and splitting a series changes nothing."""

from __future__ import annotations

import difflib
import re
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abireview.source.apply import apply
from abireview.source.changeset import changeset
from abireview.source.cut import cut
from abireview.source.diff import parse_diff
from abireview.source.hunks import mend, walk
from abireview.source.model import FileDiff, Fragment
from abireview.source.scope import fragments
from abireview.source.tree import DirectoryTree
from tests.source.make import files_of, git_diff, series, write

QUICK = settings(
    max_examples=120, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
SLOW = settings(QUICK, max_examples=25)
_FUNCNAME = re.compile(r"^[A-Za-z_]")
_LABEL = re.compile(r"^[A-Za-z_]\w*:\s*$")

NAME = st.integers(0, 30).map(lambda n: f"thing_{n}")
STATEMENT = st.one_of(
    st.builds("\t{}({});".format, NAME, st.integers(0, 9)),
    st.builds("\tif ({} > {})\n\t\treturn {};".format, NAME, st.integers(0, 9), st.integers(0, 9)),
    st.just("#ifdef CONFIG_X\n\tx();\n#endif"),
    st.just("out:"),
    st.just(""),
    st.builds("\t/* {} */".format, NAME),
    st.builds("\tx = f({},\n\t      {});".format, NAME, NAME),
)
BODY = st.lists(STATEMENT, min_size=1, max_size=12).map("\n".join)
FUNCTION = st.builds("static int {}(int a)\n{{\n\tint x;\n{}\n\treturn x;\n}}".format, NAME, BODY)
LONG = st.builds("int {}(struct thing *thing,\n\t int a)\n{{\n{}\n\treturn 1;\n}}".format, NAME, BODY)
ROW = st.one_of(
    st.builds("\t{{ {}, {} }},".format, NAME, st.integers(0, 9)), st.builds("\tROW({}),".format, NAME), st.just("")
)
ROWS = st.lists(ROW, min_size=1, max_size=12).map("\n".join)
TABLE = st.builds("static const struct row {}[] = {{\n{}\n}};".format, NAME, ROWS)
STRUCT = st.builds(
    "struct {} {{\n\tint first;\n{}\n}};".format,
    NAME,
    st.lists(st.builds("\t__u32 {};".format, NAME), max_size=9).map("\n".join),
)
ENUM = st.builds(
    "enum {} {{\n{}\n}};".format,
    NAME,
    st.lists(st.builds("\tE_{},".format, NAME), min_size=1, max_size=9).map("\n".join),
)
MACRO = st.builds(
    "#define M_{}(x) do {{\t\\\n\tf(x);\t\\\n\tg(x, {});\t\\\n}} while (0)".format, NAME, st.integers(0, 9)
)
TOP = st.one_of(
    st.builds("#define D_{} {}".format, NAME, st.integers(0, 99)),
    st.builds("int {}(int a,\n\tint b);".format, NAME),
    st.builds("/*\n * {}\n */".format, NAME),
    st.builds("EXPORT_SYMBOL_GPL({});".format, NAME),
)
FILE = st.lists(st.one_of(FUNCTION, LONG, TABLE, STRUCT, ENUM, MACRO, TOP), min_size=1, max_size=8).map(
    lambda parts: "#include <a.h>\n\n" + "\n\n".join(parts) + "\n"
)


@st.composite
def edited(draw: st.DrawFn, text: str, most: int = 4) -> str:
    """``text`` with some lines removed, doubled or inserted, inside bodies and outside."""
    lines = text.split("\n")[:-1]
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(lines) - 1)) if lines else 0
        action = draw(st.sampled_from(("delete", "insert", "change", "part")))
        if action == "delete" and lines:
            del lines[at]
        elif action == "insert":
            lines.insert(at, draw(STATEMENT.filter(lambda text: "\n" not in text)))
        elif action == "part":
            lines[at:at] = draw(st.one_of(FUNCTION, TABLE, TOP)).split("\n")
        elif lines:
            lines[at] += " /* x */"
    return "\n".join(lines) + "\n" if lines else ""


@st.composite
def versions(draw: st.DrawFn, count: int = 2) -> list[str]:
    made = [draw(FILE)]
    while len(made) < count:
        made.append(draw(edited(made[-1])))
    return made


def unified(old: str, new: str, context: int = 3, name: str = "f.c") -> str:
    """A diff as git makes it, with the section headers of its C rules, by difflib."""
    before = old.split("\n")[:-1]
    out = []
    for line in difflib.unified_diff(before, new.split("\n")[:-1], f"a/{name}", f"b/{name}", lineterm="", n=context):
        match = re.match(r"@@ -(\d+)", line)
        if match:
            above = before[: max(0, int(match.group(1)) - 1)]
            named = [text for text in above if _FUNCNAME.match(text) and not _LABEL.match(text)]
            line += f" {named[-1][:80]}" if named else ""
        out.append(line)
    return "".join(f"{line}\n" for line in out)


def check_sides(found: list[Fragment], old: str, new: str) -> None:
    """Every line of a fragment is the line of the file with its number."""
    before, after = old.split("\n"), new.split("\n")
    for part in found:
        for side, lines in ((part.old, before), (part.new, after)):
            assert len(side.lines) == len(side.numbers) == len(side.changed)
            assert [lines[number - 1] for number in side.numbers] == list(side.lines)


def changes(files: tuple[FileDiff, ...]) -> list[tuple[str, int | None]]:
    lines = [line for file in files for hunk in file.hunks for line in hunk.lines]
    return sorted(
        (line.kind, line.old_no or line.new_no) for line in lines if line.kind != " " and line.text.strip()
    )  # fmt: skip


def shown(found: list[Fragment]) -> list[tuple[str, int | None]]:
    return sorted(
        (kind, number)
        for part in found
        for kind, side in (("-", part.old), ("+", part.new))
        for text, number, changed in zip(side.lines, side.numbers, side.changed, strict=True)
        if changed and text.strip()
    )


@QUICK
@given(versions(), st.integers(0, 5))
def test_diff_applies_and_fragments_show_it(pair: list[str], context: int) -> None:
    old, new = pair
    files = files_of(unified(old, new, context))
    if not files:
        assert old == new
        return
    done = apply(old, files[0])
    assert (done.text, done.rejects, done.notes) == (new, (), ())
    found = fragments(files, 0)
    check_sides(found, old, new)
    assert shown(found) == changes(files)


@QUICK
@given(versions(4))
def test_splitting_a_series_changes_nothing(texts: list[str]) -> None:
    steps = [files_of(unified(old, new)) for old, new in pairwise(texts)]
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), {"f.c": texts[0]})
        tree = DirectoryTree(Path(place))
        split = changeset(series(*steps), tree)
        joined = changeset(series(files_of(unified(texts[0], texts[-1]))), tree)
    assert split.skipped == joined.skipped == ()
    touched = any(steps)
    assert split.files_after.get("f.c", texts[0]) == texts[-1]
    assert joined.files_after.get("f.c", texts[0]) == texts[-1]
    assert not touched or split.files_before == {"f.c": texts[0]}
    for index, (old, new) in enumerate(pairwise(texts)):
        found = [part for part in split.fragments if part.patch == index]
        check_sides(found, old, new)
        assert shown(found) == changes(steps[index])


@QUICK
@given(versions())
def test_a_tree_shows_whole_scopes(pair: list[str]) -> None:
    old, new = pair
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), {"f.c": old})
        found = changeset(series(files_of(unified(old, new))), DirectoryTree(Path(place))).fragments
    scopes = {
        side: [(scope.kind, text.split("\n")[:-1][scope.first : scope.end]) for scope in cut(text.split("\n")[:-1])]
        for side, text in (("old", old), ("new", new))
    }
    for part in found:
        assert not part.old.lines or (part.kind, list(part.old.lines)) in scopes["old"]
        assert not part.new.lines or (part.kind, list(part.new.lines)) in scopes["new"]
        assert not (part.born and part.died)


@SLOW
@given(versions())
def test_gits_own_diffs(pair: list[str]) -> None:
    old, new = pair
    with tempfile.TemporaryDirectory() as place:
        diff = git_diff(Path(place), old, new)
    files = files_of(diff)
    if old == new:
        assert not files
        return
    assert apply(old, files[0]).text == new
    found = fragments(files, 0)
    check_sides(found, old, new)
    assert shown(found) == changes(files)


@SLOW
@given(FILE)
def test_unchanged_scopes_are_named_from_the_hunk(text: str) -> None:
    """One changed line inside a scope: the name that the hunk gives is the one that the whole file gives."""
    lines = text.split("\n")[:-1]
    for scope in cut(lines):
        if scope.kind not in ("function", "table") or not scope.name:
            continue
        for at in range(scope.body + 3, scope.end - 1):
            if not lines[at].startswith("\t") or lines[at].strip() in ("", "*/"):
                continue
            changed = [*lines[:at], f"{lines[at]} /* y */", *lines[at + 1 :]]
            (part,) = fragments(files_of(unified(text, "\n".join(changed) + "\n")), 0)
            assert (part.kind, part.name) == (scope.kind, scope.name)


LINES = """\
diff --git a/f b/f|--- a/f|+++ b/f|@@ -1,2 +1,2 @@ int f(|@@ -1 +1 @@|@@ x|---|-- | a|+b|-c||word|};|out:|/*|*/
index 1234567..1234568 100644| 1 file changed, 1 insertion(+)|new file mode 100644|rename from f|rename to g
GIT binary patch|\\ No newline at end of file|diff --cc f|@@@ -1 -1 +1 @@@|}|{|\tx();\\|#define A \\
______________________________|\xa0b|int f(int a)|struct s {"""
LINE = st.sampled_from(LINES.replace("\n", "|").split("|"))


@settings(QUICK, max_examples=400)
@given(st.lists(LINE, max_size=30))
def test_nothing_raises_and_order_is_kept(lines: list[str]) -> None:
    body = "\n".join(lines)
    files, skipped = parse_diff(body, "m@example.org")
    assert parse_diff(body, "m@example.org") == (files, skipped)
    places = [line.at for file in files for hunk in file.hunks for line in hunk.lines if line.at]
    assert places == sorted(set(places))
    for part in fragments(files, 0):
        assert part.old.lines or part.new.lines
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), {"f": "a\nb\n", "g": "c"})
        changeset(series(files), DirectoryTree(Path(place)))


@settings(QUICK, max_examples=200)
@given(st.lists(LINE, max_size=30))
def test_cut_covers_any_lines(lines: list[str]) -> None:
    found = cut(lines)
    assert [line for scope in found for line in lines[scope.first : scope.end]] == lines


@pytest.mark.parametrize("fault", ["@@ -1,9 +1,9 @@", "@@ -1,1 +1,1 @@"])
def test_mended_hunks_count_what_they_hold(fault: str) -> None:
    lines = ["diff --git a/f b/f", "--- a/f", "+++ b/f", fault, " a", "-b", "+c", "+d", " e"]
    section = walk(lines, 0, "git")
    assert section.fault
    (hunk,) = mend(lines, section).hunks
    assert hunk.old_length == sum(line.kind != "+" for line in hunk.lines)
    assert hunk.new_length == sum(line.kind != "-" for line in hunk.lines)
