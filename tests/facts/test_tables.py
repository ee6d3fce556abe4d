# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of tables: whole, cut off, reflowed, and as tree-sitter sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.facts.model import Fact
from abireview.facts.parser import parse
from abireview.facts.tables import extract

from .make import bare, fragment, table


def rows(body: str, header: str = "static const struct t t[] = {") -> list[Fact]:
    return extract(table(body, header), "new")


def shown(body: str, header: str = "static const struct t t[] = {") -> list[tuple[str, dict[str, str]]]:
    return [(row.key, dict(row.columns)) for row in rows(body, header)]


@pytest.mark.parametrize(
    ("text", "key", "columns"),
    [
        ("{ DESC(REG_A), access, NULL, .x = f },", "REG_A", {"0": "DESC(REG_A)", "1": "access", "2": "NULL", "x": "f"}),
        ("WRITABLE(REG_B, ~(X|Y)),", "REG_B", {"0": "REG_B", "1": "~(X | Y)", "macro": "WRITABLE"}),
        ("[IDX] = value,", "IDX", {"0": "value"}),
        ("[IDX] = { .a = 1, 2 },", "IDX", {"a": "1", "1": "2"}),
        ("[A ... B] = { },", "A ... B", {}),
        ("[A] = &(struct s){ .b = 2 },", "A", {"b": "2"}),
        ("CONSTANT,", "CONSTANT", {"0": "CONSTANT"}),
        ("A | B,", "A | B", {"0": "A | B"}),
        ('"name",', '"name"', {"0": '"name"'}),
        ('{ "name", f },', '"name"', {"0": '"name"', "1": "f"}),
        ("{ .name = X, .nested = { 1, { 2, 3 } } },", "X", {"name": "X", "nested": "{ 1, { 2, 3 } }"}),
        ("{ },", "{}", {}),
        ("{ 0x40, 4, f },", "0x40", {"0": "0x40", "1": "4", "2": "f"}),
        ("UNALLOCATED(3,7),", "UNALLOCATED(3, 7)", {"0": "3", "1": "7", "macro": "UNALLOCATED"}),
        ("{ Op1( 0), CRn( 1), CRm( 0), f },", "Op1(0), CRn(1), CRm(0)",
         {"0": "Op1(0)", "1": "CRn(1)", "2": "CRm(0)", "3": "f"}),
        ("{ REG(DIRECT, 0, 9), f },", "REG(DIRECT, 0, 9)", {"0": "REG(DIRECT, 0, 9)", "1": "f"}),
        ("&ops,", "&ops", {"0": "&ops"}),
    ],
)  # fmt: skip
def test_one_row(text: str, key: str, columns: dict[str, str]) -> None:
    assert shown(f"\t{text}\n") == [(key, columns)]


def test_a_single_struct_gives_a_row_for_each_field() -> None:
    facts = rows("\t.destroy = f,\n\t.a.b = { 1, 2 },\n};\n", "struct ops t = {")
    assert [(row.key, row.value, row.columns) for row in facts] == [
        (".destroy", "f", (("0", "f"),)),
        (".a.b", "{ 1, 2 }", (("0", "1"), ("1", "2"))),
    ]


def test_variables_among_file_scope_text() -> None:
    text = (
        "static bool __read_mostly a = true;\nint b = 1, c;\nstatic int (*g)(int x) = f;\nu8 d[] = { X, Y };\nint e;\n"
    )
    facts = extract(fragment(text), "new")
    assert [(row.scope, row.key, row.value) for row in facts] == [
        ("a", "=", "true"),
        ("b", "=", "1"),
        ("g", "=", "f"),
        ("d", "X", "X"),
        ("d", "Y", "Y"),
    ]


def test_the_name_of_a_table_of_functions() -> None:
    facts = extract(fragment("static int (*const handlers[])(struct v *v) = {\n\t[A] = f,\n};\n", "table"), "new")
    assert [(row.scope, row.key) for row in facts] == [("handlers", "A")]


def test_rows_under_ifdef_are_gated() -> None:
    facts = rows("\tA,\n#ifdef X\n\tB,\n#else\n#if Y > 1\n\tC,\n#endif\n#endif\n\tD,\n")
    assert [(row.key, row.gates) for row in facts] == [
        ("A", ()),
        ("B", ("#ifdef X",)),
        ("C", ("#else #ifdef X", "#if Y > 1")),
        ("D", ()),
    ]


def test_rows_without_commas_between_them() -> None:
    assert [row.key for row in rows("\tROW(A, 1)\n\tROW(B,\n\t    2)\n\t{ C, 3 }\n\tROW(D, 4)\n")] == [
        "A",
        "B",
        "C",
        "D",
    ]


def test_lines_and_changes_of_a_row() -> None:
    body = "\t{ DESC(A), f },\n\t{ DESC(B), g,\n\t  .x = 1 },\n"
    facts = extract(
        fragment(body, "table", "t", "struct t t[] = {", old="\t{ DESC(A), f },\n\t{ DESC(B), g },\n"), "new"
    )
    assert [(row.line, row.end, row.changed, row.whole) for row in facts] == [
        (0, 0, False, False),
        (1, 2, False, False),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("\t\t.set = f },\n\tROW(X, ~A),\n", [("", {"set": "f", "cut": "start"}),
                                              ("X", {"0": "X", "1": "~A", "macro": "ROW"})]),
        ("\t    A | B),\n\tROW(Y, 1),\n};\n", [("", {"?0": "A | B", "cut": "start"}),
                                               ("Y", {"0": "Y", "1": "1", "macro": "ROW"})]),
        ("\tROW(Y,\n\t    A |\n", [("Y", {"0": "Y", "1": "A |", "macro": "ROW", "cut": "end"})]),
        ("\t\t.a = 1,\n\t\t.b = 2,\n", [("", {"a": "1", "b": "2", "cut": "both"})]),
        ("\t\t\t    A |\n\t\t\t    B |\n", [("", {"?0": "A | B |", "cut": "both"})]),
    ],
)  # fmt: skip
def test_rows_that_are_cut_off_say_so(body: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert shown(body) == expected


def test_a_list_of_constants_in_a_column_gives_rows_too() -> None:
    whole = '\t{\n\t\t.name = "X",\n\t\t.bits = (int[]){\n\t\t\t1, /* one */\n\t\t\t7,\n\t\t\t-1\n\t\t}\n\t},\n'
    assert [row.key for row in rows(whole)] == ['"X"', "1", "7", "-1"]
    middle = "\t\t\t1, /* one */\n\t\t\t7,\n\t\t\t-1\n\t\t}\n\t},\n"
    assert [row.key for row in rows(middle)] == ["", "1", "7", "-1"]
    inside = "\t\t\t1, /* one */\n\t\t\t7,\n"
    assert [row.key for row in rows(inside)] == ["", "1", "7"]


def test_rows_that_the_first_argument_does_not_tell_apart() -> None:
    """The key does not depend on how many such rows there are, so that hiding a field is a change of its row."""
    old = "\tBITS(VISIBLE, STRICT, A_SHIFT, 4),\n\tBITS(VISIBLE, STRICT, B_SHIFT, 4),\n"
    new = "\tBITS(VISIBLE, STRICT, A_SHIFT, 4),\n\tBITS(HIDDEN, STRICT, B_SHIFT, 4),\n"
    piece = fragment(new, "table", "t", "static struct t t[] = {", old=old)
    assert [row.key for row in extract(piece, "old")] == ["A_SHIFT", "B_SHIFT"]
    assert [row.key for row in extract(piece, "new")] == ["A_SHIFT", "B_SHIFT"]


def test_the_second_row_of_a_key_is_numbered() -> None:
    assert [row.key for row in rows("\t{ A, 1 },\n\t{ A, 2 },\n\t{ B, 1 },\n\t{ A, 3 },\n")] == ["A", "A#2", "B", "A#3"]


@pytest.mark.parametrize("text", ["static struct t t[3];\n", "extern struct t t[];\n", "", "/* only words */\n"])
def test_no_initialiser_no_rows(text: str) -> None:
    assert extract(fragment(text, "table", "t"), "new") == []


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{2,7}", fullmatch=True)
ATOMS = st.one_of(
    NAMES, st.sampled_from(["NULL", "0", "-1", "0x1f", '"s, }"', "f", "~(A | B)", "GENMASK(3, 0)", "A | B"])
)


@st.composite
def row_texts(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    """Rows as (key, tokens): every shape a table has, with different keys."""
    keys = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    out = []
    for key in keys:
        cells = draw(st.lists(ATOMS, max_size=4))
        fields = [f".f{number} = {draw(ATOMS)}" for number in range(draw(st.integers(0, 2)))]
        shape = draw(st.sampled_from(["brace", "call", "index", "plain", "desc"]))
        rest = [part for cell in [*cells, *fields] for part in (",", cell)]
        out.append(
            {
                "brace": (key, ["{", key, *rest, "}"]),
                "desc": (key, ["{", f"DESC({key})", *rest, "}"]),
                "call": (key, [f"ROW_{key}", "(", key, *rest[: 2 * len(cells)], ")"]),
                "index": (key, ["[", key, "]", "=", "{", *rest[1:], "}"]),
                "plain": (key, [key]),
            }[shape]
        )
    return out


GAP = st.sampled_from([" ", " ", "\n\t\t", " /* a, b } */ ", "\t", "\n\t  // x, y {\n\t\t"])


def printed(draw: st.DataObject, found: list[tuple[str, list[str]]]) -> str:
    """The rows as C, set at random."""
    text = ""
    for _, tokens in found:
        text += "\t" + "".join(token + draw.draw(GAP) for token in tokens[:-1]) + tokens[-1] + ",\n"
    return text


@given(st.data(), row_texts())
def test_extract_print_extract(data: st.DataObject, found: list[tuple[str, list[str]]]) -> None:
    plain = "".join("\t" + " ".join(tokens) + ",\n" for _, tokens in found)
    facts = rows(plain)
    assert [row.key for row in facts] == [key for key, _ in found]
    assert bare(rows("".join(f"\t{row.value},\n" for row in facts))) == bare(facts)
    assert bare(rows(printed(data, found))) == bare(facts)
    whole = extract(fragment(f"static const struct t t[] = {{\n{plain}}};\n", "table", "t"), "new")
    assert bare(whole) == bare(facts)


@given(st.data(), row_texts())
def test_gates_come_and_go(data: st.DataObject, found: list[tuple[str, list[str]]]) -> None:
    cut = data.draw(st.integers(0, len(found)))
    lines = ["\t" + " ".join(tokens) + ",\n" for _, tokens in found]
    facts = rows("".join(lines[:cut]) + "#ifdef CONFIG_X\n" + "".join(lines[cut:]) + "#endif\n")
    assert [row.gates for row in facts] == [()] * cut + [("#ifdef CONFIG_X",)] * (len(found) - cut)
    assert [row.key for row in facts] == [key for key, _ in found]


@given(st.data(), row_texts())
def test_a_piece_loses_no_row(data: st.DataObject, found: list[tuple[str, list[str]]]) -> None:
    """Whatever lines a hunk shows, every row that it shows in full is there, and what is cut is marked."""
    text = printed(data, found)
    lines = text.split("\n")[:-1]
    start = data.draw(st.integers(0, len(lines) - 1))
    stop = data.draw(st.integers(start + 1, len(lines)))
    seen = rows("\n".join(lines[start:stop]) + "\n")
    full = {(row.key, row.value) for row in seen if not row.column("cut")}
    assert [
        row for row in rows(text) if start <= row.line and row.end < stop and (row.key, row.value) not in full
    ] == []
    assert all(row.column("cut") for row in seen if not row.key)


@given(row_texts())
def test_tree_sitter_counts_the_same(found: list[tuple[str, list[str]]]) -> None:
    """An independent count: the elements of tree-sitter's initializer_list, where it parses the table without error."""
    text = "int t[] = {\n" + "".join("\t" + " ".join(tokens) + ",\n" for _, tokens in found) + "};\n"
    root = parse(text).root_node
    assert not root.has_error
    declarator = root.named_children[0].child_by_field_name("declarator")
    assert declarator is not None
    value = declarator.child_by_field_name("value")
    assert value is not None
    assert value.named_child_count == len(found)
    assert len(extract(fragment(text, "table", "t"), "new")) == len(found)


@given(st.text(alphabet="{}()[],.;=#\n\t AB1\"'/*", max_size=120))
def test_no_text_is_too_strange(text: str) -> None:
    for header in ("", "static struct t t[] = {", "struct s t = {", "static struct"):
        for row in extract(table(text, header), "new"):
            assert 0 <= row.line <= row.end
