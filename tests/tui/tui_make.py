# SPDX-License-Identifier: GPL-2.0-or-later
"""A small series of three patches in two versions, made for the tests of the session."""

from __future__ import annotations

from pathlib import Path

RULES = Path(__file__).parent / "rules"
CONTENT_LINES = 12

NAMES = ("WIDGET_VERSION", "WIDGET_LIMIT", "WIDGET_BASE")


def diff(name: str, before: int, after: int, path: str) -> str:
    """One hunk that changes the define ``name``, with context around it."""
    context = [f"#define {name}_PAD{k}\t{k}" for k in range(8)]
    lines = [
        f"diff --git a/{path} b/{path}",
        "index 1111111..2222222 100644",
        f"--- a/{path}",
        f"+++ b/{path}",
        "@@ -20,9 +20,9 @@ struct widget {",
        *[f" {line}" for line in context[:6]],
        f"-#define {name}\t{before}",
        f"+#define {name}\t{after}",
        *[f" {line}" for line in context[6:]],
    ]
    return "\n".join(lines)


def mail(
    msgid: str,
    subject: str,
    body: str,
    *,
    parent: str = "",
    minute: int = 0,
    sender: str = "Ada Author <ada@example.org>",
    to: str = "kvm@lists.example",
    cc: str = "Max Maintainer <max@example.net>, Rita Reviewer <rita@example.com>",
) -> bytes:
    """One mail as bytes."""
    thread = f"In-Reply-To: <{parent}>\nReferences: <{parent}>\n" if parent else ""
    return (
        f"From: {sender}\nTo: {to}\nCc: {cc}\nSubject: {subject}\nMessage-ID: <{msgid}>\n{thread}"
        f"Date: Tue, 3 May 2022 10:{minute:02d}:00 +0000\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n"
    ).encode()


def series(version: int = 1, *, values: tuple[int, int, int] = (2, 20, 200), replies: bool = True) -> list[bytes]:
    """The mails of one version; patch k changes the k-th of ``NAMES`` from 1 to its value."""
    tag = "" if version == 1 else f" v{version}"
    stem = f"v{version}"
    base = 10 * (version - 1)
    cover = f"{stem}-0@example.org"
    mails = [
        mail(
            cover,
            f"[PATCH{tag} 0/3] KVM: arm64: Number the widgets",
            "Hello,\n\nthis series gives the widgets other numbers.\n\nAda\n",
            minute=base,
        )
    ]
    for k, (name, value) in enumerate(zip(NAMES, values, strict=True), 1):
        path = f"arch/arm64/include/asm/kvm_widget{k}.h"
        body = (
            f"The number of {name} was wrong. Correct it.\n\nSigned-off-by: Ada Author <ada@example.org>\n---\n"
            f" {path} | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
            f"{diff(name, 1, value, path)}\n-- \n2.39.0\n"
        )
        subject = f"[PATCH{tag} {k}/3] KVM: arm64: Correct {name}"
        mails.append(mail(f"{stem}-{k}@example.org", subject, body, parent=cover, minute=base + k))
    if replies:
        quoted = "\n".join(
            f"> {line}" for line in diff(NAMES[1], 1, values[1], "arch/arm64/include/asm/kvm_widget2.h").split("\n")
        )
        mails.append(
            mail(
                f"{stem}-r@example.net",
                f"Re: [PATCH{tag} 2/3] KVM: arm64: Correct {NAMES[1]}",
                f"On Tue, Ada Author wrote:\n{quoted}\n\nWho asked for this [/b] limit?\n\nMax\n",
                parent=f"{stem}-2@example.org",
                minute=base + 5,
                sender="Max Maintainer <max@example.net>",
            )
        )
    return mails


def mbox(mails: list[bytes]) -> bytes:
    """The mails as mboxrd."""
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw + b"\n" for raw in mails)
