# SPDX-License-Identifier: GPL-2.0-or-later
"""What a tree shows on the other architectures, found a second time (see oracle.py)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ledger.ctext import Items, cases, defines, function, inside, labels_before, split, table, text


def facility(tree: Path, arch: str) -> Items:
    items: Items = {}
    for row in split(table(text(tree / "arch/s390/tools/gen_facilities.c"), "facility_defs")):
        name = re.search(r'"(\w+)"', row)
        given = {"FACILITIES_KVM": "default", "FACILITIES_KVM_CPUMODEL": "model"}.get(name[1] if name else "")
        if given:
            bits = inside(row, row.index("{", row.index("bits")))
            items |= {f"facility {n}": {"given": given} for n in re.findall(r"(?<![-\w])\d+", bits)}
    return items


def cpu_feat(tree: Path, arch: str) -> Items:
    found = defines(tree / "arch/s390/include/uapi/asm/kvm.h")
    prefix = "KVM_S390_VM_CPU_FEAT_"
    return {
        n.removeprefix(prefix): {"number": v} for n, v in found.items() if n.startswith(prefix) and "NR_BITS" not in n
    }


def s390_dispatch(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/s390/kvm" / f"{name}.c") for name in ("priv", "diag", "sigp", "intercept"))
    items: Items = {}
    for op in ("diag", "01", "b2", "b9", "e3", "e5", "eb", "aa"):
        items |= {f"{op} {n}": {} for n in cases(function(code, f"kvm_s390_handle_{op}")) if n.startswith("0x")}
    return items | {
        n: {} for n in cases(function(code, "handle_sigp_dst|handle_sigp_order_in_user_space|kvm_s390_handle_sigp"))
    }


def sbi_version(tree: Path, arch: str) -> Items:
    found = defines(tree / "arch/riscv/include/asm/kvm_vcpu_sbi.h")
    return {"SBI version": {"major": found["KVM_SBI_VERSION_MAJOR"], "minor": found["KVM_SBI_VERSION_MINOR"]}}


def sbi(tree: Path, arch: str) -> Items:
    items: Items = {}
    rows = table(text(tree / "arch/riscv/kvm/vcpu_sbi.c"), "sbi_ext")
    for row in split(rows):
        name = re.search(r"&vcpu_sbi_ext_(\w+)", row)
        index = re.search(r"ext_idx = (\w+)", row)
        assert name
        items[name[1]] = {"register": index[1] if index else ""}
    for path in (tree / "arch/riscv/kvm").glob("*.c"):
        for name in items:
            if match := re.search(r"\.default_(?:disabled|unavail) = (\w+)", table(text(path), f"vcpu_sbi_ext_{name}")):
                items[name]["off by default"] = match[1]
    return items


def isa(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/riscv/kvm" / f"{name}.c") for name in ("vcpu", "vcpu_onereg", "isa"))
    names = re.findall(r"\[KVM_RISCV_ISA_EXT_(\w+)\]|KVM_ISA_EXT_ARR\((\w+)\)", table(code, "kvm_isa_ext_arr"))
    items: Items = {a or b: {} for a, b in names}
    for attr, which in (("can be disabled", "disable"), ("can be enabled", "enable")):
        body = function(code, rf"(?:kvm_)?riscv_(?:vcpu_)?isa_{which}_allowed")
        for value in set(re.findall(r"return ([^;]+);", body)):
            for label in labels_before(body, rf"return {re.escape(value)};"):
                name = label.removeprefix("KVM_RISCV_ISA_EXT_")
                if name in items:
                    items[name][attr] = value
    return items


def hcall(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/powerpc/kvm" / name) for name in ("book3s_hv.c", "book3s_pr_papr.c"))
    return {name: {} for name in re.findall(r"\bH_\w+", table(code, "default_hcall_list"))}


def hcall_impl(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/powerpc/kvm" / name) for name in ("book3s_hv.c", "book3s_pr_papr.c"))
    return {name: {} for name in cases(function(code, r"kvmppc_hcall_impl_\w+"))}


def la_feature(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/loongarch/kvm" / name) for name in ("vm.c", "vcpu.c"))
    body = function(code, "kvm_vm_init_features|kvm_arch_init_vm")
    return {
        name: {}
        for statement in re.findall(r"kvm->arch\.\w*features \|?= ([^;]+);", body)
        for name in re.findall(r"\bKVM_(?:LOONGARCH_VM_FEAT|FEATURE)_\w+", statement)
    }


def la_cpucfg(tree: Path, arch: str) -> Items:
    body = function(text(tree / "arch/loongarch/kvm/vcpu.c"), "_?kvm_(?:get_cpucfg_mask|check_cpucfg)")
    items: Items = {
        name: {} for value in re.findall(r"\*v [|&]?= ([^;]+);", body) for name in re.findall(r"\bCPUCFG\d+_\w+", value)
    }
    for value in {" ".join(one.split()) for one in re.findall(r"\*v = (GENMASK\([^;]*|0|~0\w*);", body)}:
        for label in labels_before(body, rf"\*v = {re.escape(value)};"):
            for leaf in re.findall(r"LOONGARCH_CPUCFG\d+", label):
                items.setdefault(leaf, {}).setdefault("mask", set()).add(value)  # type: ignore[attr-defined]
    return items


def mips(tree: Path, arch: str) -> Items:
    return {}


CAPS = re.compile(r"\bkvm_cpu_cap_(?:mask|init|init_kvm_defined|init_scattered)\(")


def cpuid(tree: Path, arch: str) -> Items:
    folder = tree / "arch/x86/kvm"
    body = function(text(folder / "cpuid.c"), "kvm_(?:set|initialize)_cpu_caps")
    found = set(re.findall(r"\b(?:\w+_F|F|SF)\((\w+)\)", body))
    found |= set(re.findall(r"kvm_cpu_cap_(?:check_and_)?set\(X86_FEATURE_(\w+)\)", body))
    items: Items = {name: {"set by": set(), "cleared by": set()} for name in found}
    for who, file in (("svm", "svm/svm.c"), ("sev", "svm/sev.c"), ("vmx", "vmx/vmx.c")):
        code = function(text(folder / file), rf"{who}_\w*set_cpu_caps")
        for name in re.findall(r"kvm_cpu_cap_(?:check_and_)?set\(X86_FEATURE_(\w+)\)", code):
            items.setdefault(name, {"set by": set(), "cleared by": set()})["set by"].add(who)  # type: ignore[attr-defined]
        for name in re.findall(r"kvm_cpu_cap_clear\(X86_FEATURE_(\w+)\)", code):
            if name in items:
                items[name]["cleared by"].add(who)  # type: ignore[attr-defined]
    return items


def pv(tree: Path, arch: str) -> Items:
    folder = tree / "arch/x86/kvm"
    body = function(text(folder / "cpuid.c"), "__do_cpuid_func")
    names = set(re.findall(r"<< (KVM_FEATURE_\w+)", body))
    hyperv = function(text(folder / "hyperv.c"), "kvm_get_hv_cpuid")
    for value in re.findall(r"ent->e[a-d]x \|?= ([^;]+);", hyperv):
        names |= set(re.findall(r"\bHV_\w+", value))
    return {name: {} for name in names}


def msr(tree: Path, arch: str) -> Items:
    code = text(tree / "arch/x86/kvm/x86.c") + text(tree / "arch/x86/kvm/msrs.c")
    items: Items = {}
    lists = (
        ("save", "msrs_to_save_(?:all|base|pmu)"),
        ("emulated", "emulated_msrs_all"),
        ("feature", r"msr_based_features_all\w*"),
    )
    for kind, name in lists:
        for msr in split(re.sub(r"^\s*#.*$", "", table(code, name), flags=re.MULTILINE)):
            if not msr.startswith("MSR_IA32_VMX_"):
                items.setdefault(msr, {"list": set()})["list"].add(kind)  # type: ignore[attr-defined]
    return items


def feature_msr(tree: Path, arch: str) -> Items:
    found: dict[str, str] = {}
    for file in ("x86.c", "msrs.c", "vmx/capabilities.h", "vmx/vmx.c"):
        found |= defines(tree / "arch/x86/kvm" / file)
    bits = {
        name: set(re.findall(r"\b(?:ARCH_CAP|PERF_CAP|PMU_CAP|XFEATURE_MASK)_\w+", value))
        for name, value in found.items()
    }
    return {name: {"bits": some} for name, some in bits.items() if some and name.startswith("KVM_SUPPORTED_")}


def quirk(tree: Path, arch: str) -> Items:
    found = defines(tree / "arch/x86/include/uapi/asm/kvm.h")
    host = defines(tree / "arch/x86/include/asm/kvm_host.h") | defines(tree / "arch/x86/kvm/x86.c")
    items: Items = {}
    for name, value in found.items():
        if name.startswith("KVM_X86_QUIRK_") and (match := re.search(r"<< (\d+)", value)):
            items[name] = {"number": match[1]}
            for attr, mask in (
                ("can be disabled", "KVM_X86_VALID_QUIRKS"),
                ("conditional", "KVM_X86_CONDITIONAL_QUIRKS"),
            ):
                items[name][attr] = "yes" if re.search(rf"\b{name}\b", host.get(mask, "")) else ""
    items["highest quirk bit"] = {"number": str(max(int(str(item["number"])) for item in items.values()))}
    return items


def validmask(tree: Path, arch: str) -> Items:
    files = (
        "arch/x86/kvm/x86.c",
        "arch/x86/kvm/x86.h",
        "arch/x86/include/asm/kvm_host.h",
        "arch/x86/include/uapi/asm/kvm.h",
    )
    found: dict[str, str] = {}
    for file in (*files, "include/uapi/linux/kvm.h"):
        found |= defines(tree / file)
    return {
        name: {"flags": set(re.findall(r"\bKVM_\w+", value))}
        for name, value in found.items()
        if re.fullmatch(r"KVM_\w*_VALID_(FLAGS|MASK|BITS|MODES)", name)
    }


def param(tree: Path, arch: str) -> Items:
    files = ("x86.c", "vmx/vmx.c", "svm/svm.c", "svm/sev.c", "vmx/nested.c", "mmu/mmu.c", "lapic.c")
    code = "".join(text(tree / "arch/x86/kvm" / file) for file in files)
    return {name: {} for name in re.findall(r"\bmodule_param(?:_named|_cb)?\(\s*(\w+)", code)}
