# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview reply``, ``send``, ``answer`` and ``review`` from the command line."""

from __future__ import annotations

import json
import re
import sys
from io import StringIO
from pathlib import Path

import pytest

from abireview.cli.main import main
from tests.reply.reply_smtp import Server
from tests.tui.tui_make import RULES, mbox, series

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def widgets(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ABIREVIEW_CACHE", str(home / "store"))
    monkeypatch.setenv("ABIREVIEW_CACHE_DIR", str(home / "store"))
    path = home / "widgets.mbox"
    path.write_bytes(mbox(series(1)))
    return str(path)


def run(*args: str) -> int:
    verb, *rest = args
    rules = [] if verb == "send" else ["--rules", str(RULES)]
    return main([verb, *rules, *rest])


def prints(capsys: Capture, widgets: str) -> list[str]:
    """The fingerprints of the findings."""
    run("check", widgets, "--format", "json", "--exit-zero")
    return [item["fingerprint"] for item in json.loads(capsys.readouterr().out)["findings"]]


def test_a_reply_is_shown_and_kept_not_sent(widgets: str, capsys: Capture, smtp: Server) -> None:
    assert run("reply", widgets) == 0
    out, err = capsys.readouterr()
    assert "Subject: Re: [PATCH 1/3] KVM: arm64: Correct WIDGET_VERSION\n" in out
    assert "In-Reply-To: <v1-1@example.org>\n" in out
    assert "> +#define WIDGET_VERSION\t2\n\nA guest that counted" in out
    assert "draft 1 is kept" in err
    assert run("send", "--list") == 0
    assert capsys.readouterr().out == ""
    assert smtp.mails == []


def test_only_the_findings_named_are_asked(widgets: str, capsys: Capture) -> None:
    second = prints(capsys, widgets)[1]
    assert run("reply", widgets, "--finding", second[:6]) == 0
    out = capsys.readouterr().out
    assert "Re: [PATCH 2/3]" in out
    assert run("reply", widgets, "--finding", "ffffffffffff") == 3
    assert "is no finding of this series" in capsys.readouterr().err


def test_findings_of_several_patches_go_to_the_cover(widgets: str, capsys: Capture) -> None:
    first, _, third = prints(capsys, widgets)
    assert run("reply", widgets, "--finding", first, "--finding", third) == 0
    out = capsys.readouterr().out
    assert "Re: [PATCH 0/3]" in out
    assert "In patch 1/3:" in out
    assert "In patch 2/3:" not in out
    assert "In patch 3/3:" in out


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        (["--patch", "3"], "Re: [PATCH 3/3]"),
        (["--cover"], "Re: [PATCH 0/3]"),
        (["--to", "<v1-r@example.net>"], "Re: [PATCH 2/3]"),
    ],
)
def test_any_mail_can_be_answered(widgets: str, capsys: Capture, options: list[str], subject: str) -> None:
    assert run("reply", widgets, *options) == 0
    assert f"Subject: {subject}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code"),
    [(["--patch", "9"], 3), (["--to", "x@y"], 3), (["--cover", "--patch", "1"], 2), (["--trailer", "Fixes"], 2)],
)
def test_wrong_wishes_are_refused(widgets: str, capsys: Capture, options: list[str], code: int) -> None:
    assert run("reply", widgets, *options) == code
    assert capsys.readouterr().err


def test_a_draft_is_found_again_changed_and_thrown_away(widgets: str, capsys: Capture, home: Path) -> None:
    (home / "body").write_text("On Tue, Ada wrote:\n> x\n\nMine.\n")
    assert run("reply", widgets, "--patch", "1", "--body", str(home / "body"), "--trailer", "Acked-by") == 0
    assert run("reply", widgets, "--patch", "1") == 0
    out = capsys.readouterr().out
    assert out.count("Mine.\n\nAcked-by: Rita Reviewer <rita@example.com>\n") == 2
    assert run("reply", widgets, "--patch", "1", "--fresh") == 0
    assert "Mine." not in capsys.readouterr().out


def test_the_editor_is_the_one_git_would_call(
    widgets: str, capsys: Capture, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = home / "my editor"
    script.write_text(
        f"#!{sys.executable}\nimport sys\np = sys.argv[-1]\nt = open(p).read()\n"
        "open(p, 'w').write(t.replace('A guest', 'Hello! A guest'))\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("GIT_EDITOR", f"'{script}' --wait")
    assert run("reply", widgets, "-e") == 0
    assert "\nHello! A guest that counted" in capsys.readouterr().out
    monkeypatch.setenv("GIT_EDITOR", "false")
    assert run("reply", widgets, "-e") == 2
    assert "the draft is as it was" in capsys.readouterr().err


def test_lint_keeps_a_mail_out_of_the_outbox(widgets: str, capsys: Capture, home: Path) -> None:
    (home / "body").write_text("> x\n\nFixes: 0123456789ab (x)\n")
    assert run("reply", widgets, "--body", str(home / "body"), "--queue") == 2
    assert "b4 would collect this as a trailer" in capsys.readouterr().err
    assert run("send", "--list") == 0
    assert capsys.readouterr().out == ""


def test_from_draft_to_sent(widgets: str, capsys: Capture, smtp: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("reply", widgets, "--queue") == 0
    shown = capsys.readouterr().out
    assert run("send", "--dry-run") == 0
    assert capsys.readouterr().out.strip() == shown.strip()
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert run("send") == 2  # nobody is there to confirm
    assert smtp.mails == []
    assert run("send", "--yes") == 0
    assert "mail 1 sent: 250 2.0.0 taken" in capsys.readouterr().err
    assert len(smtp.mails) == 1
    assert run("send", "--yes") == 0
    assert run("send", "--yes", "1") == 2
    assert len(smtp.mails) == 1
    assert run("send", "--list") == 0
    assert re.search(r"^ +1  sent ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(("answer", "count"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
def test_each_mail_is_asked_for(
    widgets: str, smtp: Server, monkeypatch: pytest.MonkeyPatch, answer: str, count: int, capsys: Capture
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    assert run("reply", widgets, "--queue") == 0
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run("send") == 0
    assert "Send mail 1 to 3 recipients?" in capsys.readouterr().err
    assert len(smtp.mails) == count


def test_a_failure_is_an_exit_code_and_can_be_retried_or_dropped(widgets: str, capsys: Capture, smtp: Server) -> None:
    smtp.fault = "refuse data"
    run("reply", widgets, "--queue")
    assert run("send", "--yes") == 4
    assert "mail 1 failed: the server refused the mail: 554" in capsys.readouterr().err
    smtp.fault = ""
    assert run("send", "--yes", "1") == 2
    assert "--retry queues it again" in capsys.readouterr().err
    assert run("send", "--yes", "--retry") == 0
    assert len(smtp.mails) == 1
    run("reply", widgets, "--patch", "2", "--queue")
    assert run("send", "--drop") == 2
    assert run("send", "--drop", "2") == 0
    assert run("send", "--yes") == 0
    assert len(smtp.mails) == 1


def test_unknown_is_looked_up_in_what_was_written(widgets: str, capsys: Capture, smtp: Server, home: Path) -> None:
    smtp.fault = "drop after taking"
    run("reply", widgets, "--queue")
    assert run("send", "--yes") == 4
    assert run("send", "--yes") == 0
    assert len(smtp.mails) == 1
    assert run("send", "--resolve", "--server", "http://127.0.0.1:9/list") == 4
    assert "unknown" in capsys.readouterr().out


def test_mail_for_another_client(widgets: str, capsys: Capture, home: Path) -> None:
    run("reply", widgets, "--queue")
    assert run("send", "--yes", "--via", f"maildir:{home}/drafts") == 0
    assert len(list((home / "drafts" / "cur").iterdir())) == 1
    run("reply", widgets, "--patch", "2", "--queue")
    assert run("send", "--yes", "--via", f"mbox:{home}/out.mbox") == 0
    assert (home / "out.mbox").read_text().count("From mboxrd@z") == 1


@pytest.mark.parametrize("via", ["smtp:x", "maildir:", "mbox", "telegram", ""])
def test_a_wrong_way_out_is_refused(widgets: str, capsys: Capture, via: str) -> None:
    assert run("send", "--via", via) == 2
    assert "is no way to send mail" in capsys.readouterr().err


def test_an_answer_settles_a_finding_for_check_too(widgets: str, capsys: Capture) -> None:
    first = prints(capsys, widgets)[0]
    assert run("answer", widgets, first, "knob", "a register") == 0
    assert f"{first} widget-changed: answered, knob: a register" in capsys.readouterr().out
    run("check", widgets, "--format", "json", "--exit-zero")
    assert [item["state"] for item in json.loads(capsys.readouterr().out)["findings"]] == ["answered", "new", "new"]
    assert run("answer", "--list") == 0
    listed = capsys.readouterr().out
    assert re.search(rf"^ +1  {first}  \d{{4}}-\d\d-\d\d  widget-changed: knob: a register$", listed, re.MULTILINE)
    assert run("answer", widgets, "--list") == 0
    assert capsys.readouterr().out == listed
    assert run("answer", "--undo", "1") == 0
    assert run("answer", "--undo", "1") == 4
    assert run("answer", "--list") == 0
    assert "knob" not in capsys.readouterr().out.split("taken back")[-1].split("\n", 1)[-1]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ([], 2, "needs WHAT"),
        (["FINDING", "knob"], 2, "say where userspace can keep"),
        (["FINDING", "arch-fix", " "], 2, "needs its ground"),
        (["FINDING", "wont-fix", "x"], 2, "wont-fix"),
        (["FINDING", "knob", "x", "--until", "30d"], 2, "only a suppression"),
        (["FINDING", "suppress", "x", "--until", "tomorrow"], 2, "is no date"),
        (["FINDING", "suppress", "x", "--until", "1999-01-01"], 2, "is over"),
        (["zz", "knob", "x"], 3, "is no finding"),
        (["", "knob", "x"], 3, "fingerprint"),
    ],
)
def test_wrong_answers_are_sentences(widgets: str, capsys: Capture, args: list[str], code: int, says: str) -> None:
    first = prints(capsys, widgets)[0]
    wanted = [first if arg == "FINDING" else arg for arg in args]
    assert run("answer", *([widgets, *wanted] if args else [])) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_a_review_needs_a_terminal(widgets: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert run("review", widgets) == 2
    assert "needs a terminal" in capsys.readouterr().err


def test_commits_cannot_be_answered(widgets: str, capsys: Capture, home: Path) -> None:
    assert run("reply", "gone@example.org", "--offline") == 3
    assert run("reply", "nonsense") == 2
