# SPDX-License-Identifier: GPL-2.0-or-later
"""What only a real terminal shows: leaving, editors, the exit code, what is left behind on the screen."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.tui.test_story_server import environment
from tests.tui.tmux import Tmux
from tests.tui.tui_make import RULES

RUN = [sys.executable, "-c", "from abireview.cli.main import run; run()", "review", "--rules", str(RULES)]

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None and not os.environ.get("CI"), reason="tmux is missing"),
]


def test_whoever_leaves_need_not_wait_for_a_server(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, Tmux(home) as terminal:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}/list"
        terminal.start([*RUN, "--server", server, "a@example.org"], environment(home))
        terminal.wait("fetching a@example.org", "1 at work")
        start = time.monotonic()
        terminal.keys("Q")
        terminal.wait_for_end()
        assert time.monotonic() - start < 5


def test_the_persons_own_editor(home: Path, widgets: str) -> None:
    editor = home / "editor"
    editor.write_text(
        f"#!{sys.executable}\nimport sys\np = sys.argv[-1]\nassert p.endswith('.b4-review.eml')\nt = open(p).read()\n"
        "input('EDITING, press Enter')\nopen(p, 'w').write('By my editor.\\n' + t)\n"
    )
    editor.chmod(0o755)
    env = {**environment(home), "GIT_EDITOR": str(editor)}
    with Tmux(home) as terminal:
        terminal.start([*RUN, "--offline", widgets], env)
        terminal.wait("No finding in this mail")
        terminal.keys("n")
        terminal.wait("Subject: [PATCH 1/3]")
        terminal.keys("r")
        terminal.wait("Reply to [PATCH 1/3]")
        terminal.keys("C-o")
        terminal.wait("EDITING, press Enter")
        terminal.keys("Enter")
        terminal.wait("By my editor.", "Reply to [PATCH 1/3]")
        terminal.keys("Escape")
        terminal.wait("✎")


def test_escapes_in_mails_do_nothing_to_the_terminal(home: Path) -> None:
    from tests.tui.test_nasty import DIFF, HEAD

    body = DIFF.format(old=1, new=2) + " \x1b]0;OWNED\x07\x1b[2J\x1b[31m\n+\x1b[999;999H\x9b2J\x0e x\n"
    raw = HEAD.format(n=1) + "Subject: [PATCH] [/x] \x1b]2;OWNED\x07 [red]y\n\n\x1bc\x1b[?1049l text\n---\n" + body
    (home / "evil.mbox").write_bytes(raw.encode("latin-1"))
    with Tmux(home) as terminal:
        terminal.start([*RUN, "--offline", str(home / "evil.mbox")], environment(home))
        terminal.wait("Subject: [PATCH] [/x]")
        terminal.wait("[red]y", "diff --git a/x.c b/x.c", "␛[999;999H", "Help")
        assert "OWNED" not in terminal.title()
