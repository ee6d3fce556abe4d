# SPDX-License-Identifier: GPL-2.0-or-later
"""Small mails and findings, made for the tests of replies."""

from __future__ import annotations

from typing import Any

from abireview.findings.model import Finding
from abireview.mail.model import Message, Person
from abireview.reply.mail import Outgoing

AUTHOR = Person("Ada Author", "ada@example.org")
ME = Person("Rita Reviewer", "rita@example.com")
LIST = Person("", "kvm@lists.example")

BODY = """\
Widgets are counted from one now.

The old count was off by one.

Signed-off-by: Ada Author <ada@example.org>
---
 virt/widget.c | 6 +++---
 virt/gadget.c | 2 +-
 2 files changed, 4 insertions(+), 4 deletions(-)

diff --git a/virt/widget.c b/virt/widget.c
index 1111111..2222222 100644
--- a/virt/widget.c
+++ b/virt/widget.c
@@ -10,12 +10,12 @@ static int widget_count(struct widget *w)
 →int a;
 →int b;
 →int c;
 →int d;
 →int e;
 →int f;
 →int g;
 →int h;

-→return w->count;
+→return w->count + 1;
 }

@@ -40,3 +40,3 @@ static int widget_reset(struct widget *w)
 {
-→w->count = 0;
+→w->count = 1;
 }
diff --git a/virt/gadget.c b/virt/gadget.c
index 3333333..4444444 100644
--- a/virt/gadget.c
+++ b/virt/gadget.c
@@ -1,3 +1,3 @@
 #define GADGETS 1
-#define GADGET_MAX 3
+#define GADGET_MAX 4
 #define GADGET_MIN 1
--·
2.39.0
""".replace("→", "\t").replace("·", " ")


def line_of(text: str, body: str = BODY) -> int:
    """The number of the body's line ``text``, from 1."""
    return body.split("\n").index(text) + 1


def message(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "msgid": "p1@example.org",
        "subject": "[PATCH v2 1/3] widget: count from one",
        "author": AUTHOR,
        "date": 1_651_572_000,
        "in_reply_to": "cover@example.org",
        "references": ("cover@example.org",),
        "to": (LIST,),
        "cc": (Person("Max Maintainer", "max@example.net"), ME),
        "body": BODY,
    }
    return Message(**{**values, **changes})


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
        "direction": ("rollback",),
        "patch": "p1@example.org",
        "file": "virt/widget.c",
        "line": 19,
        "symbol": "widget_count",
        "evidence": ("+\treturn w->count + 1;",),
        "message": "The count changes.",
        "question": "A guest that was started on the old kernel sees another count after this. "
        "Can userspace keep the old one?",
        "knob": None,
        "fingerprint": "0123456789ab",
        "n": 1,
        "m": 3,
        "at": line_of("+\treturn w->count + 1;"),
    }
    return Finding(**{**values, **changes})


def outgoing(**changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "sender": ME,
        "to": (AUTHOR,),
        "cc": (LIST,),
        "subject": "Re: [PATCH v2 1/3] widget: count from one",
        "in_reply_to": "p1@example.org",
        "references": ("cover@example.org", "p1@example.org"),
        "date": 1_651_575_600,
        "msgid": "reply-1@example.com",
        "body": "On Tue, Ada Author wrote:\n> +\tcount\n\nWhy?\n",
    }
    return Outgoing(**{**values, **changes})
