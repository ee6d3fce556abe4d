# SPDX-License-Identifier: GPL-2.0-or-later
"""Hunks cut into fragments without a tree: which scope a change stands in."""

from __future__ import annotations

import time

import pytest

from abireview.source.model import Fragment
from abireview.source.scope import fragments
from tests.source.make import files_of, fragments_of, hunk


def one(section: str, body: str, name: str = "a.c") -> Fragment:
    (fragment,) = fragments_of(hunk(section, body, name))
    return fragment


def names(section: str, body: str, name: str = "a.c") -> list[tuple[str, str, str]]:
    return [(part.kind, part.old_name, part.name) for part in fragments_of(hunk(section, body, name))]


def test_inside_a_function() -> None:
    part = one("static int foo(struct vcpu *vcpu,", " \ta();\n-\tb();\n+\tc();\n \td();\n")
    assert (part.kind, part.name, part.old_name) == ("function", "foo", "foo")
    assert part.header == "static int foo(struct vcpu *vcpu)\n{"
    assert not part.whole
    assert part.old.lines == ("\ta();", "\tb();", "\td();")
    assert part.new.lines == ("\ta();", "\tc();", "\td();")
    assert part.new.numbers == (100, 101, 102)
    assert part.old.changed == part.new.changed == (False, True, False)
    assert part.patch == 0
    assert part.path == "a.c"


def test_the_next_function_is_not_the_one_of_the_section() -> None:
    body = " \ta();\n }\n \n int bar(int a)\n {\n-\tb();\n+\tc();\n \td();\n"
    part = one("static int foo(int a)", body)
    assert (part.name, part.header, part.whole) == ("bar", "", False)
    assert part.new.lines[0] == "int bar(int a)"


def test_both_functions_change() -> None:
    body = "-\ta();\n+\tb();\n }\n \n int bar(int a)\n {\n-\tb();\n+\tc();\n }\n"
    first, second = fragments_of(hunk("static int foo(int a)", body))
    assert (first.name, first.whole, first.header) == ("foo", False, "static int foo(int a)\n{")
    assert (second.name, second.whole, second.header) == ("bar", True, "")
    assert second.old.lines == ("int bar(int a)", "{", "\tb();", "}")


def test_defines_behind_a_struct() -> None:
    body = " #define KVM_A 1\n #define KVM_B 2\n+#define KVM_C 3\n \n /* more */\n"
    part = one("struct kvm_foo {", body, "include/uapi/linux/kvm.h")
    assert (part.kind, part.name, part.header) == ("top", "", "")


def test_defines_inside_a_struct() -> None:
    body = " \t__u32 a;\n #define KVM_A 1\n+#define KVM_B 2\n \t__u32 b;\n"
    part = one("struct kvm_foo {", body, "x.h")
    assert (part.kind, part.name, part.header) == ("struct", "kvm_foo", "struct kvm_foo {")


def test_the_end_of_a_struct_and_a_new_one() -> None:
    body = " \t__u32 a;\n };\n \n+struct kvm_bar {\n+\t__u32 b;\n+};\n+\n #define X 1\n"
    part = one("struct kvm_foo {", body, "x.h")
    assert (part.kind, part.name, part.old_name, part.born, part.whole) == ("struct", "kvm_bar", "", True, True)
    assert part.old.lines == ()
    assert part.new.text == "struct kvm_bar {\n\t__u32 b;\n};\n"


def test_the_tail_of_a_define_is_no_member() -> None:
    body = " \t\t(1 + 2)\n \n #define A 1\n+#define B 2\n \n"
    assert names("struct kvm_foo {", body, "x.h") == [("top", "", "")]


def test_enumerators() -> None:
    part = one("enum ids {", " \tA,\n \tB = 3,\n+\tC,\n \tMAX,\n };\n", "x.h")
    assert (part.kind, part.name, part.header) == ("enum", "ids", "enum ids {")
    assert not part.whole


def test_table_rows() -> None:
    body = " \t{ SYS_DESC(SYS_A), NULL, reset_a },\n+\t{ SYS_DESC(SYS_B), NULL, reset_b },\n \n \tROW(C),\n"
    part = one("static const struct sys_reg_desc sys_reg_descs[] = {", body)
    assert (part.kind, part.name) == ("table", "sys_reg_descs")
    assert part.header == "static const struct sys_reg_desc sys_reg_descs[] = {"


def test_table_whose_section_is_cut_off() -> None:
    section = "static const struct a_long_type_name another_quite_long_name_of_a_table[SOME_LIMIT_OF_"[:80]
    part = one(section, " \t[A] = 1,\n+\t[B] = 2,\n \t[C] = 3,\n")
    assert (part.kind, part.name) == ("table", "another_quite_long_name_of_a_table")
    assert part.header.endswith("] = {")


def test_a_table_that_the_section_calls_a_struct() -> None:
    part = one("static struct item {", " \t{ 1, 2 },\n+\t{ 3, 4 },\n \t{ 5, 6 },\n };\n")
    assert (part.kind, part.name) == ("table", "")


def test_a_label_as_section_tells_only_that_it_is_a_function() -> None:
    part = one("out_unlock:", " \tunlock();\n-\treturn 0;\n+\treturn r;\n }\n")
    assert (part.kind, part.name, part.header) == ("function", "", "")


def test_a_prototype_as_section_is_not_the_scope() -> None:
    assert names("int proto(int a);", " \tA,\n+\tB,\n };\n") == [("enum", "", "")]
    assert names("EXPORT_SYMBOL_GPL(foo);", " int other(void);\n+int another(void);\n \n") == [("top", "", "")]


def test_the_end_of_a_prototype_is_not_a_body() -> None:
    body = " \t\tint b);\n \n int other(int a);\n+int more(int a);\n"
    assert names("int proto(int a,", body, "x.h") == [("top", "", "")]


def test_the_hunk_begins_in_the_parameters() -> None:
    body = " \t\t   int b)\n {\n \tint c;\n+\tint d;\n \n"
    part = one("static int foo(int a,", body)
    assert (part.kind, part.name, part.header) == ("function", "foo", "static int foo(int a,")
    assert part.new.lines[0] == "\t\t   int b)"


def test_the_hunk_begins_at_the_brace() -> None:
    part = one("static int foo(int a,", " {\n \tint c;\n \n+\tg();\n \th();\n")
    assert (part.name, part.header) == ("foo", "static int foo(int a,")


def test_only_comments_of_a_function_change() -> None:
    body = " \n \t/*\n-\t * Old words.\n+\t * New words.\n \t */\n"
    assert names("static int foo(int a)", body) == [("function", "foo", "foo")]


def test_conditionals_inside_a_function() -> None:
    body = " #ifdef CONFIG_A\n \ta();\n+\tb();\n #endif\n \tc();\n"
    assert names("static int foo(int a)", body) == [("function", "foo", "foo")]


def test_labels_and_cases_at_column_0() -> None:
    body = " \ta();\n out:\n-\tb();\n+\tc();\n \td();\n"
    assert names("static int foo(int a)", body) == [("function", "foo", "foo")]


def test_inside_a_macro() -> None:
    body = " \ta();\t\\\n+\tb();\t\\\n \tc();\t\\\n } while (0)\n \n"
    part = one("static int foo(int a)", body, "x.h")
    assert (part.kind, part.name) == ("macro", "")


def test_a_whole_macro() -> None:
    body = " #define ONE 1\n #define DO(x) do {\t\\\n-\ta(x);\t\\\n+\tb(x);\t\\\n } while (0)\n \n"
    part = one("struct s {", body, "x.h")
    assert (part.kind, part.name, part.whole) == ("macro", "DO", True)


def test_born_and_died() -> None:
    body = " }\n \n-static int gone(int a)\n-{\n-\treturn a;\n-}\n-\n int stays(void)\n {\n"
    part = one("int f(void)", body)
    assert (part.kind, part.name, part.old_name) == ("function", "", "gone")
    assert (part.born, part.died, part.whole) == (False, True, True)
    assert part.new.lines == ()
    part = one("int f(void)", body.replace("-", "+").replace("gone", "made"))
    assert (part.name, part.old_name, part.born, part.died) == ("made", "", True, False)


def test_a_function_before_another_as_git_shows_it() -> None:
    """git attributes the old function's first lines to the new one."""
    body = " \n int first(int a)\n {\n+\treturn one(a);\n+}\n+\n+int second(int a)\n+{\n \treturn two(a);\n }\n"
    body = body.replace(" int first(int a)\n {", "+int first(int a)\n+{").replace(
        "+int second(int a)\n+{", " int second(int a)\n {"
    )
    found = fragments_of(hunk("int zero(void)", body))
    assert [(part.name, part.old_name, part.born) for part in found] == [("first", "", True)]


def test_rename_keeps_the_fragment_together() -> None:
    body = " \n-static int before(int a)\n+static int after(int a)\n {\n \tint r = f(a);\n \n \tif (r)\n"
    part = one("int f(void)", body)
    assert (part.old_name, part.name, part.born, part.died) == ("before", "after", False, False)


def test_later_hunks_know_of_the_rename() -> None:
    first = hunk("int f(void)", " \n-static int before(int a)\n+static int after(int a)\n {\n \tint r = f(a);\n")
    second = hunk("static int before(int a)", " \tg();\n-\th();\n+\ti();\n \tj();\n", at=120)
    found = fragments_of(first + second[second.index("@@") :])
    assert [(part.old_name, part.name) for part in found] == [("before", "after")] * 2
    assert found[1].header == "static int after(int a)\n{"


def test_replaced_by_something_unlike() -> None:
    body = "-int a(void)\n-{\n-\treturn b();\n-}\n+int c(void)\n+{\n+\treturn d();\n+}\n \n int e;\n"
    found = fragments_of(hunk("int z;", " \n" + body))
    assert [(part.old_name, part.name) for part in found] == [("a", ""), ("", "c")] or [
        (part.old_name, part.name) for part in found
    ] == [("", "c"), ("a", "")]


def test_replaced_defines_are_one_fragment() -> None:
    part = one("", " \n-#define A 1\n+#define A 2\n \n", "x.h")
    assert (part.kind, part.old.text, part.new.text) == ("top", "\n#define A 1\n\n", "\n#define A 2\n\n")


def test_blank_lines_between_scopes_are_no_change() -> None:
    assert fragments_of(hunk("int f(void)", " \treturn 0;\n }\n+\n \n int g(void)\n {\n")) == []


def test_added_and_deleted_files_are_whole() -> None:
    text = "int f(void)\n{\n\treturn 0;\n}\n"
    lines = "".join(f"+{line}\n" for line in text.splitlines())
    diff = f"diff --git a/n.c b/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/n.c\n@@ -0,0 +1,4 @@\n{lines}"
    (part,) = fragments(files_of(diff), 3)
    assert (part.patch, part.name, part.whole, part.born) == (3, "f", True, True)
    assert part.new.text == text
    gone = diff.replace("new file", "deleted file").replace("/dev/null", "a/n.c").replace("+++ b/n.c", "+++ /dev/null")
    gone = gone.replace("-0,0 +1,4", "-1,4 +0,0").replace("\n+", "\n-").replace("\n-++ ", "\n+++ ")
    (part,) = fragments_of(gone)
    assert (part.old_name, part.name, part.whole, part.died) == ("f", "", True, True)


def test_touching_hunks_are_one() -> None:
    first = hunk("int f(void)", " \ta();\n+\tb();\n", at=10)
    second = "@@ -11,1 +12,2 @@\n \tc();\n+\td();\n"
    (part,) = fragments_of(first + second)
    assert part.new.numbers == (10, 11, 12, 13)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Documentation/virt/api.rst", "text"),
        ("arch/x/Kconfig", "text"),
        ("Makefile", "text"),
        ("arch/x/entry.S", "asm"),
        ("a.h", "top"),
    ],
)
def test_kinds_by_name(name: str, kind: str) -> None:
    part = one("SYM_FUNC_START(enter)" if kind == "asm" else "", " a\n+b\n", name)
    assert part.kind == kind
    assert part.name == ("enter" if kind == "asm" else "")


def test_surfaces_choose_files() -> None:
    files = files_of(hunk("", " a\n+b\n", "a.c") + hunk("", " a\n+b\n", "b.c"))
    assert [part.path for part in fragments(files, 0, surfaces=lambda path: path == "b.c")] == ["b.c"]


def test_trace_events_are_file_scope() -> None:
    body = " \tTP_PROTO(int a),\n \tTP_ARGS(a),\n+\tTP_MORE(b),\n \n"
    assert names("TRACE_EVENT(kvm_thing,", body, "x.h") == [("top", "", "")]


@pytest.mark.parametrize(
    "line",
    [
        "/*" * 50_000,
        "\tx = " + "= " * 50_000,
        "\ta" + " " * 100_000,
        "struct " + "a" * 100_000,
        "a" * 100_000,
        "int f(" + "(" * 50_000,
        "a[" * 50_000,
        '"' + "\\" * 100_000,
        "__init " * 20_000 + "{",
    ],
    ids=range(9),
)
def test_hostile_lines_in_time(line: str) -> None:
    begin = time.process_time()
    fragments_of(hunk("int g(void)", f" \ta();\n+{line}\n {line}\n-{line}\n+{line} = {{\n \tb();\n", "a.c"))
    fragments_of(hunk(line, " \ta();\n+\tb();\n", "a.c"))
    assert time.process_time() - begin < 8


@pytest.mark.parametrize(
    "part",
    ["int f{n}(void)\n{{\n}}\n\n", "int f(void)\n{{\n}}\n\n", "#define A{n} \\\n\tb\n", "int a{n};\n", "}}\n", "{{\n"],
)
def test_hostile_numbers_of_scopes_in_time(part: str) -> None:
    old = "".join("-" + line + "\n" for n in range(8_000) for line in part.format(n=n).split("\n")[:-1])
    new = "".join("+" + line + "\n" for n in range(8_000, 16_000) for line in part.format(n=n).split("\n")[:-1])
    begin = time.process_time()
    assert fragments_of(hunk("", f" \n{old}{new} \n", "a.c"))
    assert time.process_time() - begin < 16
