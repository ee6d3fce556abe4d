# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel tree shows, found a second time by other means: for checking every row of a ledger.

``shown(tree, group, arch)`` gives the items of a surface: name → attribute → value or set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.ledger.ctext import cases, fields, function, inside, labels_before, preprocessed, split, table, text

Items = dict[str, dict[str, object]]

SYS_ORDER = ["desc", "access", "reset", "reg", "val", "get_user", "set_user", "visibility"]
TIMERS = {
    "TIMER_CTL": "CNTV_CTL_EL0", "TIMER_CNT": "CNTV_CVAL_EL0", "TIMER_CVAL": "CNTVCT_EL0",
    "PTIMER_CTL": "CNTP_CTL_EL0", "PTIMER_CVAL": "CNTP_CVAL_EL0", "PTIMER_CNT": "CNTPCT_EL0",
}  # fmt: skip
ID = r"(?:ID_|MVFR|CTR_EL0|CLIDR|MIDR_|REVIDR|AIDR)"
A64 = "arch/arm64/kvm"
ARCHES = ("arm64", "x86", "s390", "powerpc", "riscv", "loongarch", "mips")


def _sys_rows(tree: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for row in split(table(preprocessed(tree / A64 / "sys_regs.c"), "sys_reg_descs")):
        found = fields(row, SYS_ORDER)
        match = re.match(r"SYS_DESC\((?:SYS_)?(.+)\)$", found.get("desc", ""))
        if match:
            yield match[1], found


def _sysreg(tree: Path, arch: str) -> Items:
    items: Items = {}
    guest = text(tree / A64 / "guest.c")
    listed = table(guest, "timer_reg_list") + function(guest, "copy_timer_indices")
    for constant, name in TIMERS.items():
        if re.search(rf"\bKVM_REG_ARM_{constant}\b", listed):
            items[name] = {"listed": "yes"}
    for name, row in _sys_rows(tree):
        if re.match(rf"{ID}|(?:DC|IC|AT|TLBI)_", name):
            continue
        item = items.setdefault(name, {})
        item["access"] = row.get("access", "untrapped")
        for attr, field in (("reset", "reset"), ("value", "val"), ("get", "get_user"), ("set", "set_user")):
            item[attr] = row.get(field, "")
        item["visible"] = row.get("visibility", "")
        if "reg" in row or "get_user" in row:
            item["listed"] = "yes"
    return items


def _short(mask: str) -> set[str]:
    return {re.sub(r"_MASK$", "", m) for m in re.findall(r"\b(?:ID|CTR|CLIDR|MVFR)\w*?_EL[01]_(\w+)", mask)}


def _idreg(tree: Path, arch: str) -> Items:
    items: Items = {}
    code = preprocessed(tree / A64 / "sys_regs.c")
    for row in split(table(code, "invariant_sys_regs")):
        if match := re.search(r"SYS_DESC\((?:SYS_)?(\w+)\)", row):
            items[match[1]] = {"rw": "read-only"}
    for name, row in _sys_rows(tree):
        if not re.match(ID, name):
            continue
        mask = row.get("val", "").replace("ARM64_FEATURE_MASK", "")
        item = items.setdefault(name, {})
        item |= {"checked": row.get("set_user", ""), "visible": row.get("visibility", "")}
        plain = mask.strip("() ")
        if row.get("set_user") == "set_imp_id_reg":
            item["rw"] = "with KVM_CAP_ARM_WRITABLE_IMP_ID_REGS"
        elif plain.startswith("~"):
            item |= {"rw": "all but", "but": _short(mask)}
        elif _short(mask):
            item |= {"rw": "only", "only": _short(mask)}
        elif mask.startswith("GENMASK"):
            item["rw"] = "all"
        elif row.get("visibility") == "raz_visibility":
            item["rw"] = "zero"
        elif row.get("set_user") == "set_id_reg":
            item["rw"] = "read-only"
        elif "set_user" in row:
            item["rw"] = f"what {row['set_user']} allows"
    for row in re.findall(r"\bID_UNALLOCATED\((\d+), ?(\d+)\)", text(tree / A64 / "sys_regs.c")):
        items[f"unallocated({row[0]}, {row[1]})"] = {"rw": "zero"}
    _limits(tree, items)
    return items


SANITISERS = r"read_id_reg|__kvm_read_sanitised_id_reg|(?:read_)?sanitised?_id_\w+"


def _limits(tree: Path, items: Items) -> None:
    """What the functions that compute ID values do, statement by statement; ``if`` by indentation."""
    code = text(tree / A64 / "sys_regs.c").replace("ARM64_FEATURE_MASK", "")
    for name in {m for m in re.findall(r"\b(\w+)\s*\(", code) if re.fullmatch(SANITISERS, m)}:
        body = function(code, name)
        base = 2 if re.search(r"\bswitch\s*\(id\)", body) else 1
        for match in re.finditer(r"^(\t+)val (&=|\|=|=)([^;]*);", body, re.MULTILINE):
            deep, what, value = len(match[1]) > base, match[2], " ".join(match[3].split())
            value = value.replace("ID_DFR0_PERFMON", "ID_DFR0_EL1_PERFMON")  # how 6.1 calls the field
            named = re.findall(r"\b(ID_(?:AA64)?\w+?_EL1)(?:_|, )(\w+)", value)
            for register, field in named:
                field = re.sub(r"_(MASK|SHIFT)$", "", field)
                item = items.setdefault(register, {})
                if what == "&=" and value.startswith("~"):
                    attr = "hides if" if deep else "hides"
                elif what == "&=":
                    attr = "shows"
                elif "FIELD_PREP" in value and field == re.sub(r"_(MASK|SHIFT)$", "", named[0][1]):
                    attr = "gives"
                elif "LIMIT_FIELD" in value or "cap_perfmon" in value:
                    attr, limit = "caps", re.search(r", (\w+)\)$", value)
                    field = f"{field} at {limit[1]}" if "LIMIT_FIELD" in value and limit else field
                else:
                    continue
                item.setdefault(attr, set()).add(field)  # type: ignore[attr-defined]
    for item in items.values():
        item["hides"] = set(item.get("hides", ())) - set(item.get("gives", ()))  # type: ignore[call-overload]
        item["hides if"] = set(item.get("hides if", ())) - set(item["hides"])  # type: ignore[call-overload]


def _cp(tree: Path, arch: str) -> Items:
    items: Items = {}
    for which in ("cp14", "cp14_64", "cp15", "cp15_64"):
        code = text(tree / A64 / "sys_regs.c")
        for row in split(table(code, f"{which}_regs")):
            if match := re.search(r"(?:CP15_)?SYS_DESC\((?:SYS_)?(\w+)\)\s*,\s*(?:\.access = )?(\w+)", row):
                items[f"{which} {match[1]}"] = {"access": match[2]}
            elif match := re.search(
                r"Op1\(\s*(\w+)\),(?: CRn\(\s*(\w+)\),)? CRm\(\s*(\w+)\)(?:, Op2\(\s*(\w+)\))?, (\w+)", row
            ):
                half = re.search(r"AA32\((\w+)\)", row)
                a, b, c, d, how = (part or "" for part in match.groups())
                name = f"{which} Op1={a} CRn={b} CRm={c} Op2={d} {half[1] if half else ''}".strip()
                items[name] = {"access": how}
    return items


def _sysinsn(tree: Path, arch: str) -> Items:
    code = text(tree / A64 / "sys_regs.c")
    items: Items = {}
    for scope, names in (("sys_reg_descs", r"(?:DC|IC|AT|TLBI)_\w+"), ("sys_insn_descs", r"\w+")):
        for row in split(table(code, scope)):
            if match := re.search(rf"SYS_DESC\(SYS_({names})\),\s*(\w+)", row) or re.search(
                r"SYS_INSN\((\w+), (\w+)\)", row
            ):
                items[match[1]] = {"access": match[2]}
    return items


def _vgic_reg(tree: Path, arch: str) -> Items:
    items: Items = {}
    for file in ("vgic-mmio-v2.c", "vgic-mmio-v3.c", "vgic-its.c"):
        code = text(tree / A64 / "vgic" / file)
        for name in re.findall(r"\b(vgic_v[23]_(?:dist|cpu|rd)_registers|its_registers)\[", code):
            short = "its" if name.startswith("its") else " ".join(name.split("_")[1:3])
            for row in split(table(code, name)):
                arguments = split(inside(row, row.index("(")))
                attrs: dict[str, object] = {"read": arguments[1], "write": arguments[2]}
                if ("UACCESS" in row and "ITS" not in row) or "PER_IRQ" in row:
                    attrs |= {"user read": arguments[3], "user write": arguments[4]}
                items.setdefault(f"{short} {arguments[0]}", attrs)
    return items


def _vgic_rev(tree: Path, arch: str) -> Items:
    header = text(tree / "include/kvm/arm_vgic.h")
    folder = tree / A64 / "vgic"
    latest = re.search(r"KVM_VGIC_IMP_REV_LATEST\s+KVM_VGIC_IMP_REV_(\d+)", header)
    assert latest
    iidr: dict[str, object] = {"latest": latest[1], "default set in": set()}
    items: Items = {"GICD_IIDR": iidr}
    for version in ("v2", "v3"):
        body = function(text(folder / f"vgic-mmio-{version}.c"), f"vgic_mmio_uaccess_write_{version}_misc")
        iidr[f"accepted {version}"] = set(re.findall(r"case KVM_VGIC_IMP_REV_(\d+)", body))
        if "case GICD_TYPER2" in body:
            bits = re.findall(r"~(GICD_TYPER2_\w+)", body)
            items["GICD_TYPER2"] = {"may be cleared": set(bits)}
    for path in sorted(folder.glob("*.c")):
        code = text(path)
        for name in set(re.findall(r"^[\w\s*]*?\b(\w+)\([^;{}]*\)\s*\{", code, re.MULTILINE)):
            if re.search(r"implementation_rev = KVM_VGIC_IMP_REV_LATEST", function(code, name)):
                iidr["default set in"].add(name)  # type: ignore[attr-defined]
    items["GITS_IIDR"] = {
        "accepted": set(re.findall(r"\[(\d+)\]", table(text(folder / "vgic-its.c"), "its_table_abi_versions")))
    }
    for number in "235":
        if match := re.search(rf"VGIC_V{number}_MAX_CPUS\s+(\d+)", header):
            items[f"GICv{number} vCPUs"] = {"number": match[1]}
    return items


def _psci(tree: Path, arch: str) -> Items:
    latest = re.search(r"KVM_ARM_PSCI_LATEST\s+KVM_ARM_PSCI_(\d)_(\d)", text(tree / "include/kvm/arm_psci.h"))
    assert latest
    code = text(tree / A64 / "psci.c")
    setter = function(text(tree / A64 / "hypercalls.c") + code, "kvm_arm_set_fw_reg")
    items: Items = {
        "PSCI version": {
            "latest": f"{latest[1]}.{latest[2]}",
            "selectable": {f"{a}.{b}" for a, b in re.findall(r"case KVM_ARM_PSCI_(\d)_(\d)", setter)},
            "answered": {
                f"{a}.{b}" for a, b in re.findall(r"case KVM_ARM_PSCI_(\d)_(\d)", function(code, "kvm_psci_call"))
            },
        }
    }
    for name in cases(function(code, "kvm_psci_0_1_call|kvm_psci_0_2_call|kvm_psci_1_x_call")):
        items[name] = {}
    return items


def _smccc(tree: Path, arch: str) -> Items:
    code = text(tree / A64 / "hypercalls.c")
    items: Items = {
        name: {} for name in cases(function(code, r"\w*kvm_(?:smccc|hvc)_\w+")) if name.startswith("ARM_SMCCC")
    }
    items |= {name: {} for name in split(table(code, "kvm_arm_fw_reg_ids"))}
    for name in re.findall(r"\b(KVM_REG_ARM_\w+_BIT_\w+)\s*=", text(tree / "arch/arm64/include/uapi/asm/kvm.h")):
        items[name] = {}
    for register in re.findall(r"smccc_feat->(\w+) = ", function(code, "kvm_arm_init_hypercalls")):
        items[f"default of {register}"] = {}
    return items


def _defines(path: Path) -> dict[str, str]:
    return {
        name: " ".join(value.split())
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])([^\n]*)", text(path), re.MULTILINE)
    }


def _vcpu_feature(tree: Path, arch: str) -> Items:
    found = _defines(tree / "arch/arm64/include/uapi/asm/kvm.h")
    pattern = r"KVM_ARM_VCPU_(POWER_OFF|EL1_32BIT|PSCI_0_2|PMU_V3|SVE|PTRAUTH_\w+|HAS_EL2\w*|PMU_V3_STRICT)"
    items: Items = {name: {"number": value} for name, value in found.items() if re.fullmatch(pattern, name)}
    items["highest vCPU feature"] = {"number": str(max(int(str(item["number"])) for item in items.values()))}
    count = _defines(tree / "arch/arm64/include/asm/kvm_host.h")["KVM_VCPU_MAX_FEATURES"]
    items["features accepted"] = {"count": count}
    return items


def _trap(tree: Path, arch: str) -> Items:
    found = _defines(tree / "arch/arm64/include/asm/kvm_arm.h")
    names = r"HCR_GUEST_FLAGS|HCRX_GUEST_FLAGS|HCRX_HOST_FLAGS|MDCR_EL2_\w*FLAGS|CPTR_EL2_DEFAULT|CPTR_NVHE_EL2_RES1"
    return {
        name: {"bits": set(re.findall(r"\b(?:HCR|HCRX|MDCR|CPTR)_\w+", value))}
        for name, value in found.items()
        if re.fullmatch(names, name)
    }


def _timer(tree: Path, arch: str) -> Items:
    code = text(tree / A64 / "arch_timer.c")
    items: Items = {
        name: {"number": n} for name, n in re.findall(r"\[(TIMER_\w+)\]\s*=\s*(\d+)", table(code, "default_ppi"))
    }
    for kind in ("p", "v"):
        if match := re.search(r"\.irq\s*=\s*(\d+)", table(code, f"default_{kind}timer_irq")):
            items[f"TIMER_{kind.upper()}TIMER"] = {"number": match[1]}
    return items


def _finalize(tree: Path, arch: str) -> Items:
    items: Items = {}
    names = "kvm_finalize_sys_regs|kvm_vgic_finalize_idregs|kvm_idregs_enforce_dependencies|kvm_vgic_finalize_sysregs"
    for file in ("sys_regs.c", "vgic/vgic-init.c", "config.c"):
        code = text(tree / A64 / file)
        for name in names.split("|"):
            body = function(code, name)
            for statement in re.findall(r"[^;{}]*;", body):
                if not re.search(r"[^=!<>]=[^=]|\w\(", statement):
                    continue
                for register, field in re.findall(r"\b(ID_AA64\w+?_EL1)(?:_|, )([A-Z]\w*?)(?:_MASK)?\b", statement):
                    items.setdefault(f"{register}.{field}", {"in": set()})["in"].add(name)  # type: ignore[attr-defined]
    return items


def _facility(tree: Path, arch: str) -> Items:
    items: Items = {}
    for row in split(table(text(tree / "arch/s390/tools/gen_facilities.c"), "facility_defs")):
        name = re.search(r'"(\w+)"', row)
        given = {"FACILITIES_KVM": "default", "FACILITIES_KVM_CPUMODEL": "model"}.get(name[1] if name else "")
        if given:
            bits = inside(row, row.index("{", row.index("bits")))
            items |= {f"facility {n}": {"given": given} for n in re.findall(r"(?<![-\w])\d+", bits)}
    return items


def _cpu_feat(tree: Path, arch: str) -> Items:
    found = _defines(tree / "arch/s390/include/uapi/asm/kvm.h")
    prefix = "KVM_S390_VM_CPU_FEAT_"
    return {
        n.removeprefix(prefix): {"number": v} for n, v in found.items() if n.startswith(prefix) and "NR_BITS" not in n
    }


def _s390_dispatch(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/s390/kvm" / f"{name}.c") for name in ("priv", "diag", "sigp", "intercept"))
    items: Items = {}
    for op in ("diag", "01", "b2", "b9", "e3", "e5", "eb", "aa"):
        items |= {f"{op} {n}": {} for n in cases(function(code, f"kvm_s390_handle_{op}")) if n.startswith("0x")}
    return items | {
        n: {} for n in cases(function(code, "handle_sigp_dst|handle_sigp_order_in_user_space|kvm_s390_handle_sigp"))
    }


def _sbi_version(tree: Path, arch: str) -> Items:
    found = _defines(tree / "arch/riscv/include/asm/kvm_vcpu_sbi.h")
    return {"SBI version": {"major": found["KVM_SBI_VERSION_MAJOR"], "minor": found["KVM_SBI_VERSION_MINOR"]}}


def _sbi(tree: Path, arch: str) -> Items:
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


def _isa(tree: Path, arch: str) -> Items:
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


def _hcall(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/powerpc/kvm" / name) for name in ("book3s_hv.c", "book3s_pr_papr.c"))
    return {name: {} for name in re.findall(r"\bH_\w+", table(code, "default_hcall_list"))}


def _hcall_impl(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/powerpc/kvm" / name) for name in ("book3s_hv.c", "book3s_pr_papr.c"))
    return {name: {} for name in cases(function(code, r"kvmppc_hcall_impl_\w+"))}


def _la_feature(tree: Path, arch: str) -> Items:
    code = "".join(text(tree / "arch/loongarch/kvm" / name) for name in ("vm.c", "vcpu.c"))
    body = function(code, "kvm_vm_init_features|kvm_arch_init_vm")
    return {
        name: {}
        for statement in re.findall(r"kvm->arch\.\w*features \|?= ([^;]+);", body)
        for name in re.findall(r"\bKVM_(?:LOONGARCH_VM_FEAT|FEATURE)_\w+", statement)
    }


def _la_cpucfg(tree: Path, arch: str) -> Items:
    body = function(text(tree / "arch/loongarch/kvm/vcpu.c"), "_?kvm_(?:get_cpucfg_mask|check_cpucfg)")
    items: Items = {
        name: {} for value in re.findall(r"\*v [|&]?= ([^;]+);", body) for name in re.findall(r"\bCPUCFG\d+_\w+", value)
    }
    for value in {" ".join(one.split()) for one in re.findall(r"\*v = (GENMASK\([^;]*|0|~0\w*);", body)}:
        for label in labels_before(body, rf"\*v = {re.escape(value)};"):
            for leaf in re.findall(r"LOONGARCH_CPUCFG\d+", label):
                items.setdefault(leaf, {}).setdefault("mask", set()).add(value)  # type: ignore[attr-defined]
    return items


def _mips(tree: Path, arch: str) -> Items:
    return {}


CAPS = re.compile(r"\bkvm_cpu_cap_(?:mask|init|init_kvm_defined|init_scattered)\(")


def _cpuid(tree: Path, arch: str) -> Items:
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


def _pv(tree: Path, arch: str) -> Items:
    folder = tree / "arch/x86/kvm"
    body = function(text(folder / "cpuid.c"), "__do_cpuid_func")
    names = set(re.findall(r"<< (KVM_FEATURE_\w+)", body))
    hyperv = function(text(folder / "hyperv.c"), "kvm_get_hv_cpuid")
    for value in re.findall(r"ent->e[a-d]x \|?= ([^;]+);", hyperv):
        names |= set(re.findall(r"\bHV_\w+", value))
    return {name: {} for name in names}


def _msr(tree: Path, arch: str) -> Items:
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


def _feature_msr(tree: Path, arch: str) -> Items:
    found: dict[str, str] = {}
    for file in ("x86.c", "msrs.c", "vmx/capabilities.h", "vmx/vmx.c"):
        found |= _defines(tree / "arch/x86/kvm" / file)
    bits = {
        name: set(re.findall(r"\b(?:ARCH_CAP|PERF_CAP|PMU_CAP|XFEATURE_MASK)_\w+", value))
        for name, value in found.items()
    }
    return {name: {"bits": some} for name, some in bits.items() if some and name.startswith("KVM_SUPPORTED_")}


def _quirk(tree: Path, arch: str) -> Items:
    found = _defines(tree / "arch/x86/include/uapi/asm/kvm.h")
    host = _defines(tree / "arch/x86/include/asm/kvm_host.h") | _defines(tree / "arch/x86/kvm/x86.c")
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


def _validmask(tree: Path, arch: str) -> Items:
    files = (
        "arch/x86/kvm/x86.c",
        "arch/x86/kvm/x86.h",
        "arch/x86/include/asm/kvm_host.h",
        "arch/x86/include/uapi/asm/kvm.h",
    )
    found: dict[str, str] = {}
    for file in (*files, "include/uapi/linux/kvm.h"):
        found |= _defines(tree / file)
    return {
        name: {"flags": set(re.findall(r"\bKVM_\w+", value))}
        for name, value in found.items()
        if re.fullmatch(r"KVM_\w*_VALID_(FLAGS|MASK|BITS|MODES)", name)
    }


def _param(tree: Path, arch: str) -> Items:
    files = ("x86.c", "vmx/vmx.c", "svm/svm.c", "svm/sev.c", "vmx/nested.c", "mmu/mmu.c", "lapic.c")
    code = "".join(text(tree / "arch/x86/kvm" / file) for file in files)
    return {name: {} for name in re.findall(r"\bmodule_param(?:_named|_cb)?\(\s*(\w+)", code)}


# --- the interface headers --------------------------------------------------------------------------------------


def _headers(tree: Path, arch: str, names: tuple[str, ...] = ("kvm.h",)) -> str:
    folder = "include/uapi/linux" if arch == "generic" else f"arch/{arch}/include/uapi/asm"
    return "\n".join(text(tree / folder / name) for name in names)


ALL = ("kvm.h", "kvm_para.h", "psci.h")


def _all_defines(code: str) -> dict[str, str]:
    return {
        name: " ".join(value.split())
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])([^\n]*)", code, re.MULTILINE)
    }


def _number(value: str, known: dict[str, str], depth: int = 0) -> str:
    """The value of a constant expression, by Python's own arithmetic; "" if it is none."""
    value = re.sub(r"\b(?:_AC|__AC)\((\w+), ?\w+\)", r"\1", value)
    value = re.sub(r"\b_BITULL?\((\w+)\)", r"(1 << \1)", value)
    value = re.sub(r"\b((?:0[xX])?[0-9a-fA-F]+)[uUlL]+\b", r"\1", value)
    for name in set(re.findall(r"\b[A-Za-z_]\w*\b", value)):
        if name not in known or depth > 5:
            return ""
        value = re.sub(rf"\b{name}\b", f"({_number(known[name], known, depth + 1) or 'x'})", value)
    if not re.fullmatch(r"[\dxXa-fA-F\s()<>|&~+*-]+", value):
        return ""
    try:
        return str(eval(value, {"__builtins__": {}}))  # digits and operators only: see above
    except (SyntaxError, NameError, TypeError):
        return ""


def _define_items(tree: Path, arch: str, pattern: str, names: tuple[str, ...] = ("kvm.h",)) -> Items:
    known = _all_defines(_headers(tree, arch, names))
    return {
        name: {"value": value, "number": _number(value, known)}
        for name, value in known.items()
        if re.fullmatch(pattern, name) and value
    }


def _cap(tree: Path, arch: str) -> Items:
    items: Items = {
        name: {"number": value}
        for name, value in _all_defines(_headers(tree, "generic")).items()
        if name.startswith("KVM_CAP_") and value.isdigit()
    }
    items["highest capability"] = {"number": str(max(int(str(item["number"])) for item in items.values()))}
    return items


ANSWERING = {
    "generic": ("virt/kvm/kvm_main.c",), "arm64": ("arm.c",), "x86": ("x86.c",), "riscv": ("vm.c", "vcpu.c"),
    "s390": ("kvm-s390.c",), "powerpc": ("powerpc.c",), "loongarch": ("vm.c", "vcpu.c"), "mips": ("mips.c",),
}  # fmt: skip


def _answer(tree: Path, arch: str) -> Items:
    folder = tree if arch == "generic" else tree / "arch" / arch / "kvm"
    code = "".join(text(folder / file) for file in ANSWERING[arch])
    items: Items = {}
    for attr, name in (("check", r"\w*check_extension\w*"), ("enable", r"\w*enable_cap\w*")):
        for label in cases(function(code, name)):
            if label.startswith("KVM_CAP_"):
                items.setdefault(label, {})[attr] = "yes"
    return items


def _ioctl(tree: Path, arch: str) -> Items:
    items: Items = {}
    for name, value in _all_defines(_headers(tree, arch)).items():
        if match := re.match(r"_IO\w*\(\s*KVMIO,\s*(\w+)", value):
            items[name] = {"nr": match[1]}
    return items


def _exit(tree: Path, arch: str) -> Items:
    return _define_items(tree, arch, r"KVM_(?:EXIT|SYSTEM_EVENT|INTERNAL_ERROR|NOTIFY|HYPERCALL_EXIT)_\w+")


def _any_define(tree: Path, arch: str) -> Items:
    functions = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(", _headers(tree, arch, ALL), re.MULTILINE)
    return _define_items(tree, arch, r"\w+", ALL) | {name: {} for name in functions}


def _enum(tree: Path, arch: str) -> Items:
    code = _headers(tree, arch)
    known = _all_defines(code)
    items: Items = {}
    for match in re.finditer(r"\benum\b[\w\s]*\{", code):
        value = "-1"
        for one in split(re.sub(r"^\s*#.*$", "", inside(code, match.end() - 1), flags=re.MULTILINE)):
            name, _, given = (part.strip() for part in one.partition("="))
            value = _number(given, known) if given else (str(int(value) + 1) if value else "")
            known[name] = value
            items[name] = {"number": value}
    return items


def _struct(tree: Path, arch: str) -> Items:
    code = _headers(tree, arch, ("kvm.h", "kvm_para.h"))
    items: Items = {}
    for match in re.finditer(r"^(?:struct|union) (\w+)\s*\{", code, re.MULTILINE):
        items[match[1]] = {"members": set(_members(inside(code, match.end() - 1), ""))}
    return {name: item for name, item in items.items() if item["members"]}


def _members(body: str, prefix: str) -> Iterator[str]:
    """Each member of a structure's body as ``type path``, the members of its inner structures too."""
    body = re.sub(r"^\s*#.*$", "", body, flags=re.MULTILINE)
    at = 0
    while match := re.compile(r"\s*((?:struct|union)\s*(\w*\s*)\{|[^;{]+;)").match(body, at):
        if "{" in match[1]:
            within = inside(body, match.end() - 1)
            end = match.end() + len(within) + 1
            name = re.compile(r"\s*(?:__attribute__\s*\(\(.*?\)\)|__\w+)?\s*(\w*)\s*((?:\[[^\]]*\])*)[^;]*;").match(
                body, end
            )
            assert name
            path = f"{prefix}{name[1]}." if name[1] else prefix
            if name[1]:
                yield f"{match[1].split()[0].rstrip('{')}{name[2]} {prefix}{name[1]}"
            yield from _members(within, path)
            at = name.end()
            continue
        at = match.end()
        text = " ".join(match[1].rstrip("; ").split())
        if flexible := re.match(r"__DECLARE_FLEX_ARRAY\((.*), ?(\w+)\)", text):
            yield f"{flexible[1]}[0] {prefix}{flexible[2]}"
            continue
        if hinted := re.match(r"(.*) HINT_UNSAFE_IN_KVM\((\w+)\)", text):
            text = f"{hinted[1]} {hinted[2]}"
        first, *others = [part.strip() for part in text.split(",")]
        single = re.match(r"(.*?)\s*\b(\w+)\s*((?:\[[^\]]*\]\s*)*)(?::.*)?$", first)
        if not single:
            continue
        for name_, size in [(single[2], single[3]), *((re.sub(r"\[.*", "", o), "") for o in others)]:
            yield " ".join(f"{single[1]}{size.replace(' ', '')} {prefix}{name_}".split())


SHOWN: dict[str, Callable[[Path, str], Items]] = {
    "arm64-sysreg": _sysreg, "arm64-idreg": _idreg, "arm64-cp": _cp, "arm64-sysinsn": _sysinsn,
    "arm64-vgic-reg": _vgic_reg, "arm64-vgic-rev": _vgic_rev, "arm64-psci": _psci, "arm64-smccc": _smccc,
    "arm64-vcpu-feature": _vcpu_feature, "arm64-trap": _trap, "arm64-timer": _timer, "arm64-finalize": _finalize,
    "s390-facility": _facility, "s390-cpu-feat": _cpu_feat, "s390-dispatch": _s390_dispatch,
    "riscv-sbi-version": _sbi_version, "riscv-sbi": _sbi, "riscv-isa": _isa, "powerpc-hcall": _hcall,
    "powerpc-hcall-impl": _hcall_impl, "loongarch-feature": _la_feature, "loongarch-cpucfg": _la_cpucfg,
    "mips-config": _mips, "x86-cpuid": _cpuid, "x86-pv": _pv, "x86-msr": _msr, "x86-feature-msr": _feature_msr,
    "x86-quirk": _quirk, "x86-validmask": _validmask, "x86-param": _param, "uapi-cap": _cap,
    "uapi-cap-answer": _answer, "uapi-ioctl": _ioctl, "uapi-exit": _exit, "uapi-devattr": _any_define,
    "uapi-define": _any_define, "uapi-enum": _enum, "uapi-struct": _struct,
}  # fmt: skip


@cache
def shown(tree: Path, group: str, arch: str) -> Items:
    """The items of a surface in a tree."""
    return SHOWN[group](tree, arch)
