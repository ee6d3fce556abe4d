# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel tree shows, found a second time by other means: for checking every row of a ledger.

``shown(tree, group, arch)`` gives the items of a surface: name → attribute → value or set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.ledger import oracle_archs as archs
from tests.ledger import oracle_arm64 as arm64
from tests.ledger import oracle_uapi as uapi
from tests.ledger.ctext import Items

ARCHES = ("arm64", "x86", "s390", "powerpc", "riscv", "loongarch", "mips")

SHOWN: dict[str, Callable[[Path, str], Items]] = {
    "arm64-sysreg": arm64.sysreg,
    "arm64-idreg": arm64.idreg,
    "arm64-cp": arm64.cp,
    "arm64-sysinsn": arm64.sysinsn,
    "arm64-vgic-reg": arm64.vgic_reg,
    "arm64-vgic-rev": arm64.vgic_rev,
    "arm64-psci": arm64.psci,
    "arm64-smccc": arm64.smccc,
    "arm64-vcpu-feature": arm64.vcpu_feature,
    "arm64-trap": arm64.trap,
    "arm64-timer": arm64.timer,
    "arm64-finalize": arm64.finalize,
    "s390-facility": archs.facility,
    "s390-cpu-feat": archs.cpu_feat,
    "s390-dispatch": archs.s390_dispatch,
    "riscv-sbi-version": archs.sbi_version,
    "riscv-sbi": archs.sbi,
    "riscv-isa": archs.isa,
    "powerpc-hcall": archs.hcall,
    "powerpc-hcall-impl": archs.hcall_impl,
    "loongarch-feature": archs.la_feature,
    "loongarch-cpucfg": archs.la_cpucfg,
    "mips-config": archs.mips,
    "x86-cpuid": archs.cpuid,
    "x86-pv": archs.pv,
    "x86-msr": archs.msr,
    "x86-feature-msr": archs.feature_msr,
    "x86-quirk": archs.quirk,
    "x86-validmask": archs.validmask,
    "x86-param": archs.param,
    "uapi-cap": uapi.cap,
    "uapi-cap-answer": uapi.answer,
    "uapi-ioctl": uapi.ioctl,
    "uapi-exit": uapi.exits,
    "uapi-devattr": uapi.any_define,
    "uapi-define": uapi.any_define,
    "uapi-enum": uapi.enum,
    "uapi-struct": uapi.struct,
}


@cache
def shown(tree: Path, group: str, arch: str) -> Items:
    """The items of a surface in a tree."""
    return SHOWN[group](tree, arch)
