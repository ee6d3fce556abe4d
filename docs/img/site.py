#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw docs/img/site-*.png: the bot's static pages about the example series, in Chromium at desktop and phone width."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from abireview.bot.log import Log
from abireview.bot.policy import read_policy
from abireview.bot.run import Bot, Parts
from abireview.bot.site import Site, page_name
from abireview.check import check
from abireview.lore.http import Http
from abireview.mail.decode import decode_head
from abireview.mail.mbox import split_mbox
from abireview.rules.load import load_rules
from abireview.store.botmail import BotMail
from abireview.store.db import Store

TOP = Path(__file__).resolve().parents[2]
HERE = TOP / "docs" / "img"
WIDTHS = {"desktop": (1200, 900), "phone": (390, 844)}
POLICY = """
schema = 1
[bot]
name = "abireview on kvmarm"
address = "abireview@bots.example"
contact = "Op Erator <op@bots.example>"
[[list]]
name = "kvmarm"
addresses = ["kvmarm@lists.linux.dev"]
consent = "https://lore.kernel.org/kvmarm/consent@example.org/"
mode = "draft"
watch = "none"
"""


def build(folder: Path) -> list[str]:
    """The site in ``folder``/site; the ids of its series."""
    mails = [raw for path in sorted((TOP / "examples").glob("*.mbox")) for raw in split_mbox(path.read_bytes())]
    now = max(decode_head(raw).date or 0 for raw in mails) + 86400.0
    rules = load_rules()
    with Store(folder / "abireview.db") as store, Http(BotMail.of(store), folder) as http:
        policy = read_policy(POLICY.encode())
        parts = Parts(
            http=http,
            check=lambda series: check(series, rules),
            rules=rules.hash,
            attest=lambda raw, sender: ("fail", ""),
            transport=None,
            log=Log(),
            clock=lambda: now,
        )
        BotMail.of(store).take("", ["kvmarm"], mails, None, now - 7200)
        bot = Bot(store, policy, parts)
        bot.turn()
        Site(store, policy, folder / "site", clock=lambda: now).write()
        return [row.id for row in bot.series.rows(["checked"])]


def picture(chromium: str, page: Path, target: Path, size: tuple[int, int]) -> None:
    """Draw ``page`` into ``target``."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={size[0]},{size[1]}",
                f"--screenshot={target}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main() -> int:
    """Draw all pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("chromium is missing: apt-get install --no-install-recommends chromium\n")
        return 2
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        ids = build(folder)
        pages = {"index": folder / "site" / "index.html", "series": folder / "site" / "s" / page_name(ids[0])}
        for name, page in pages.items():
            for width, size in WIDTHS.items():
                picture(chromium, page, HERE / f"site-{name}-{width}.png", size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
