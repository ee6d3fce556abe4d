# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel patches told from those of the tests and VMMs on the same lists."""

from __future__ import annotations

import pytest

from abireview.errors import ConfigError
from abireview.lore.load import projects
from abireview.mail.kind import classify, load_projects


@pytest.mark.parametrize(
    ("words", "paths", "kind"),
    [
        (["kvm-unit-tests", "PATCH"], ["arm/timer.c"], "kvm-unit-tests"),
        (["PATCH", "kvmtool"], ["include/linux/kvm.h"], "kvmtool"),
        (["PATCH", "KVMTOOL"], ["x.c"], "kvmtool"),
        (["PATCH"], ["hw/intc/arm_gicv3_kvm.c", "docs/x.rst"], "qemu"),
        (["PATCH"], ["target/arm/kvm.c"], "qemu"),
        (["PATCH"], ["lib/arm64/processor.c", "arm/selftest.c"], "kvm-unit-tests"),
        (["PATCH"], ["x86/unittests.cfg"], "kvm-unit-tests"),
        (["PATCH"], ["arm/aarch64/kvm-cpu.c", "builtin-run.c"], "kvmtool"),
        (["PATCH"], ["arch/arm64/kvm/arm.c"], "kernel"),
        (["PATCH"], ["Documentation/virt/kvm/api.rst"], "kernel"),
        (["PATCH"], ["arch/s390/kvm/kvm-s390.c", "lib/x86/a.c"], "kernel"),
        (["PATCH"], ["lib/string.c"], "kernel"),
        (["PATCH"], ["MAINTAINERS"], "kernel"),
        (["PATCH"], ["MdePkg/Library/x.c"], "other"),
        (["PATCH", "libvirt"], ["src/qemu/qemu_driver.c"], "libvirt"),
        (["PATCH"], ["src/qemu/qemu_driver.c"], "libvirt"),
        (["PATCH", "qemu"], [], "qemu"),
        (["PATCH"], [], "kernel"),
    ],
)
def test_projects(words: list[str], paths: list[str], kind: str) -> None:
    assert classify(words, paths, projects()) == kind


@pytest.mark.parametrize("data", [b"\xff", b"schema = 1", b"schema = 'x'", b"]"])
def test_a_wrong_list_is_named(data: bytes) -> None:
    with pytest.raises(ConfigError, match="list of projects"):
        load_projects(data)
