# SPDX-License-Identifier: GPL-2.0-or-later
"""What is fuzzed: one function an input that comes from outside. A function returns, or raises what is a bug.

The errors that a hostile input may lead to (subclasses of AbireviewError, with a hint) are taken for answers; what else
comes out of these functions is found by the fuzzer as a crash.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from abireview import places
from abireview.check import check
from abireview.errors import MailFormatError
from abireview.mail.decode import decode, decode_head
from abireview.mail.kind import load_projects
from abireview.mail.mbox import read_bytes, split_mbox
from abireview.mail.model import Message, Person, Series
from abireview.mail.series import Thread, connected
from abireview.render import Style, get_format
from abireview.rules.load import RuleSet, default_dir, load_rules
from abireview.source.diff import parse_diff
from abireview.source.tree import DirectoryTree, is_safe
from fuzz.rulefiles import rule
from fuzz.served import feed

MOST = 20_000  # bytes of one input; what takes more is a matter of the limits, which have their own tests
FILES = (
    "arch/arm64/kvm/sys_regs.c",
    "arch/x86/kvm/x86.c",
    "include/uapi/linux/kvm.h",
    "Documentation/virt/kvm/api.rst",
)
HERE = DirectoryTree(Path(__file__).parent)
PROJECTS = load_projects((default_dir() / "lists" / "projects.toml").read_bytes())
RULES = load_rules(cache=places.cache_dir())


def mail(data: bytes) -> None:
    """A mailbox: taken apart, decoded, threaded, every series built and shown."""
    try:
        raws = read_bytes(data, "fuzz")
    except MailFormatError:
        raws = split_mbox(data)
    messages = [decode(raw) for raw in raws]
    heads = [decode_head(raw) for raw in raws]
    for message, head in zip(messages, heads, strict=True):
        assert (message.msgid, message.subject, message.in_reply_to) == (head.msgid, head.subject, head.in_reply_to)
        assert message.msgid
        assert "\r\n" not in message.body
    assert sum(map(len, connected(messages))) == len(messages)
    thread = Thread(messages, PROJECTS)
    again = Thread(messages[::-1], PROJECTS)
    assert [series.id for series in thread.series] == [series.id for series in again.series]
    for series in thread.series[:4]:
        _shown(series, RULES)


def diff(data: bytes) -> None:
    """The body of a patch: its diff read, its series checked without a tree."""
    body = data.decode("utf-8", "replace")
    files, skipped = parse_diff(body, "fuzz@example.org")
    lines = body.replace("\r\n", "\n").split("\n")
    for file in files:
        for hunk in file.hunks:
            for line in hunk.lines:
                assert not line.at or 1 <= line.at <= len(lines)
        assert is_safe(file.path) or HERE.read(file.path) is None
    assert all(one.why for one in skipped)
    _shown(_series(body), RULES)


def c(data: bytes) -> None:
    """Two versions of a piece of C: every extractor, the comparison, all rules.

    The first byte chooses the file and how the piece is cut into hunks; a NUL byte parts old from new.
    """
    choice, rest = (data[0], data[1:]) if data else (0, b"")
    old, _, new = rest.partition(b"\0")
    path = FILES[choice % len(FILES)]
    before, after = (part.decode("utf-8", "replace").splitlines() for part in (old, new))
    section = " static int example(struct kvm_vcpu *vcpu)" if choice & 64 else ""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    hunk = [f" {line}" for line in before[:same]]
    hunk += [f"-{line}" for line in before[same:]] + [f"+{line}" for line in after[same:]]
    head = f"@@ -1,{len(before)} +1,{len(after)} @@{section}"
    text = "\n".join([f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}", head, *hunk, ""])
    _shown(_series(f"Fuzz it.\n---\n{text}"), RULES)


def _shown(series: Series, rules: RuleSet) -> None:
    """Check, and render in every format that people and programs read."""
    result = check(series, rules)
    assert not result.failed
    for name in ("text", "concise", "jsonl"):
        text = get_format(name).render([result], Style())
        assert "\x1b" not in text
        if name == "jsonl":
            json.loads(text)


def _series(body: str) -> Series:
    message = Message(
        msgid="fuzz@example.org",
        subject="[PATCH] KVM: fuzz it",
        author=Person("F", "f@example.org"),
        date=1,
        in_reply_to="",
        references=(),
        to=(),
        cc=(),
        body=body,
    )
    found = Thread([message], PROJECTS).series
    return found[0] if found else _NOTHING


_NOTHING = Thread(
    [decode(b"From: f@example.org\nMessage-ID: <n@example.org>\nSubject: [PATCH 1/1] None\n\nNone.\n")], PROJECTS
).series[0]

TARGETS: dict[str, Callable[[bytes], None]] = {"mail": mail, "diff": diff, "c": c, "feed": feed, "rule": rule}
