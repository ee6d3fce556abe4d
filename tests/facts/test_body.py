# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements of functions, what dominates them, and the facts they state; whole and cut off at either end."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abireview.facts import statements as body_statements
from abireview.facts.body import extract
from abireview.facts.flags import named
from abireview.facts.lex import join, joined, lex, strip_comments, without_directives
from abireview.facts.model import Fact
from abireview.facts.statements import _groups, _split, statements
from abireview.source.model import Fragment, FragmentSide


def facts(text: str) -> list[Fact]:
    lines = tuple(text.strip("\n").split("\n"))
    side = FragmentSide(lines, tuple(range(1, len(lines) + 1)), (False,) * len(lines))
    none = FragmentSide((), (), ())
    return extract(Fragment(0, "a.c", "function", "f", "f", "", none, side), "new")


def one(text: str, kind: str, key: str) -> Fact:
    found = [fact for fact in facts(text) if fact.kind == kind and fact.key == key]
    assert len(found) == 1, facts(text)
    return found[0]


@pytest.mark.parametrize(
    ("text", "gates"),
    [
        ("\tif (a)\n\t\tcall();", ("a",)),
        ("\tif (a) {\n\t\tif (b)\n\t\t\tcall();\n\t}", ("a", "b")),
        ("\tif (a)\n\t\tx();\n\telse\n\t\tcall();", ("!(a)",)),
        ("\tif (a)\n\t\tx();\n\telse if (b)\n\t\tcall();", ("!(a) && b",)),
        ("\tif (a)\n\t\treturn;\n\tcall();", ("unless a",)),
        ("\tif (a) {\n\t\tx();\n\t\tgoto out;\n\t}\n\tcall();", ("unless a",)),
        ("\tif (a)\n\t\tx();\n\tcall();", ()),
        ("\twhile (a)\n\t\tcall();", ("while a",)),
        ("\tfor_each_thing(i, v, k)\n\t\tcall();", ("for_each_thing (i, v, k)",)),
        ("\tswitch (n) {\n\tcase A:\n\tcase B:\n\t\tcall();\n\t}", ("switch n", "case A, B")),
        ("\tswitch (n) {\n\tcase A:\n\t\tx();\n\t\tbreak;\n\tcase B:\n\t\tcall();\n\t}", ("switch n", "case B")),
        ("\tswitch (n) {\n\tcase A:\n\t\tx();\n\tcase B:\n\t\tcall();\n\t}", ("switch n", "case A, B")),
        ("\tswitch (n) {\n\tcase A: x(); break;\n\tcase B:\n\t\tcall();\n\t}", ("switch n", "case B")),
        ("\tswitch (n) {\n\tcase A:\n\t\tbreak;\n\t}\n\tcall();", ()),
        ("#ifdef CONFIG_X\n\tcall();\n#endif", ("#ifdef CONFIG_X",)),
        ("#ifdef CONFIG_X\n\tx();\n#else\n\tcall();\n#endif", ("#else #ifdef CONFIG_X",)),
        ("\t\t\tcall();", ()),
        ("\t\t}\n\t\tcall();\n\t}", ()),
    ],
)
def test_what_dominates_a_call(text: str, gates: tuple[str, ...]) -> None:
    assert one(text, "call", "call").gates == gates


def test_an_error_set_before_its_condition_is_returned_under_it() -> None:
    found = one("\tret = -EINVAL;\n\tif (x > 1)\n\t\tgoto out;\n\tret = 0;", "return", "-EINVAL")
    assert found.gates == ("x > 1",)


def test_an_error_assigned_and_an_error_returned_are_one_fact() -> None:
    stored = one("\tif (x)\n\t\tr = -EBUSY;", "return", "-EBUSY")
    returned = one("\tif (x)\n\t\treturn -EBUSY;", "return", "-EBUSY")
    assert (stored.value, stored.gates) == (returned.value, returned.gates)


def test_a_statement_over_several_lines_is_one() -> None:
    found = one("\tx->field = first(a,\n\t\t\t b) |\n\t\tSECOND;", "store", "x->field")
    assert (found.value, found.line, found.end) == ("= first(a, b) | SECOND", 0, 2)


def test_a_comment_says_nothing() -> None:
    assert facts("\t/* x = 1; */\n\t * if (a)\n") == []
    assert [f.value for f in facts("\t * the end of a comment */\n\tx = 1; // y = 2;")] == ["= 1"]


def test_calls_inside_of_expressions_are_facts() -> None:
    keys = [f.key for f in facts("\tif (outer(inner(x)) && other())\n\t\treturn last(y);") if f.kind == "call"]
    assert keys == ["outer", "inner", "other", "last"]


def test_a_declaration_with_a_value_is_a_local_and_a_store() -> None:
    assert [(f.kind, f.key) for f in facts("\tstruct thing *x = &y;")] == [("local", "x"), ("store", "x")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(A1 | B1)", [("A1", False), ("B1", False)]),
        ("~(A1 | B1)", [("A1", True), ("B1", True)]),
        ("~MASK(A1)", [("A1", True)]),
        ("A1 | MASK(B1) | (C1|D1)", [("A1", False), ("B1", False), ("C1", False), ("D1", False)]),
        ("x & ~FOO1", [("FOO1", True)]),
        ("~(A1 | ~B1)", [("A1", True), ("B1", False)]),
        ("call(BAR1, BAZ1)", []),
        ("A1 && B1", []),
    ],
)
def test_flags_of_an_expression(text: str, found: list[tuple[str, bool]]) -> None:
    assert named(text) == found


@given(st.text(alphabet="abAB(){}[];:,=+-*&|!<>\"'/\\ \t\n#.0x", max_size=200))
def test_no_piece_of_text_breaks_the_reader(text: str) -> None:
    lines = text.split("\n")
    for statement in statements(lines):
        assert 0 <= statement.line <= statement.end < len(lines)
    facts(text or "x")


@given(
    st.lists(
        st.sampled_from(["a", "->", "b", "(", ")", "&", "-", "1", "EINVAL", ",", "[", "]", "!", "=="]), max_size=12
    )
)
@example(["a", "-", "-", "->"])
def test_the_normal_form_is_stable(words: list[str]) -> None:
    text = join(words)
    tokens = lex(strip_comments([text]))
    again = joined(tokens)
    retokens = lex(strip_comments([again]))
    assert joined(retokens) == again


def test_deep_nesting_and_long_lines_take_linear_time() -> None:
    text = "\tx = " + "(" * 20_000 + "1" + ")" * 20_000 + ";"
    assert facts(text)
    assert facts("\n".join("\tif (a)" for _ in range(5_000)))


def refused(text: str) -> list[tuple[str, ...]]:
    return [fact.gates for fact in facts(text) if fact.kind == "return" and fact.key == "-EINVAL"]


def test_an_error_is_returned_under_every_condition_that_jumps_away_with_it() -> None:
    text = "\tret = -EINVAL;\n\tif (a)\n\t\tgoto out;\n\tif (b) {\n\t\tgoto out;\n\t}\n\tif (c)\n\t\tgoto out;"
    assert refused(text) == [("a",), ("unless a", "b"), ("unless a", "unless b", "c")]


@pytest.mark.parametrize("between", ["\tret = 0;", "out:", "\tret = f(x);", "\tcase B:", "}"])
def test_an_error_that_is_no_longer_set_is_not_returned(between: str) -> None:
    text = f"\tret = -EINVAL;\n\tif (a)\n\t\tgoto out;\n{between}\n\tif (b)\n\t\tgoto out;"
    assert len(refused(text)) == (2 if between == "}" else 1)


def test_a_condition_that_does_something_else_returns_nothing() -> None:
    assert len(refused("\tret = -EINVAL;\n\tif (a)\n\t\tgoto out;\n\tif (b)\n\t\tf();\n\tg();")) == 1


CODE = st.lists(
    st.sampled_from(
        [
            "\tif (a)",
            "\tif (a &&",
            "\t    b) {",
            "\t}",
            "\telse",
            "\t} else if (c)",
            "\tcase A:",
            "\tx = f(y,",
            "\t\tz);",
            "\tswitch (n) {",
            "\treturn 0;",
            "\tfor_each_thing(i, v)",
            "\t\tcall(i);",
            "#ifdef X",
            "#define A \\",
            "  b",
            "#endif",
            "out:",
            "",
            "\tdo {",
            "\t} while (x)",
            "\t;",
            "int f(int a)",
            "{",
            "}",
            "\tstruct s x = {",
            "\t\t.a = 1,",
            "\t};",
            "\tif",
            "\t(a) goto out;",
            "\t/* a",
            "\t * b */",
            "\tcase B",
            "\t: break;",
            "\twhile (x);",
        ]
    ),
    max_size=24,
)


@given(CODE)
def test_groups_of_lines_read_alone_give_the_statements_of_the_whole(lines: list[str]) -> None:
    code, _ = without_directives(strip_comments(lines))
    whole = [(raw.shape, raw.word, raw.text, raw.line, raw.end) for raw in _split(lex(code))[0]]
    apart = [(r.shape, r.word, r.text, at + r.line, at + r.end) for at, group in _groups(code) for r in group]
    assert apart == whole


def test_a_statement_of_many_lines_is_not_read_anew_at_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = body_statements._read
    monkeypatch.setattr(body_statements, "_read", lambda lines: read.append(len(lines)) or whole(lines))
    lines = ["\tx = {", *[f'\t\t[{n}] = {{ {n}, "{"y" * 40}" }},' for n in range(4000)], "\t};"]
    found = statements(lines)
    assert [part.raw.shape for part in found] == ["plain"]
    assert sum(read) < 4 * len(lines)


@pytest.mark.parametrize(
    ("text", "stores"),
    [
        ("\ta = b->c = 0x24 | BIT(8);", [("a", "= 0x24 | BIT(8)"), ("b->c", "= 0x24 | BIT(8)")]),
        ("\tu32 a = b = f(x);", [("a", "= f(x)"), ("b", "= f(x)")]),
        ("\ta[0] = b[1] = c.d = 1;", [("a[0]", "= 1"), ("b[1]", "= 1"), ("c.d", "= 1")]),
        ("\ta = b |= FLAG;", [("a", "= FLAG"), ("b", "|= FLAG")]),
        ("\ta = x ? b = 1 : 2;", [("a", "= x ? b = 1 : 2")]),
        ("\ta = b == c;", [("a", "= b == c")]),
        ("\ta = (b = c);", [("a", "= (b = c)")]),
    ],
)
def test_an_assignment_of_an_assignment_is_two_stores(text: str, stores: list[tuple[str, str]]) -> None:
    found = facts(text)
    assert [(fact.key, fact.value) for fact in found if fact.kind == "store"] == stores
    assert len([fact for fact in found if fact.kind == "call" and fact.key == "f"]) == ("f(x)" in text)
