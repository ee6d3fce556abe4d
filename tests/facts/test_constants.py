# SPDX-License-Identifier: GPL-2.0-or-later
"""Constant expressions: C's rules, and what cannot be computed."""

from __future__ import annotations

import pytest

from abireview.facts.constants import Constants, evaluate, resolve
from abireview.facts.defines import extract

from .make import fragment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("0x10ULL", 16),
        ("010", 8),
        ("0b101", 5),
        ("~0", -1),
        ("~0U", 2**32 - 1),
        ("~0UL", 2**64 - 1),
        ("1 << 31", -(2**31)),
        ("1u << 31", 2**31),
        ("(1ULL << 63)", 2**63),
        ("0x80000000", 2**31),
        ("4294967296", 2**32),
        ("BIT(3) | BIT_ULL(40)", 8 | 1 << 40),
        ("GENMASK(7, 4)", 0xF0),
        ("GENMASK_ULL(63, 0)", 2**64 - 1),
        ("_AC(1, UL) << 33", 1 << 33),
        ("(__u64)1 << 40", 1 << 40),
        ("(u8)~0", 255),
        ("(s8)255", -1),
        ("(bool)7", 1),
        ("(unsigned long)1 << 40", 1 << 40),
        ("A | B", 3),
        ("(A) - 1", 0),
        ("(A) & (B)", 0),
        ("-5 / 2", -2),
        ("-5 % 2", -1),
        ("-1 >> 1", -1),
        ("2 * 3 + 4 << 1", 20),
        ("1 | 2 == 2", 1),
        ("-1 < 1u", 0),
        ("A ? 5 : 6", 5),
        ("!A", 0),
        ("A && 0 || B", 1),
        ("sizeof(__u64) * 2", 16),
        ("SZ_64K + 4", 65540),
        ("U8_MAX", 255),
        ("U8_MAX + 1", 256),
        ("S16_MIN", -32768),
        ("SHRT_MAX", 32767),
        ("USHRT_MAX", 65535),
        ("INT_MAX", 2147483647),
        ("U32_MAX + 1", 0),
        ("S64_MIN", -(1 << 63)),
        ("ULONG_MAX", (1 << 64) - 1),
        ("LLONG_MAX", (1 << 63) - 1),
        ("U8_MIN", None),
        ("S_MAX", None),
        ("MY_INT_MAX", None),
        ("'a'", 97),
        ("'\\n'", 10),
        (" | ".join(["A"] * 90 + ["B"]), 3),
    ],
)
def test_value(text: str, value: int) -> None:
    assert evaluate(text, {"A": 1, "B": 2}) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "X", "X + 1", "_IO(1, 2)", "1 / 0", "1 << 64", "1 << -1", '"s"', "1 2", "f(1)", "{ 1 }", "1 +", "*A",
        "'ab'", "99999999999999999999", "sizeof(struct foo)", "(struct foo)1", "BIT(64)", "GENMASK(3, 7)",
        "(" * 200 + "1" + ")" * 200, "A" * 5000,
    ],
)  # fmt: skip
def test_no_value(text: str) -> None:
    assert evaluate(text, {"A": 1}) is None


def test_names_are_looked_up_in_any_order_and_circles_have_no_value() -> None:
    facts = extract(fragment("#define A (B | 1)\n#define B 2\n#define C D\n#define D C\n#define E E\n"), "new")
    assert {fact.key: fact.number for fact in facts} == {"A": 3, "B": 2, "C": None, "D": None, "E": None}


def test_a_long_chain_of_names_ends() -> None:
    text = "".join(f"#define N{number} (N{number + 1})\n" for number in range(500)) + "#define N500 1\n"
    facts = extract(fragment(text), "new")
    assert len(facts) == 501
    assert facts[-1].number == 1


def test_resolve_joins_fragments_of_one_file() -> None:
    first = extract(fragment("#define MASK (ONE | TWO)\n#define SHIFT_ONE(x) ((x) << 1)\n"), "new")
    second = extract(fragment("#define ONE BIT(0)\n#define TWO BIT(1)\n"), "new")
    assert [fact.number for fact in first] == [None, None]
    resolved = resolve([*first, *second])
    assert [fact.number for fact in resolved] == [3, None, 1, 2]
    assert Constants(resolved).number("MASK << 4") == 48
