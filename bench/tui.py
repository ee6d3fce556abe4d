# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast the reviewer's session is: a series of 60 patches with 20 000 diff lines, and a queue of 5 000 series.

    python bench/tui.py [--size 200x60]

Headless, but with everything a terminal would get drawn. ``open`` is from the key to the first whole screen, ``frame``
from a key to the screen that answers it; in milliseconds of CPU time, and of wall time beside it (which is also what
else the machine does). The exit status is 1 if a limit of issue 5 is missed: open 1 000 ms, frame 50 ms of CPU time at
the 95th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from abireview.check import check
from abireview.findings.model import Result
from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.model import Series
from abireview.mail.series import Thread, assemble, pick
from abireview.reply.desk import Desk, Opened, Version
from abireview.rules.load import load_rules
from abireview.store.db import Store
from abireview.tui.app import ReviewApp
from abireview.tui.series import SeriesScreen

PATCHES, DIFF_LINES, ROWS = 60, 20_000, 5_000
OPEN_LIMIT, FRAME_LIMIT = 1000.0, 50.0  # milliseconds; issue 5
KEYS = ("space", "j", "j", "k", "b", "space", "space", "ctrl+d", "G", "g", "l", "h")


def big_series(patches: int, lines: int) -> tuple[Thread, Series]:
    """A series of ``patches`` patches with ``lines`` added and removed lines of C together, as mails."""
    each = lines // patches // 2
    raws = [b"From: A <a@example.org>\nSubject: [PATCH 0/%d] Big\nMessage-ID: <0@x>\n\nBig.\n" % patches]
    for n in range(1, patches + 1):
        path = f"arch/arm64/kvm/big{n}.c"
        body = "".join(
            f'-\tif (widget_{k} == 0x{k:x}) /* old {k} */\n+\tif (widget_{k} != {k} && "{k}"[0]) // new {k}\n'
            for k in range(each)
        )
        raws.append(
            f"From: A <a@example.org>\nSubject: [PATCH {n}/{patches}] Big part {n}\nMessage-ID: <{n}@x>\n"
            f"In-Reply-To: <0@x>\n\nPart {n}.\n---\n\ndiff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
            f"@@ -1,{each} +1,{each} @@ static int f(void)\n{body}-- \n2.39\n".encode()
        )
    thread = assemble([decode(raw) for raw in raws], projects())
    return thread, pick(thread)


class Frames:
    """When the screen was last drawn."""

    def __init__(self, app: ReviewApp) -> None:
        self.last = self.cpu = 0.0
        draw = app._display

        def display(screen: Any, renderable: Any) -> None:
            draw(screen, renderable)
            self.last, self.cpu = time.perf_counter(), time.process_time()

        app._display = display  # type: ignore[method-assign]


Took = tuple[float, float]  # milliseconds of CPU and of wall time


async def press(pilot: Any, frames: Frames, key: str) -> Took:
    """How long it took from a key to the last thing drawn for it."""
    start, cpu = time.perf_counter(), time.process_time()
    await pilot.press(key)
    await pilot.pause()
    return max(0.0, (frames.cpu - cpu) * 1000), max(0.0, (frames.last - start) * 1000)


async def scroll(pilot: Any, frames: Frames, rounds: int) -> list[Took]:
    """Frame times of many keys."""
    return [await press(pilot, frames, key) for _ in range(rounds) for key in KEYS]


def say(name: str, times: list[Took], limit: float) -> bool:
    """Print one line; True if the limit was kept."""
    cpu = sorted(took for took, _ in times)
    wall = sorted(took for _, took in times)
    at = min(len(times) - 1, int(len(times) * 0.95))
    kept = cpu[at] <= limit
    verdict = "ok" if kept else "MISSED"
    print(
        f"{name:31} CPU median {statistics.median(cpu):6.1f} p95 {cpu[at]:6.1f} max {cpu[-1]:6.1f} ms, "
        f"wall median {statistics.median(wall):6.1f} p95 {wall[at]:5.1f} limit {limit:.0f} {verdict}"
    )
    return kept


async def series_bench(desk: Desk, size: tuple[int, int], patches: int, lines: int) -> bool:
    """One series: open it, scroll in it."""
    thread, series = big_series(patches, lines)
    result: Result = check(series, load_rules())
    opened = Opened("bench", thread, (Version(series, result, result),), 0, ())
    app = ReviewApp(desk)
    kept = True
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.keep(0, opened)  # as when the check is done
        frames = Frames(app)
        opens = []
        for _ in range(5):
            start, cpu = time.perf_counter(), time.process_time()
            await app.push_screen(SeriesScreen(opened))
            await pilot.press("n")
            await pilot.pause()
            opens.append(((frames.cpu - cpu) * 1000, (frames.last - start) * 1000))
            await pilot.press("Q")
        kept &= say(f"open {patches} patches, {lines} lines", opens, OPEN_LIMIT)
        await app.push_screen(SeriesScreen(opened))
        await pilot.press("n")
        kept &= say(f"scroll {patches} patches, {lines} lines", await scroll(pilot, frames, 8), FRAME_LIMIT)
        if patches > 1:
            times = [await press(pilot, frames, key) for key in ("n", "n", "n", "p", "n", "p", "n", "n", "n", "n")]
            kept &= say("next and previous patch", times, FRAME_LIMIT)
    return kept


def fill(store: Store, rows: int) -> None:
    """A queue of ``rows`` series."""
    db = store.connection
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO tracked (source, origin, lineage, series, title, tag, author, date, arch, high, medium, state,"
        " added, changed) VALUES (?, 'watch', '[]', ?, ?, 'v2 4/4', ?, ?, 'arm64', ?, ?, 'new', 0, 0)",
        [
            (f"{k}@x", f"{k}@x", f"[PATCH v2 0/4] KVM: widget {k}", f"Author {k % 97}", 10**9 + k, k % 3 == 0, k % 2)
            for k in range(rows)
        ],
    )
    db.execute("COMMIT")


async def queue_bench(desk: Desk, size: tuple[int, int]) -> bool:
    """A long queue: show it, scroll it, sort it."""
    fill(desk.store, ROWS)
    app = ReviewApp(desk)
    start, cpu = time.perf_counter(), time.process_time()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        frames = Frames(app)
        opened = ((time.process_time() - cpu) * 1000, (time.perf_counter() - start) * 1000)
        kept = say(f"open a queue of {ROWS}", [opened], OPEN_LIMIT)
        kept &= say(f"scroll a queue of {ROWS}", await scroll(pilot, frames, 8), FRAME_LIMIT)
        times = [await press(pilot, frames, "o") for _ in range(5)]
        say(f"sort a queue of {ROWS} (no limit)", times, 1000)
    return kept


def main() -> int:
    """Run all of them."""
    parser = argparse.ArgumentParser(description="Speed of the reviewer's session.")
    parser.add_argument("--size", default="200x60", help="columns x rows")
    width, height = map(int, parser.parse_args().size.split("x"))
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, GIT_CONFIG_GLOBAL=f"{home}/gitconfig")
        Path(home, "gitconfig").write_text("[user]\n\tname = B\n\temail = b@example.org\n")
        with Store(Path(home) / "store.db") as store:
            desk = Desk(store, None, None)  # type: ignore[arg-type]
            kept = asyncio.run(series_bench(desk, (width, height), PATCHES, DIFF_LINES))
            kept &= asyncio.run(series_bench(desk, (width, height), 1, DIFF_LINES))
            kept &= asyncio.run(queue_bench(desk, (width, height)))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
