# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the first inputs of the kept corpus: small, made up, one for each shape the parsers know.

    python fuzz/seeds.py

They are named ``seed-…``; what the fuzzers found later has a hash for a name.
"""

from __future__ import annotations

import base64
import gzip
import quopri
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fuzz.rulefiles import TEMPLATES  # noqa: E402
from tests import mails  # noqa: E402

PLAIN = mails.patch_body(text=mails.diff())
ATOM = "http://www.w3.org/2005/Atom"
DIFFS = {
    "plain": mails.diff(),
    "new": "diff --git a/a.c b/a.c\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/a.c\n@@ -0,0 +1 @@\n+int a;\n",
    "deleted": "diff --git a/a.c b/a.c\ndeleted file mode 100644\n--- a/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int a;\n",
    "renamed": "diff --git a/a.c b/b.c\nsimilarity index 90%\nrename from a.c\nrename to b.c\n--- a/a.c\n+++ b/b.c\n@@ -1 +1 @@\n-a\n+b\n",
    "binary": "diff --git a/a b/a\nindex 1111111..2222222 100644\nGIT binary patch\nliteral 4\nLc$x\n\nliteral 0\nHcmV?d00001\n\n",
    "bare": "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n",
    "combined": "diff --cc a.c\nindex 1,2..3\n--- a/a.c\n+++ b/a.c\n@@@ -1,1 -1,1 +1,1 @@@\n--a\n++b\n",
    "svn": "Index: a.c\n===================================================================\n--- a.c\t(revision 1)\n+++ a.c\t(working copy)\n@@ -1 +1 @@\n-a\n+b\n",
    "quoted": 'diff --git "a/\\303\\244.c" "b/\\303\\244.c"\n--- "a/\\303\\244.c"\n+++ "b/\\303\\244.c"\n@@ -1 +1 @@\n-a\n+b\n',
    "wrapped": mails.diff().replace("static int example(void)", "static int\nexample(void)"),
    "crlf": mails.diff().replace("\n", "\r\n"),
    "mode": "diff --git a/a.sh b/a.sh\nold mode 100644\nnew mode 100755\n",
}
PIECES = {
    "rows": "static const struct desc rows[] = {\n\t{ SYS_DESC(A), trap, reset, %s },\n\tREG(B, 1),\n};\n",
    "designated": "static const struct desc rows[] = {\n\t[3] = { .name = %s, .limit = 2 },\n};\n",
    "define": "#define LIMIT_%s\t(1 << 3 | BIT(2))\n#define GENMASK_X GENMASK_ULL(7, %s)\n",
    "enum": "enum kind {\n\tKIND_A,\n\tKIND_B = %s,\n\tKIND_C,\n};\n",
    "struct": "struct kvm_example {\n\t__u32 flags;\n\tunion {\n\t\t__u64 a;\n\t\t__u8 pad[%s];\n\t};\n} __packed;\n",
    "switch": "static int f(int x)\n{\n\tswitch (x) {\n\tcase %s ... 9:\n\t\treturn -EINVAL;\n\tdefault:\n\t\tbreak;\n\t}\n\treturn 0;\n}\n",
    "function": "int g(struct kvm *kvm)\n{\n\tif (!kvm->a || x % %s)\n\t\tgoto out;\n\tfor (i = 0; i < n; i++)\n\t\tkvm->b |= FLAG;\nout:\n\treturn h(kvm, 1);\n}\n",
    "macro": "#define DO(x)\t\\\n\tdo {\t\\\n\t\tif (x)\t\\\n\t\t\tcall(%s);\t\\\n\t} while (0)\n",
    "nothing": "static int a = , b;\nenum kind {\n\tKIND_A = %s,\n\tKIND_B = ,\n",
    "ifdef": "#ifdef CONFIG_A\nint a = %s;\n#else\nint b;\n#endif\n",
    "doc": "4.1 KVM_EXAMPLE\n---------------\n\n:Capability: basic\n:Returns: %s on success\n",
}

RULE = """id = "fuzzed"
title = "A store"
level = "flag"
severity = "high"
confidence = "medium"
surface = "auto"
class = "needs-opt-out"
visible_to = ["guest", "vmm"]
direction = ["boot", "rollback"]
message = "{scope}: {key} is {new}, was {old}"
question = "Why is {key} {new}?"
lower_on_words = ["is-rfc"]

[[match]]
kind = ["store", "row", "call"]
op = ["added", "changed"]
where = []
key = 'A\\w+'
columns = [{ name = "1", new = "undef", differs = true }]

[[unless]]
on = "after"
kind = ["cond"]
value = '{key}'
same = ["patch"]

[[variant]]
when = { gates = ["per-vm"] }
severity = "low"

[doc]
what = "what"
why = "why"
not_flagged = "none"
settle = "so"
"""


def main() -> None:
    for name, made in TARGETS.items():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for title, data in made():
            (folder / f"seed-{title}").write_bytes(data)


def mail() -> Iterator[tuple[str, bytes]]:
    yield "series", mails.mbox(mails.series(1, 2) + mails.series(2, 2, parent="v1-0@example.org"))
    yield "one", mails.mail("[PATCH] KVM: a", "a@example.org")
    for coding, body in {
        "base64": base64.encodebytes(PLAIN.encode()),
        "quoted-printable": quopri.encodestring(PLAIN.encode()),
    }.items():
        head = f"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: {coding}\n"
        yield coding, mails.mail("[PATCH 1/2] KVM: a", "a@example.org", body.decode(), headers=head)
    head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    parts = f"--b\nContent-Type: text/plain\n\nHi.\n--b\nContent-Type: text/x-patch; name=a.patch\n\n{PLAIN}\n--b--\n"
    yield "multipart", mails.mail("[RFC v3.1 2/3] a", "a@example.org", parts, headers=head)
    nested = "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\nx\n--c\nContent-Type: text/html\n\n<b>x\n--c--\n--b--\n"
    yield "nested", mails.mail("a", "a@example.org", nested, headers=head)
    flowed = "Content-Type: text/plain; format=flowed; delsp=yes\n"
    yield "flowed", mails.mail("[PATCH] a", "a@example.org", PLAIN.replace(" ", " \n", 3), headers=flowed)
    words = "=?utf-8?q?=5BPATCH=5D_=C3=A4?= =?iso-8859-1?b?5A==?="
    yield (
        "words",
        mails.mail(words, "a@example.org", sender='"A, B" <a@example.org> (c), =?utf-8?b?w6Q=?= <b@example.org>'),
    )
    yield (
        "reroll",
        mails.mbox(
            [*mails.series(1, 2), mails.mail("[PATCH v2 2/2] Part 2", "r@example.org", parent="v1-2@example.org")]
        ),
    )
    yield "from-lines", b"From a@b Mon Sep  1 00:00:00 2020\nFrom: a@b\nSubject: x\n\n>From here\n\nFrom there\n"
    yield (
        "git",
        b"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n" + mails.mail("[PATCH] a", "a@b.c"),
    )
    yield "crlf", mails.mail("[PATCH] a", "a@example.org").replace(b"\n", b"\r\n")
    yield "gzip", gzip.compress(mails.mbox(mails.series(1, 1)), mtime=0)
    yield "nul-in-line-end", mails.mail("[PATCH] a", "a@example.org").replace(b"\n+", b"\r\0\n+")
    yield "no-head", b"\n\ndiff --git a/x b/x\n"


def diff() -> Iterator[tuple[str, bytes]]:
    for title, text in DIFFS.items():
        yield title, mails.patch_body(text=text).encode()
    yield "all", mails.patch_body(text="".join(DIFFS.values())).encode()


def c() -> Iterator[tuple[str, bytes]]:
    for title, text in PIECES.items():
        for choice in (0, 2 | 64):
            yield (
                f"{title}-{choice}",
                bytes([choice]) + text.replace("%s", "1").encode() + b"\0" + text.replace("%s", "2").encode(),
            )


def feed() -> Iterator[tuple[str, bytes]]:
    entry = '<entry><title>a</title><link href="https://lore.example/kvm/a%40b.c/"/></entry>'
    for kind, title, text in (
        (0, "atom", f'<?xml version="1.0"?><feed xmlns="{ATOM}"><title>l</title>{entry}{entry}</feed>'),
        (0, "doctype", f'<!DOCTYPE a [<!ENTITY b "c">]><feed xmlns="{ATOM}">&b;</feed>'),
        (0, "prefix", f'<a:feed xmlns:a="{ATOM}"><a:entry><a:link href="a@b.c"/></a:entry></a:feed>'),
        (0, "encoding", '<?xml version="1.0" encoding="utf-08"?><feed/>'),
        (
            1,
            "links",
            "https://lore.example/kvm/a%40b.c/\n/kvm/b@c\n\tb@c\n//[::1]/kvm/a@b\nhttps://other.example/kvm/a@b/",
        ),
        (1, "link-port", "https://lore.example:443/kvm/a@b\nhttp://lore.example/kvm/%3ca@b%3e/t\njavascript:a@b"),
        (3, "manifest", '{"/kvm/git/0.git":{"fingerprint":"aa","modified":1},"/kvm/git/99999.git":{}}'),
        (3, "mbox", "From mboxrd@z Thu Jan  1 00:00:00 1970\nMessage-ID: <a@b>\n\na\n>From b\n"),
        (4, "patchwork", '[{"id":1}]\0[{"id":2,"context":"abireview","state":"warning","description":null}]'),
        (5, "escapes", "\x1b[31m\x9b\u202e\u2066a\u200f\x07\x1b]0;a\x07\x1bP\x1b\\\u0085"),
        (5, "retry-number", "120"),
        (5, "retry-date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ):
        yield title, bytes([kind]) + text.encode()
    yield "gzip", b"\2" + gzip.compress(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n\n", mtime=0) * 2


def rule() -> Iterator[tuple[str, bytes]]:
    for number, expression in enumerate(
        (r"(a|b)*c", r"\w*A\w*B\w*", r"^(?=[^\n]*$)(?P<x>a+?)b{2,70}", r"(?>a*)b|(?i:c)", r"(a+)+b", r"\1(a)")
    ):
        yield f"expression-{number}", f"/{expression}".encode()
    for number, name in enumerate(TEMPLATES):
        family, stem = name.removesuffix(".toml").split("/")
        # the file as it is, then edits: a text, a list, a deletion, a new key, a copy
        yield f"edit-{family}-{stem}", bytes([number + len(TEMPLATES) * (number == 0)])
        for what, value in enumerate(
            (b"{key}|a", b"changed\nadded", b"abc", b"", b"a", b"Ba(?P<b>.)", b"Bx\ny", b"aaaaa")
        ):
            place = bytes([1, 1 + 17 * what])
            yield f"edit-{family}-{stem}-{what}", bytes([number or len(TEMPLATES)]) + place + bytes([what + 8]) + value
    yield "file", RULE.encode()
    for number, (old, new) in enumerate(
        (("'A\\w+'", "'(a+)+'"), ('"store"', '"nothing"'), ("[doc]", "[doc]\nmore = 1"), ("fuzzed", "{gate} {scope}"))
    ):
        yield f"file-{number}", RULE.replace(old, new).encode()


TARGETS = {"mail": mail, "diff": diff, "c": c, "feed": feed, "rule": rule}

if __name__ == "__main__":
    main()
