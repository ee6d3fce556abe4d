# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails that try to break a screen: charsets, attachments, no subject, long subjects, control characters, markup."""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from rich.cells import cell_len

from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.mbox import iter_mbox, read_file
from abireview.mail.model import Message
from abireview.mail.series import Thread, assemble
from abireview.tui.app import ReviewApp
from abireview.tui.mailview import MailView
from abireview.tui.textlines import TextLines
from abireview.tui.threadview import ThreadScreen
from tests.reply.test_answers import result
from tests.reply.test_answers import series as model_series
from tests.tui.conftest import MakeApp
from tests.tui.pilot import press

HEAD = "From: A <a@example.org>\nDate: Tue, 3 May 2022 10:00:00 +0000\nMessage-ID: <{n}@x>\n"
DIFF = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,{old} +1,{new} @@ f\n"

NASTY = {
    "nothing at all": b"\n",
    "no subject": b"From: a@x\n\nText\n",
    "a subject of 500 characters": b"Subject: [PATCH] " + b"very " * 100 + b"long\n\n" + b"x\n",
    "markup in the subject": b"Subject: [/x] [red]a[/] [@click=app.quit]b[/] [PATCH v2 1/3] [PATCH] [link=x]\n\n[/b]\n",
    "markup everywhere": b"From: [bold]A[/] <a@x>\nSubject: [/]\n\n[/] [red] \\[x] [on #fff] [$primary]x[/$primary]\n",
    "escapes in the subject": b"Subject: \x1b]0;owned\x07\x1b[2J\x1b[31mred \x9b5m\n\n\x1b[2J\x1b[H\x1bc\x0e\x08\x7f\n",
    "escapes encoded": b"Subject: =?utf-8?q?=1B=5B2J=0A=0Dnext_=C2=9B31m?=\n\nx\n",
    "bidi and zero width": "Subject: a \u202eb\u200b\u200d\u2066c\n\n\u202e reversed \u2028 sep \ufeff\n".encode(),
    "wide and combining": "Subject: 数据 \U0001f468\u200d\U0001f469\u200d\U0001f467 é\u0301\u0301\n\n数".encode()
    + "据\t数\tx\n".encode() * 50,
    "a line of a megabyte": b"Subject: x\n\n" + b"y" * 1_000_000 + b"\n",
    "many tabs": b"Subject: a\tb\n\n" + b"\t" * 3000 + b"x\n+\t\t\ty\n",
    "nul bytes": b"Subject: a\0b\n\nc\0d\n",
    "a diff of strange lines": (
        "Subject: [PATCH] x\n\nt\n---\n"
        + DIFF.format(old=3, new=4)
        + "-\tif (x[i] == '[/red]') {\t/* [bold]\n+\x1b[31m\tif (x) \"unterminated \\\\\n"
        + " \\\n+/* open\n #define X \\\n \x0c\n"
    ).encode(),
    "a hunk that never ends": (
        "Subject: [PATCH] x\n\n---\n" + DIFF.format(old=999999999, new=999999999) + "+x\n" * 50
    ).encode(),
    "latin-1 without charset": "Subject: Füße\n\nGrüße\n".encode("latin-1"),
    "a charset that does not exist": b"Subject: =?x-none?q?a=FF?=\nContent-Type: text/plain; charset=y\n\n\xff\xfe\n",
    "base64 that is none": b"Subject: x\nContent-Transfer-Encoding: base64\n\n!!!! not base64 !!!!\n",
    "only html": b"Subject: x\nContent-Type: text/html\n\n<script>alert(1)</script><b>[/b]</b>\n",
    "an attachment": (
        b"Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nhi\n"
        b"--b\nContent-Type: application/octet-stream\n"
        b'Content-Disposition: attachment; filename="../[/x]\x1b"\n\n\0\1\2\n--b--\n'
    ),
    "lines of carriage returns": b"Subject: x\r\n\r\na\rb\rc\r\n\x0b\x0c\x1c\x1d\x1e\x85\r\n",
    "quotes in quotes": b"Subject: Re: x\n\n" + b">" * 200 + b" deep\n> >> mixed\n>no space\n",
    "not even utf-8": b"Subject: \xff\xfe\xfd\n\n\xc3\x28 \xed\xa0\x80 \xf8\x88\x80\x80\x80\n",
}


def unsafe(text: str) -> set[str]:
    """Characters that could move a cursor or reorder text."""
    return {ch for ch in text if unicodedata.category(ch) in {"Cc", "Cf", "Zl", "Zp", "Cs"}} - {"\u00ad"}


async def read_all(app: ReviewApp, messages: list[Message], size: tuple[int, int]) -> None:
    """Show each mail and look at every row of the screen."""
    from abireview.reply.desk import Opened, Version

    thread: Thread = assemble(messages, projects())
    version = Version(model_series(subject=messages[0].subject), result(), result())
    opened = Opened("x", thread, (version,), 0, ())
    async with app.run_test(size=size, notifications=True) as pilot:
        await app.push_screen(ThreadScreen(opened, ""))
        tree = app.screen.query_one("#tree", TextLines)
        for index in range(tree.count()):
            tree.cursor = index
            await pilot.pause()
            view = app.screen.query_one(MailView)
            for key in ("G", "g", "v"):
                view.focus()
                await press(pilot, key)
            look(app, size[0])
        app.screen.notify(messages[0].subject, title="[/x]", markup=False)
        await pilot.pause()
        look(app, size[0])


def look(app: ReviewApp, width: int) -> None:
    """No row of the screen has anything unsafe or is wider than the screen."""
    for strips in app.screen._compositor.render_full_update().strips:
        text = "".join(segment.text for strip in strips for segment in strip)
        assert not unsafe(text), ascii(text)
        assert cell_len(text) <= width, ascii(text)


@pytest.mark.parametrize("size", [(80, 24), pytest.param((160, 50), marks=pytest.mark.slow)])
async def test_nasty_mails_of_our_own(make_app: MakeApp, size: tuple[int, int]) -> None:
    raws = [raw if b"Message-ID" in raw else HEAD.format(n=n).encode() + raw for n, raw in enumerate(NASTY.values())]
    messages = [decode(raw) for raw in raws]
    assert len({message.msgid for message in messages}) == len(NASTY)
    await read_all(make_app(), messages, size)


def nastiness(message: Message) -> float:
    """How likely a mail is to break a screen."""
    body = message.body
    score = 5.0 * len(message.damaged) + 2.0 * len(message.repaired)
    score += 3 * (not message.subject) + max(0, len(message.subject) - 120) / 40
    score += min(10, len(unsafe(message.subject + body) - {"\n", "\t", "\r"}) * 3)
    score += min(5, len(re.findall(r"\[/[^\]\n]{0,20}\]|\[@", body + message.subject)) / 2)
    score += min(5, sum(not ch.isascii() for ch in body) / 200)
    score += min(5, max((len(line) for line in body.split("\n")), default=0) / 400)
    return score + min(3, len(body) / 300_000)


def all_mails(shared: Path) -> Iterator[bytes]:
    for path in sorted((shared / "corpus").rglob("*.mbox")):
        yield from read_file(path)
    for path in sorted((shared / "archive").glob("*.mbox.xz")):
        yield from iter_mbox(BytesIO(lzma.decompress(path.read_bytes())))


@pytest.mark.slow
@pytest.mark.corpus
async def test_the_30_nastiest_mails_there_are(make_app: MakeApp, shared: Path) -> None:
    best: dict[str, tuple[float, Message]] = {}
    for raw in all_mails(shared):
        message = decode(raw)
        score = nastiness(message)
        if message.msgid not in best and (len(best) < 30 or score > min(known for known, _ in best.values())):
            best[message.msgid] = (score, message)
            if len(best) > 30:
                best.pop(min(best, key=lambda msgid: (best[msgid][0], msgid)))
    assert len(best) == 30
    assert min(score for score, _ in best.values()) > 1
    messages = [message for _, message in sorted(best.values(), key=lambda item: (-item[0], item[1].msgid))]
    await read_all(make_app(), messages, (100, 30))
