# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does is what it does as a whole: how it is cut, ordered and spelled changes nothing."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abireview.check import check
from abireview.findings.model import Result
from abireview.rules.load import load_rules
from abireview.source.tree import open_tree
from tests.rules.synth import Files, series

RULES = load_rules()
CALLS = "arch/arm64/kvm/hypercalls.c"
PSCI = "include/kvm/arm_psci.h"
REGS = "arch/arm64/kvm/sys_regs.c"

CALLS_TEXT = """#include <linux/kvm_host.h>

static u32 demo_level(struct kvm_vcpu *vcpu, u32 kind)
{
	u32 level = 0;

	if (kind == 1)
		level = vcpu->arch.demo_level;

	return level;
}

int kvm_smccc_call_handler(struct kvm_vcpu *vcpu)
{
	u32 func_id = smccc_get_function(vcpu);
	u64 val[4] = {SMCCC_RET_NOT_SUPPORTED};

	switch (func_id) {
	case ARM_SMCCC_VERSION_FUNC_ID:
		val[0] = ARM_SMCCC_VERSION_1_1;
		break;
	case ARM_SMCCC_HV_DEMO_FEATURES:
		val[0] = demo_level(vcpu, 1);
		break;
	default:
		return kvm_psci_call(vcpu);
	}

	smccc_set_retval(vcpu, val[0], val[1], val[2], val[3]);
	return 1;
}

int kvm_arm_set_fw_reg(struct kvm_vcpu *vcpu, const struct kvm_one_reg *reg)
{
	void __user *uaddr = (void __user *)(long)reg->addr;
	u64 val;

	if (copy_from_user(&val, uaddr, KVM_REG_SIZE(reg->id)))
		return -EFAULT;

	switch (reg->id) {
	case KVM_REG_ARM_DEMO:
		vcpu->arch.demo_level = val;
		return 0;
	default:
		return -ENOENT;
	}
}
"""
PSCI_TEXT = """#ifndef __KVM_ARM_PSCI_H__
#define __KVM_ARM_PSCI_H__

#define KVM_ARM_PSCI_0_1	PSCI_VERSION(0, 1)
#define KVM_ARM_PSCI_1_0	PSCI_VERSION(1, 0)
#define KVM_ARM_PSCI_1_1	PSCI_VERSION(1, 1)

#define KVM_ARM_PSCI_LATEST	KVM_ARM_PSCI_1_0

#endif
"""
BASE: Files = {CALLS: CALLS_TEXT, PSCI: PSCI_TEXT}

# Edits that each change what a guest or VMM sees; they touch different places, so they apply in any order.
EDITS = {
    "call": (
        CALLS,
        "	case ARM_SMCCC_HV_DEMO_FEATURES:\n",
        "	case ARM_SMCCC_HV_DEMO_CLOCK:\n		val[0] = ktime_get_real_seconds();\n		break;\n"
        "	case ARM_SMCCC_HV_DEMO_FEATURES:\n",
    ),
    "version": (PSCI, "LATEST	KVM_ARM_PSCI_1_0", "LATEST	KVM_ARM_PSCI_1_1"),
    "refusal": (
        CALLS,
        "		vcpu->arch.demo_level = val;\n",
        "		if (val > DEMO_MAX)\n			return -EINVAL;\n		vcpu->arch.demo_level = val;\n",
    ),
}


def edited(files: Files, *names: str) -> Files:
    now = dict(files)
    for name in names:
        path, old, new = EDITS[name]
        assert now[path].count(old) == 1
        now[path] = now[path].replace(old, new)
    return now


def said(states: list[Files]) -> set[tuple[str, str, str, str]]:
    result = check(series(states), RULES)
    assert not result.failed
    return {(f.rule, f.level, f.file, f.symbol) for f in result.findings}


@functools.cache
def expected() -> frozenset[tuple[str, str, str, str]]:
    found = said([BASE, edited(BASE, *EDITS)])
    rules = {rule for rule, level, _, _ in found if level == "flag"}
    assert {"guest-call-answered", "psci-default-version", "request-refused"} <= rules, found
    return frozenset(found)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(sorted(EDITS)))
def test_one_patch_or_many_in_any_order(order: list[str]) -> None:
    states = [BASE]
    for name in order:
        states.append(edited(states[-1], name))
    assert said(states) == expected()


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(EDITS)), st.integers(0, 3))
def test_what_is_added_and_taken_back_is_no_change(name: str, before: int) -> None:
    others = [other for other in sorted(EDITS) if other != name]
    states = [BASE]
    for other in others[: min(before, 2)]:
        states.append(edited(states[-1], other))
    plain = states[-1]
    with_it = said([*states, edited(plain, name), plain])
    without = said(states) if len(states) > 1 else set()
    assert with_it == without


@settings(max_examples=20, deadline=None)
@given(st.from_regex(r"[a-z][a-z_]{2,9}", fullmatch=True).filter(lambda n: n not in CALLS_TEXT))
def test_a_renamed_local_is_no_change(name: str) -> None:
    renamed = dict(BASE)
    renamed[CALLS] = BASE[CALLS].replace("level", name).replace("demo_" + name, "demo_level")
    assert said([BASE, renamed]) == set()
    both = {**edited(BASE, *EDITS)}
    both[CALLS] = both[CALLS].replace("u32 level", f"u32 {name}").replace("	level =", f"	{name} =")
    both[CALLS] = both[CALLS].replace("return level", f"return {name}")
    assert said([BASE, both]) == expected()


def moved(files: Files) -> Files:
    text = files[CALLS]
    start, stop = text.index("static u32 demo_level"), text.index("int kvm_smccc_call_handler")
    function = text[start:stop]
    return {**files, CALLS: (text[:start] + text[stop:]).rstrip("\n") + "\n\n" + function.rstrip("\n") + "\n"}


def test_a_moved_function_is_no_change() -> None:
    assert said([BASE, moved(BASE)]) == set()
    assert said([BASE, moved(edited(BASE, *EDITS))]) == expected()


def test_a_function_moved_to_another_file_is_no_change() -> None:
    text = BASE[CALLS]
    start, stop = text.index("int kvm_arm_set_fw_reg"), len(text)
    other = "arch/arm64/kvm/guest_fw.c"
    assert (
        said(
            [
                {CALLS: text, other: "#include <x.h>\n"},
                {CALLS: text[:start], other: "#include <x.h>\n\n" + text[start:stop]},
            ]
        )
        == set()
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("		level = vcpu->arch.demo_level;\n", "		level =\n			vcpu->arch.demo_level;\n"),
        ("	if (kind == 1)\n", "	if ((kind   ==  1))\n"),
        ("	return level;\n", "	/* the level */\n	return level;\n"),
        (
            "int kvm_arm_set_fw_reg(struct kvm_vcpu *vcpu, const struct kvm_one_reg *reg)\n",
            "int kvm_arm_set_fw_reg(struct kvm_vcpu *vcpu,\n		       const struct kvm_one_reg *reg)\n",
        ),
    ],
    ids=["broken line", "blanks", "comment", "signature"],
)
def test_reflowed_code_is_no_change(old: str, new: str) -> None:
    if "((kind" in new:
        new = "	if (kind\n	    == 1)\n"
    assert BASE[CALLS].count(old) == 1
    assert said([BASE, {**BASE, CALLS: BASE[CALLS].replace(old, new)}]) == set()


def test_a_split_helper_is_no_change() -> None:
    body = "	if (copy_from_user(&val, uaddr, KVM_REG_SIZE(reg->id)))\n		return -EFAULT;\n"
    helper = (
        "static int demo_fetch(const struct kvm_one_reg *reg, u64 *val)\n{\n"
        "	void __user *uaddr = (void __user *)(long)reg->addr;\n\n"
        "	if (copy_from_user(val, uaddr, KVM_REG_SIZE(reg->id)))\n		return -EFAULT;\n\n	return 0;\n}\n\n"
    )
    text = BASE[CALLS].replace(body, "	if (demo_fetch(reg, &val))\n		return -EFAULT;\n")
    text = text.replace("	void __user *uaddr = (void __user *)(long)reg->addr;\n", "", 1)
    text = text.replace("int kvm_arm_set_fw_reg", helper + "int kvm_arm_set_fw_reg", 1)
    assert {entry for entry in said([BASE, {**BASE, CALLS: text}]) if entry[1] == "flag"} == set()


SEEN = ("confidence", "partial", "gates", "before", "after", "sought", "knob", "message")


def test_a_tree_changes_only_confidence_and_what_could_be_seen(tmp_path: Path) -> None:
    for path, text in BASE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    one = series([BASE, edited(BASE, *EDITS)])
    mail, tree = check(one, RULES), check(one, RULES, tree=open_tree(tmp_path))
    assert not tree.skipped
    assert all(f.partial for f in mail.findings if f.file == CALLS)
    assert not any(f.partial for f in tree.findings if f.file == CALLS)

    def rest(result: Result) -> list[dict[str, object]]:
        plain = [msgspec.to_builtins(finding) for finding in result.findings]
        return [{key: value for key, value in one.items() if key not in SEEN} for one in plain]

    assert rest(mail) == rest(tree)


def test_a_tree_shows_the_knob_that_no_patch_touches(tmp_path: Path) -> None:
    fw = "arch/arm64/kvm/hypercalls.c"
    text = CALLS_TEXT.replace(
        "	case KVM_REG_ARM_DEMO:\n",
        "	case KVM_REG_ARM_PSCI_VERSION:\n		switch (val) {\n		case KVM_ARM_PSCI_1_0:\n"
        "		case KVM_ARM_PSCI_1_1:\n			vcpu->kvm->arch.psci_version = val;\n			return 0;\n		}\n"
        "		return -EINVAL;\n	case KVM_REG_ARM_DEMO:\n",
    )
    base = {**BASE, fw: text}
    for path, content in base.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    one = series([base, edited(base, "version")])
    (mail,) = [f for f in check(one, RULES).findings if f.rule == "psci-default-version"]
    (tree,) = [f for f in check(one, RULES, tree=open_tree(tmp_path)).findings if f.rule == "psci-default-version"]
    assert (mail.level, mail.knob) == ("flag", None)
    assert tree.level == "note"
    assert tree.knob is not None
    assert tree.knob.id == "psci-version-register"
    assert "1_0, 1_1" in tree.message
