# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs ``bot`` and ``watch``, as a person or cron uses them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from abireview.bot.track import Shared, watch_path
from abireview.cli.main import main
from abireview.cli.verbs._bot import alone
from abireview.mail.mbox import split_mbox
from abireview.store.botdrafts import BotDrafts
from abireview.store.botmail import BotMail
from abireview.store.botseries import BotSeries
from abireview.store.db import Store
from abireview.store.queue import Queue
from tests.bot.bot_make import BOT, entry
from tests.bot.lists import Inbox

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "no1n-and-system-off2.mbox"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("list")`` runs ``abireview bot --via mbox:… list``: exit code, stdout, stderr."""

    def run(*args: str, via: str = "mbox:out.mbox", verb: str = "bot") -> tuple[int, str, str]:
        options = ["--via", via, "--policy", "bot.toml"] if verb == "bot" else []
        code = main([verb, *options, *args])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


@pytest.fixture(autouse=True)
def setup(home: Path) -> None:
    """A maildir with the example series, and a policy that watches it."""
    for name in ("new", "cur", "tmp"):
        (home / "mail" / name).mkdir(parents=True)
    mails = split_mbox(EXAMPLE.read_bytes())
    for number, raw in enumerate(mails):
        (home / "mail" / "new" / str(number)).write_bytes(raw)
    address = re.search(rb"(?m)^To: (\S+@\S+)$", mails[0])
    assert address is not None
    text = entry("widgets", watch="maildir", maildir="mail", hold="0s").replace(
        "widgets@lists.example", address[1].decode()
    )
    (home / "bot.toml").write_text(BOT + text)


def sent() -> list[bytes]:
    return split_mbox(Path("out.mbox").read_bytes()) if Path("out.mbox").exists() else []


def test_from_a_draft_to_a_mail_to_a_retraction(call: Call) -> None:
    assert call("--once")[0] == 0
    assert sent() == []
    code, out, _ = call("list")
    assert (code, out.count("\n")) == (0, 1)
    assert re.match(r" +1 +waiting, hold over +widgets +\[PATCH 0/4\]", out)
    code, out, _ = call("show", "1")
    assert code == 0
    assert "In-Reply-To: <20300103100000.1-1-ada@example.org>" in out
    assert "To: Ada Example <ada@example.org>" in out
    assert "#abireview ok 1: " in out
    assert call("approve", "1")[2] == "abireview: draft 1 goes with the bot's next turn\n"
    assert call("--once")[0] == 0
    assert len(sent()) == 1
    assert call("list")[1] == ""
    assert "posted, mail sent" in call("list", "--all")[1]
    assert call("retract", "1", "--why", "It was wrong.")[0] == 0
    assert call("--once")[0] == 0
    assert len(sent()) == 2
    assert b"Please disregard" in sent()[1]
    assert call("site", "site")[0] == 0
    assert "It was wrong." in Path("site/retractions.html").read_text()
    assert 'abireview_bot_outbox{state="sent"} 2' in call("metrics")[1]
    assert call("--once")[0] == 0
    assert len(sent()) == 2


def test_reject_and_recheck(call: Call) -> None:
    call("--once")
    assert call("reject", "1", "--why", "we know")[0] == 0
    assert "rejected (we know)" in call("list", "--all")[1]
    assert call("recheck", "<20300103100000.1-1-ada@example.org>")[2] == "abireview: 1 series will be checked again\n"
    call("--once")
    assert "rejected" in call("list", "--all")[1]
    assert call("recheck", "nobody@x")[0] == 3


def test_a_dry_run_shows_all_and_keeps_nothing(call: Call, home: Path) -> None:
    text = (home / "bot.toml").read_text()
    (home / "bot.toml").write_text(text.replace("[[list]]", 'site = "site"\nmetrics = "m"\nlog = "log"\n[[list]]'))
    code, out, _ = call("--dry-run")
    assert code == 0
    assert "mail: the policy of widgets says 'list'" in out
    assert "  to Ada Example <ada@example.org>\n" in out
    assert "a person has to approve it" in out
    assert "  | [1] Patch" in out
    with Store() as store:
        assert BotDrafts.of(store).drafts() == []
        assert Queue.of(store).rows() == []
    assert sent() == []
    assert not [name for name in ("site", "m", "log") if Path(name).exists()]


def test_a_dry_run_says_why_not(call: Call, home: Path) -> None:
    text = (home / "bot.toml").read_text()
    (home / "bot.toml").write_text(text + 'leave-authors = ["ada@*"]\n')
    assert "silent: ada@example.org is left alone ('ada@*')" in call("--dry-run")[1]


def test_try_shows_one_series(call: Call, home: Path) -> None:
    code, out, _ = call("try", str(EXAMPLE))
    assert code == 0
    assert "mail: the policy of widgets says 'list'" in out
    assert "when a person approves it, 0 s after the check; at most 3 a day for widgets" in out
    assert "kept back: " in out
    assert "[1] Patch" in out


def test_policy_says_what_it_allows(call: Call) -> None:
    line = "to the author and the list; a person approves; hold 0 s, 3 a day; agreed in https://lists.example/"
    assert line in call("policy")[1]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "say one of --once, --follow and --dry-run"),
        (("--once", "--follow"), 2, "say one of"),
        (("--once", "--since", "soon"), 2, "no length of time"),
        (("show", "7"), 3, "there is no draft 7"),
        (("approve", "7"), 3, "there is no draft 7"),
        (("retract", "7", "--why", "x"), 3, "there is no draft 7"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_what_cannot_be_is_one_sentence(call: Call, args: tuple[str, ...], code: int, says: str) -> None:
    got, _, err = call(*args)
    assert got == code
    assert says in err
    assert "Traceback" not in err


def test_without_a_policy_nothing_runs(call: Call, home: Path) -> None:
    (home / "bot.toml").unlink()
    code, _, err = call("--once")
    assert code == 2
    assert "hint: docs/bot.md has one to begin with" in err


def test_mail_must_come_from_the_bots_address(call: Call, home: Path) -> None:
    (home / "gitconfig").write_text("[user]\n\tname = Rita\n\temail = rita@example.com\n")
    code, _, err = call("--once", via="smtp")
    assert code == 2
    assert "git would send as rita@example.com, the policy says abireview@bots.example" in err


def test_two_bots_with_one_store_do_not_get_in_each_others_way(call: Call) -> None:
    with Store() as store, alone(store) as free:
        assert free
        code, _, err = call("--once")
        assert (code, err) == (0, "abireview: another bot is at work with this store\n")
        assert BotDrafts.of(store).drafts() == []
        assert call("--follow")[0] == 4


def test_follow_goes_on_until_it_is_told_to_stop(home: Path) -> None:
    command = [str(Path(sys.executable).parent / "abireview"), "bot", "--via", "mbox:out.mbox", "--policy", "bot.toml",
               "--follow"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=home)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if '"examined"' in line:
            break
    process.send_signal(signal.SIGTERM)
    lines += process.stderr.readlines()
    process.stderr.close()
    assert process.wait(20) == 0
    assert '"started"' in lines[0]
    assert '"stopped"' in lines[-1]


# watch


def test_watch_feeds_the_queue_of_the_review(call: Call) -> None:
    code, _, err = call("mail", "--once", verb="watch")
    assert code == 0
    assert "[PATCH 0/4]" in err
    with Store() as store:
        (row,) = Queue.of(store).rows()
    assert (row.origin, row.tag, row.source) == ("watch", "v1 4/4", "20300103100000.1-1-ada@example.org")
    assert row.high > 0
    assert call("mail", "--once", verb="watch")[0] == 0
    with Store() as store:
        assert len(Queue.of(store).rows()) == 1


@pytest.mark.parametrize("order", ["bot watch bot", "watch bot watch", "watch watch bot bot"])
def test_bot_and_watch_share_a_store_and_each_sees_everything(call: Call, order: str) -> None:
    """Neither takes the news away from the other, and what only a person watches is no business of the bot's."""
    seen: dict[str, str] = {"bot": "", "watch": ""}
    for verb in order.split():
        code, _, err = call(*(("--once",) if verb == "bot" else ("mail", "--once")), verb=verb)
        assert code == 0
        seen[verb] += err
    assert seen["bot"].count('"examined"') == 1
    assert seen["watch"].count("findings: [PATCH 0/4]") == 1
    with Store() as store:
        assert [draft.state for draft in BotDrafts.of(store).drafts()] == ["waiting"]
        assert [row.source for row in Queue.of(store).rows()] == ["20300103100000.1-1-ada@example.org"]
        assert [row.lists for row in BotSeries.of(store).rows()] == [("widgets",)]


def test_what_a_server_said_last_is_known_only_to_whom_it_said_it(tmp_path: Path) -> None:
    """Its wish for peace holds for all. An ETag shared would make the other's first question 'nothing new'."""
    with Store(tmp_path / "abireview.db") as store, Store(watch_path(store)) as own:
        bot, watch = BotMail.of(store), Shared(BotMail.of(store), BotMail.of(own))
        bot.set_validator("https://x/new.atom", "1", "")
        assert watch.validator("https://x/new.atom") == ("", "")
        watch.set_validator("https://x/new.atom", "2", "")
        assert bot.validator("https://x/new.atom") == ("1", "")
        bot.set_server("x", 99.0, 2)
        assert watch.server("x") == (99.0, 2)
        watch.set_server("x", 0.0, 0)
        assert bot.server("x") == (0.0, 0)


def test_what_a_person_watches_is_not_published(call: Call) -> None:
    call("mail", "--once", verb="watch")
    call("site", "site")
    assert not list(Path("site").glob("s/*"))
    assert "PATCH 0/4" not in Path("site/index.html").read_text()
    assert "abireview_bot_mails_kept 0" in call("metrics")[1]


def test_what_watch_found_can_be_opened_offline(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    call("mail", "--once", verb="watch")
    assert main(["check", "--offline", "20300103100000.1-1-ada@example.org", "--format", "concise"]) in {0, 1}
    assert "vgic" in capsys.readouterr().out


@pytest.mark.server
@pytest.mark.parametrize("first", ["bot", "watch"])
def test_bot_and_watch_read_the_same_list_of_a_server(call: Call, home: Path, first: str) -> None:
    """What the server said to one of them (nothing new since that ETag) is not taken for an answer to the other."""
    with Inbox(home / "served", "widgets").serve() as inbox:
        text = (home / "bot.toml").read_text().replace('watch = "maildir"', f'archive = "{inbox.url}"')
        (home / "bot.toml").write_text(text)
        turns = {"bot": (("--once",), "bot"), "watch": ((inbox.url, "--once"), "watch")}
        second = "watch" if first == "bot" else "bot"
        for verb in (first, second):
            assert call(*turns[verb][0], verb=turns[verb][1])[0] == 0
        inbox.deliver(split_mbox(EXAMPLE.read_bytes()))
        with Store() as store:
            folder = store.path.parent
        for path in folder.glob("*.db"):  # the least time between two polls is over
            with Store(path) as store:
                store.connection.execute("UPDATE bot_source SET polled = 1")
        for verb in (first, second):
            assert call(*turns[verb][0], verb=turns[verb][1])[0] == 0
    with Store() as store:
        assert len(BotDrafts.of(store).drafts()) == 1
        assert len(Queue.of(store).rows()) == 1
    with Store(folder / "watch.db") as store:
        assert [row.state for row in BotSeries.of(store).rows()] == ["checked"]


@pytest.mark.server
def test_watch_reads_a_public_inbox(call: Call, home: Path) -> None:
    with Inbox(home / "served", "widgets").serve() as inbox:
        inbox.deliver(split_mbox(EXAMPLE.read_bytes()))
        for option in ([], ["--git"]):
            code, _, err = call(inbox.url, "--once", "--since", "1d", *option, verb="watch")
            assert (code, "[PATCH 0/4]" in err) == (0, not option)
    with Store() as store:
        assert [row.origin for row in Queue.of(store).rows()] == ["watch"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--every", "5s"), "--every is shorter than 60 s"),
        (("ftp://lists.example/kvm",), "no list's address"),
        (("https://lists.example",), "no list's address"),
    ],
)
def test_what_cannot_be_watched_is_said(call: Call, args: tuple[str, ...], says: str) -> None:
    code, _, err = call(*args, "--once", verb="watch")
    assert code == 2
    assert says in err


def test_a_place_that_is_not_there_is_logged(call: Call) -> None:
    code, _, err = call("nowhere", "--once", verb="watch")
    assert code == 0
    assert "nowhere is no maildir" in err


def test_starting_costs_no_more_than_it_must() -> None:
    """``abireview --help`` lists the verbs without what they need."""
    code = (
        "import sys, abireview.cli.verbs.bot, abireview.cli.verbs.watch\n"
        "print(sorted({'b4', 'httpx', 'jinja2', 'sqlite_utils', 'textual'} & set(sys.modules)))"
    )
    began = time.process_time()
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
    assert time.process_time() - began < 5
