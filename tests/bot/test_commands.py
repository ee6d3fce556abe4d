# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers by mail: who may, what counts as said, once, and no loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from abireview import limits
from abireview.bot.commands import HELP_A_DAY
from abireview.bot.maintainers import Maintainers
from abireview.bot.record import numbers
from abireview.bot.speech import Spoken, own_text, parse
from abireview.lore.b4attest import attest
from abireview.mail.decode import decode
from abireview.store.answers import Answers
from tests.bot.bot_make import entry
from tests.bot.signing import HEADERS, dns, signed
from tests.bot.world import ALSO_FLAGGED, BASE, CLEAN, FLAGGED, START, World, mail, series

COVER = "s1-v1-0@example.org"


@pytest.mark.parametrize(
    ("line", "spoken"),
    [
        ("#abireview ok: KVM_CAP_X keeps it", Spoken("ok", "", "KVM_CAP_X keeps it")),
        ("#abireview ok 2: there", Spoken("ok", "2", "there")),
        ("#abireview OK 0123456789ab:there", Spoken("ok", "0123456789ab", "there")),
        ("#abireview arch-fix 1: DDI 0487 D19.2", Spoken("arch-fix", "1", "DDI 0487 D19.2")),
        ("#abireview false-positive: no", Spoken("false-positive", "", "no")),
        ("#abireview mute-series", Spoken("mute-series", "", "")),
        ("#abireview\trecheck  ", Spoken("recheck", "", "")),
        ("#abireview", Spoken("help", "", "")),
        ("#abireview frobnicate", Spoken("frobnicate", "", "")),
        ("#abireview ok because it is", Spoken("?", "", "#abireview ok because it is")),
    ],
)
def test_a_command_at_the_start_of_a_line(line: str, spoken: Spoken) -> None:
    assert parse(f"Hello,\n{line}\n\nthanks\n") == [spoken]


def test_a_text_goes_on_until_a_blank_line() -> None:
    assert parse("#abireview ok 1: userspace can write\nthe register back\n\nBye") == [
        Spoken("ok", "1", "userspace can write the register back")
    ]


@pytest.mark.parametrize(
    "body",
    [
        "> #abireview ok: x",
        ">#abireview ok: x",
        "> > #abireview ok: x",
        "| #abireview ok: x",
        "  #abireview ok: x",
        "say #abireview ok: x",
        "Hello\n-- \n#abireview ok: x",
        "Hello\n-----Original Message-----\n#abireview ok: x",
        "Hello\n________________________________\nFrom: Somebody <x@y.z>\n#abireview ok: x",
        "abireview ok: x",
    ],
)
def test_what_is_quoted_or_indented_is_no_command(body: str) -> None:
    assert parse(body) == []


def test_only_so_many_commands_and_only_so_long_texts() -> None:
    assert len(parse("#abireview help\n" * 1000)) == limits.MAX_COMMANDS
    (one,) = parse("#abireview ok: " + "x" * 900 + "\n" + "y\n" * 10_000)
    assert len(one.text) <= 1000
    assert own_text("> a\nb\n") == ["b", ""]


# in the world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, entry(archive=BASE, approval="automatic"), bot='commanders = ["boss@bots.example"]\n')
    made.archive.deliver(*series(1, at=START, diffs=(FLAGGED, ALSO_FLAGGED)))
    made.turns(hours=8)
    assert len(made.post.sent) == 1
    made.post.sent.clear()
    yield made
    made.close()


def say(world: World, text: str, *, sender: str = "ada@example.org", **keys: Any) -> None:
    """A reply to the bot's mail, and an hour."""
    draft = world.bot.drafts.drafts(["posted"])[0]
    values: dict[str, Any] = {
        "at": world.clock(),
        "sender": sender,
        "parent": draft.msgid,
        "msgid": f"r{world.clock()}@x",
    }
    values.update(keys)
    subject = values.pop("subject", "Re: [PATCH 0/2] KVM: series 1")
    msgid = values.pop("msgid")
    raw = values.pop("raw", None) or mail(subject, msgid, text, **values)
    world.archive.deliver(raw)
    world.turns(hours=1.2)


def kinds(world: World) -> list[tuple[str, str]]:
    return [(answer.kind, answer.text) for _, answer in Answers.of(world.store).listed()]


def test_the_author_answers_all_questions(world: World) -> None:
    say(world, "#abireview ok: KVM_SET_DEVICE_ATTR\n")
    assert kinds(world) == [("knob", "KVM_SET_DEVICE_ATTR")] * 2
    assert world.post.sent == []  # silent on success


def test_or_one_by_its_number_or_fingerprint(world: World) -> None:
    say(world, "#abireview arch-fix 1: DDI 0487\n")
    print_ = world.bot.drafts.drafts(["posted"])[0].questions[1][0]
    say(world, f"#abireview false-positive {print_[:8]}: it is not\n")
    assert kinds(world) == [("arch-fix", "DDI 0487"), ("false-positive", "it is not")]


def test_an_answer_holds_for_later_versions(world: World) -> None:
    say(world, "#abireview ok: there\n")
    world.archive.deliver(*series(1, at=world.clock(), version=2, diffs=(FLAGGED, ALSO_FLAGGED)))
    world.turns(hours=8)
    assert world.post.sent == []


def test_a_plain_answer_of_the_author_is_as_good(world: World) -> None:
    say(world, "> question\n\nNobody ever saw revision 3, it was not in a release.\n")
    assert kinds(world) == [("suppress", "answered in plain words")] * 2
    assert [month.plain for month in numbers(world.store).months] == [2]


def test_a_plain_answer_of_anybody_else_is_not(world: World) -> None:
    say(world, "I think so, too.\n", sender="eve@example.com")
    assert kinds(world) == []


def test_mute_series_is_for_all_versions(world: World) -> None:
    say(world, "#abireview mute-series\n")
    world.archive.deliver(*series(1, at=world.clock(), version=2, diffs=(CLEAN, FLAGGED.replace("REV_3", "REV_4"))))
    world.turns(hours=8)
    assert world.post.sent == []
    assert world.bot.series.rows()[-1].reasons == ("ada@example.org muted the series",)


def test_mute_series_stops_a_draft_that_waits(tmp_path: Path) -> None:
    world = World(tmp_path, entry(archive=BASE, approval="person"))
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=1)
    raw = mail("Re: x", "r@x", "#abireview mute-series\n", at=world.clock(), parent=COVER)
    world.archive.deliver(raw)
    world.turns(hours=1)
    assert [draft.state for draft in world.bot.drafts.drafts()] == ["silenced"]
    world.close()


def test_recheck_checks_again_and_posts_nothing_new(world: World) -> None:
    before = len(world.checked)
    say(world, "#abireview recheck\n")
    assert len(world.checked) == before + 1
    assert world.post.sent == []


def test_help_goes_to_the_sender_alone_once_a_day(world: World) -> None:
    for _ in range(3):
        say(world, "#abireview help\n")
    assert len(world.post.sent) == HELP_A_DAY
    sent = decode(world.post.sent[0])
    assert [one.email for one in (*sent.to, *sent.cc)] == ["ada@example.org"]
    assert ("Auto-Submitted", "auto-replied") in sent.headers
    assert "#abireview false-positive [N]: why" in sent.body
    assert not [line for line in sent.body.split("\n") if line.startswith("#abireview")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#abireview ok\n", "needs its ground"),
        ("#abireview ok 7: x\n", "there is no question 7"),
        ("#abireview ok ffffffffffff: x\n", "names none of the questions"),
        ("#abireview frobnicate\n", "no such command"),
        ("#abireview ok because\n", "no such command"),
    ],
)
def test_what_cannot_be_followed_is_explained(world: World, text: str, says: str) -> None:
    say(world, text)
    assert says in " ".join(decode(world.post.sent[0]).body.split())
    assert kinds(world) == []


def test_a_person_of_the_policy_and_of_maintainers_may_and_others_may_not(world: World) -> None:
    say(world, "#abireview ok 1: a\n", sender="eve@example.com")
    assert kinds(world) == []
    assert world.events("command refused")[0]["why"] == "neither the author nor a maintainer"
    say(world, "#abireview ok 1: b\n", sender="Boss <BOSS@bots.example>")
    world.bot.commands._maintainers = Maintainers(
        "WIDGETS\nM:\tMax <max@example.net>\nF:\tarch/arm64/include/asm/kvm_widget.h\n"
    )
    say(world, "#abireview ok 1: c\n", sender="max@example.net")
    say(world, "#abireview ok 1: d\n", sender="moritz@example.net")
    text = "CLEAN\nR:\tCleo <cleo@example.net>\nF:\tarch/arm64/kvm/gadget.c\n"
    world.bot.commands._maintainers = Maintainers(text)
    say(world, "#abireview ok 1: e\n", sender="cleo@example.net")
    assert kinds(world) == [("knob", "b"), ("knob", "c"), ("knob", "e")]


def test_nothing_without_dkim(world: World) -> None:
    world.verdict = lambda raw, sender: ("fail", "no signature is valid")
    say(world, "#abireview ok: forged\n")
    say(world, "Forged in plain words.\n")
    assert kinds(world) == []
    assert world.post.sent == []  # nobody is told: the sender is not who he says
    assert [fields["why"] for fields in world.events("command refused")] == ["no signature is valid"]


def test_a_dns_server_that_does_not_answer_delays_for_a_day(world: World) -> None:
    world.verdict = lambda raw, sender: ("later", "dns.exception.Timeout")
    say(world, "#abireview ok: there\n")
    assert kinds(world) == []
    world.verdict = lambda raw, sender: ("pass", "")
    world.turns(hours=1)
    assert len(kinds(world)) == 2
    world.verdict = lambda raw, sender: ("later", "dns.exception.Timeout")
    say(world, "#abireview false-positive: x\n")
    world.turns(hours=25, every=60)
    world.verdict = lambda raw, sender: ("pass", "")
    world.turns(hours=2)
    assert len(kinds(world)) == 2


def test_the_same_mail_counts_once_even_under_another_message_id(world: World) -> None:
    at = world.clock()
    for msgid in ("one@x", "one@x", "two@x"):
        say(world, "#abireview ok 1: a\n", msgid=msgid, at=at)
    assert kinds(world) == [("knob", "a")]


@pytest.mark.parametrize(
    "keys",
    [
        {"headers": "Auto-Submitted: auto-replied\n"},
        {"headers": "Auto-Submitted: auto-generated; x=y\n"},
        {"headers": "X-Abireview: 0.1.0 help\n"},
        {"sender": "abireview@bots.example"},
        {"sender": "MAILER-DAEMON@example.org"},
        {"sender": "noreply@example.org"},
    ],
)
def test_machines_are_not_listened_to(world: World, keys: dict[str, Any]) -> None:
    say(world, "#abireview help\n#abireview ok: x\n", **keys)
    assert (kinds(world), world.post.sent) == ([], [])


def test_two_bots_that_answer_each_other_stop(tmp_path: Path) -> None:
    """The other one is stupid: it answers every mail with a command and no Auto-Submitted, as the series' author."""
    world = World(tmp_path, entry(archive=BASE, approval="automatic"))
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=8)
    for number in range(20):
        last = decode(world.post.sent[-1])
        world.archive.deliver(
            mail(
                "Re: help",
                f"loop{number}@x",
                "#abireview help\n#abireview nonsense\n",
                at=world.clock(),
                parent=last.msgid,
            )
        )
        world.turns(hours=1.2)
    assert len(world.post.sent) <= 2 + HELP_A_DAY
    world.close()


def test_a_reply_to_somebody_else_counts_only_with_a_command(world: World) -> None:
    say(world, "Applied, thanks.\n", parent=COVER)
    assert kinds(world) == []
    say(world, "#abireview ok 2: there\n", parent=COVER)
    assert kinds(world) == [("knob", "there")]


def test_commands_outside_any_known_thread_do_nothing(world: World) -> None:
    say(world, "#abireview ok: x\n", parent="unknown@x", subject="Hello")
    assert kinds(world) == []


def test_a_patch_that_begins_with_a_command_is_a_patch(world: World) -> None:
    say(world, "#abireview ok: x\n", subject="[PATCH] KVM: x")
    assert kinds(world) == []


# MAINTAINERS

TEXT = """\
Maintainers List
----------------

WIDGETS
M:	Max Maintainer <max@example.net>
R:	Rita Reviewer <rita@example.com>
L:	widgets@lists.example
S:	Maintained
F:	arch/*/widget/
F:	include/widget*.h
X:	arch/arm64/widget/old.c

GADGETS
M:	"Gil G." <GIL@example.net>
F:	virt/gadget.c
N:	gadgetry
"""


@pytest.mark.parametrize(
    ("path", "people"),
    [
        ("arch/x86/widget/core.c", {"max@example.net", "rita@example.com"}),
        ("arch/x86/widget/deep/er.c", {"max@example.net", "rita@example.com"}),
        ("arch/x86/deep/widget/core.c", set()),
        ("arch/arm64/widget/old.c", set()),
        ("include/widget-x.h", {"max@example.net", "rita@example.com"}),
        ("include/sub/widget.h", set()),
        ("virt/gadget.c", {"gil@example.net"}),
        ("virt/gadget.cc", set()),
        ("doc/gadgetry.rst", {"gil@example.net"}),
        ("widgets@lists.example", set()),
    ],
)
def test_maintainers_are_those_of_the_files(path: str, people: set[str]) -> None:
    assert Maintainers(TEXT).people([path]) == people


# DKIM


def answer(text: str = "#abireview ok: x\n", **keys: Any) -> bytes:
    return mail("Re: [PATCH] x", "r@x", text, at=START, parent="p@x", **keys)


def test_a_valid_signature_of_the_senders_domain_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with dns(monkeypatch, "example.org") as asked:
        assert attest(signed(answer()), "ada@example.org") == ("pass", "")
    assert asked == ["sel._domainkey.example.org."]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: answer(), "no DKIM signature"),
        (lambda raw: raw.replace(b"ok: x", b"ok: y"), "no signature is valid"),
        (lambda raw: raw.replace(b"Re: [PATCH] x", b"Re: [PATCH] y"), "no signature is valid"),
        (lambda raw: raw.replace(b"<p@x>", b"<q@x>"), "no signature is valid"),
        (lambda raw: raw + b"\n#abireview mute-series\n", "no signature is valid"),
        (lambda raw: b"From: Ada <ada@example.org>\n" + raw, "more than one from"),
        (lambda raw: b"In-Reply-To: <other@x>\n" + raw, "more than one in-reply-to"),
        (lambda raw: b"Subject: other\n" + raw, "more than one subject"),
        (lambda raw: signed(answer(), "evil.example"), "signed by evil.example"),
        (lambda raw: b"X-Original-From: ada@example.org\n" + signed(answer(sender="eve@evil.example"), "evil.example"),
         "another sender"),
        (lambda raw: signed(answer(), headers=("from", "to", "subject", "date")), "leave out"),
        (lambda raw: signed(answer(), headers=tuple(set(HEADERS) - {"subject"})), "leave out"),
        (lambda raw: signed(answer(), length=True), "leave out"),
        (lambda raw: signed(answer(), length=True) + b"#abireview mute-series\n", "leave out"),
        (lambda raw: b"DKIM-Signature: garbage\n" + answer(), "leave out"),
        (lambda raw: b"\xff\xfe\x00" * 99, "no DKIM signature"),
    ],
)  # fmt: skip
def test_anything_else_does_not(monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes], why: str) -> None:
    with dns(monkeypatch, "example.org", "evil.example"):
        verdict, text = attest(change(signed(answer())), "ada@example.org")
    assert verdict == "fail"
    assert why in text


def test_no_answer_from_dns_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    with dns(monkeypatch, down=True):
        assert attest(signed(answer()), "ada@example.org")[0] == "later"
    with dns(monkeypatch):
        assert attest(signed(answer()), "ada@example.org")[0] == "fail"


def test_many_signatures_cost_few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    one = signed(answer(), "evil.example")
    head = one[: len(one) - len(answer())]
    with dns(monkeypatch, "example.org") as asked:
        attest(head * 100 + answer(), "ada@example.org")
    assert len(asked) <= 5


def test_signed_commands_end_to_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot believes b4, not the From line."""
    world.verdict = attest
    draft = world.bot.drafts.drafts(["posted"])[0]
    text = "#abireview ok 1: there\n"
    forged = mail("Re: x", "forged@x", text, at=world.clock(), parent=draft.msgid)
    genuine = signed(mail("Re: x", "genuine@x", text.replace("1", "2"), at=world.clock(), parent=draft.msgid))
    with dns(monkeypatch, "example.org"):
        say(world, "", raw=forged)
        assert kinds(world) == []
        say(world, "", raw=genuine)
        assert kinds(world) == [("knob", "there")]
