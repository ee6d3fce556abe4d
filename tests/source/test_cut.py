# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole files of C cut into scopes."""

from __future__ import annotations

import pytest

from abireview.source.chead import classify, guess_kind
from abireview.source.cut import Scope, cut

FILE = """\
// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file.
 */
#include <linux/foo.h>

#define ONE 1
#define MANY(x)			\\
({				\\
	f(x);			\\
})

struct foo {
	int a;
	union {
		u8 b;
	};
} __packed;

enum {
	A,
	B = 3,
};

typedef struct {
	int x;
} bar_t;

static int proto(int a,
		int b);

EXPORT_SYMBOL_GPL(thing)
module_param(thing, int, 0444);

/**
 * one() - does it
 */
static int __init one(struct foo *foo,
			int (*cb)(int))
{
#ifdef CONFIG_X
	if (foo) {
#else
	{
#endif
		goto out;
	}
out:
	return cb(1);
}
EXPORT_SYMBOL(one);

static int
two(void)
{
#define LOCAL(x) do {	\\
	f(x);		\\
} while (0)
	LOCAL(1);
	return 0;
}

static const struct row rows[] = {
	{ 1, 2 },
	[3] = {
		.a = 1,
	},
};

static const struct row __maybe_unused odd[] __initconst =
{
{
	1,
},
{
	2,
},
};

static struct named {
	int a;
} table[] = {
	{ 1 },
};

SYSCALL_DEFINE2(mine, int, a,
		long, b)
{
	return a;
}

static inline int short_one(void) { return 1; }
enum small { S1, S2 };
static struct foo one_line = { .a = 1 };
__attribute__((noinline)) static void attributed(void)
{
}

DEFINE_PER_CPU(struct foo, per_cpu_foo) = {
	.a = 1,
};

TRACE_EVENT(kvm_thing,
	TP_PROTO(int a),

	TP_ARGS(a)
);

FIXTURE(fixed)
{
	int fd;
};
"""

EXPECTED = [
    ("macro", "MANY"),
    ("struct", "foo"),
    ("enum", ""),
    ("struct", "bar_t"),
    ("function", "one"),
    ("function", "two"),
    ("table", "rows"),
    ("table", "odd"),
    ("struct", "named"),
    ("table", "table"),
    ("function", "sys_mine"),
    ("function", "short_one"),
    ("enum", "small"),
    ("table", "one_line"),
    ("function", "attributed"),
    ("table", "per_cpu_foo"),
    ("struct", "fixed"),
]


def scopes(text: str, start: Scope | None = None) -> list[tuple[str, str]]:
    return [(scope.kind, scope.name) for scope in cut(text.splitlines(), start) if scope.kind != "top"]


def test_a_file_of_everything() -> None:
    assert scopes(FILE) == EXPECTED
    found = cut(FILE.splitlines())
    assert all(scope.opened and scope.closed for scope in found)


def test_scopes_join_up_to_the_file() -> None:
    lines = FILE.splitlines()
    found = cut(lines)
    assert [line for scope in found for line in lines[scope.first : scope.end]] == lines


def test_bodies_begin_behind_the_brace() -> None:
    lines = FILE.splitlines()
    by_name = {scope.name: scope for scope in cut(lines)}
    assert lines[by_name["one"].body - 1] == "{"
    assert lines[by_name["rows"].body - 1].endswith("= {")
    assert lines[by_name["one"].first] == "static int __init one(struct foo *foo,"
    assert lines[by_name["two"].first] == "static int"
    assert lines[by_name["one"].end - 1] == "}"


@pytest.mark.parametrize("cutoff", range(0, 130, 7))
def test_any_beginning_or_end_may_be_missing(cutoff: int) -> None:
    lines = FILE.splitlines()
    for part in (lines[cutoff:], lines[:cutoff]):
        found = cut(part)
        assert [line for scope in found for line in part[scope.first : scope.end]] == part


def test_a_brace_indented_wrongly_does_not_end_a_function() -> None:
    text = "int f(int a)\n{\n\tif (a) {\n\t\tg();\n}\n\n\treturn 0;\n}\n\nint h(void)\n{\n}\n"
    assert scopes(text) == [("function", "f"), ("function", "h")]


def test_a_function_that_never_closes_ends_where_the_next_begins() -> None:
    text = "int f(int a)\n{\n\tif (a) {\nstatic int g(void)\n{\n\treturn 0;\n}\n"
    assert scopes(text) == [("function", "f"), ("function", "g")]


def test_column_0_inside_functions() -> None:
    text = "int f(int a)\n{\nlabel:\n\tg();\ndefault:\n#endif\n/* a\n} comment */\n\treturn 1;\n}\nint x;\n"
    assert scopes(text) == [("function", "f")]
    assert cut(text.splitlines())[0].end == 10


def test_extern_c_is_no_scope() -> None:
    text = 'extern "C" {\nint f(void)\n{\n\treturn 1;\n}\n}\n'
    assert scopes(text) == [("function", "f")]


@pytest.mark.parametrize(
    ("header", "kind", "name"),
    [
        ("static int foo(struct kvm_vcpu *vcpu,", "function", "foo"),
        ("static struct foo *bar(int a)", "function", "bar"),
        ("static __always_inline bool __foo(int a) __must_hold(x)", "function", "__foo"),
        ("__printf(1, 2) void log_it(const char *fmt, ...)", "function", "log_it"),
        ("COMPAT_SYSCALL_DEFINE1(open, int, a)", "function", "sys_open"),
        ("DEFINE_IDTENTRY(exc_it)", "function", "exc_it"),
        ("static int", "function", ""),
        ("static const struct desc descs[] = {", "table", "descs"),
        ("static const struct desc descs[NR][2] __ro_after_init = {", "table", "descs"),
        ("const u8 values[] =", "table", "values"),
        ("static struct ops the_ops = {", "table", "the_ops"),
        ("static int (*const handlers[])(struct kvm_vcpu *vcpu) = {", "table", "handlers"),
        ("static DEFINE_PER_CPU(int, counter) = {", "table", "counter"),
        ("static const struct a_type_with_a_long_name a_table_with_a_name_of_such_length[WITH", "table", None),
        ("struct tag {", "struct", "tag"),
        ("struct __packed tag {", "struct", "tag"),
        ("union __attribute__((packed)) tag {", "struct", "tag"),
        ("typedef struct tag {", "struct", "tag"),
        ("enum tag {", "enum", "tag"),
        ("enum {", "enum", ""),
        ("static const struct tag {", "struct", "tag"),
        ("static const struct tag name", "table", "name"),
    ],
)
def test_headers(header: str, kind: str, name: str | None) -> None:
    found = classify(header)
    assert found[0] == kind
    assert name is None or found[1] == name


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["\tif (a)", "\t\treturn 1;"], "function"),
        (["\tA = 1,", "\tB,"], "enum"),
        (["\t{ 1, 2 },", "\tROW(a, b),"], "table"),
        (["\t__u32 a;", "\tstruct foo *b[3];"], "struct"),
        ([], "function"),
    ],
)
def test_guesses(lines: list[str], kind: str) -> None:
    assert guess_kind(lines) == kind
