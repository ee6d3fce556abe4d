# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy: every key is checked, off is the default, the most restrictive of several lists counts."""

from __future__ import annotations

from typing import Any

import pytest

from abireview.bot.decide import Decision, Known, decide
from abireview.bot.policy import ListEntry, merge, read_policy
from abireview.errors import ConfigError
from abireview.mail.model import Person
from tests.bot.bot_make import (
    AUTHOR,
    BOT,
    GADGETS,
    LIST,
    MAX,
    WIDGETS,
    entry,
    mails,
    message,
    patch_mail,
    policy,
    series,
)


def decided(
    *entries: str, bot: str = "", known: Known | None = None, posting: Any = None, head: Any = None
) -> Decision:
    found = mails() if head is None else [head, *mails()[1:]]
    return decide(policy(*entries, bot=bot), posting or series(), found, known or Known())


def emails(people: tuple[Person, ...]) -> list[str]:
    return [one.email for one in people]


def test_a_list_is_off_until_its_entry_says_otherwise() -> None:
    assert read_policy((BOT + LIST).encode()).list[0].mode == "off"
    assert decide(read_policy((BOT + LIST).encode()), series(), mails(), Known()).action == "silent"


def test_a_posting_to_no_list_of_the_policy_is_left_alone() -> None:
    assert decided(entry("gadgets")).reasons == ("no list of the policy got this posting",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LIST.replace("consent", "agreed"), "unknown field `agreed`"),
        (
            "".join(line for line in LIST.splitlines(keepends=True) if "consent" not in line),
            "missing required field `consent`",
        ),
        (LIST.replace("https://lists.example/widgets/consent@max.example/", ""), "consent must be the link"),
        (LIST.replace("https://lists.example/widgets/consent@max.example/", "Max said so"), "consent must be the link"),
        (entry(mode="loud"), "Invalid enum value 'loud'"),
        (entry(hold="soon"), "hold: 'soon' is no length of time"),
        (entry(interval="5s"), "interval is shorter than 60 s"),
        (entry(overlap="1w"), "overlap: '1w'"),
        (entry(settle=""), "settle: ''"),
        (entry(daily_cap=1000), "daily-cap is not between"),
        (entry(daily_cap=-1), "daily-cap is not between"),
        (entry(max_findings=6), "max-findings is not between 1 and 5"),
        (entry(confidence="low"), "findings of low confidence do not go out"),
        (entry(tell=["Max"]), "'Max' is no mail address"),
        (entry(tell=["Max\nBcc: all <max@example.net>"]), "a control character"),
        (entry(mode="off", approval="automatic"), "makes no sense"),
        (entry(mode="draft", approval="automatic"), "a person decides"),
        (entry(watch="maildir"), "needs maildir"),
        (entry(archive="file:///etc"), "archive is no http address"),
        (entry("a/../b"), "a name is letters"),
        (entry() + entry(), "'widgets' stands in another entry"),
        (LIST.replace('["widgets@lists.example"]', "[]"), "addresses is empty"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_policy((BOT + text).encode())
    assert says in str(raised.value)
    assert str(raised.value).startswith("bot.toml: ")
    assert raised.value.hint


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema = 1", "schema = 2", "schema 2"),
        ('"abireview@bots.example"', '"abireview"', "[bot] address"),
        ("Op Erator <op@bots.example>", "", "[bot] contact"),
        ('name = "abireview"', 'name = " "', "[bot] name is empty"),
        ('name = "abireview"', 'name = "abireview"\npage = "javascript:alert(1)"', "[bot] page"),
        ('name = "abireview"', 'name = "abireview"\narchive-list = "x"', "[bot] archive-list"),
        ('name = "abireview"', 'name = "abireview"\ncommanders = ["x"]', "[bot] commanders"),
        ('name = "abireview"', "name = 3", "$.bot.name"),
        ("[bot]", "[bot", "bot.toml"),
    ],
)
def test_the_bots_own_table_is_checked_too(old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("[", r"\[").replace("$", r"\$")):
        read_policy((BOT.replace(old, new) + LIST).encode())


def test_a_patchwork_names_lists_of_the_policy() -> None:
    text = '[[patchwork]]\nurl = "https://patchwork.example"\nlists = ["gadgets"]\n'
    with pytest.raises(ConfigError, match="no list 'gadgets'"):
        read_policy((BOT + LIST + text).encode())


def test_a_huge_file_and_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"#" * 300_000, b"\xff\xfe"):
        with pytest.raises(ConfigError):
            read_policy(data)


def test_author_means_the_author_and_those_named_who_got_the_posting() -> None:
    found = decided(entry(mode="author", tell=["max@example.net", "else@example.net"]))
    assert found.action == "mail"
    assert emails(found.to) == [AUTHOR.email]
    assert emails(found.cc) == [MAX.email]
    assert found.left_out == ("else@example.net: the posting did not go there",)


def test_list_means_the_author_and_the_list_and_nobody_who_reads_it() -> None:
    found = decided(entry(tell=["max@example.net"]))
    assert emails(found.recipients) == [AUTHOR.email, WIDGETS.email]
    assert found.left_out == ("max@example.net: reads the list, which is told",)


def test_nobody_is_written_to_who_did_not_get_the_posting_but_the_bots_own_list() -> None:
    bot = 'archive-list = "archive@bots.example"\n'
    second = entry("gadgets")
    known = Known(seen_on=("gadgets",))  # it was read there, but the posting does not name its address
    found = decided(entry(), second, bot=bot, known=known)
    assert emails(found.recipients) == [AUTHOR.email, WIDGETS.email, "archive@bots.example"]


def test_draft_means_that_no_mail_goes_out() -> None:
    found = decided(entry(mode="draft"))
    assert (found.action, found.recipients) == ("draft", ())


def test_archive_only_tells_only_the_bots_own_list() -> None:
    bot = 'archive-list = "archive@bots.example"\n'
    assert emails(decided(entry(archive_only=True), bot=bot).recipients) == ["archive@bots.example"]
    assert decided(entry(archive_only=True)).action == "page"
    assert decided(entry(archive_only=True, mode="draft"), bot=bot).action == "page"


def test_a_person_approves_unless_the_policy_says_automatic() -> None:
    assert not decided(entry()).automatic
    assert decided(entry(approval="automatic")).automatic


def both(**changes: Any) -> tuple[str, str]:
    """Entries of two lists, equal but for ``changes`` of the second one."""
    return entry(approval="automatic", rfc=True), entry("gadgets", **{"approval": "automatic", "rfc": True, **changes})


def crossposted(**changes: Any) -> Decision:
    return decided(*both(**changes), head=message(cc=(MAX, GADGETS)))


def test_two_lists_that_agree() -> None:
    assert emails(crossposted().recipients) == [AUTHOR.email, WIDGETS.email, GADGETS.email]
    assert crossposted().automatic


def test_any_mute_wins() -> None:
    assert crossposted(mode="off", approval="person").reasons == ("gadgets is off",)


def test_any_no_list_strips_the_lists() -> None:
    assert emails(crossposted(mode="author").recipients) == [AUTHOR.email]


def test_any_draft_keeps_it_inside() -> None:
    assert crossposted(mode="draft", approval="person").action == "draft"


def test_the_most_restrictive_of_every_other_setting_counts() -> None:
    strict = crossposted(
        approval="person",
        hold="2d",
        daily_cap=1,
        leave_subjects=["*frob*"],
        leave_authors=["*@corp.example"],
        rules=["widget-*"],
        not_rules=["widget-size"],
        confidence="high",
        max_findings=2,
        archive_only=True,
        settle="3h",
        only_prefixes=["PATCH"],
    ).terms
    assert (strict.approval, strict.hold, strict.caps) == ("person", 2 * 86400, {"widgets": 3, "gadgets": 1})
    assert (strict.max_findings, strict.archive_only, strict.settle) == (2, True, 3 * 3600)
    assert strict.leave_subjects == ("*frob*",)
    assert strict.leave_authors == ("*@corp.example",)
    assert strict.only_prefixes == (("PATCH",),)
    assert strict.allows_rule("widget-count")
    assert not strict.allows_rule("widget-size")
    assert not strict.allows_rule("gadget-count")
    loose = merge(policy(*both()), policy(*both(confidence="medium")).list)
    assert loose.confidence == "high"
    assert merge(policy(*both()), policy(entry(confidence="medium")).list).allows_confidence("medium")
    assert not loose.allows_confidence("medium")
    assert not merge(policy(*both()), policy(*both(rfc=False)).list).rfc


def test_without_entries_nothing_is_allowed() -> None:
    none = merge(policy(), ())
    assert (none.mode, none.approval, none.rfc, none.max_findings) == ("off", "person", False, 0)


@pytest.mark.parametrize(
    ("keys", "changes", "reason"),
    [
        ({"leave_subjects": ["widget: count*"]}, {}, "subjects like 'widget: count*' are left alone"),
        ({"leave_subjects": ["*COUNT from*"]}, {}, "subjects like '*COUNT from*' are left alone"),
        ({"leave_authors": ["ADA@example.org"]}, {}, "ada@example.org is left alone ('ADA@example.org')"),
        ({"leave_authors": ["*@example.org"]}, {}, "ada@example.org is left alone ('*@example.org')"),
        ({"only_prefixes": ["PATCH/next"]}, {}, "its subject has none of the prefixes PATCH/next"),
        ({}, {"rfc": True}, "it is an RFC"),
        ({}, {"stable": True}, "it is for a stable tree"),
        ({}, {"kernel": False, "kind": "kvm-unit-tests"}, "these patches are for kvm-unit-tests"),
    ],
)
def test_what_is_left_alone(keys: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    assert decided(entry(**keys), posting=series(**changes)).reasons == (reason,)
    assert decided(entry(), posting=series()).action == "mail"


def test_the_bots_own_table_leaves_authors_and_subjects_alone_on_every_list() -> None:
    for line in ('leave-authors = ["ada@*"]\n', 'leave-subjects = ["*count*"]\n'):
        assert decided(bot=line).action == "silent"


def test_an_rfc_is_checked_where_the_list_asks_for_it() -> None:
    assert decided(entry(rfc=True), posting=series(rfc=True)).action == "mail"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject": "Re: [PATCH v2 0/2] widget"}, "it is a reply"),
        ({"subject": "[GIT PULL] widgets for you"}, "it is a pull request"),
        ({"headers": (("Auto-Submitted", "auto-generated"),)}, "a program sent it"),
        ({"headers": (("X-Abireview", "0.1 summary 0123456789ab"),)}, "a program sent it"),
        ({"author": Person("bot", "Abireview@bots.example")}, "a program sent it"),
        ({"author": Person("Ada", "")}, "its author has no usable mail address"),
    ],
)
def test_what_is_no_posting_of_a_person(changes: dict[str, Any], reason: str) -> None:
    assert decided(head=message(**changes)).reasons == (reason,)


def test_auto_submitted_no_is_a_person() -> None:
    assert decided(head=message(headers=(("Auto-Submitted", "no"),))).action == "mail"


def test_muted_and_merged_series_are_left_alone() -> None:
    assert decided(known=Known(muted="its author asked for silence")).reasons == ("its author asked for silence",)
    assert decided(known=Known(merged=True)).reasons == ("its patches are in the tree already",)


def test_hold_has_a_default_of_six_hours() -> None:
    assert decided().hold == 6 * 3600
    assert decided(entry(hold="0s")).hold == 0


def test_every_setting_of_an_entry_is_merged_or_about_reading() -> None:
    """A new key must be thought about: who wins when two lists disagree?"""
    reading = {"name", "addresses", "consent", "watch", "archive", "query", "maildir", "interval", "overlap"}
    merged = {"mode", "approval", "tell", "hold", "daily_cap", "leave_subjects", "leave_authors", "only_prefixes",
              "rules", "not_rules", "confidence", "max_findings", "rfc", "archive_only", "settle"}  # fmt: skip
    assert set(ListEntry.__struct_fields__) == reading | merged


def test_a_patch_of_the_posting_names_lists_too() -> None:
    """A cover letter that went to fewer lists than its patches: the patch's off list mutes."""
    posting = [message(), patch_mail(1, cc=(GADGETS,)), patch_mail(2)]
    found = decide(policy(entry(), entry("gadgets", mode="off")), series(), posting, Known())
    assert found.reasons == ("gadgets is off",)
