# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of issue 5 in a real terminal, with a real public-inbox and a real SMTP server on loopback."""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abireview.lore.load import LoadOptions, load
from tests import pinbox
from tests.tui.archive_smtp import ArchiveServer
from tests.tui.tmux import Tmux
from tests.tui.tui_make import RULES, series

ADDRESS = "kvm@lists.example"

pytestmark = pytest.mark.server


class Lore:
    """The archive: its URL, and the processes behind it, so that they can be told to look again."""

    def __init__(self, url: str, smtp: ArchiveServer, pids: list[int]) -> None:
        self.url, self.smtp, self.pids = url, smtp, pids

    def look_again(self) -> None:
        """A running public-inbox-httpd sees new mail in searches at once after SIGHUP (else within 30 s)."""
        for pid in self.pids:
            os.kill(pid, signal.SIGHUP)
        time.sleep(0.2)

    def post(self, mails: list[bytes]) -> None:
        """Mails arrive, as from their author."""
        with smtplib.SMTP("127.0.0.1", self.smtp.port) as client:
            for raw in mails:
                client.sendmail("ada@example.org", [ADDRESS], raw.replace(b"\n", b"\r\n"))
        self.smtp.mails.clear()


@pytest.fixture
def lore(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lore]:
    top = home / "lore"
    pinbox.make_inbox(top / "kvm", series(1))
    config = pinbox.write_config(top, ["kvm"])
    pids: list[int] = []
    popen = subprocess.Popen

    def noted(*args: Any, **kwargs: Any) -> Any:
        process = popen(*args, **kwargs)
        pids.append(process.pid)
        return process

    with monkeypatch.context() as patch:
        patch.setattr(pinbox.subprocess, "Popen", noted)
        server = pinbox.serve(config)
        url = server.__enter__()
    try:
        with ArchiveServer(config, ADDRESS, home) as smtp:
            with (home / "gitconfig").open("a") as file:
                file.write(f"[sendemail]\n\tsmtpServer = 127.0.0.1\n\tsmtpServerPort = {smtp.port}\n")
            yield Lore(f"{url}/kvm", smtp, pids[:1])
    finally:
        server.__exit__(None, None, None)


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "ABIREVIEW_CACHE": str(home / "store"),
        "ABIREVIEW_CACHE_DIR": str(home / "store"),
        "TERM": "screen-256color",
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "EDITOR": "false",
    }


@pytest.mark.skipif(shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is missing")
def test_the_story_in_a_terminal(lore: Lore, home: Path) -> None:
    run = "from abireview.cli.main import run; run()"
    command = [sys.executable, "-c", run, "review", "--server", lore.url, "--rules", str(RULES)]
    env = environment(home)
    with Tmux(home) as terminal:
        # add a series by message-id, go to its second finding, settle it as false positive
        pid = terminal.start(command, env)
        terminal.wait("The queue is empty")
        terminal.keys("A")
        terminal.wait("Add a series")
        terminal.write("<v1-2@example.org>")
        terminal.keys("Enter")
        terminal.wait("Number the", "▲3", "v1 3/3")
        terminal.keys("Enter")
        terminal.wait("3 flags", "No finding in this mail")
        terminal.keys(".", ".")
        terminal.wait("2 of 3", "WIDGET_LIMIT goes from 1 to 20", "Who asked for this [/b] limit?"[:16])
        terminal.keys("a")
        terminal.wait("false positive")
        terminal.keys("f")
        terminal.write("only the tests read it")
        terminal.keys("Enter")
        terminal.wait("answered", "2 flags", gone="keep it quiet")
        # draft a reply to patch 3, edit, kill the program
        terminal.keys("n")
        terminal.wait("Subject: [PATCH 3/3]")
        terminal.keys("r")
        terminal.wait("Reply to [PATCH 3/3]", "> +#define WIDGET_BASE")
        terminal.write("Hello Ada, thank you.")
        terminal.keys("Enter", "Enter")
        terminal.wait("Hello Ada, thank you.")
        time.sleep(0.3)  # the keys have left tmux; the program may still be reading the last
        terminal.kill(pid)
    assert lore.smtp.mails == []

    with Tmux(home) as terminal:
        # start again, find the draft, send
        terminal.start(command, env)
        terminal.wait("Number the", "▲2")
        terminal.keys("Enter")
        terminal.wait("✎", "2 flags")
        terminal.keys("n", "n", "n")
        terminal.wait("Subject: [PATCH 3/3]")
        terminal.keys("r")
        terminal.wait("Hello Ada, thank you.")
        terminal.keys("C-y")
        terminal.wait("nothing has left yet", "Ctrl-y sends this to 3 recipients", "In-Reply-To: <v1-3@example.org>")
        assert lore.smtp.mails == []
        terminal.keys("C-y", "C-y")
        terminal.wait("Subject: [PATCH 3/3]", gone="✎")
        terminal.keys("O")
        terminal.wait("Outbox", "sent", "Re: [PATCH 3/3] KVM: arm64: Correct WIDGET_BASE")
        terminal.keys("Q")
        terminal.wait("Subject: [PATCH 3/3]")
        terminal.keys("Q")
        terminal.wait("by date", "replied")
        terminal.keys("Q")
        terminal.wait_for_end()

    # read the mail as the server took it: threading, quoting, once
    ((sender, recipients, raw),) = lore.smtp.mails
    assert (sender, sorted(recipients)) == ("rita@example.com", ["ada@example.org", ADDRESS, "max@example.net"])
    mail = email.message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=email.policy.default)
    assert mail["In-Reply-To"] == "<v1-3@example.org>"
    body = mail.get_content()
    quoted = body.index("> diff --git a/arch/arm64/include/asm/kvm_widget3.h")
    assert (
        quoted < body.index("> @@ -20,9 +20,9 @@") < body.index("> +#define WIDGET_BASE\t200\n\nHello Ada, thank you.")
    )
    assert "WIDGET_LIMIT" not in body
    msgid = str(mail["Message-Id"]).strip("<>")
    lore.look_again()
    thread = load("v1-3@example.org", LoadOptions(server=lore.url)).thread
    assert thread is not None
    assert [reply.msgid for reply in thread.replies_to("v1-3@example.org")] == [msgid]
    with urllib.request.urlopen(f"{lore.url}/v1-3@example.org/t/") as page:
        html = page.read().decode()
    assert html.index("[PATCH 3/3]") < html.index("Hello Ada, thank you.")

    # then v2 arrives, in a thread of its own: the settled finding is not asked again
    lore.post(series(2, values=(2, 20, 201)))
    lore.look_again()
    with Tmux(home) as terminal:
        terminal.start(command, env)
        terminal.wait("Number the", "replied")
        terminal.keys("u")
        terminal.wait("v2 3/3", "1/1/1", "new", gone="at work")
        terminal.keys("Enter")
        terminal.wait("[PATCH v2 0/3]", "2 flags")
        terminal.keys("D")
        terminal.wait("New since v1 (1)", "Carried (1)", "Settled (1)", "only the tests read it")
    assert lore.smtp.mails == []
