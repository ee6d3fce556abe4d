# SPDX-License-Identifier: GPL-2.0-or-later
"""Net deltas: what cancels and what does not."""

from __future__ import annotations

import pytest

from abireview.facts.delta import Delta, compare, split_terms, terms
from abireview.facts.extract import extract
from abireview.source.scope import fragments
from tests.rules.synth import series

PATH = "arch/arm64/kvm/demo.c"
HEAD = "#include <linux/demo.h>\n\n"


def deltas(*texts: str, path: str = PATH, public: bool = False) -> list[Delta]:
    one = series([{path: HEAD + text} for text in texts])
    pieces = [piece for index, patch in enumerate(one.patches) for piece in fragments(patch.files, index)]
    sides = [(extract(piece, "old"), extract(piece, "new")) for piece in pieces]
    return list(compare(pieces, sides, public=[public] * len(pieces)).deltas)


def function(*lines: str, name: str = "demo") -> str:
    return f"static int {name}(struct kvm_vcpu *vcpu)\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def test_a_changed_store_is_one_delta() -> None:
    (found,) = deltas(function("vcpu->x = 1;", "return 0;"), function("vcpu->x = 2;", "return 0;"))
    assert (found.op, found.kind, found.key) == ("changed", "store", "vcpu->x")
    assert (found.old and found.old.value, found.new and found.new.value) == ("= 1", "= 2")


def test_a_widened_condition_says_which_term() -> None:
    (found,) = [
        d
        for d in deltas(
            function("if (a && b)", "\tvcpu->x = 1;", "return 0;"), function("if (a)", "\tvcpu->x = 1;", "return 0;")
        )
        if d.kind == "cond"
    ]
    assert found.terms == (("-&&", "b"),)


def test_moving_a_check_in_front_of_a_return_is_a_change() -> None:
    before = function("if (done)", "\treturn 0;", "if (bad)", "\treturn -EINVAL;", "return 1;")
    after = function("if (bad)", "\treturn -EINVAL;", "if (done)", "\treturn 0;", "return 1;")
    assert any(d.op == "regated" and d.key == "-EINVAL" for d in deltas(before, after))


def test_a_new_label_beside_old_ones_changes_nothing_for_them() -> None:
    def switch(*labels: str) -> str:
        return function(
            "switch (n) {", *[f"case {label}:" for label in labels], "\tr = 1;", "\tbreak;", "}", "return r;"
        )

    found = deltas(switch("A", "B"), switch("A", "B", "C"))
    assert [(d.op, d.kind, d.key) for d in found] == [("added", "case", "C")]
    assert deltas(switch("A", "B"), switch("B", "A")) == []


def test_a_label_that_steals_a_break_is_a_change() -> None:
    before = function("switch (n) {", "case A:", "\tx(1);", "\tbreak;", "case C:", "\ty(2);", "\tbreak;", "}")
    after = function(
        "switch (n) {", "case A:", "\tx(1);", "case B:", "\tz(3);", "\tbreak;", "case C:", "\ty(2);", "\tbreak;", "}"
    )
    found = deltas(before, after)
    assert ("added", "case", "B") in [(d.op, d.kind, d.key) for d in found]
    assert any(d.kind == "call" and d.key == "z" and any("A" in gate for gate in d.gates) for d in found)


STRUCT = "struct kvm_demo {{\n\t__u32 {};\n\t__u32 {};\n\t__u64 {};\n}};\n"


def test_members_of_an_interface_that_change_places_are_a_change() -> None:
    before, after = STRUCT.format("flags", "slot", "addr"), STRUCT.format("slot", "flags", "addr")
    found = deltas(before, after, path="include/uapi/linux/kvm.h", public=True)
    assert [(d.op, d.kind, d.scope, d.key) for d in found] == [
        ("changed", "member", "kvm_demo", "slot"),
        ("changed", "member", "kvm_demo", "flags"),
    ]
    assert deltas(before, after, before, path="include/uapi/linux/kvm.h", public=True) == []
    assert deltas(before, after) == []


def test_members_that_are_only_set_anew_or_views_of_a_union_stay() -> None:
    before = STRUCT.format("flags", "slot", "addr")
    assert deltas(before, before.replace("__u32 ", "__u32\t"), public=True) == []
    union = "struct kvm_demo {\n\t__u32 a;\n\tunion {\n\t\t__u32 %s;\n\t\t__u32 %s;\n\t};\n};\n"
    assert deltas(union % ("b", "c"), union % ("c", "b"), public=True) == []


def test_another_value_of_an_alias_is_no_rename_of_the_old_value() -> None:
    found = deltas("#define DEMO_LATEST\tDEMO_1_1\n", "#define DEMO_LATEST\tDEMO_1_3\n", path="include/kvm/demo.h")
    assert [(d.op, d.key) for d in found if d.kind == "define"] == [("changed", "DEMO_LATEST")]


def test_an_exchanged_callee_is_no_rename() -> None:
    found = deltas(function("return one(vcpu);"), function("return quite_another(vcpu);"))
    assert found


def test_another_size_or_version_is_no_rename_of_the_old_one() -> None:
    def sizes(size: str) -> str:
        return function(f"vcpu->x = {size};", f"vcpu->y = base + {size};", "return 0;")

    found = deltas(sizes("SZ_1K"), sizes("SZ_2K"))
    assert [(d.op, d.key) for d in found] == [("changed", "vcpu->x"), ("changed", "vcpu->y")]


@pytest.mark.parametrize(("old", "new"), [("SZ_1K", "SZ_2K"), ("16", "64")])
def test_another_number_in_many_places_is_not_mechanical(old: str, new: str) -> None:
    def sizes(size: str) -> str:
        return "".join(function(f"vcpu->x{n} = {size};", "return 0;", name=f"demo_{n}") for n in "abcd")

    assert len(deltas(sizes(old), sizes(new))) == 4


def test_a_callee_renamed_with_its_definition_is_no_change() -> None:
    def text(name: str) -> str:
        return function("return 1;", name=name) + function(f"return {name}(vcpu);", name="caller")

    assert deltas(text("demo_old_name"), text("demo_new_name")) == []


def test_the_same_edit_in_many_places_is_mechanical() -> None:
    def text(expression: str) -> str:
        return "".join(
            function(
                f"if ({expression})",
                f"\tcall_{n}(vcpu);",
                f"vcpu->x{n} = 1;",
                f"other_{n}(vcpu);",
                "return 0;",
                name=f"f{n}",
            )
            for n in range(3)
        )

    assert deltas(text("vcpu->arch.paused"), text("demo_paused(vcpu)")) == []


def test_a_public_name_that_changes_is_a_change() -> None:
    path = "arch/arm64/include/uapi/asm/kvm.h"
    before, after = ("#define DEMO_A\t1\n#define DEMO_B\t2\n", "#define DEMO_A\t1\n#define DEMO_C\t2\n")
    assert deltas(before, after, path=path, public=True)


def test_an_enumerator_pushed_by_another_is_a_change() -> None:
    before = "enum demo {\n\tDEMO_A,\n\tDEMO_B,\n\tDEMO_C,\n};\n"
    after = "enum demo {\n\tDEMO_A,\n\tDEMO_NEW,\n\tDEMO_B,\n\tDEMO_C,\n};\n"
    found = {(d.op, d.key) for d in deltas(before, after, path="include/uapi/linux/kvm.h", public=True)}
    assert found == {("added", "DEMO_NEW"), ("changed", "DEMO_B"), ("changed", "DEMO_C")}


def test_what_a_later_patch_takes_back_is_gone() -> None:
    one = function("vcpu->x = 1;", "return 0;")
    assert deltas(one, function("vcpu->x = 1;", "vcpu->y = 2;", "return 0;"), one) == []


@pytest.mark.parametrize(
    ("text", "mark", "parts"),
    [
        ("a && b", "&&", ["a", "b"]),
        ("(a && b) || c", "&&", ["(a && b) || c"]),
        ("f(a && b) && c", "&&", ["f(a && b)", "c"]),
        ("", "&&", []),
    ],
)
def test_terms_of_a_condition(text: str, mark: str, parts: list[str]) -> None:
    assert split_terms(text, mark) == parts


def test_terms_say_what_came_and_went() -> None:
    assert terms("a && b", "a && c") == (("-&&", "b"), ("+&&", "c"))
    assert terms("a", "a || b") == (("+||", "b"),)
    assert terms("a & 1", "(a & 1) || (b && !(c))") == (("+||", "b && !(c)"),)  # parentheses are no change
    assert terms("(a) | (b)", "(a) | (b) || c") == (("+||", "c"),)


def test_a_member_of_a_mask_whose_define_is_out_of_sight_is_a_flag() -> None:
    names = [f"DEMO_QUIRK_{n}" for n in "ABCDEFGH"]
    before = "#define DEMO_VALID_QUIRKS\t\\\n\t(" + "\t|\t\\\n\t ".join(names) + ")\n"
    after = before.replace("DEMO_QUIRK_H)", "DEMO_QUIRK_H\t|\t\\\n\t DEMO_QUIRK_NEW)")
    found = [(d.op, d.kind, d.key) for d in deltas(before, after) if d.kind == "flag"]
    assert ("added", "flag", "DEMO_QUIRK_NEW") in found
