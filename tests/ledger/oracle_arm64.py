# SPDX-License-Identifier: GPL-2.0-or-later
"""What a tree shows on arm64, found a second time (see oracle.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.ledger.ctext import Items, cases, defines, fields, function, inside, preprocessed, split, table, text

SYS_ORDER = ["desc", "access", "reset", "reg", "val", "get_user", "set_user", "visibility"]
TIMERS = {
    "TIMER_CTL": "CNTV_CTL_EL0", "TIMER_CNT": "CNTV_CVAL_EL0", "TIMER_CVAL": "CNTVCT_EL0",
    "PTIMER_CTL": "CNTP_CTL_EL0", "PTIMER_CVAL": "CNTP_CVAL_EL0", "PTIMER_CNT": "CNTPCT_EL0",
}  # fmt: skip
ID = r"(?:ID_|MVFR|CTR_EL0|CLIDR|MIDR_|REVIDR|AIDR)"
A64 = "arch/arm64/kvm"


def _sys_rows(tree: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for row in split(table(preprocessed(tree / A64 / "sys_regs.c"), "sys_reg_descs")):
        found = fields(row, SYS_ORDER)
        match = re.match(r"SYS_DESC\((?:SYS_)?(.+)\)$", found.get("desc", ""))
        if match:
            yield match[1], found


def sysreg(tree: Path, arch: str) -> Items:
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


def idreg(tree: Path, arch: str) -> Items:
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


def cp(tree: Path, arch: str) -> Items:
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


def sysinsn(tree: Path, arch: str) -> Items:
    code = text(tree / A64 / "sys_regs.c")
    items: Items = {}
    for scope, names in (("sys_reg_descs", r"(?:DC|IC|AT|TLBI)_\w+"), ("sys_insn_descs", r"\w+")):
        for row in split(table(code, scope)):
            if match := re.search(rf"SYS_DESC\(SYS_({names})\),\s*(\w+)", row) or re.search(
                r"SYS_INSN\((\w+), (\w+)\)", row
            ):
                items[match[1]] = {"access": match[2]}
    return items


def vgic_reg(tree: Path, arch: str) -> Items:
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


def vgic_rev(tree: Path, arch: str) -> Items:
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


def psci(tree: Path, arch: str) -> Items:
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


def smccc(tree: Path, arch: str) -> Items:
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


def vcpu_feature(tree: Path, arch: str) -> Items:
    found = defines(tree / "arch/arm64/include/uapi/asm/kvm.h")
    pattern = r"KVM_ARM_VCPU_(POWER_OFF|EL1_32BIT|PSCI_0_2|PMU_V3|SVE|PTRAUTH_\w+|HAS_EL2\w*|PMU_V3_STRICT)"
    items: Items = {name: {"number": value} for name, value in found.items() if re.fullmatch(pattern, name)}
    items["highest vCPU feature"] = {"number": str(max(int(str(item["number"])) for item in items.values()))}
    count = defines(tree / "arch/arm64/include/asm/kvm_host.h")["KVM_VCPU_MAX_FEATURES"]
    items["features accepted"] = {"count": count}
    return items


def trap(tree: Path, arch: str) -> Items:
    found = defines(tree / "arch/arm64/include/asm/kvm_arm.h")
    names = r"HCR_GUEST_FLAGS|HCRX_GUEST_FLAGS|HCRX_HOST_FLAGS|MDCR_EL2_\w*FLAGS|CPTR_EL2_DEFAULT|CPTR_NVHE_EL2_RES1"
    return {
        name: {"bits": set(re.findall(r"\b(?:HCR|HCRX|MDCR|CPTR)_\w+", value))}
        for name, value in found.items()
        if re.fullmatch(names, name)
    }


def timer(tree: Path, arch: str) -> Items:
    code = text(tree / A64 / "arch_timer.c")
    items: Items = {
        name: {"number": n} for name, n in re.findall(r"\[(TIMER_\w+)\]\s*=\s*(\d+)", table(code, "default_ppi"))
    }
    for kind in ("p", "v"):
        if match := re.search(r"\.irq\s*=\s*(\d+)", table(code, f"default_{kind}timer_irq")):
            items[f"TIMER_{kind.upper()}TIMER"] = {"number": match[1]}
    return items


def finalize(tree: Path, arch: str) -> Items:
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
