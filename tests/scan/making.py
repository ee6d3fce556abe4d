# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives written for the tests: many small series with everything that is odd on a real list."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.mails import mail, patch_body

ROWS = "arch/arm64/kvm/sys_regs.c"


def row_change(n: int) -> str:
    """A table row whose handler changes: something a rule flags."""
    return (
        f"diff --git a/{ROWS} b/{ROWS}\nindex 111111111111..222222222222 100644\n--- a/{ROWS}\n+++ b/{ROWS}\n"
        f"@@ -{100 + n},7 +{100 + n},7 @@ static const struct sys_reg_desc sys_reg_descs[] = {{\n"
        " \t{ SYS_DESC(SYS_OSDTRRX_EL1), trap_raz_wi },\n"
        f"-\t{{ SYS_DESC(SYS_EX{n}_EL1), trap_raz_wi }},\n"
        f"+\t{{ SYS_DESC(SYS_EX{n}_EL1), undef_access }},\n"
        " \t{ SYS_DESC(SYS_OSLAR_EL1), trap_oslar_el1 },\n \n"
    )


def series(number: int, version: int = 1, *, patches: int = 2, at: int = 0, title: str = "") -> list[bytes]:
    """A cover, its patches and two replies; every message-id is of this series alone."""
    tag = f" v{version}" if version > 1 else ""
    stem = f"s{number}-v{version}"
    title = title or f"KVM: example: Rework of part {number}"
    cover = f"{stem}-0@example.org"
    sender = f"Ann Author <ann{number % 7}@example.org>"
    found = [mail(f"[PATCH{tag} 0/{patches}] {title}", cover, "Hello.\n", at=at, sender=sender)]
    for n in range(1, patches + 1):
        body = patch_body(text=row_change(number + n))
        subject = f"[PATCH{tag} {n}/{patches}] KVM: example: Step {number}.{n}"
        found.append(mail(subject, f"{stem}-{n}@example.org", body, parent=cover, at=at + n, sender=sender))
    reply = mail(f"Re: {title}", f"{stem}-r@example.com", "Why?\n", parent=cover, at=at + 9)
    found.append(reply)
    found.append(mail(f"Re: {title}", f"{stem}-rr@example.com", "So.\n", parent=f"{stem}-r@example.com", at=at + 10))
    return found


def archive(count: int) -> list[bytes]:
    """``count`` series, every third with a second version in a thread of its own, and what else is on a list."""
    found: list[bytes] = []
    for number in range(count):
        found += series(number, at=100 * number)
        if number % 3 == 0:
            found += series(number, 2, at=100 * number + 50)
    found += oddities()
    return found


def oddities() -> list[bytes]:
    """Mails that are odd, damaged, doubled or no mails."""
    packed = base64.encodebytes(patch_body(text=row_change(900)).encode()).decode()
    coded = mail(
        "[PATCH] KVM: example: In base64",
        "b64@example.org",
        packed,
        headers="Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
        at=77,
    )
    lone = mail("[PATCH] KVM: example: Alone", "alone@example.org", patch_body(text=row_change(901)), at=78)
    unthreaded = [
        mail(f"[PATCH {n}/3] KVM: example: Loose {n}", f"loose-{n}@example.org", patch_body(text=row_change(910 + n)))
        for n in (1, 2, 3)
    ]
    no_date = lone.replace(b"alone@", b"undated@").replace(b"Alone", b"Undated")
    no_date = b"\n".join(line for line in no_date.split(b"\n") if not line.startswith(b"Date:"))
    foreign = mail("[kvm-unit-tests PATCH] x86: Test it", "kut@example.org", patch_body(), at=80)
    pull = mail("[GIT PULL] KVM fixes", "pull@example.org", "Please pull.\n", at=81)
    circle = [
        mail("Re: a", "c1@example.org", "x\n", parent="c2@example.org", at=82),
        mail("Re: a", "c2@example.org", "x\n", parent="c1@example.org", at=83),
    ]
    broken = (
        b"From: x\nMessage-ID: <broken@example.org>\nSubject: [PATCH] \xff\xfe broken\n\ndiff --git a/x b/x\n@@ -1 +\n"
    )
    return [coded, lone, lone, *unthreaded, no_date, foreign, pull, *circle, broken]


def maildir(top: Path, mails: Sequence[bytes]) -> Path:
    """A maildir at ``top``, half of the mails read."""
    for name in ("cur", "new", "tmp"):
        (top / name).mkdir(parents=True)
    for number, raw in enumerate(mails):
        name = f"cur/{number:05}.x:2,S" if number % 2 else f"new/{number:05}.x"
        (top / name).write_bytes(raw)
    return top


def epoch(path: Path, mails: Sequence[bytes], removed: Sequence[bytes] = ()) -> Path:
    """A git epoch: a commit a mail; those of ``removed`` are put in and taken out again."""
    path.mkdir(parents=True)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(path)], check=True, env=env)
    commits = [_commit(b"M 100644 inline m\n", raw) for raw in (*removed, *mails)]
    commits += [_commit(b"D m\nM 100644 inline d\n", raw) for raw in removed]
    subprocess.run(
        ["git", "-C", str(path), "fast-import", "--quiet", "--done"],
        input=b"".join(commits) + b"done\n",
        check=True,
        env=env,
    )
    return path


def _commit(change: bytes, raw: bytes) -> bytes:
    who = b"a <a@x> 1700000000 +0000"
    return b"commit refs/heads/master\nauthor %s\ncommitter %s\ndata 0\n%sdata %d\n%s\n" % (
        who,
        who,
        change,
        len(raw),
        raw,
    )
