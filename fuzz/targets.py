# SPDX-License-Identifier: GPL-2.0-or-later
"""What is fuzzed: one function an input that comes from outside. A function returns, or raises what is a bug.

The errors that a hostile input may lead to (subclasses of AbireviewError, with a hint) are taken for answers; what else
comes out of these functions is found by the fuzzer as a crash.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from abireview import limits
from abireview.check import check
from abireview.errors import AbireviewError, MailFormatError, RuleError, ServerError
from abireview.lore.feed import FeedError, feed_ids
from abireview.lore.http import gunzip
from abireview.mail.decode import decode, decode_head
from abireview.mail.kind import load_projects
from abireview.mail.mbox import read_bytes, split_mbox
from abireview.mail.model import Message, Person, Series
from abireview.mail.series import Thread, connected
from abireview.render import Style, get_format
from abireview.rules import load as loading
from abireview.rules import regex
from abireview.rules.load import RuleSet, default_dir, load_rules
from abireview.rules.schema import Rule
from abireview.safetext import safe, safe_line
from abireview.source.diff import parse_diff
from abireview.source.tree import DirectoryTree, is_safe

BASE = "https://lore.example/kvm"
MOST = 20_000  # bytes of one input; what takes more is a matter of the limits, which have their own tests
FILES = (
    "arch/arm64/kvm/sys_regs.c",
    "arch/x86/kvm/x86.c",
    "include/uapi/linux/kvm.h",
    "Documentation/virt/kvm/api.rst",
)
HERE = DirectoryTree(Path(__file__).parent)
HOSTILE = ("a" * 24, "ab" * 12, "a " * 12 + "!", "_A1" * 8)
PROJECTS = load_projects((default_dir() / "lists" / "projects.toml").read_bytes())
RULES = load_rules()


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


def feed(data: bytes) -> None:
    """What a server answers: an Atom feed, a packed mailbox, a list of epochs."""
    try:
        for msgid in feed_ids(data, BASE):
            assert 0 < len(msgid) <= limits.MAX_MSGID_CHARS
            assert not any(char.isspace() or char in "<>" for char in msgid)
    except FeedError as error:
        assert error.hint
    try:
        assert len(gunzip(data, 100_000, "fuzz")) <= 100_000
    except AbireviewError as error:
        assert isinstance(error, ServerError) or error.exit_code == 3
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    safe_line(text)
    safe(text)


def rule(data: bytes) -> None:
    """A rule file: refused with a sentence that names the file, or used on a series.

    An input that begins with a slash is one expression: refused, or no more than polynomial on a hostile text.
    """
    if data.startswith(b"/"):
        expression = data[1:].decode("utf-8", "replace")
        if not regex.check(expression):
            for text in HOSTILE:
                regex.search(expression, text)
                regex.full(expression, text)
        return
    path = Path("fuzzed.toml")
    try:
        one = loading._decode(path, data, Rule)
        found = msgspec.structs.replace(RULES, rules=(one,))
        loading._check_references(found, {one.id: path})
    except RuleError as error:
        assert str(error).startswith("fuzzed.toml")
        return
    result = check(_SERIES, found)
    for finding in result.findings:
        assert finding.rule == one.id


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


_EXAMPLE = """Change it.
---
diff --git a/arch/arm64/kvm/sys_regs.c b/arch/arm64/kvm/sys_regs.c
--- a/arch/arm64/kvm/sys_regs.c
+++ b/arch/arm64/kvm/sys_regs.c
@@ -10,9 +10,9 @@ static const struct sys_reg_desc sys_reg_descs[] = {
 \t{ SYS_DESC(SYS_EXAMPLE0_EL1), trap_raz_wi },
-\t{ SYS_DESC(SYS_EXAMPLE1_EL1), trap_raz_wi },
+\t{ SYS_DESC(SYS_EXAMPLE1_EL1), undef_access, reset_val, EXAMPLE1, 0x10 },
 };
@@ -90,8 +90,8 @@ static int set_example(struct kvm_vcpu *vcpu, u64 val)
-\tif (val > EXAMPLE_LIMIT)
+\tif (val >= EXAMPLE_LIMIT || kvm_has_example(vcpu->kvm))
 \t\treturn -EINVAL;
-#define EXAMPLE_LIMIT 3
+#define EXAMPLE_LIMIT 4
 \treturn 0;
"""
_NOTHING = Thread(
    [decode(b"From: f@example.org\nMessage-ID: <n@example.org>\nSubject: [PATCH 1/1] None\n\nNone.\n")], PROJECTS
).series[0]
_SERIES = _series(_EXAMPLE)

TARGETS: dict[str, Callable[[bytes], None]] = {"mail": mail, "diff": diff, "c": c, "feed": feed, "rule": rule}
