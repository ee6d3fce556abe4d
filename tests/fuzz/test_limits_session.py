# SPDX-License-Identifier: GPL-2.0-or-later
"""The bounds on what the bot, the ledger, b4's checks, replies and screens take: a test each.

docs/security.md names for every bound the test that shows it; those that stand in no other test stand here.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from abireview import limits
from abireview.bot.maintainers import Maintainers
from abireview.bot.patchwork import RETRY
from abireview.bot.policy import read_policy
from abireview.bot.raised import raised
from abireview.bot.speech import own_text, parse
from abireview.cli import b4drop, b4protocol
from abireview.errors import ConfigError, LimitError, SendError, ServerError, UsageError
from abireview.facts.model import Fact
from abireview.findings.answers import make_answer
from abireview.findings.rangediff import patch_text
from abireview.ledger import compare, expand, history, reading
from abireview.ledger.load import load_surfaces
from abireview.lore import http
from abireview.lore.b4attest import attest
from abireview.lore.load import projects
from abireview.lore.maildir import news
from abireview.mail.decode import decode
from abireview.mail.model import Person
from abireview.mail.series import Thread
from abireview.reply.mail import check_headers, reply_headers, reply_subject
from abireview.reply.said import said_about
from abireview.source import rangediff
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from abireview.tui import code, document, threadview
from tests.bot import bot_make, world
from tests.bot.signing import dns, signed
from tests.bot.test_elsewhere import PATCHWORK, Patchwork
from tests.bot.test_http import Net, inbox
from tests.bot.test_summary import body as summary_body
from tests.ledger.test_history import Repository, by_text, header, told
from tests.mails import mail, series
from tests.reply import reply_make


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch):
    """``limit("MAX_…", 3)`` sets a bound; with modules, in those that took its value."""

    def bound(name: str, value: int, *modules: Any) -> None:
        for module in modules or (limits,):
            assert hasattr(module, name)
            monkeypatch.setattr(module, name, value)

    return bound


# the bot: servers


def test_manifest_bytes(limit, tmp_path: Path) -> None:
    import gzip

    text = b'{"/widgets/git/0.git": {"fingerprint": "' + b"f" * 5000 + b'"}}'
    packed = Net(tmp_path, lambda _: world.answer(200, gzip.compress(text)))
    plain = Net(tmp_path, lambda _: world.answer(200, text))
    assert list(inbox(packed).epochs() or ()) == [0]
    limit("MAX_MANIFEST_BYTES", 2000)
    with pytest.raises(LimitError, match="unpacks to more"):
        inbox(packed).epochs()
    with pytest.raises(LimitError, match="answered with more"):
        inbox(plain).epochs()


def test_json_bytes(limit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large is a failure like others: noted down, tried again later, given up."""
    monkeypatch.setenv("PW_TOKEN", "secret")
    limit("MAX_JSON_BYTES", 10)
    bot = world.World(tmp_path, bot_make.entry(archive=world.BASE, approval="automatic"), PATCHWORK)
    try:
        server = Patchwork()
        server.known = {"patch1-v1@example.org": 11}
        bot.archive.fault = server
        bot.archive.deliver(world.patch(1, at=world.START))
        bot.turns(hours=72, every=30)
        assert server.checks == []
        why = [str(one["why"]) for one in bot.events("check not posted")]
        assert ["more than 10 bytes" in one for one in why] == [True] * len(RETRY)
    finally:
        bot.close()


def test_dkim_signatures(limit, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = mail("Re: a", "a@example.org", sender="Ada <ada@example.org>")
    one = signed(raw, "evil.example")
    head = one[: len(one) - len(raw)]
    asked: list[int] = []
    for most in (2, 4):
        limit("MAX_DKIM_SIGNATURES", most)
        with dns(monkeypatch, "example.org") as names:
            attest(head * 20 + raw, "ada@example.org")
        asked.append(len(names))
    assert asked == [2, 4]


# the bot: mails


def test_poll_mails(limit, tmp_path: Path) -> None:
    """A maildir that was copied has one time for all: the next look goes on where this one was cut off."""
    for part in ("new", "cur"):
        (tmp_path / part).mkdir()
    for n in range(7):
        path = tmp_path / ("new", "cur")[n % 2] / f"{n}.mail"
        path.write_bytes(b"%d" % n)
        os.utime(path, (world.START, world.START))
    limit("MAX_POLL_MAILS", 3)
    cursor: dict[str, Any] = {}
    got = []
    for _ in range(3):
        mails, cursor = news(tmp_path, cursor)
        assert len(mails) <= 3
        got += mails
    assert got == [b"%d" % n for n in range(7)]
    assert "name" not in cursor


def test_bot_postings_and_replies(limit, tmp_path: Path) -> None:
    with Store(tmp_path / "s.db") as store:
        mails = BotMail.of(store)
        for n in range(5):
            posting = mail(f"[PATCH {n}/4] a", f"p{n}@x", parent="" if not n else "p0@x", at=n)
            answer = mail("Re: [PATCH 0/4] a", f"r{n}@x", parent="p0@x", at=n)
            mails.take("s", ["l"], [posting, answer], None, 100.0 + n)
        assert (len(mails.postings("p0@x")), len(mails.replies("p0@x"))) == (5, 5)
        limit("MAX_BOT_POSTINGS", 2)
        limit("MAX_BOT_REPLIES", 3)
        assert [one.msgid for one in mails.postings("p0@x")] == ["p3@x", "p4@x"]
        assert [one.msgid for one in mails.replies("p0@x")] == ["r2@x", "r3@x", "r4@x"]


def test_policy_bytes(limit) -> None:
    data = (bot_make.BOT + bot_make.entry()).encode()
    assert read_policy(data).list
    limit("MAX_POLICY_BYTES", len(data))
    with pytest.raises(ConfigError, match="larger than"):
        read_policy(data + b"\n")


def test_maintainers_bytes(limit, tmp_path: Path) -> None:
    path = tmp_path / "MAINTAINERS"
    path.write_text("WIDGETS\nM:\tMax <max@example.net>\nF:\tvirt/\n")
    assert Maintainers.load(path).people(["virt/widget.c"]) == {"max@example.net"}
    limit("MAX_MAINTAINERS_BYTES", 20)
    with pytest.raises(ConfigError, match="larger than 20 bytes"):
        Maintainers.load(path)


def test_command_chars(limit) -> None:
    limit("MAX_COMMAND_CHARS", 10)
    assert [one.text for one in parse("#abireview ok: 0123456789abc\n")] == ["0123456789"]
    assert [one.text for one in parse("#abireview ok: 012345\n789abc\ndef\n")] == ["012345 789"]


def test_spoken_chars(limit) -> None:
    point = bot_make.finding()
    quoted = f"> {point.evidence[0]}\nDoes this break migration? Userspace cannot select it.\n"
    reply = bot_make.message(msgid="r@x", author=Person("Max", "max@example.net"), body="Hello.\n" * 9 + quoted)
    assert own_text("a\n" * 9)[3:] == ["a"] * 6 + [""]
    assert raised([point], [reply], author=bot_make.AUTHOR.email)
    limit("MAX_SPOKEN_CHARS", 6)
    assert own_text("a\n" * 9) == ["a"] * 3 + [""]
    assert not raised([point], [reply], author=bot_make.AUTHOR.email)


def test_question_chars(limit) -> None:
    point = bot_make.finding(question="Can userspace keep " + "it and " * 30 + "the very end?")
    assert "very end?" in " ".join(summary_body(point).split())
    limit("MAX_QUESTION_CHARS", 60)
    text = summary_body(point)
    assert "Can userspace keep" in text
    assert "very end?" not in " ".join(text.split())


# whole trees


def test_surface_text(limit) -> None:
    limit("MAX_SURFACE_TEXT", 10, reading, compare)
    assert reading._full("a+", "a" * 10)
    assert not reading._full("a+", "a" * 11)
    assert reading._search("b", "a" * 9 + "b")
    assert not reading._search("b", "a" * 10 + "b")


def macros(count: int, width: int, last: str) -> expand.Macros:
    """``M0(x)`` is ``last``, every other one the one before it, ``width`` times."""
    bodies = [last, *(" , ".join([f"M{n}(x)"] * width) for n in range(count))]
    facts = [Fact("define", "", f"M{n}", body, (("params", "x"),), path="a.h") for n, body in enumerate(bodies)]
    return expand.Macros(facts)


def test_expanded_tokens(limit) -> None:
    assert len(macros(2, 4, "x").rows("{ M2(1) }")[0]) == 16
    limit("MAX_EXPANDED_TOKENS", 30, expand)
    assert sum(map(len, macros(2, 4, "x").rows("{ M2(1) }"))) < 16


@pytest.mark.parametrize("last", ["x", "", "x x x x x x x x"])
def test_macros_of_macros_take_bounded_time(last: str) -> None:
    began = time.process_time()
    macros(9, 40, last).rows("{ M9(1) }")
    macros(9, 40, last).rows("M9(M8(M7(M6(M5(M4(M3(M2(1))))))))")
    assert time.process_time() - began < 8


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    place = tmp_path / "linux"
    place.mkdir()
    return Repository(place)


def test_entry_commits(limit, repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A"))
    repository.git("tag", "v1")
    repository.commit("add B", h=header("A", "B"))
    repository.git("tag", "v2")
    ledger = told(repository, "v1", "v2", tmp_path)
    search = history._Search(ledger, load_surfaces([tmp_path / "rules"]), repository.place)
    search.found[0] = [msgspec.structs.replace(ledger.entries[0].commits[0], subject=str(n)) for n in range(5)]
    assert len(next(search.told()).commits) == 5
    limit("MAX_ENTRY_COMMITS", 2, history)
    assert [one.subject for one in next(search.told()).commits] == ["0", "1"]


def test_ledger_commits(limit, repository: Repository, tmp_path: Path) -> None:
    repository.commit("start", h=header("A"))
    repository.git("tag", "v1")
    repository.commit("add B", h=header("A", "B"))
    repository.commit("add C", h=header("A", "B", "C"))
    repository.git("tag", "v2")
    limit("MAX_LEDGER_COMMITS", 1, history)
    found = by_text(told(repository, "v1", "v2", tmp_path))
    assert found["CAP_C is new."] == ["add C"]
    assert found["CAP_B is new."] == []


# b4


def test_b4_tracking_bytes(limit, tmp_path: Path) -> None:
    data = json.dumps({"series": {"thread-blob": "a" * 40, "first-patch-commit": "b" * 40}})
    path = tmp_path / "tracking"
    path.write_text(data)
    environ = {b4protocol.TRACKING: str(path)}
    assert b4protocol.read_tracking(environ) != b4protocol.Tracking()
    assert b4drop._tracking(f"Subject\n\n{b4drop.MARKER}{data}") == json.loads(data)
    limit("MAX_B4_TRACKING_BYTES", 50, b4protocol, b4drop)
    assert b4protocol.read_tracking(environ) == b4protocol.Tracking()
    assert b4drop._tracking(f"Subject\n\n{b4drop.MARKER}{data}") is None


def test_b4_cached(limit, tmp_path: Path) -> None:
    limit("MAX_B4_CACHED", 3, b4protocol)
    known = b4protocol.Known(bot_make.result(), ())
    for n in range(7):
        b4protocol._keep(tmp_path / f"{n}.json", known)
        os.utime(tmp_path / f"{n}.json", (n, n))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["4.json", "5.json", "6.json"]


# replies


def test_recipients(limit) -> None:
    people = tuple(Person("", f"p{n}@example.org") for n in range(9))
    check_headers(reply_make.outgoing(to=people))
    limit("MAX_RECIPIENTS", 5)
    found = reply_headers(reply_make.message(to=people, cc=people), ())
    assert len({one.email for one in (*found.to, *found.cc)}) == 5
    with pytest.raises(SendError, match="more than 5 recipients"):
        check_headers(reply_make.outgoing(to=people))


def test_reply_subject_chars(limit) -> None:
    limit("MAX_REPLY_SUBJECT_CHARS", 12)
    assert reply_subject("[PATCH] abcdefghi") == "Re: [PATCH] abcd"


def test_answer_chars(limit) -> None:
    limit("MAX_ANSWER_CHARS", 10)
    assert make_answer("0123456789ab", ["a@x"], "knob", "0123456789").text == "0123456789"
    with pytest.raises(UsageError, match="at most 10 characters"):
        make_answer("0123456789ab", ["a@x"], "knob", "0123456789a")


def test_comments(limit) -> None:
    line = "+\treturn w->count + 1;"
    replies = [reply_make.message(msgid=f"{n}@x", body=f"> {line}\nWhy {n}? " + "x" * 50) for n in range(6)]
    assert len(said_about([line], replies)) == 6
    limit("MAX_COMMENTS", 2)
    limit("MAX_COMMENT_CHARS", 8)
    assert [one.text for one in said_about([line], replies)] == ["Why 0? x", "Why 1? x"]


# screens


def test_shown_line_chars(limit) -> None:
    limit("MAX_SHOWN_LINE_CHARS", 10)
    assert document.shown("0123456789") == "0123456789"
    assert document.shown("0123456789a") == "0123456789 [...]"


def test_highlighted_chars(limit) -> None:
    code.spans.cache_clear()
    limit("MAX_HIGHLIGHTED_CHARS", 20)
    assert code.spans("return 1;")
    assert code.spans("return 1;" + " " * 20) == ()
    code.spans.cache_clear()


def test_shown_depth(limit) -> None:
    one = decode(mail("[PATCH] a", "a@x"))
    assert len(threadview.tree_line(5, one)) - len(threadview.tree_line(0, one)) == 10
    limit("MAX_SHOWN_DEPTH", 3)
    assert threadview.tree_line(500, one) == threadview.tree_line(3, one)


def test_compared_lines(limit) -> None:
    (found,) = Thread([decode(raw) for raw in series(1, 1)], projects()).series
    assert len(patch_text(found.patches[0])) > 5
    limit("MAX_COMPARED_LINES", 5)
    assert len(patch_text(found.patches[0])) == 5


def test_range_diff_lines(limit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Git:
        def __init__(self, *_: object) -> None: ...

        def commits(self, *_: object) -> str:
            return "a..b"

        def run(self, *_: object) -> bytes:
            return b"line\n" * 50

    monkeypatch.setattr(rangediff, "_Git", Git)
    one = bot_make.series()
    assert len(rangediff.git_range_diff(tmp_path, one, one, {})) == 51
    limit("MAX_RANGE_DIFF_LINES", 7)
    assert rangediff.git_range_diff(tmp_path, one, one, {}) == ["line"] * 7


# servers


def test_http_overall_seconds(limit, tmp_path: Path) -> None:
    """A server that drips is given up, whatever it has sent."""

    def dripping() -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.02)
            yield b"x"

    net = Net(tmp_path, lambda _: httpx.Response(200, content=dripping()))
    limit("OVERALL_SECONDS", 0.1, http)
    with pytest.raises(ServerError, match="did not end within"):
        net.get()


def test_http_retry_after(tmp_path: Path) -> None:
    net = Net(tmp_path, lambda _: world.answer(429, retry_after="99999999"))
    with pytest.raises(ServerError):
        net.get()
    assert net.memory.server("a.example")[0] == world.START + http.MAX_RETRY_AFTER
