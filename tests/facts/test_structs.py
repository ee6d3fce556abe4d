# SPDX-License-Identifier: GPL-2.0-or-later
"""Members of structs and unions, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.facts.model import Fact
from abireview.facts.parser import parse
from abireview.facts.structs import extract

from .make import bare, fragment


def struct(text: str, header: str = "") -> list[Fact]:
    return extract(fragment(text, "struct", "s", header), "new")


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("__u32 a;", {"a": "__u32"}),
        ("struct foo *a[3], b;", {"a": "struct foo *[3]", "b": "struct foo"}),
        ("unsigned long c : 3;", {"c": "unsigned long : 3"}),
        ("unsigned int x:1, y : 2, : 3;", {"x": "unsigned int : 1", "y": "unsigned int : 2", ":": "unsigned int : 3"}),
        ("unsigned int :4;", {":": "unsigned int : 4"}),
        ("__u64 : 5;", {":": "__u64 : 5"}),
        ("__u8 d[];", {"d": "__u8[]"}),
        ("__u8 d[0];", {"d": "__u8[0]"}),
        ("__u8 pad[A + 1][2];", {"pad": "__u8[A + 1][2]"}),
        ("int (*f)(int, struct v *);", {"f": "int(*)(int, struct v *)"}),
        ("int (*arr[3])(void);", {"arr": "int(*[3])(void)"}),
        ("enum e g;", {"g": "enum e"}),
        ("enum { A, B } h;", {"h": "enum { A, B }"}),
        ("__u64 w __packed;", {"w": "__u64 __packed"}),
        ("__u64 v __attribute__((aligned(8)));", {"v": "__u64 __attribute__((aligned(8)))"}),
        ("int __rsv __packed;", {"__rsv": "int __packed"}),
        ("bool __reserved;", {"__reserved": "bool"}),
        ("DECLARE_BITMAP(bm, N + 1);", {"bm": "DECLARE_BITMAP(bm, N + 1)"}),
        ("__DECLARE_FLEX_ARRAY(__u8, data);", {"data": "__DECLARE_FLEX_ARRAY(__u8, data)"}),
        ("__u8 UNSAFE(flag);", {"flag": "__u8 UNSAFE()"}),
        ("struct foo __rcu *rcu;", {"rcu": "struct foo __rcu *"}),
        ("typeof(int) t;", {"t": "typeof(int)"}),
        ("struct { int q; } *p;", {"p": "struct *", "p.q": "int"}),
        ("struct bar { int y; } z[2];", {"z": "struct bar[2]", "z.y": "int"}),
        ("union { int q; struct { int r; }; };", {"q": "int", "r": "int"}),
        ("static_assert(sizeof(int) == 4);", {"sizeof(int) == 4": "static_assert(sizeof(int) == 4)"}),
    ],
)
def test_one_declaration(text: str, members: dict[str, str]) -> None:
    facts = struct(f"struct s {{\n\t{text}\n}};\n")
    assert {fact.key: fact.value for fact in facts} == members
    assert [fact.number for fact in facts] == list(range(len(facts)))


def test_members_of_a_union_say_so_and_gates_stand() -> None:
    text = """struct s {
	union {
		__u64 a;
		struct {
			__u32 b;
		} c;
	} u;
#ifdef __KERNEL__
	int k;
#endif
};
"""
    facts = struct(text)
    assert [(f.key, f.columns, f.gates) for f in facts] == [
        ("u", (), ()),
        ("u.a", (("in", "union"),), ()),
        ("u.c", (("in", "union"),), ()),
        ("u.c.b", (), ()),
        ("k", (), ("#ifdef __KERNEL__",)),
    ]
    assert [(f.line, f.end) for f in facts] == [(1, 6), (2, 2), (3, 5), (4, 4), (8, 8)]


def test_a_piece_that_begins_inside_nested_structs() -> None:
    text = "\t\t\t__u64 flags;\n\t\t} fault;\n\t\tstruct {\n\t\t\t__u64 gpa;\n\t\t} tdx;\n\t\tchar pad[256];\n\t};\n"
    text += "\t__u64 z;\n};\n"
    facts = struct(text, "struct s {")
    assert [fact.key for fact in facts] == ["fault", "fault.flags", "tdx", "tdx.gpa", "pad", "z"]
    assert {fact.number for fact in facts} == {None}


def test_the_rest_of_a_cut_declaration_is_no_member() -> None:
    assert [fact.key for fact in struct("\tint b);\n\t__u64 c;\n\tstruct {\n\t\tint z;\n", "struct s {")] == ["c", "z"]


def test_structs_among_file_scope_text() -> None:
    text = "typedef struct { int a; } x_t;\nstruct f;\nstatic struct f g = { 1 };\n"
    text += "union u { int b; } __packed;\nint f(struct x *y);\n"
    facts = extract(fragment(text), "new")
    assert [(fact.scope, fact.key) for fact in facts] == [("x_t", "a"), ("u", "b")]


TYPES = st.sampled_from(["__u8", "unsigned long", "struct foo", "const char", "enum e", "union u"])
SHAPES = st.sampled_from(["{}", "*{}", "{}[4]", "{}[]", "{} : 3", "(*{})(int a, void *)", "**{}[N + 1]"])


@st.composite
def members(draw: st.DrawFn, depth: int = 0) -> list[tuple[str, list[str]]]:
    """Declarations and the paths of the members they give."""
    out = []
    for number in range(draw(st.integers(1, 4))):
        name = f"mem_{depth}{number}"
        if depth < 2 and draw(st.integers(0, 3)) == 0:
            inner = draw(members(depth + 1))
            named = draw(st.booleans())
            body = " ".join(text for text, _ in inner)
            paths = [path for _, found in inner for path in found]
            kind = draw(st.sampled_from(["struct", "union", "struct tag"])) if named else "union"
            if named:
                out.append((f"{kind} {{ {body} }} {name};", [name, *(f"{name}.{path}" for path in paths)]))
            else:
                fresh = f"x{number}mem_"
                body = body.replace("mem_", fresh)
                out.append((f"{kind} {{ {body} }};", [path.replace("mem_", fresh) for path in paths]))
        else:
            out.append((f"{draw(TYPES)} {draw(SHAPES).format(name)};", [name]))
    return out


def spread(draw: st.DataObject, text: str) -> str:
    return "".join(
        word + draw.draw(st.sampled_from([" ", "\n\t", " /* a; } */ ", "\n#ifdef X\n#endif\n"]))
        for word in text.split(" ")
    )


@given(st.data(), members())
def test_extract_print_extract(data: st.DataObject, found: list[tuple[str, list[str]]]) -> None:
    body = " ".join(text for text, _ in found)
    facts = struct(f"struct s {{ {body} }};")
    assert [fact.key for fact in facts] == [path for _, paths in found for path in paths]
    assert bare(struct(spread(data, f"struct s {{ {body} }};"))) == bare(facts)
    piece = struct(body, "struct s {")
    assert [(fact.key, fact.value) for fact in piece] == [(fact.key, fact.value) for fact in facts]


@given(members())
def test_tree_sitter_sees_the_same_names(found: list[tuple[str, list[str]]]) -> None:
    """An independent count: the field_identifier nodes of tree-sitter's tree, which are the names of all members."""
    text = f"struct s {{ {' '.join(text for text, _ in found)} }};"
    root = parse(text).root_node
    assert not root.has_error
    names, open_ = [], [root]
    while open_:
        node = open_.pop()
        if node.type == "field_identifier":
            names.append((node.start_byte, text[node.start_byte : node.end_byte]))
        open_ += node.children
    own = [fact.key.rpartition(".")[2] for fact in struct(text)]
    assert sorted(own) == sorted(name for _, name in names)


@given(st.text(alphabet="{}()[],;:*=#\n\t ab1\"'/struct", max_size=120))
def test_no_text_is_too_strange(text: str) -> None:
    for header in ("", "struct s {"):
        for fact in struct(text, header):
            assert 0 <= fact.line <= fact.end
