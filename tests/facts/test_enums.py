# SPDX-License-Identifier: GPL-2.0-or-later
"""Enumerators: values, pieces, macros."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.facts.enums import extract
from abireview.facts.model import Fact

from .make import bare, fragment


def enum(text: str, header: str = "") -> list[Fact]:
    return extract(fragment(text, "enum", "e", header), "new")


def test_values_as_c_gives_them() -> None:
    text = """enum e {
	A, /* one, two */
	B = 3,
#ifdef X
	C,
#endif
	D = B, E = -1, F,
	G = 1 << 3 |
		B,
	H = UNKNOWN,
	I,
	MARK(J),
	K,
	L __attribute__((x)) = 5,
	M
};
"""
    facts = enum(text)
    assert {fact.key: fact.number for fact in facts} == {
        "A": 0, "B": 3, "C": 4, "D": 3, "E": -1, "F": 0, "G": 11, "H": None, "I": None, "J": None, "K": None, "L": 5,
        "M": 6,
    }  # fmt: skip
    assert [fact.column("index") for fact in facts] == [str(index) for index in range(13)]
    assert {fact.key: fact.gates for fact in facts if fact.gates} == {"C": ("#ifdef X",)}
    assert {fact.key: fact.value for fact in facts if fact.value} == {
        "B": "3", "D": "B", "E": "-1", "G": "1 << 3 | B", "H": "UNKNOWN", "J": "MARK(J)", "L": "5",
    }  # fmt: skip
    assert {fact.key: fact.column("after") for fact in facts if fact.column("after")} == {"I": "H", "K": "J"}
    assert [(fact.line, fact.end) for fact in facts if fact.key == "G"] == [(7, 8)]


def test_without_its_start_nothing_is_counted() -> None:
    facts = enum("\t| TAIL,\n\tA,\n\tB,\n\tC = 5,\n\tD\n};\nint x;\n", "enum e {")
    assert [(fact.key, fact.number, fact.columns) for fact in facts] == [
        ("A", None, ()),
        ("B", None, (("after", "A"),)),
        ("C", 5, ()),
        ("D", 6, ()),
    ]


def test_enums_among_file_scope_text() -> None:
    text = "typedef enum { A, B } x_t;\nenum foo { C = 2 };\nenum foo f(enum foo x);\n"
    facts = extract(fragment(text), "new")
    assert [(fact.scope, fact.key, fact.number) for fact in facts] == [("", "A", 0), ("", "B", 1), ("foo", "C", 2)]


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{1,6}", fullmatch=True)


@st.composite
def enums(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """Enumerators as (name, expression, value), counted by this test itself."""
    names = draw(st.lists(NAMES, min_size=1, max_size=10, unique=True))
    out: list[tuple[str, str, int]] = []
    value = -1
    for name in names:
        kind = draw(st.sampled_from(["implicit", "implicit", "number", "alias", "shift", "sum"]))
        if kind == "alias" and out:
            expression, value = out[-1][0], out[-1][2]
        elif kind == "sum" and out:
            expression, value = f"{out[0][0]} + 7", out[0][2] + 7
        elif kind == "number":
            value = draw(st.integers(-100, 1000))
            expression = str(value)
        elif kind == "shift":
            bit = draw(st.integers(0, 30))
            expression, value = f"(1 << {bit})", 1 << bit
        else:
            expression, value = "", value + 1
        out.append((name, expression, value))
    return out


GAP = st.sampled_from([" ", "\n\t\t", " /* a, b } */ ", "\t", "\n// x, y {\n"])


@given(st.data(), enums())
def test_extract_print_extract(data: st.DataObject, found: list[tuple[str, str, int]]) -> None:
    plain = "".join(f"\t{name}{' = ' * bool(value)}{value},\n" for name, value, _ in found)
    facts = enum(f"enum e {{\n{plain}}};\n")
    assert [(fact.key, fact.value, fact.number) for fact in facts] == [
        (name, expression, number) for name, expression, number in found
    ]
    again = "".join(f"\t{fact.key}{' = ' * bool(fact.value)}{fact.value},\n" for fact in facts)
    assert bare(enum(f"enum e {{\n{again}}};\n")) == bare(facts)
    loose = "".join(
        f"{data.draw(GAP)}{name}{data.draw(GAP)}{'=' * bool(value)}{data.draw(GAP)}{value}{data.draw(GAP)},"
        for name, value, _ in found
    )
    assert bare(enum(f"enum e {{{loose}\n}};\n")) == bare(facts)


@given(st.data(), enums())
def test_a_piece_loses_no_enumerator_and_invents_no_value(
    data: st.DataObject, found: list[tuple[str, str, int]]
) -> None:
    start = data.draw(st.integers(0, len(found) - 1))
    stop = data.draw(st.integers(start + 1, len(found)))
    piece = found[start:stop]
    body = "".join(f"\t{name}{' = ' * bool(value)}{value},\n" for name, value, _ in piece)
    facts = enum(body, "enum e {")
    assert [fact.key for fact in facts] == [name for name, _, _ in piece]
    values = {name: value for name, _, value in piece}
    assert all(fact.number in (None, values[fact.key]) for fact in facts)
    assert not any(fact.column("index") for fact in facts)


@given(st.text(alphabet="{}()[],.;=#\n\t AB1\"'/*enum", max_size=120))
def test_no_text_is_too_strange(text: str) -> None:
    for header in ("", "enum e {"):
        for fact in enum(text, header):
            assert 0 <= fact.line <= fact.end


@pytest.mark.parametrize("text", ["", "enum e;\n", "int enumerate;\n", "enum e x = A;\n"])
def test_no_enum_no_enumerators(text: str) -> None:
    assert extract(fragment(text), "new") == []
