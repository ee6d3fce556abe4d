# SPDX-License-Identifier: GPL-2.0-or-later
"""Policies, postings and findings, made for the tests of the bot."""

from __future__ import annotations

from typing import Any

import msgspec

from abireview.bot.policy import Policy, read_policy
from abireview.findings.model import Finding, PatchInfo, Result, SeriesInfo, SkippedInfo, ToolInfo
from abireview.mail.model import Message, Patch, Person, Series

BOT = """\
schema = 1
[bot]
name = "abireview"
address = "abireview@bots.example"
contact = "Op Erator <op@bots.example>"
"""
LIST = """\
[[list]]
name = "widgets"
addresses = ["widgets@lists.example"]
consent = "https://lists.example/widgets/consent@max.example/"
"""
AUTHOR = Person("Ada Author", "ada@example.org")
WIDGETS = Person("", "widgets@lists.example")
GADGETS = Person("", "gadgets@lists.example")
MAX = Person("Max Maintainer", "max@example.net")

BODY = """\
Count from one.

Signed-off-by: Ada Author <ada@example.org>
---
 virt/widget.c | 6 +++---
 1 file changed, 1 insertions(+), 1 deletions(-)

diff --git a/virt/widget.c b/virt/widget.c
index 1111111..2222222 100644
--- a/virt/widget.c
+++ b/virt/widget.c
@@ -10,7 +10,7 @@ static int widget_count(struct widget *w)
 {
 \tint a;
 \tint b;
-\treturn w->count;
+\treturn w->count + 1;
 }
\x20
--\x20
2.39.0
"""


def entry(name: str = "widgets", **keys: Any) -> str:
    """A ``[[list]]`` of the policy; values are strings, numbers, booleans or lists of strings."""
    text = LIST.replace("widgets", name)
    mode = keys.pop("mode", "list")
    return text + "".join(
        f"{key.replace('_', '-')} = {_toml(value)}\n" for key, value in {"mode": mode, **keys}.items()
    )


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return msgspec.json.encode(value).decode()


def policy(*entries: str, bot: str = "") -> Policy:
    return read_policy((BOT + bot + "".join(entries or (entry(),))).encode())


def message(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "msgid": "p0@example.org",
        "subject": "[PATCH v2 0/2] widget: count from one",
        "author": AUTHOR,
        "date": 1_900_000_000,
        "in_reply_to": "",
        "references": (),
        "to": (WIDGETS,),
        "cc": (MAX,),
        "body": "Widgets are counted from one.\n",
    }
    return Message(**{**values, **changes})


def patch_mail(n: int = 1, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "msgid": f"p{n}@example.org",
        "subject": f"[PATCH v2 {n}/2] widget: part {n}",
        "in_reply_to": "p0@example.org",
        "references": ("p0@example.org",),
        "body": BODY,
    }
    return message(**{**values, **changes})


def mails() -> list[Message]:
    return [message(), patch_mail(1), patch_mail(2)]


def series(**changes: Any) -> Series:
    values: dict[str, Any] = {
        "id": "p0@example.org",
        "subject": "[PATCH v2 0/2] widget: count from one",
        "version": 2,
        "version_text": "v2",
        "author": AUTHOR,
        "date": 1_900_000_000,
        "kernel": True,
        "kind": "kernel",
        "cover": message(),
        "patches": tuple(
            Patch(f"p{n}@example.org", n, 2, f"[PATCH v2 {n}/2] widget: part {n}", "", (), ()) for n in (1, 2)
        ),
        "expected": 2,
        "prefixes": ("PATCH",),
    }
    return Series(**{**values, **changes})


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "widget-count",
        "level": "flag",
        "klass": "needs-opt-out",
        "severity": "high",
        "confidence": "high",
        "surface": "other",
        "arch": "arm64",
        "visible_to": ("guest",),
        "direction": ("forward", "rollback"),
        "patch": "p1@example.org",
        "file": "virt/widget.c",
        "line": 13,
        "symbol": "widget_count",
        "evidence": ("+\treturn w->count + 1;",),
        "message": "The count changes.",
        "question": "A guest that was started on the old kernel sees another count here. "
        "Can userspace keep the old one?",
        "knob": None,
        "fingerprint": "0123456789ab",
        "n": 1,
        "m": 2,
    }
    return Finding(**{**values, **changes})


def result(*findings: Finding, **changes: Any) -> Result:
    base = series()
    skipped: tuple[SkippedInfo, ...] = changes.pop("skipped", ())
    values: dict[str, Any] = {
        "id": base.id,
        "subject": base.subject,
        "version": 2,
        "sender": str(base.author),
        "kernel": True,
        "patches": tuple(PatchInfo(one.msgid, one.n, one.subject) for one in base.patches),
        "base": None,
        "tree": False,
        "date": base.date,
        "expected": 2,
    }
    return Result(
        tool=ToolInfo("0.1.0", "abcdef012345"),
        series=SeriesInfo(**{**values, **changes}),
        findings=findings,
        skipped=skipped,
    )
