# SPDX-License-Identifier: GPL-2.0-or-later
"""Small mails written for the tests: patches, covers and replies."""

from __future__ import annotations

from email.utils import formatdate

DAY = 1_600_000_000


def diff(
    path: str = "arch/arm64/kvm/example.c", line: int = 10, old: str = "\treturn 1;", new: str = "\treturn 2;"
) -> str:
    """One hunk with one changed line."""
    return (
        f"diff --git a/{path} b/{path}\nindex 111111111111..222222222222 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -{line},5 +{line},5 @@ static int example(void)\n {{\n \tint x;\n-{old}\n+{new}\n }}\n \n"
    )


def patch_body(log: str = "Change it.\n\nSigned-off-by: Ann Author <ann@example.org>", text: str | None = None) -> str:
    """A commit message, a diffstat and a diff."""
    return (
        f"{log}\n---\n arch/arm64/kvm/example.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
        f"{text if text is not None else diff()}-- \n2.40.0\n\n"
    )


def mail(
    subject: str,
    msgid: str,
    body: str | None = None,
    *,
    parent: str = "",
    sender: str = "Ann Author <ann@example.org>",
    at: int = 0,
    headers: str = "",
    references: str = "",
) -> bytes:
    """A raw mail; ``body`` defaults to a patch, ``at`` counts minutes from a fixed day."""
    threading = f"In-Reply-To: <{parent}>\nReferences: {references or f'<{parent}>'}\n" if parent else ""
    return (
        f"From: {sender}\nTo: kvmarm@lists.example\nSubject: {subject}\nDate: {formatdate(DAY + 60 * at)}\n"
        f"Message-ID: <{msgid}>\n{threading}{headers}\n{patch_body() if body is None else body}"
    ).encode()


def series(version: int = 1, count: int = 3, *, title: str = "Do things", at: int = 0, parent: str = "") -> list[bytes]:
    """A cover letter and ``count`` patches, threaded below it."""
    tag = f" v{version}" if version > 1 else ""
    cover = f"v{version}-0@example.org"
    found = [mail(f"[PATCH{tag} 0/{count}] {title}", cover, "Hello.\n", at=at, parent=parent)]
    for n in range(1, count + 1):
        body = patch_body(text=diff(f"arch/arm64/kvm/file{n}.c"))
        found.append(
            mail(f"[PATCH{tag} {n}/{count}] Part {n}", f"v{version}-{n}@example.org", body, parent=cover, at=at + n)
        )
    return found


def mbox(mails: list[bytes]) -> bytes:
    """mboxrd as public-inbox writes it."""
    import re

    first = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    return b"".join(first + re.sub(rb"(?m)^(>*From )", rb">\1", raw) + b"\n" for raw in mails)
