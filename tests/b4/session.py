# SPDX-License-Identifier: GPL-2.0-or-later
"""b4 0.16 itself, without its screen: run as a program in a repository, it prints what b4 makes of our results.

session.py checks MBOX [--tracking]   the per-patch and the series command, as its checks matrix runs them
session.py branch MBOX                a review branch from the commits of FETCH_HEAD, as `b4 review track` makes one
session.py integrate BRANCH           what a review session takes from .git/b4-review
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import b4
import b4.review
import b4.review.checks as checks
import b4.review.tracking


def messages(path: str) -> list[tuple[str, EmailMessage]]:
    found = []
    for msg in b4.mailsplit_bytes(Path(path).read_bytes()):
        subject = b4.LoreSubject(msg.get("subject", ""))
        found.append((subject.counter, msg.get("message-id", "").strip("<> "), msg))
    return [(msgid, msg) for _, msgid, msg in sorted(found, key=lambda one: one[0])]


def run_checks(path: str, branch: str) -> dict[str, Any]:
    perpatch, series = checks.load_check_cmds()
    top = b4.git_get_toplevel()
    assert top
    extra: dict[str, str] = {}
    if branch:
        _, tracking = b4.review.load_tracking(top, branch)
        handle, name = tempfile.mkstemp(suffix=".json")
        with os.fdopen(handle, "w") as file:
            json.dump(tracking, file)
        extra["B4_TRACKING_FILE"] = name
    mails = messages(path)
    conn = checks.get_db()
    done = checks.run_perpatch_checks(mails[1:], perpatch, top, extra_env=extra)
    whole = checks.run_series_checks(mails[0], series, top, extra_env=extra)
    for msgid, results in done.items():
        checks.store_results(conn, msgid, results)
    checks.store_results(conn, mails[0][0], whole)
    kept = checks.get_cached_results(conn, [msgid for msgid, _ in mails])
    return {"commands": [perpatch, series], "patches": done, "series": whole, "kept": kept}


def make_branch(path: str) -> dict[str, Any]:
    top = b4.git_get_toplevel()
    assert top
    mailbox = b4.LoreMailbox()
    for _, msg in messages(path):
        mailbox.add_message(msg)
    series = mailbox.get_series(codereview_trailers=False)
    name = "b4/review/20260101-test"
    base = subprocess.run(["git", "rev-parse", "main"], check=True, capture_output=True, text=True).stdout.strip()
    b4.review.create_review_branch(top, name, base, series, "", "https://example.org/%s")
    cover, tracking = b4.review.load_tracking(top, name)
    blob = subprocess.run(["git", "hash-object", "-w", path], check=True, capture_output=True, text=True).stdout.strip()
    tracking["series"]["thread-blob"] = blob
    assert b4.review.save_tracking_ref(top, name, cover, tracking)
    return {"branch": name}


def integrate(branch: str) -> dict[str, Any]:
    session = b4.review._prepare_review_session(argparse.Namespace(branch=branch))
    _, tracking = b4.review.load_tracking(session["topdir"], branch)
    return {"patches": tracking["patches"], "series": tracking["series"].get("reviews", {})}


def trailers(text: str) -> list[str]:
    found, _ = b4.LoreMessage.find_trailers(text, followup=True)
    return [one.as_string() for one in found]


def main() -> None:
    b4.setup_config(argparse.Namespace(config={}), topdir=None)
    b4.can_network = False
    verb, *arguments = sys.argv[1:]
    if verb == "checks":
        shown = run_checks(arguments[0], arguments[1] if len(arguments) > 1 else "")
    elif verb == "branch":
        shown = make_branch(arguments[0])
    elif verb == "integrate":
        shown = integrate(arguments[0])
    else:
        shown = {"trailers": trailers(sys.stdin.read())}
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main()
