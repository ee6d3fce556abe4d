# SPDX-License-Identifier: GPL-2.0-or-later
"""Defines, includes and file-scope macro calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abireview.facts import attributes, defines, includes
from abireview.facts.model import Fact

from .make import bare, fragment

TEXT = """#ifndef X_H
#define X_H
#include <linux/types.h>
#ifdef CONFIG_A
#  include "local.h" /* words */
#endif
#define A 1
#define B (A << 2) /* words, and
			* more words */
#define M (A | \\
		B)
#define CMD_RUN  _IO(TYPE,   0x80)
#define CMD_SET  _IOW(TYPE, 0xaa, struct foo)
#define CMD_GET  _IOWR(TYPE, 0xab, int)
#define F(a, b) ((a) + \\
		(b))
#define G() 1
#define S "x"
#define EMPTY
#ifdef __KERNEL__
#define SELF SELF
#endif
#endif /* X_H */
"""


def define(text: str) -> list[Fact]:
    return defines.extract(fragment(text), "new")


def test_defines() -> None:
    facts = define(TEXT)
    assert [(fact.key, fact.value, fact.number) for fact in facts] == [
        ("X_H", "", None),
        ("A", "1", 1),
        ("B", "(A << 2)", 4),
        ("M", "(A | B)", 5),
        ("CMD_RUN", "_IO(TYPE, 0x80)", None),
        ("CMD_SET", "_IOW(TYPE, 0xaa, struct foo)", None),
        ("CMD_GET", "_IOWR(TYPE, 0xab, int)", None),
        ("F", "((a) + (b))", None),
        ("G", "1", None),
        ("S", '"x"', None),
        ("EMPTY", "", None),
        ("SELF", "SELF", None),
    ]
    columns = {fact.key: fact.columns for fact in facts if fact.columns}
    assert columns == {
        "CMD_RUN": (("dir", ""), ("type", "TYPE"), ("nr", "0x80")),
        "CMD_SET": (("dir", "W"), ("type", "TYPE"), ("nr", "0xaa"), ("arg", "struct foo")),
        "CMD_GET": (("dir", "WR"), ("type", "TYPE"), ("nr", "0xab"), ("arg", "int")),
        "F": (("params", "a, b"),),
        "G": (("params", " "),),
    }
    assert {fact.key: fact.gates for fact in facts if fact.gates} == {"SELF": ("#ifdef __KERNEL__",)}
    assert [(fact.line, fact.end) for fact in facts if fact.key in "MF"] == [(9, 10), (14, 15)]


def test_a_macro_whose_first_line_is_cut_off() -> None:
    piece = fragment("\t.a = x, \\\n\t.b = y, \\\n}\n#define Z 1\n", "macro", "ROW", "#define ROW(x) { \\")
    facts = defines.extract(piece, "new")
    assert [(fact.key, fact.columns, fact.number) for fact in facts] == [
        ("ROW", (("params", "x"), ("cut", "start")), None),
        ("Z", (), 1),
    ]
    assert facts[0].value.startswith("{")
    assert (facts[0].line, facts[0].end) == (0, 2)


def test_a_name_defined_twice() -> None:
    facts = define("#ifdef X\n#define A 1\n#else\n#define A 2\n#endif\n")
    assert [(fact.key, fact.number, fact.gates) for fact in facts] == [
        ("A", 1, ("#ifdef X",)),
        ("A#2", 2, ("#else #ifdef X",)),
    ]


def test_includes() -> None:
    facts = includes.extract(fragment(TEXT), "new")
    assert [(fact.key, fact.line, fact.gates) for fact in facts] == [
        ("linux/types.h", 2, ()),
        ("local.h", 4, ("#ifdef CONFIG_A",)),
    ]
    assert includes.extract(fragment("int includes;\n#define include 1\n"), "new") == []


def test_file_scope_macro_calls() -> None:
    text = """static bool x;
module_param(x, bool, 0444);
MODULE_PARM_DESC(x, "what; it (does)");
static DEFINE_MUTEX(lock);
int f(int a);
struct s *
g(int a);
EXPORT_SYMBOL_GPL(f);
__printf(1, 2)
void h(void);
early_param("a.b", f);
OP(y)
OP(z)
SYSCALL_DEFINE1(foo, int, a)
{
}
#define OP(x) DO(x);
"""
    facts = attributes.extract(fragment(text), "new")
    assert [(fact.key, fact.scope, tuple(value for _, value in fact.columns)) for fact in facts] == [
        ("module_param", "x", ("x", "bool", "0444")),
        ("MODULE_PARM_DESC", "x", ("x", '"what; it (does)"')),
        ("DEFINE_MUTEX", "lock", ("lock",)),
        ("EXPORT_SYMBOL_GPL", "f", ("f",)),
        ("early_param", '"a.b"', ('"a.b"', "f")),
        ("OP", "y", ("y",)),
        ("OP", "z", ("z",)),
    ]
    assert next(dict(fact.columns).keys() for fact in facts) == {"0", "1", "2"}


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{1,6}", fullmatch=True)
BODIES = st.sampled_from(["1", "(1 << 3)", "0x10ULL", "BIT(2)", '"s"', "", "f(a, b)", "(A | B)", "_IOW(T, 1, int)"])


@given(st.lists(st.tuples(NAMES, BODIES), max_size=8, unique_by=lambda pair: pair[0]))
def test_extract_print_extract(found: list[tuple[str, str]]) -> None:
    facts = define("".join(f"#define {name} {body}\n" for name, body in found))
    assert [fact.key for fact in facts] == [name for name, _ in found]
    assert bare(define("".join(f"#define {fact.key} {fact.value}\n" for fact in facts))) == bare(facts)
    broken = [(name, body.replace(" ", " \\\n")) for name, body in found]
    wide = "".join(f"#\tdefine {name}\t/* words */ {body} // x\n" for name, body in broken)
    assert bare(define(wide)) == bare(facts)


@given(st.text(alphabet="#define \\\n()AB1\"'/*", max_size=100))
def test_no_text_is_too_strange(text: str) -> None:
    for kind in ("top", "macro"):
        for extractor in (defines.extract, includes.extract, attributes.extract):
            for fact in extractor(fragment(text, kind, "M", "#define M \\" if kind == "macro" else ""), "new"):  # type: ignore[arg-type]
                assert 0 <= fact.line <= fact.end
