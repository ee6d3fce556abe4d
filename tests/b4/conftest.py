# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel repository with a series under review, and b4 in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Warm

ABIREVIEW = Path(sys.executable).parent / "abireview"
SESSION = Path(__file__).parent / "session.py"

HEADER = """\
/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_ARM_PSCI_H__
#define __KVM_ARM_PSCI_H__

#define KVM_ARM_PSCI_0_1	PSCI_VERSION(0, 1)
#define KVM_ARM_PSCI_0_2	PSCI_VERSION(0, 2)
#define KVM_ARM_PSCI_1_0	PSCI_VERSION(1, 0)
#define KVM_ARM_PSCI_1_1	PSCI_VERSION(1, 1)
%s
#define KVM_ARM_PSCI_LATEST	KVM_ARM_PSCI_1_%d

static inline int kvm_psci_version(struct kvm_vcpu *vcpu)
{
	return vcpu->kvm->arch.psci_version;
}

#endif
"""
CODE = """\
// SPDX-License-Identifier: GPL-2.0-only
static void helper(struct kvm *kvm)
{
	kvm->count%s;
}
"""


class Kernel:
    """The repository, its mails, and the programs that are run in it."""

    def __init__(self, top: Path, home: Path) -> None:
        self.top = top
        self.mbox = home / "thread.mbox"
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "XDG_", "ABIREVIEW", "B4"))
        }
        self.environ = kept | {
            "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"), "ABIREVIEW_CACHE": str(home / "abi"), "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def git(self, *arguments: str) -> str:
        return self.run(["git", *arguments]).stdout.strip()

    def run(
        self, command: list[str], input: str | bytes | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        data = input.encode() if isinstance(input, str) else input
        done = subprocess.run(
            command,
            cwd=self.top,
            env=self.environ | environ,
            input=data or b"",
            capture_output=True,
            check=False,
            timeout=120,
        )
        out = subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert out.returncode == 0 or command[0] == str(ABIREVIEW), out.stderr
        return out

    def b4(self, *arguments: str, input: str = "") -> Any:
        return json.loads(self.run([sys.executable, str(SESSION), *arguments], input).stdout)

    def abireview(self, *arguments: str, input: str | bytes = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return self.run([str(ABIREVIEW), *arguments], input, **environ)

    def write(self, version: int, defined: int, step: str = "") -> None:
        more = "".join(f"#define KVM_ARM_PSCI_1_{n}	PSCI_VERSION(1, {n})\n" for n in range(2, defined + 1))
        for name, text in (("include/kvm/arm_psci.h", HEADER % (more, version)), ("arch/arm64/kvm/arm.c", CODE % step)):
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


@pytest.fixture
def kernel(tmp_path: Path, warm: Warm) -> Kernel:
    """A repository whose topic raises PSCI's default version in the second of three patches; thread.mbox is mailed."""
    top = tmp_path / "linux"
    top.mkdir()
    (tmp_path / "home").mkdir()
    warm(tmp_path / "home" / "abi")
    made = Kernel(top, tmp_path / "home")
    made.git("init", "-q", "-b", "main")
    for key, value in (
        ("user.name", "Rita Reviewer"),
        ("user.email", "rita@example.org"),
        ("b4.review-perpatch-check-cmd", f"{ABIREVIEW} b4-check"),
        ("b4.review-series-check-cmd", f"{ABIREVIEW} b4-check --series"),
    ):
        made.git("config", key, value)
    made.write(1, 1)
    made.commit("start")
    made.git("checkout", "-q", "-b", "topic")
    made.write(1, 1, " += 1")
    made.commit("KVM: arm64: Count\n\nAn inner thing.")
    made.write(2, 2, " += 1")
    made.commit("KVM: arm64: Bump PSCI\n\nGive guests PSCI 1.2.")
    made.write(2, 2, " += 2")
    made.commit("KVM: arm64: Count twice\n\nAnother inner thing.")
    mails = made.git(
        "format-patch", "--stdout", "--cover-letter", "--thread=shallow", "--subject-prefix=PATCH", "main..topic"
    )
    made.mbox.write_text(mails.replace("*** SUBJECT HERE ***", "KVM: arm64: PSCI 1.2"), encoding="utf-8")
    made.git("fetch", "-q", ".", "topic")
    made.git("checkout", "-q", "main")
    return made


Mails = Callable[[], list[str]]


@pytest.fixture
def mails(kernel: Kernel) -> list[str]:
    """The mails of the thread: cover letter and three patches."""
    parts = kernel.mbox.read_text(encoding="utf-8").split("\nFrom ")
    return [parts[0].partition("\n")[2], *(f"From {part}".partition("\n")[2] for part in parts[1:])]
