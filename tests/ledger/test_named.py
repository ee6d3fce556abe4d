# SPDX-License-Identifier: GPL-2.0-or-later
"""What reviewers know to have changed between the three kernels is in the ledgers, with the right way back."""

from __future__ import annotations

import re

import pytest

from abireview.ledger.model import Entry, Ledger, Pin, Surface
from tests.ledger.oracle import shown

pytestmark = pytest.mark.corpus

Ledgers = dict[tuple[str, str], Ledger]
Surfaces = dict[str, Surface]
TO_12, TO_72 = ("6.1", "6.12"), ("6.12", "7.2")


def entries(ledger: Ledger, group: str, name: str, attr: str = "", op: str = "") -> list[Entry]:
    """The entries about NAME: of its item, or of several items that are told together."""
    return [
        entry
        for entry in ledger.entries
        if entry.group == group
        and (entry.name == name or (entry.op not in ("gained", "lost") and name in entry.terms))
        and (not attr or entry.attr == attr)
        and (not op or entry.op == op)
    ]


def only(ledger: Ledger, group: str, name: str, attr: str = "", op: str = "") -> Entry:
    (entry,) = entries(ledger, group, name, attr, op)
    return entry


def pin(ledger: Ledger, what: str) -> Pin:
    (found,) = [one for one in ledger.pins if what in one.what.split(", ")]
    return found


def fact(surface: Surface, group: str, name: str, attr: str) -> str:
    (item,) = [item for one in surface.groups if one.id == group for item in one.items if item.name == name]
    return item.facts.get(attr, "") or ", ".join(item.sets.get(attr, ()))


def test_the_psci_default_goes_from_1_1_to_1_3_and_1_1_can_be_selected(ledgers: Ledgers, surfaces: Surfaces) -> None:
    assert [fact(surfaces[v], "arm64-psci", "PSCI version", "latest") for v in surfaces] == ["1.1", "1.1", "1.3"]
    assert not entries(ledgers[TO_12], "arm64-psci", "PSCI version", "latest")
    entry = only(ledgers[TO_72], "arm64-psci", "PSCI version", "latest")
    assert (entry.old, entry.new, entry.knob, entry.weight) == ("1.1", "1.3", "PIN", "high")
    assert {"boot", "rollback"} <= {*entry.direction}
    assert pin(ledgers[TO_72], "KVM_REG_ARM_PSCI_VERSION").to == "PSCI 1.1"
    assert only(ledgers[TO_72], "arm64-psci", "PSCI version", "selectable").terms == ("1.2", "1.3")
    assert only(ledgers[TO_72], "arm64-psci", "PSCI_1_3_FN64_SYSTEM_OFF2").op == "added"


@pytest.mark.parametrize(("pair", "old", "new"), [(TO_12, "1.0", "2.0"), (TO_72, "2.0", "3.0")], ids=["6.12", "7.2"])
def test_the_sbi_version_goes_up_and_nobody_can_ask_for_the_old_one(
    pair: tuple[str, str], old: str, new: str, ledgers: Ledgers
) -> None:
    entry = only(ledgers[pair], "riscv-sbi-version", "SBI version")
    assert f"{new}, was {old}" in entry.text
    assert (entry.knob, entry.pin, entry.weight) == ("NONE", None, "high")


def test_the_revisions_of_the_interrupt_controller(ledgers: Ledgers, surfaces: Surfaces) -> None:
    """GICD_IIDR stays at 3, 2 and 3 can be selected, 1 cannot; the default is set at another time."""
    for surface in surfaces.values():
        assert fact(surface, "arm64-vgic-rev", "GICD_IIDR", "latest") == "3"
        for version in ("v2", "v3"):
            assert fact(surface, "arm64-vgic-rev", "GICD_IIDR", f"accepted {version}") == "2, 3"
        assert fact(surface, "arm64-vgic-rev", "GITS_IIDR", "accepted") == "0"
    moved = entries(ledgers[TO_72], "arm64-vgic-rev", "GICD_IIDR", "default set in")
    assert {(entry.op, entry.terms) for entry in moved} == {
        ("lost", ("vgic_init",)),
        ("gained", ("kvm_vgic_create",)),
    }
    assert not entries(ledgers[TO_12], "arm64-vgic-rev", "GICD_IIDR")


def test_userspace_may_clear_a_bit_of_typer2(ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "arm64-vgic-rev", "GICD_TYPER2", "may be cleared")
    assert entry.terms == ("GICD_TYPER2_nASSGIcap",)
    assert entry.knob == "OPT_OUT"
    assert pin(ledgers[TO_72], "GICD_TYPER2: GICD_TYPER2_nASSGIcap")


WRITABLE_IN_6_12 = (
    "ID_AA64ISAR0_EL1", "ID_AA64ISAR1_EL1", "ID_AA64ISAR2_EL1", "ID_AA64MMFR0_EL1", "ID_AA64MMFR1_EL1",
    "ID_AA64MMFR2_EL1", "ID_AA64PFR0_EL1", "ID_AA64PFR1_EL1", "ID_AA64DFR0_EL1", "ID_AA64ZFR0_EL1", "ID_PFR0_EL1",
    "ID_ISAR0_EL1", "MVFR0_EL1", "CTR_EL0",
)  # fmt: skip


@pytest.mark.parametrize("register", WRITABLE_IN_6_12)
def test_id_registers_become_writable(register: str, ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_12], "arm64-idreg", register, "rw")
    assert entry.new in ("all but", "only", "all")
    assert entry.knob == "OPT_OUT"
    assert pin(ledgers[TO_12], register).to == "the value that the old kernel gives"


@pytest.mark.parametrize(
    ("register", "fields"),
    [
        ("ID_AA64PFR0_EL1", {"RAS"}),
        ("ID_AA64PFR1_EL1", {"DF2"}),
        ("ID_AA64MMFR0_EL1", {"TGRAN4_2", "TGRAN16_2", "TGRAN64_2"}),
        ("ID_AA64MMFR1_EL1", {"HCX", "TWED"}),
    ],
)
def test_fields_become_writable_in_7_2(register: str, fields: set[str], ledgers: Ledgers) -> None:
    assert fields <= {*only(ledgers[TO_72], "arm64-idreg", register, "but", "lost").terms}


def test_an_allow_list_for_a_new_id_register(ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "arm64-idreg", "ID_AA64ISAR3_EL1")
    assert entry.op == "added"
    assert all(field in entry.text for field in ("FPRCVT", "LSFE", "LSUI", "FAMINMAX"))
    assert pin(ledgers[TO_72], "ID_AA64ISAR3_EL1").to == "0"
    assert entries(ledgers[TO_72], "arm64-idreg", "unallocated(6, 3)", op="removed")


@pytest.mark.parametrize("register", ["ID_AA64MMFR0_EL1", "ID_AA64MMFR2_EL1", "ID_AA64PFR2_EL1", "CTR_EL0"])
def test_values_of_id_registers_get_a_check_of_their_own(register: str, ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "arm64-idreg", register, "checked")
    assert (entry.old, entry.new) == ("set_id_reg", f"set_{register.lower()}")


ERX = ("ERXFR_EL1", "ERXCTLR_EL1", "ERXSTATUS_EL1", "ERXADDR_EL1", "ERXMISC0_EL1", "ERXMISC1_EL1", "ERRIDR_EL1")


@pytest.mark.parametrize("register", ERX)
def test_rows_that_read_as_zero_become_undefined(register: str, ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "arm64-sysreg", register, "access")
    assert (entry.old, entry.new) == ("trap_raz_wi", "access_ras")
    assert (entry.knob, entry.weight) == ("NONE", "high")
    assert "UNDEF" in entry.text


@pytest.mark.parametrize(
    ("register", "visibility"),
    [("PIR_EL1", "s1pie_visibility"), ("PIRE0_EL1", "s1pie_visibility"), ("TCR2_EL1", "tcr2_visibility")],
)
def test_registers_are_listed_always_and_then_only_with_their_feature(
    register: str, visibility: str, ledgers: Ledgers
) -> None:
    came = only(ledgers[TO_12], "arm64-sysreg", register)
    assert came.op == "added"
    assert "KVM_GET_REG_LIST of every vCPU" in came.text
    shrank = only(ledgers[TO_72], "arm64-sysreg", register, "visible")
    assert (shrank.old, shrank.new, shrank.direction, shrank.weight) == ("", visibility, ("forward",), "high")


def test_the_timers_registers_were_listed_before_they_had_rows(ledgers: Ledgers) -> None:
    for register in ("CNTV_CTL_EL0", "CNTV_CVAL_EL0", "CNTVCT_EL0"):
        assert not entries(ledgers[TO_72], "arm64-sysreg", register, "listed")
        assert not entries(ledgers[TO_72], "arm64-sysreg", register, op="added")
    assert not entries(ledgers[TO_72], "arm64-sysreg", "CNTP_CTL_EL0", "listed")


def test_the_gic_field_of_a_vm_without_gicv3(ledgers: Ledgers) -> None:
    assert "kvm_finalize_sys_regs" in only(ledgers[TO_12], "arm64-finalize", "ID_AA64PFR0_EL1.GIC").text
    later = only(ledgers[TO_72], "arm64-finalize", "ID_AA64PFR0_EL1.GIC", "in", "gained")
    assert later.terms == ("kvm_vgic_finalize_idregs",)


def test_the_firmware_registers(ledgers: Ledgers, surfaces: Surfaces) -> None:
    def bitmaps(surface: Surface) -> int:
        return sum(
            bool(re.fullmatch(r"KVM_REG_ARM_\w+_BMAP(_2)?", item.name))
            for group in surface.groups
            if group.id == "arm64-smccc"
            for item in group.items
        )

    assert [bitmaps(surfaces[version]) for version in surfaces] == [3, 3, 4]
    entry = only(ledgers[TO_72], "arm64-smccc", "KVM_REG_ARM_VENDOR_HYP_BMAP_2")
    assert entry.knob == "OPT_IN"
    assert only(ledgers[TO_12], "uapi-devattr", "KVM_ARM_VM_SMCCC_FILTER").op == "added"


def test_a_register_of_gicv2_comes_without_a_way_back(ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "arm64-vgic-reg", "v2 cpu GIC_CPU_DEACTIVATE")
    assert (entry.op, entry.knob) == ("added", "NONE")


@pytest.mark.parametrize(("pair", "old", "new"), [(TO_12, "6", "10"), (TO_72, "10", "11")], ids=["6.12", "7.2"])
def test_the_quirk_bits(pair: tuple[str, str], old: str, new: str, ledgers: Ledgers) -> None:
    entry = only(ledgers[pair], "x86-quirk", "highest quirk bit", "number")
    assert (entry.old, entry.new) == (old, new)


@pytest.mark.parametrize(
    ("pair", "quirk", "bit"),
    [
        (TO_12, "KVM_X86_QUIRK_SLOT_ZAP_ALL", 7),
        (TO_12, "KVM_X86_QUIRK_STUFF_FEATURE_MSRS", 8),
        (TO_12, "KVM_X86_QUIRK_IGNORE_GUEST_PAT", 9),
        (TO_12, "KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM", 10),
        (TO_72, "KVM_X86_QUIRK_NESTED_SVM_SHARED_PAT", 11),
    ],
)
def test_each_new_quirk_can_be_kept(pair: tuple[str, str], quirk: str, bit: int, ledgers: Ledgers) -> None:
    entry = only(ledgers[pair], "x86-quirk", quirk)
    assert entry.knob == "OPT_OUT"
    assert f"bit {bit}" in entry.text
    assert pin(ledgers[pair], quirk).to == "not disabled"


def test_the_flags_of_x2apic(ledgers: Ledgers, surfaces: Surfaces) -> None:
    counts = [
        len(fact(surfaces[version], "x86-validmask", "KVM_X2APIC_API_VALID_FLAGS", "flags").split(", "))
        for version in surfaces
    ]
    assert counts == [2, 2, 4]
    assert len(only(ledgers[TO_72], "x86-validmask", "KVM_X2APIC_API_VALID_FLAGS").terms) == 2


@pytest.mark.parametrize(("pair", "old", "new"), [(TO_12, "223", "238"), (TO_72, "238", "249")], ids=["6.12", "7.2"])
def test_the_highest_capability(pair: tuple[str, str], old: str, new: str, ledgers: Ledgers) -> None:
    entry = only(ledgers[pair], "uapi-cap", "highest capability")
    assert (entry.old, entry.new) == (old, new)
    numbered = [int(n) for e in ledgers[pair].entries for n in re.findall(r"is number (\d+)", e.text)]
    assert numbered == sorted(numbered, key=str) or {*numbered} == {*range(int(old) + 1, int(new) + 1)}
    assert {*numbered} == {*range(int(old) + 1, int(new) + 1)}


def test_the_facilities(ledgers: Ledgers, surfaces: Surfaces) -> None:
    """165, 193, 194, 196 and 197 need a CPU model in all three; 170 and 201 come in 7.2, with a model too."""
    for surface in surfaces.values():
        for number in (165, 193, 194, 196, 197):
            assert fact(surface, "s390-facility", f"facility {number}", "given") == "model"
    for number in (170, 201):
        entry = only(ledgers[TO_72], "s390-facility", f"facility {number}")
        assert (entry.op, entry.knob) == ("added", "OPT_IN")
    assert not [entry for entry in ledgers[TO_12].entries if entry.group == "s390-facility"]


def test_a_new_architecture_is_one_entry_a_surface(ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_12], "loongarch-cpucfg", "CPUCFG limits")
    assert entry.op == "added"
    assert "whole surface is new" in entry.text


def test_isa_extensions_that_no_vmm_can_take_away(ledgers: Ledgers) -> None:
    entry = only(ledgers[TO_72], "riscv-isa", "ZABHA")
    assert (entry.knob, entry.weight) == ("NONE", "high")
    assert only(ledgers[TO_72], "riscv-isa", "SVADU").knob == "OPT_OUT"
    assert pin(ledgers[TO_72], "KVM_RISCV_ISA_EXT_SVADU").to == "0"


def test_what_moves_between_headers_is_no_change(ledgers: Ledgers) -> None:
    """6.12 moved x86's and s390's structures from the common header to their own: nothing comes or goes for them."""
    for arch, structure in (("x86", "kvm_sev_cmd"), ("s390", "kvm_s390_irq"), ("powerpc", "kvm_ppc_pvinfo")):
        about = [e for e in entries(ledgers[TO_12], "uapi-struct", structure) if e.arch == arch]
        assert all(entry.op == "gained" for entry in about)
        told = [e for e in entries(ledgers[TO_12], "uapi-struct", structure) if e.arch == "generic"]
        assert [entry.weight for entry in told] == ["low"]


@pytest.mark.parametrize("pair", [TO_12, TO_72, ("6.1", "7.2")], ids="→".join)
def test_every_pin_of_an_id_field_names_one_that_can_be_written(
    pair: tuple[str, str], ledgers: Ledgers, kernels: object
) -> None:
    now = shown(kernels / pair[1], "arm64-idreg", "arm64")  # type: ignore[operator]
    checked = 0
    for one in ledgers[pair].pins:
        for what in one.what.split(", "):
            match = re.fullmatch(r"((?:ID|MVFR|CTR|CLIDR)\w*_EL[01])(?:\.(\w+))?", what)
            if match:
                item = now[match[1]]
                assert item["rw"] in ("all", "all but", "only")
                if match[2] and item["rw"] == "all but":
                    assert match[2] not in item["but"]  # type: ignore[operator]
                elif match[2] and item["rw"] == "only":
                    assert match[2] in item["only"]  # type: ignore[operator]
                checked += 1
    assert checked


def test_going_back_says_what_is_lost(ledgers: Ledgers) -> None:
    back = ledgers["7.2", "6.12"]
    entry = only(back, "arm64-psci", "PSCI version", "selectable", "lost")
    assert (entry.terms, entry.knob, entry.weight) == (("1.2", "1.3"), "NONE", "high")
    assert only(back, "x86-quirk", "KVM_X86_QUIRK_NESTED_SVM_SHARED_PAT").op == "removed"
