# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws docs/img/review.svg: the example series in the reviewer's session, with a finding on its line."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERIES = "examples/no1n-and-system-off2.mbox"
SIZE = (168, 44)


async def draw() -> str:
    """The picture as SVG, without the font that Rich would fetch from the network."""
    from abireview.check import check
    from abireview.cli.session import references_of
    from abireview.lore.load import Loaded, LoadOptions, load
    from abireview.reply.desk import Desk
    from abireview.rules.load import load_rules
    from abireview.store.db import Store
    from abireview.tui.app import ReviewApp
    from abireview.tui.series import SeriesScreen

    rules = load_rules()

    def loader(what: str, *, refresh: bool) -> Loaded:
        return load(what, LoadOptions(offline=True))

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store.db") as store:
        desk = Desk(store, loader, lambda series: check(series, rules))
        app = ReviewApp(desk, [str(ROOT / SERIES)], references=references_of(rules))
        async with app.run_test(size=SIZE) as pilot:
            while not isinstance(app.screen, SeriesScreen):
                await pilot.pause(0.05)
            await pilot.pause()
            await pilot.press("full_stop")
            await pilot.pause()
            picture = app.export_screenshot(title="abireview review")
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def main() -> int:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, GIT_CONFIG_GLOBAL=f"{home}/gitconfig")
        Path(home, "gitconfig").write_text("[user]\n\tname = Rita Reviewer\n\temail = rita@example.com\n")
        picture = asyncio.run(draw())
    (ROOT / "docs" / "img" / "review.svg").write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
