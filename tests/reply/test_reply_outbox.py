# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abireview.errors import SendError, StoreError
from abireview.reply.transport import MaildirTransport, MboxTransport, Receipt, SmtpTransport
from abireview.store import outbox as module
from abireview.store.outbox import GRACE, SCHEMA, Outbox
from tests.reply.reply_make import outgoing
from tests.reply.reply_smtp import Server


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    db = sqlite3.connect(tmp_path / "store.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMA)
    db.close()
    return tmp_path


def open_outbox(folder: Path, clock: Callable[[], float] | None = None) -> Outbox:
    db = sqlite3.connect(folder / "store.db", timeout=10)
    return Outbox(db, folder / "send.lock", **({"clock": clock} if clock else {}))


@pytest.fixture
def outbox(folder: Path, clock: Clock) -> Iterator[Outbox]:
    box = open_outbox(folder, clock)
    yield box
    box._db.close()


def test_a_queued_mail_is_sent_once(outbox: Outbox, smtp: Server) -> None:
    entry = outbox.enqueue(outgoing(), key="draft:1")
    assert (entry.state, entry.recipients) == ("queued", ("ada@example.org", "kvm@lists.example"))
    (sent,) = outbox.deliver(SmtpTransport())
    assert (sent.state, sent.reason) == ("sent", "250 2.0.0 taken")
    assert outbox.deliver(SmtpTransport()) == []
    ((sender, recipients, raw),) = smtp.mails
    assert sender == "rita@example.com"
    assert recipients == ["ada@example.org", "kvm@lists.example"]
    assert raw.replace(b"\r\n", b"\n") == outbox.raw(entry.id)


def test_one_key_one_mail(outbox: Outbox, smtp: Server) -> None:
    first = outbox.enqueue(outgoing(), key="bot:s:2")
    assert outbox.enqueue(outgoing(msgid="other@example.com"), key="bot:s:2") == first
    outbox.deliver(SmtpTransport())
    assert outbox.enqueue(outgoing(msgid="third@example.com"), key="bot:s:2").state == "sent"
    assert outbox.deliver(SmtpTransport()) == []
    assert len(smtp.mails) == 1


def test_one_message_id_one_mail(outbox: Outbox) -> None:
    outbox.enqueue(outgoing(), key="a")
    with pytest.raises(SendError, match="outbox already"):
        outbox.enqueue(outgoing(), key="b")
    assert len(outbox.entries()) == 1


@pytest.mark.parametrize(
    ("fault", "state", "taken"),
    [
        ("drop at MAIL", "failed", 0),
        ("refuse sender", "failed", 0),
        ("refuse data", "failed", 0),
        ("drop before taking", "unknown", 0),
        ("drop after taking", "unknown", 1),
    ],
)
def test_faults_of_the_server(outbox: Outbox, smtp: Server, fault: str, state: str, taken: int) -> None:
    outbox.enqueue(outgoing(), key="k")
    smtp.fault = fault
    (entry,) = outbox.deliver(SmtpTransport())
    assert (entry.state, len(smtp.mails)) == (state, taken)
    assert entry.reason
    assert "\x1b" not in entry.reason
    smtp.fault = ""
    assert outbox.deliver(SmtpTransport()) == []
    assert len(smtp.mails) == taken


def test_no_server_leaves_it_with_the_reason_and_retry_sends_it(outbox: Outbox, smtp: Server, home: Path) -> None:
    from abireview.lore import b4mail

    good = (home / "gitconfig").read_text()
    (home / "gitconfig").write_text(good.replace(f"smtpServerPort = {smtp.port}", "smtpServerPort = 1"))
    outbox.enqueue(outgoing(), key="k")
    (entry,) = outbox.deliver(SmtpTransport())
    assert entry.state == "failed"
    assert "no connection to 127.0.0.1:1" in entry.reason
    (home / "gitconfig").write_text(good)
    b4mail._b4.cache_clear()
    assert outbox.retry(entry.id).state == "queued"
    assert [mail.state for mail in outbox.deliver(SmtpTransport())] == ["sent"]
    assert outbox.get(entry.id).attempts == 2


def test_a_refused_recipient_is_said_and_the_others_get_it(outbox: Outbox, smtp: Server) -> None:
    smtp.refuse = {"kvm@lists.example"}
    outbox.enqueue(outgoing(), key="k")
    (entry,) = outbox.deliver(SmtpTransport())
    assert entry.state == "sent"
    assert entry.reason.endswith("refused: kvm@lists.example")
    assert smtp.mails[0][1] == ["ada@example.org"]


def test_all_recipients_refused_is_a_failure(outbox: Outbox, smtp: Server) -> None:
    smtp.refuse = {"kvm@lists.example", "ada@example.org"}
    outbox.enqueue(outgoing(), key="k")
    (entry,) = outbox.deliver(SmtpTransport())
    assert entry.state == "failed"
    assert "550 5.1.1 no such user" in entry.reason


@pytest.mark.parametrize(("code", "state"), [(0, "sent"), (75, "failed"), (-9, "unknown")])
def test_a_sendmail_command(outbox: Outbox, home: Path, code: int, state: str) -> None:
    script = home / "fake sendmail"
    end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    script.write_text(
        f"#!{sys.executable}\nimport os, sys, json\nfrom pathlib import Path\n"
        f"Path('taken').write_bytes(sys.stdin.buffer.read())\nPath('args').write_text(json.dumps(sys.argv[1:]))\n{end}\n"
    )
    script.chmod(0o755)
    with (home / "gitconfig").open("a") as file:
        file.write(f"[sendemail]\n\tsendmailCmd = '{script}'\n")
    entry = outbox.enqueue(outgoing(), key="k")
    (done,) = outbox.deliver(SmtpTransport())
    assert done.state == state
    assert (home / "taken").read_bytes() == outbox.raw(entry.id)
    assert (home / "args").read_text() == '["-i", "ada@example.org", "kvm@lists.example"]'


def test_unknown_is_settled_by_the_archive_only(outbox: Outbox, smtp: Server, clock: Clock) -> None:
    entry = outbox.enqueue(outgoing(), key="k")
    smtp.fault = "drop after taking"
    outbox.deliver(SmtpTransport())
    asked: list[str] = []

    def absent(msgid: str) -> bool:
        asked.append(msgid)
        return False

    assert outbox.resolve(lambda _: None)[0].state == "unknown"
    assert outbox.resolve(absent)[0].state == "unknown"  # too early: the archive may lag
    assert asked == [entry.msgid]
    clock.now += GRACE
    assert outbox.resolve(lambda _: None)[0].state == "unknown"
    assert outbox.resolve(lambda _: True)[0].state == "sent"
    assert outbox.resolve(lambda _: True) == []
    assert len(smtp.mails) == 1


def test_unknown_that_the_archive_never_saw_goes_out_with_the_same_message_id(
    outbox: Outbox, smtp: Server, clock: Clock
) -> None:
    entry = outbox.enqueue(outgoing(), key="k")
    smtp.fault = "drop before taking"
    outbox.deliver(SmtpTransport())
    clock.now += GRACE
    assert outbox.resolve(lambda _: False)[0].state == "queued"
    smtp.fault = ""
    assert outbox.deliver(SmtpTransport())[0].state == "sent"
    assert f"Message-Id: <{entry.msgid}>".encode() in smtp.mails[0][2]


def test_states_that_do_not_follow_are_refused(outbox: Outbox, smtp: Server) -> None:
    entry = outbox.enqueue(outgoing(), key="k")
    with pytest.raises(StoreError):
        outbox.retry(entry.id)
    assert outbox.drop(entry.id).state == "dropped"
    assert outbox.deliver(SmtpTransport()) == []
    with pytest.raises(StoreError):
        outbox.drop(entry.id)
    again = outbox.enqueue(outgoing(body="another\n"), key="k")
    assert (again.state, outbox.raw(again.id)[-8:]) == ("queued", b"another\n")
    outbox.deliver(SmtpTransport())
    with pytest.raises(StoreError):
        outbox.drop(again.id)
    with pytest.raises(StoreError):
        outbox.get(99)


def test_only_the_named_mails_go(outbox: Outbox, smtp: Server) -> None:
    first = outbox.enqueue(outgoing(), key="a")
    second = outbox.enqueue(outgoing(msgid="second@example.com"), key="b")
    outbox.deliver(SmtpTransport(), only={second.id})
    assert outbox.get(first.id).state == "queued"
    assert outbox.get(second.id).state == "sent"


def test_two_senders_never_send_at_once(folder: Path, outbox: Outbox, smtp: Server) -> None:
    outbox.enqueue(outgoing(), key="k")
    other = open_outbox(folder)

    class Nested:
        name = "nested"

        def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
            with pytest.raises(SendError, match="another abireview is sending"):
                other.deliver(SmtpTransport(), wait=0.1)
            return Receipt("ok")

        def look_up(self, msgid: str) -> bool | None:
            return None

    assert outbox.deliver(Nested())[0].state == "sent"
    assert smtp.mails == []
    other._db.close()


def test_a_transport_that_raises_something_else_leaves_it_unknown(outbox: Outbox) -> None:
    class Broken:
        name = "broken"

        def deliver(self, raw: bytes, sender: str, recipients: tuple[str, ...], msgid: str) -> Receipt:
            raise KeyboardInterrupt

        def look_up(self, msgid: str) -> bool | None:
            return None

    entry = outbox.enqueue(outgoing(), key="k")
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(Broken())
    assert outbox.get(entry.id).state == "unknown"


def test_maildir_and_mbox_hold_each_mail_once(outbox: Outbox, tmp_path: Path) -> None:
    import mailbox

    body = "On Tue, Ada wrote:\n> x\n\nFrom here on?\n"
    entry = outbox.enqueue(outgoing(body=body, msgid="../../etc/passwd@example.com"), key="k")
    raw = outbox.raw(entry.id)
    for transport in (MaildirTransport(tmp_path / "drafts"), MboxTransport(tmp_path / "out.mbox")):
        assert transport.look_up(entry.msgid) is False
        for _ in range(2):
            transport.deliver(raw, entry.sender, entry.recipients, entry.msgid)
        assert transport.look_up(entry.msgid) is True
    (found,) = list(mailbox.Maildir(tmp_path / "drafts"))
    assert found.get_flags() == "DS"
    assert found["Message-Id"] == f"<{entry.msgid}>"
    text = (tmp_path / "out.mbox").read_text()
    assert text.count("From mboxrd@z") == 1
    assert "\n>From here on?\n" in text
    assert not (tmp_path / "etc").exists()


def test_a_maildir_that_cannot_be_written_is_a_failure(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outbox.enqueue(outgoing(), key="k")
    (entry,) = outbox.deliver(MaildirTransport(tmp_path / "file"))
    assert entry.state == "failed"


# --- kill -9 at each step ---


def _lines_of(run: Callable[[], object]) -> int:
    """How many lines of the outbox and b4mail modules ``run`` executes."""
    count = 0

    def tracer(frame: object, event: str, arg: object) -> object:
        nonlocal count
        if frame.f_code.co_filename not in _TRACED:  # type: ignore[attr-defined]
            return None
        count += event == "line"
        return tracer

    sys.settrace(tracer)  # type: ignore[arg-type]
    try:
        run()
    finally:
        sys.settrace(None)
    return count


def _kill_at(step: int, run: Callable[[], object]) -> None:
    """Run in this process and kill -9 it before the ``step``-th line."""
    count = 0

    def tracer(frame: object, event: str, arg: object) -> object:
        nonlocal count
        if frame.f_code.co_filename not in _TRACED:  # type: ignore[attr-defined]
            return None
        if event == "line":
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return tracer

    sys.settrace(tracer)  # type: ignore[arg-type]
    run()


def _traced() -> frozenset[str]:
    from abireview.lore import b4mail

    return frozenset({str(module.__file__), str(b4mail.__file__)})


_TRACED = _traced()


def _send_everything(folder: Path) -> None:
    box = open_outbox(folder)
    box.enqueue(outgoing(), key="draft:1")
    box.deliver(SmtpTransport())


def test_kill_9_at_each_step_sends_at_most_once_and_loses_nothing(folder: Path, smtp: Server, clock: Clock) -> None:
    """Fork, run enqueue and deliver, kill -9 before the n-th line, for every n; then start again as a person would."""
    from abireview.lore import b4mail

    b4mail.identity()  # import b4 once, before the forks
    template = (folder / "store.db").read_bytes()
    total = _lines_of(lambda: _send_everything(folder))
    assert total > 60
    assert len(smtp.mails) == 1
    killed = {"queued": 0, "unknown": 0, "sent": 0, "nothing": 0}
    for step in range(1, total + 1):
        for name in ("store.db", "store.db-wal", "store.db-shm"):
            (folder / name).unlink(missing_ok=True)
        (folder / "store.db").write_bytes(template)
        smtp.mails.clear()
        pid = os.fork()
        if pid == 0:
            _kill_at(step, lambda: _send_everything(folder))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), step
        box = open_outbox(folder)
        box.enqueue(outgoing(msgid="later@example.com"), key="draft:1")  # the person presses send again
        states = {entry.state for entry in box.deliver(SmtpTransport())} | {e.state for e in box.entries()}
        (entry,) = box.entries()
        assert len(smtp.mails) <= 1, f"sent twice after step {step}"
        if entry.state == "sent":
            assert len(smtp.mails) == 1
            killed["sent" if entry.msgid == "reply-1@example.com" else "nothing"] += 1
        else:
            assert entry.state == "unknown", states
            killed["unknown"] += 1
            archive = {mail[2].split(b"Message-Id: <")[1].split(b">")[0].decode() for mail in smtp.mails}
            box._clock = lambda: 2e9 + 10 * GRACE
            box.resolve(lambda msgid: msgid in archive)  # noqa: B023
            box.deliver(SmtpTransport())
            assert len(smtp.mails) == 1, f"after step {step}"
            assert box.entries()[0].state == "sent"
        box._db.close()
    assert killed["nothing"] > 0
    assert killed["unknown"] > 0
    assert killed["sent"] > 0


def test_many_senders_at_once_send_one_mail(folder: Path, smtp: Server) -> None:
    """Processes that all enqueue the same thing and deliver what they see."""
    from abireview.lore import b4mail

    b4mail.identity()
    pids = []
    for number in range(6):
        pid = os.fork()
        if pid == 0:
            box = open_outbox(folder)
            box.enqueue(outgoing(msgid=f"reply-{number}@example.com"), key="bot:s:2")
            box.deliver(SmtpTransport(), wait=30)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    assert len(smtp.mails) == 1
    (entry,) = open_outbox(folder).entries()
    assert (entry.state, entry.attempts) == ("sent", 1)
