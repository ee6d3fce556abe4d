# SPDX-License-Identifier: GPL-2.0-or-later
"""The summary: few questions, new and sure ones, in a mail that follows the etiquette of the lists."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from abireview.bot.choose import Chosen, choose
from abireview.bot.decide import Known, decide
from abireview.bot.policy import merge
from abireview.bot.raised import raised
from abireview.bot.summary import MAX_LINES, summary
from abireview.bot.text import reply
from abireview.findings.model import Finding, KnobSought, SkippedInfo
from abireview.lore import b4mail
from abireview.mail.model import Person
from abireview.reply.lint import lint
from tests.bot.bot_make import AUTHOR, entry, finding, mails, message, patch_mail, policy, result, series
from tests.bot.conftest import Golden

PAGE = "https://abireview.example/s/0123.html"
SOUGHT = (KnobSought("widget-cap", "a capability that keeps the count of {key}", "the series", False),)


def chosen(*findings: Finding, text: str = "", **keys: Any) -> Chosen:
    terms = merge(policy(text or entry()), policy(text or entry()).list)
    keys.setdefault("said", {})
    return choose(result(*findings), terms, **keys)


def body(*findings: Finding, page: str = PAGE, **changes: Any) -> str:
    mailed = changes.pop("mailed", ())
    by_id = {mail.msgid: mail for mail in mails()}
    text, _ = summary(policy(), result(*findings, **changes), chosen(*findings, mailed=mailed), by_id, page=page)
    return text


def as_mail(text: str, *prints: str) -> str:
    decision = decide(policy(), series(), mails(), Known())
    mail = reply(
        policy(),
        message(references=("older@example.org",), in_reply_to="older@example.org"),
        text,
        kind="summary",
        parts=["p0@example.org"],
        to=decision.to,
        cc=decision.cc,
        fingerprints=prints,
        date=1_900_020_000,
    )
    return b4mail.to_bytes(mail).decode()


def many(count: int, **changes: Any) -> list[Finding]:
    return [finding(symbol=f"widget_{k}", fingerprint=f"{k:012x}", **changes) for k in range(count)]


def test_one_question(golden: Golden) -> None:
    golden("one.eml", as_mail(body(finding(sought=SOUGHT)), "0123456789ab"))


def test_two_questions_of_one_rule_with_something_open_and_something_unchecked(golden: Golden) -> None:
    findings = [
        finding(sought=SOUGHT),
        finding(symbol="widget_reset", fingerprint="0123456789ac", evidence=("+\tnot in the mail;",), patch="gone@x"),
        finding(fingerprint="0123456789ad", file="virt/gadget.c", line=7, n=2),
        finding(rule="widget-size", symbol="widget_size", fingerprint="fedcba987654"),
    ]
    text = body(
        *findings,
        mailed=["fedcba987654"],
        missing=(2,),
        base="1234567890abcdef1234567890abcdef12345678",
        skipped=(SkippedInfo("p2@example.org", "", "the mail has no diff"),),
    )
    golden("two.eml", as_mail(text, "0123456789ab", "0123456789ac", "0123456789ad"))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 60])
def test_the_text_is_plain_short_and_no_patch(count: int) -> None:
    findings = many(count, sought=SOUGHT)
    text = body(*findings)
    assert text.isascii()
    assert text.count("\n") <= MAX_LINES
    assert all(len(line) <= 78 for line in text.split("\n") if not line.startswith(">"))
    assert not lint(text, b4mail.find_trailers)
    assert not re.search(r"(?m)^(diff |--- |\+\+\+ |@@ |index )", text)
    assert not re.search(r"(?m)^#abireview", text)  # nobody can quote it into a command by forgetting the "> "
    shown = len(re.findall(r"(?m)^\[\d\] ", text))
    assert 1 <= shown <= 5
    assert ("more of the same weight" in text) == (count > shown)
    if count > shown:
        assert f"shows {count - shown} more" in text


def test_it_says_what_etiquette_wants_said() -> None:
    text = body(finding(sought=SOUGHT))
    for words in (
        "A program",
        "It may be wrong",
        "Op Erator <op@bots.example>",
        "abireview@bots.example alone",
        "#abireview ok 1: ",
        "#abireview arch-fix 1: ",
        "#abireview false-positive 1: ",
        "#abireview mute-series",
        "recheck",
        "help",
        "Looked for, and not found: a capability that keeps the count of widget_count (the series).",
        "(widget-count, 0123456789ab; guest: migration forward, rollback)",
        "Not checked: code outside the hunks",
        "rules abcdef012345, base unknown",
        "  abireview check 'p0@example.org'",
        PAGE,
    ):
        assert words in text.replace("\n", " ") or words in text, words
    opening = text.split("\n\n")[0]
    assert "?" in opening
    assert not re.search(r"critical|wrong with|broke|bug|NACK|\bNak\b|Ada", opening, re.IGNORECASE)
    assert not re.search(r"[A-Z]{5,}", text.replace("PATCH", ""))


def test_a_rule_that_failed_is_said() -> None:
    """Its silence is no result (etiquette 20)."""
    found = result(finding())
    broken = msgspec.structs.replace(found, failed=("rule widget-size failed: it did not end",))
    words = "what a rule that failed would have seen"
    texts = [summary(policy(), each, chosen(finding()), {})[0] for each in (found, broken)]
    assert [words in " ".join(text.split()) for text in texts] == [False, True]


def test_carried_questions_are_one_line() -> None:
    old = [finding(symbol=f"w{k}", fingerprint=f"{k:012x}") for k in range(9)]
    text = body(finding(), *old, mailed=[one.fingerprint for one in old])
    lines = [line for line in text.split("\n") if "Still open" in line]
    assert lines == [f"Still open from before: {' '.join(f'{k:012x}' for k in range(3))} and 6 more"]
    assert len(lines[0]) <= 78
    assert "[2]" not in text


def test_the_same_input_gives_the_same_bytes() -> None:
    assert as_mail(body(*many(7))) == as_mail(body(*many(7)))


def test_the_headers_of_the_etiquette() -> None:
    import email.policy
    from email.parser import Parser

    mail = Parser(policy=email.policy.default).parsestr(as_mail(body(finding()), "0123456789ab"))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Abireview"] == "0.1.0 summary 0123456789ab"
    assert mail["In-Reply-To"] == "<p0@example.org>"
    assert mail["References"] == "<older@example.org> <p0@example.org>"
    assert mail["Subject"] == "Re: [PATCH v2 0/2] widget: count from one"
    assert mail["From"] == "abireview <abireview@bots.example>"
    assert mail["Reply-To"] == "abireview@bots.example"
    assert mail["Content-Type"] == 'text/plain; charset="utf-8"'
    assert mail["X-Patchwork-Hint"] is None
    assert not mail.is_multipart()


def test_the_message_id_is_that_of_this_posting_and_this_bot() -> None:
    def msgid(kind: str, part: str) -> str:
        return reply(policy(), message(), "x", kind=kind, parts=[part], to=[AUTHOR], date=0).msgid

    assert msgid("summary", "a@x") == msgid("summary", "a@x")
    assert len({msgid("summary", "a@x"), msgid("summary", "b@x"), msgid("retract", "a@x")}) == 3
    assert msgid("summary", "a/'\"% b" + "x" * 4000).endswith(".abireview@bots.example")
    assert len(msgid("summary", "x" * 4000)) < 80


# what is chosen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"level": "note"}, "a note"),
        ({"state": "answered"}, "answered"),
        ({"state": "suppressed"}, "suppressed"),
        ({"confidence": "medium"}, "confidence medium"),
        ({"confidence": "low"}, "confidence low"),
    ],
)
def test_only_open_flags_of_high_confidence_go_out(changes: dict[str, Any], why: str) -> None:
    found = chosen(finding(**changes))
    assert (found.items, found.kept) == ((), {"0123456789ab": why})


def test_a_list_may_ask_for_medium_confidence() -> None:
    assert chosen(finding(confidence="medium"), text=entry(confidence="medium")).items


def test_rules_that_the_policy_leaves_out() -> None:
    assert not chosen(finding(), text=entry(rules=["gadget-*"])).items
    assert not chosen(finding(), text=entry(not_rules=["widget-*"])).items
    assert chosen(finding(), text=entry(rules=["widget-*"])).items


def test_a_rule_that_was_wrong_too_often_stays_at_home() -> None:
    assert chosen(finding(), noisy=["widget-count"]).kept == {"0123456789ab": "widget-count was wrong too often"}


def test_what_was_asked_before_is_carried_and_what_a_person_kept_back_is_not() -> None:
    found = chosen(finding(), mailed=["0123456789ab"])
    assert (found.items, [one.fingerprint for one in found.carried]) == ((), ["0123456789ab"])
    found = chosen(finding(), rejected=["0123456789ab"])
    assert (found.items, found.carried) == ((), ())


def test_an_answered_question_is_not_carried() -> None:
    assert chosen(finding(state="answered"), mailed=["0123456789ab"]).carried == ()


def test_at_most_five_one_a_rule_and_symbol_the_gravest_first() -> None:
    low = [finding(rule="a-low", severity="low", symbol=f"low{k}", fingerprint=f"a{k:011x}") for k in range(4)]
    high = [finding(rule="z-high", symbol=f"high{k // 2}", fingerprint=f"b{k:011x}", n=9 - k) for k in range(6)]
    found = chosen(*low, *high)
    assert [(item.finding.rule, item.finding.symbol) for item in found.items] == [
        ("z-high", "high2"), ("z-high", "high1"), ("z-high", "high0"), ("a-low", "low0"), ("a-low", "low1"),
    ]  # fmt: skip
    assert [len(item.similar) for item in found.items] == [1, 1, 1, 0, 0]
    assert [one.symbol for one in found.more] == ["low2", "low3"]
    assert set(found.fingerprints) == {one.fingerprint for one in (*low, *high)}
    assert len(chosen(*many(4), text=entry(max_findings=2)).items) == 2


# what others said


def comment(
    text: str, *, quoted: str = "> +\treturn w->count + 1;", sender: str = "max@example.net", **keys: Any
) -> Any:
    values = {
        "msgid": "c1@example.net",
        "author": Person("", sender),
        "body": f"On Mon, Ada wrote:\n{quoted}\n\n{text}\n",
    }
    return patch_mail(**{**values, **keys})


def said(*replies: Any, **changes: Any) -> dict[str, str]:
    return raised([finding(**changes)], replies, author=AUTHOR.email)


@pytest.mark.parametrize("text", ["Doesn't this change what a migrated guest sees?", "This is ABI.", "Why?"])
def test_a_reviewer_who_asked_about_the_line_has_said_it(text: str) -> None:
    assert said(comment(text)) == {"0123456789ab": "c1@example.net"}


def test_another_bot_counts_as_well() -> None:
    reply_of_a_bot = comment(
        "[High] Guests that were started earlier observe a different count.",
        sender="reviews@robot.example",
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    assert said(reply_of_a_bot)


def test_one_who_names_the_symbol_and_talks_about_compatibility_has_said_it() -> None:
    assert said(comment("widget_count() is ABI, userspace has relied on it since v5.0.", quoted="> Hello"))


@pytest.mark.parametrize(
    "reply_mail",
    [
        comment("Reviewed-by: Max Maintainer <max@example.net>"),
        comment("Nice."),
        comment("Is this ABI?", sender=AUTHOR.email),
        comment("Is this ABI?", quoted="> +\treturn 0;"),
        comment("Can you use widget_count_all() here, for existing VMs?", quoted="> Hello"),
        comment("widget_count() wants a comment.", quoted="> Hello"),
        comment("Is this ABI?", quoted="> +\treturn w->count + 1;\n" + "> +\tx = 1;\n" * 20),
    ],
)
def test_what_is_not_about_the_point_does_not_silence_it(reply_mail: Any) -> None:
    assert said(reply_mail) == {}


def test_a_point_that_was_raised_is_not_raised_again() -> None:
    found = chosen(finding(), finding(symbol="other", fingerprint="f" * 12), said={"0123456789ab": "c1@example.net"})
    assert [item.finding.symbol for item in found.items] == ["other"]
    assert found.kept == {"0123456789ab": "said already in c1@example.net"}


# attacks


def test_nothing_of_a_mail_becomes_a_header_or_a_trailer() -> None:
    evil = "x\r\nBcc: all@example.net\r\n\r\nFixes: 0123456789ab"
    text = body(finding(symbol=evil, evidence=(evil,), patch="gone@x", file=evil), finding(symbol="b" * 5000, n=2))
    assert not lint(text, b4mail.find_trailers)
    head = message(subject=f"[PATCH] {evil}", author=Person(evil, AUTHOR.email), msgid="p0@example.org")
    decision = decide(policy(), series(), [head, *mails()[1:]], Known())
    mail = reply(policy(), head, text, kind="summary", parts=["x"], to=decision.to, cc=decision.cc, date=0)
    raw = b4mail.to_bytes(mail).decode()
    header = raw.split("\n\n", 1)[0]
    assert not re.search(r"(?mi)^(bcc|fixes):", header)
    assert sorted(mail.recipients) == ["ada@example.org", "widgets@lists.example"]


def test_escapes_and_invisible_characters_are_made_visible() -> None:
    text = body(finding(symbol="a\x1b[31mb\u202ec", evidence=("+\x1b]0;x\x07",), patch="gone@x"))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@pytest.mark.parametrize("msgid", ["a'b@x", "$(rm)'x@x", "x" * 300 + "@x", "a b@x"])
def test_a_message_id_that_a_shell_might_read_is_not_put_into_the_command(msgid: str) -> None:
    assert "  abireview check -\n" in body(finding(), id=msgid)
