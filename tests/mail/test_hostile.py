# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails made to cost time: each is read, or given up on, in about a second of CPU."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from abireview.lore.load import projects
from abireview.mail.commit import read_commit
from abireview.mail.decode import decode
from abireview.mail.mbox import split_mbox
from abireview.mail.model import Message, Person
from abireview.mail.series import assemble, connected
from abireview.mail.subject import parse_subject
from tests.mails import diff

SECONDS = 10  # of CPU, on a slow and busy machine; what is quadratic takes minutes
MEGA = 1_000_000


def head(**fields: str) -> bytes:
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items()).encode() + b"\n"


MAILS: dict[str, Callable[[], bytes]] = {
    "blanks in an address": lambda: head(To="a," + " " * 200_000 + "b"),
    "names without an address": lambda: head(To="a b " * 60_000 + "<"),
    "nested comments": lambda: head(To="(" * 100_000),
    "quotes in an address": lambda: head(To='"' * 100_001),
    "encoded words without an end": lambda: head(Subject="=?a?q?" * 40_000),
    "encoded words": lambda: head(Subject="=?utf-8?q?x?= " * 18_000),
    "brackets": lambda: head(References="<" * 250_000),
    "references": lambda: head(References=" ".join(f"<{i}@x>" for i in range(20_000))),
    "many fields": lambda: b"X: y\n" * 300_000 + b"\n",
    "one long line": lambda: b"Subject: " + b"x" * (4 * MEGA),
    "no colon": lambda: b"x" * (8 * MEGA),
    "continuation lines": lambda: b"Subject: x\n" + b" y\n" * MEGA,
    "deep multiparts": lambda: b"".join(
        head(Content_Type=f'multipart/mixed; boundary="b{i}"') + b"\n--b%d\n" % i for i in range(3000)
    ),
    "a multipart of newlines": lambda: (
        head(Content_Type='multipart/mixed; boundary="b"') + b"--b\n" + b"\n" * (7 * MEGA)
    ),
    "boundaries": lambda: head(Content_Type='multipart/mixed; boundary="b"') + b"--b\n\n" * 60_000,
    "html": lambda: head(Content_Type="text/html") + b"<style" * MEGA,
    "html brackets": lambda: head(Content_Type="text/html") + b"<" * (7 * MEGA),
    "html without an end": lambda: head(Content_Type="text/html") + b"<style><script>" * 400_000,
    "entities": lambda: head(Content_Type="text/html") + b"&amp;&#" * MEGA,
    "parameters": lambda: head(Content_Type="text/plain" + ";" * 100_000 + " " * 100_000),
    "flowed": lambda: (
        head(Content_Type="text/plain; format=flowed")
        + (diff() + "x \n" * 100).replace("\n }", " \n }").encode() * 8_000
    ),
    "hunks that promise much": lambda: (
        head(Content_Type="text/plain; format=flowed")
        + diff().encode()
        + b"@@ -1,999999999 +1,999999999 @@\n+x\n" * 90_000
    ),
    "base64": lambda: head(Content_Transfer_Encoding="base64") + b"=" * (7 * MEGA),
    "quoted-printable": lambda: head(Content_Transfer_Encoding="quoted-printable") + b"=\n=3D==" * MEGA,
    "iso-2022": lambda: head(Content_Type="text/plain; charset=iso-2022-jp") + b"\x1b$B" * MEGA,
    "utf-7": lambda: head(Content_Type="text/plain; charset=utf-7") + b"+AGE-" * MEGA,
    "idna": lambda: head(Content_Type="text/plain; charset=idna") + b"xn--a." * MEGA,
    "diff headers": lambda: head(Subject="x") + b"--- a\n+++ b\n" * 600_000,
}


@pytest.mark.parametrize("name", MAILS)
def test_mails(name: str) -> None:
    raw = MAILS[name]()
    before = time.process_time()
    decode(raw)
    assert time.process_time() - before < SECONDS


MAILBOXES = {
    "from lines": b"From a@b Tue Sep  1 10:00:00 2020\n" * 200_000,
    "one from line": b"From a@b Tue Sep  1 10:00:00 2020\n\n"
    + b"From "
    + b"10:00:00 2020 " * 400_000
    + b"x\n\nFrom \n",
    "almost from lines": b"From x\n" + b"\nFrom 10:00\n" * 500_000,
    "escapes": b"From a@b Tue Sep  1 10:00:00 2020\n\n" + b">" * (7 * MEGA),
}


@pytest.mark.parametrize("name", MAILBOXES)
def test_mailboxes(name: str) -> None:
    before = time.process_time()
    split_mbox(MAILBOXES[name])
    assert time.process_time() - before < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "x: y-by\n" * 400_000,
        "\n\nAcked-by: a\n" * 300_000,
        " \n" * MEGA,
        "-" * (4 * MEGA),
        "--8<--\n" * 500_000,
        "From: a@b\n" * 300_000,
        "[" * (2 * MEGA),
    ],
    ids=range(7),
)
def test_commit_messages(text: str) -> None:
    before = time.process_time()
    read_commit(text)
    assert time.process_time() - before < SECONDS


@pytest.mark.parametrize("text", ["[" * MEGA, "[PATCH] " * MEGA, "Re: " * MEGA, "[v" + "1." * MEGA, " [ver #" * MEGA])
def test_subjects(text: str) -> None:
    before = time.process_time()
    parse_subject(text)
    assert time.process_time() - before < SECONDS


def message(i: int, subject: str, parent: str = "", author: str = "a@b", references: tuple[str, ...] = ()) -> Message:
    return Message(
        msgid=f"{i}@x",
        subject=subject,
        author=Person("", author),
        date=1_600_000_000 + i,
        in_reply_to=parent,
        references=references,
        to=(),
        cc=(),
        body=diff(),
    )


COUNT = 3_000
THREADS: dict[str, Callable[[int], Message]] = {
    "one chain": lambda i: message(i, f"[PATCH v{i % 999 + 1}] KVM: title {i}", f"{i - 1}@x" if i else ""),
    "one parent": lambda i: message(i, f"[PATCH 1/2] KVM: title {i}", "0@x" if i else ""),
    "one number": lambda i: message(i, f"[PATCH 1/2] KVM: title {i}"),
    "one title": lambda i: message(i, "[PATCH 1/2] KVM: the title"),
    "resent": lambda i: message(i, "[PATCH 1/2] KVM: the title" if i else "[PATCH 0/2] KVM: it", "0@x" if i else ""),
    "foreign": lambda i: message(i, f"[PATCH {i % 2}/2] KVM: x", "0@x" if i else "", author=f"{i}@y"),
    "rfc chain": lambda i: message(i, "[RFC PATCH] KVM: x" if i else "talk", f"{i - 1}@x" if i else ""),
    "loop": lambda i: message(i, f"[PATCH v2] KVM: x {i}", f"{(i + 1) % COUNT}@x"),
    "covers": lambda i: message(i, "[PATCH 0/5] KVM: x"),
    "references": lambda i: message(
        i, f"[PATCH v{i % 9 + 1}] y {i}", references=tuple(f"{j}@x" for j in range(i, i + 100))
    ),
}


@pytest.mark.parametrize("name", THREADS)
def test_threads(name: str) -> None:
    messages = [THREADS[name](i) for i in range(COUNT)]
    before = time.process_time()
    for group in connected(messages):
        thread = assemble(group, projects())
        if thread.lineages:
            thread.build(thread.lineages[0][-1])
    assert time.process_time() - before < SECONDS
