# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes series of any length for the benchmarks: the code in them is invented, its shapes are those of KVM patches."""

from __future__ import annotations

HUNKS_A_FILE = 4
AUTHOR = "Bench Mark <bench@example.org>"


def series(patches: int) -> bytes:
    """An mbox with a cover letter and ``patches`` patches, each of two files; always the same for the same number."""
    mails = [_mail(0, patches, "A series for the benchmark", "Nothing in here was ever posted.\n")]
    for n in range(1, patches + 1):
        body = f"Change a table and a function, patch {n}.\n\nSigned-off-by: {AUTHOR}\n---\n"
        body += _file("arch/arm64/kvm/sys_regs.c", n, _row) + _file("arch/arm64/kvm/vgic/vgic-mmio-v3.c", n, _code)
        mails.append(_mail(n, patches, f"KVM: arm64: Step {n}", body))
    return "".join(mails).encode()


def msgid(n: int, total: int) -> str:
    """The message-id of patch ``n`` (0: the cover letter) of the series of ``total`` patches."""
    return f"20300101000000.{total}-{n + 1}-bench@example.org"


def _mail(n: int, total: int, subject: str, body: str) -> str:
    width = len(str(total))
    parent = f"In-Reply-To: <{msgid(0, total)}>\nReferences: <{msgid(0, total)}>\n" if n else ""
    return (
        f"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: {AUTHOR}\nTo: kvmarm@lists.example.org\n"
        f"Subject: [PATCH {n:0{width}}/{total}] {subject}\nDate: Tue, 1 Jan 2030 00:{n % 60:02}:00 +0000\n"
        f"Message-ID: <{msgid(n, total)}>\n{parent}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        f"Content-Transfer-Encoding: 8bit\n\n{body}-- \n2.39.5\n\n"
    )


def _file(path: str, n: int, hunk_of: object) -> str:
    assert callable(hunk_of)
    hunks = "".join(hunk_of(n, k) for k in range(HUNKS_A_FILE))
    return f"diff --git a/{path} b/{path}\nindex {n:012x}..{n + 1:012x} 100644\n--- a/{path}\n+++ b/{path}\n{hunks}\n"


def _row(n: int, k: int) -> str:
    start = 100 * n + 20 * k + 1000
    rows = "".join(f" \t{{ SYS_DESC(SYS_EXAMPLE{n}_{k}_{i}), NULL, reset_val, EXAMPLE{i}, 0 }},\n" for i in range(6))
    change = (
        f"-\t{{ SYS_DESC(SYS_BENCH{n}_{k}), trap_raz_wi }},\n"
        f"+\t{{ SYS_DESC(SYS_BENCH{n}_{k}), access_bench, reset_val, BENCH{n}_{k}, {k} }},\n"
    )
    return f"@@ -{start},7 +{start},7 @@ static const struct sys_reg_desc sys_reg_descs[] = {{\n" + _middle(
        rows, change
    )


def _code(n: int, k: int) -> str:
    start = 60 * n + 15 * k + 200
    lines = "".join(f" \t\tvalue |= bench_field_{i}(vcpu, addr, {n + i});\n" for i in range(6))
    change = f"-\t\tif (vgic_bench_{k}(vcpu) && value > {n})\n+\t\tif (vgic_bench_{k}(vcpu) && value >= {n})\n"
    section = f"static unsigned long vgic_mmio_read_bench_{n}(struct kvm_vcpu *vcpu,"
    return f"@@ -{start},7 +{start},7 @@ {section}\n" + _middle(lines, change)


def _middle(context: str, change: str) -> str:
    lines = context.splitlines(keepends=True)
    return "".join([*lines[:3], change, *lines[3:]])
