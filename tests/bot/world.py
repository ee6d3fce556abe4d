# SPDX-License-Identifier: GPL-2.0-or-later
"""A small world for the bot: a clock that tests move, an archive behind httpx, people who write mail."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import httpx

from abireview.bot.log import Log
from abireview.bot.policy import Policy
from abireview.bot.run import Bot, Parts
from abireview.findings.model import Result
from abireview.lore.http import Http
from abireview.mail.decode import decode_head
from abireview.mail.model import Series
from abireview.reply.transport import NotTaken, Receipt
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from tests.bot.bot_make import entry, policy
from tests.bot.tinycheck import RULES, check
from tests.mails import mbox

START = 1_900_000_000.0
BASE = "https://archive.example/widgets"
FLAGGED = """\
diff --git a/arch/arm64/include/asm/kvm_widget.h b/arch/arm64/include/asm/kvm_widget.h
index 111111111111..222222222222 100644
--- a/arch/arm64/include/asm/kvm_widget.h
+++ b/arch/arm64/include/asm/kvm_widget.h
@@ -10,5 +10,6 @@ struct widget {
 #define WIDGET_REV_1\t1
 #define WIDGET_REV_2\t2
-#define WIDGET_REV_LATEST\tWIDGET_REV_2
+#define WIDGET_REV_3\t3
+#define WIDGET_REV_LATEST\tWIDGET_REV_3
 \tu32\t\t\trevision;
 };
"""
ALSO_FLAGGED = """\
diff --git a/arch/arm64/kvm/gadget.c b/arch/arm64/kvm/gadget.c
index 111111111111..222222222222 100644
--- a/arch/arm64/kvm/gadget.c
+++ b/arch/arm64/kvm/gadget.c
@@ -4,4 +4,4 @@
 #include <linux/gadget.h>

-#define GADGET_MAX\t16
+#define GADGET_MAX\t8

"""
CLEAN = """\
diff --git a/arch/arm64/kvm/example.c b/arch/arm64/kvm/example.c
index 111111111111..222222222222 100644
--- a/arch/arm64/kvm/example.c
+++ b/arch/arm64/kvm/example.c
@@ -10,5 +10,5 @@ static int example(void)
 {
 \tint x;
-\t/* a wrod */
+\t/* a word */
 }
"""


class Clock:
    """Seconds since 1970, as a test wants them."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, length: float) -> None:
        self.slept.append(length)
        self.now += length

    def pass_(self, hours: float = 0.0, minutes: float = 0.0, days: float = 0.0) -> None:
        self.now += hours * 3600 + minutes * 60 + days * 86400


def mail(
    subject: str,
    msgid: str,
    body: str,
    *,
    at: float,
    sender: str = "Ada Author <ada@example.org>",
    to: str = "widgets@lists.example",
    parent: str = "",
    headers: str = "",
) -> bytes:
    """A raw mail."""
    thread = f"In-Reply-To: <{parent}>\nReferences: <{parent}>\n" if parent else ""
    return (
        f"From: {sender}\nTo: {to}\nCc: Max Maintainer <max@example.net>\nSubject: {subject}\nDate: {formatdate(at)}\n"
        f"Message-ID: <{msgid}>\n{thread}{headers}\n{body}"
    ).encode()


def patch(
    number: int,
    *,
    at: float,
    diff: str = FLAGGED,
    version: int = 1,
    title: str = "",
    sender: str = "Ada Author <ada@example.org>",
    **keys: Any,
) -> bytes:
    """A single patch, number ``number`` of this world."""
    tag = f" v{version}" if version > 1 else ""
    text = f"It is better so.\n\nSigned-off-by: {sender}\n---\n x | 2 +-\n\n{diff}-- \n2.40.0\n\n"
    msgid = keys.pop("msgid", f"patch{number}-v{version}@example.org")
    return mail(f"[PATCH{tag}] {title or f'KVM: change {number}'}", msgid, text, at=at, sender=sender, **keys)


def series(number: int, *, at: float, diffs: Iterable[str] = (CLEAN, FLAGGED), version: int = 1) -> list[bytes]:
    """A cover letter and one patch for each of ``diffs``."""
    parts = list(diffs)
    tag = f" v{version}" if version > 1 else ""
    cover = f"s{number}-v{version}-0@example.org"
    mails = [mail(f"[PATCH{tag} 0/{len(parts)}] KVM: series {number}", cover, "Hello.\n", at=at)]
    for n, diff in enumerate(parts, 1):
        text = f"Part {n}.\n\nSigned-off-by: Ada Author <ada@example.org>\n---\n\n{diff}-- \n2.40.0\n\n"
        subject = f"[PATCH{tag} {n}/{len(parts)}] KVM: part {n} of {number}"
        mails.append(mail(subject, f"s{number}-v{version}-{n}@example.org", text, at=at + n, parent=cover))
    return mails


def answer(status: int, body: bytes = b"", **headers: str) -> httpx.Response:
    """An answer that comes over a wire: read once, piece by piece."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, stream=httpx.ByteStream(body), headers=named)


class Archive:
    """A public-inbox as an httpx transport. ``fault`` answers instead when it is set; ``asked`` are (time, request)."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.mails: list[tuple[float, bytes]] = []
        self.asked: list[tuple[float, str]] = []
        self.headers: list[httpx.Headers] = []
        self.fault: Callable[[httpx.Request], httpx.Response | None] | None = None

    def deliver(self, *raws: bytes) -> None:
        self.mails += [(self.clock(), raw) for raw in raws]

    def has(self, msgid: str) -> bool:
        return any(decode_head(raw).msgid == msgid for _, raw in self.mails)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self.clock(), f"{request.method} {request.url.raw_path.decode()}"))
        self.headers.append(request.headers)
        if self.fault is not None:
            instead = self.fault(request)
            if instead is not None:
                return instead
        path = request.url.raw_path.decode().removeprefix("/widgets/")
        if path == "new.atom":
            return answer(200, self.feed())
        if request.method == "POST":
            return self._search(parse_qs(path.partition("?")[2]).get("q", [""])[0])
        msgid, _, what = path.rpartition("/")
        found = [raw for _, raw in self.mails if decode_head(raw).msgid == unquote(msgid)]
        if what == "t.mbox.gz" and found:
            root = decode_head(found[0])
            top = root.references[0] if root.references else root.msgid
            found = [raw for _, raw in self.mails if top in (decode_head(raw).msgid, *decode_head(raw).references)]
        return self._mailbox(found)

    def feed(self) -> bytes:
        latest = sorted(self.mails, key=lambda one: -one[0])[:25]
        entries = "".join(
            f'<entry><link href="{BASE}/{quote(decode_head(raw).msgid, safe="@")}/"/></entry>' for _, raw in latest
        )
        return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()

    def _search(self, query: str) -> httpx.Response:
        match = re.search(r"rt:(\d+)\.\.(\d*)", query)
        assert match, query
        first, last = float(match[1]), float(match[2] or "inf")
        found = [(when, raw) for when, raw in self.mails if first <= when <= last]
        return self._mailbox([raw for _, raw in sorted(found, key=lambda one: -one[0])])

    @staticmethod
    def _mailbox(mails: list[bytes]) -> httpx.Response:
        if not mails:
            return answer(404)
        return answer(200, gzip.compress(mbox(mails)))


class Post:
    """A transport that delivers into the archive when the mail goes to the list; ``sent`` is all that left."""

    name = "post"

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.sent: list[bytes] = []
        self.refuse = 0

    def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
        if self.refuse:
            self.refuse -= 1
            raise NotTaken("no")
        self.sent.append(raw)
        if "widgets@lists.example" in recipients:
            self.archive.deliver(raw)
        return Receipt("taken")

    def look_up(self, msgid: str) -> bool | None:
        return None


class World:
    """A bot with all it needs. ``turns`` runs it over simulated time."""

    def __init__(self, folder: Path, *entries: str, bot: str = "", clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.archive = Archive(self.clock)
        self.post = Post(self.archive)
        self.folder = folder
        self.lines: list[tuple[str, dict[str, object]]] = []
        text = entries or (entry(archive=BASE, approval="automatic"),)
        self.policy: Policy = policy(*text, bot=bot)
        self.checked: list[str] = []
        self.verdict: Callable[[bytes, str], tuple[str, str]] = lambda raw, sender: ("pass", "")
        self.open()

    def open(self) -> None:
        """Start the bot (again)."""
        self.store = Store(self.folder / "abireview.db")
        self.store.connection  # noqa: B018  (makes the file)
        self.http = Http(
            BotMail.of(self.store),
            self.folder,
            clock=self.clock,
            sleep=self.clock.sleep,
            rand=lambda: 0.5,
            transport=httpx.MockTransport(self.archive.handle),
        )
        self.bot = Bot(self.store, self.policy, self._parts())

    def _parts(self) -> Parts:
        return Parts(
            http=self.http,
            check=self._check,
            rules=RULES,
            attest=lambda raw, sender: self.verdict(raw, sender),
            transport=self.post,
            log=_Heard(self.lines),
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def _check(self, series: Series) -> Result:
        self.checked.append(series.id)
        return check(series)

    def close(self) -> None:
        """Stop the bot; what it swallowed to go on is a fault of ours."""
        assert not [fields for _, fields in self.lines if "internal error" in str(fields.get("why"))]
        self.http.__exit__()
        self.store.close()

    def turns(self, hours: float = 12.0, every: float = 10.0) -> None:
        """Turns every ``every`` minutes for ``hours``."""
        end = self.clock() + hours * 3600
        while self.clock() < end:
            self.bot.turn()
            self.clock.pass_(minutes=every)

    def subjects(self) -> list[str]:
        return [decode_head(raw).subject for raw in self.post.sent]

    def events(self, name: str) -> list[dict[str, object]]:
        return [fields for event, fields in self.lines if event == name]


class _Heard(Log):
    def __init__(self, lines: list[tuple[str, dict[str, object]]]) -> None:
        super().__init__()
        self._lines = lines

    def __call__(self, event: str, **fields: object) -> None:
        self._lines.append((event, fields))
