# SPDX-License-Identifier: GPL-2.0-or-later
"""A real public-inbox (Debian's 1.9 or later) on loopback, made from raw mails.

A v2 inbox is a bare git repository with one commit a mail; git fast-import writes it, public-inbox-index indexes it,
public-inbox-httpd gets its socket as systemd would hand it over (no port race, no waiting).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from abireview.mail.decode import decode_head

_TRAMPOLINE = (
    "import os,sys; os.dup2(int(sys.argv[1]),3); os.environ['LISTEN_PID']=str(os.getpid());"
    "os.execvp(sys.argv[2],sys.argv[2:])"
)


def _environ(config: Path | str) -> dict[str, str]:
    return {**os.environ, "PI_CONFIG": str(config), "GIT_CONFIG_GLOBAL": os.devnull}


def make_inbox(top: Path, mails: Sequence[bytes], level: str = "full") -> None:
    """A v2 inbox at ``top`` with ``mails`` in order of arrival; search with phrases needs level "full"."""
    git = top / "git" / "0.git"
    git.parent.mkdir(parents=True)
    env = _environ(os.devnull)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(git)], check=True, env=env)
    commits = []
    for raw in mails:
        date = decode_head(raw).date or 0
        commits.append(
            b"commit refs/heads/master\nauthor a <a@x> %d +0000\ncommitter a <a@x> %d +0000\ndata 0\n"
            b"M 100644 inline m\ndata %d\n%s\n" % (date, date, len(raw), raw)
        )
    subprocess.run(
        ["git", "-C", str(git), "fast-import", "--quiet", "--done"],
        input=b"".join(commits) + b"done\n",
        check=True,
        env=env,
    )
    (top / "inbox.lock").touch()  # this alone makes it a v2 inbox
    subprocess.run(["public-inbox-index", "--no-fsync", "-L", level, str(top)], check=True, env=env, timeout=120)


def write_config(top: Path, names: Sequence[str], level: str = "full") -> Path:
    """The configuration of a server with the inboxes ``top/NAME`` at ``/NAME``."""
    lines = ["[publicinbox]\n\twwwlisting = all\n\tgrokmanifest = all\n[publicinboxmda]\n\tspamcheck = none\n"]
    lines += [
        f'[publicinbox "{name}"]\n\taddress = {name}@lists.example\n\turl = /{name}\n'
        f"\tinboxdir = {top / name}\n\tindexlevel = {level}\n"
        for name in names
    ]
    config = top / "config"
    config.write_text("".join(lines))
    return config


@contextlib.contextmanager
def serve(config: Path, program: str = "public-inbox-httpd") -> Iterator[str]:
    """``http://127.0.0.1:PORT`` of a running server; it ends with the block."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    process = subprocess.Popen(
        [sys.executable, "-IS", "-c", _TRAMPOLINE, str(listener.fileno()), program, "-W0"],
        pass_fds=(listener.fileno(),),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**_environ(config), "LISTEN_FDS": "1"},
    )
    url = "http://{}:{}".format(*listener.getsockname())
    listener.close()
    try:
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
