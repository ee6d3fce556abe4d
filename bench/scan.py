# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole archive scanned, and again with twice its mails: seconds, CPU seconds and memory.

    python bench/scan.py [--jobs 2] [--every-version] [--runs 3] [FILE.mbox.xz ...]

The archives default to those in ``archive/`` below ABIREVIEW_CORPUS (default: ../shared beside the checkout). The
second half of the doubled archive is the first with other message-ids and titles, so that nothing links the halves.
Memory is the proportional set size of all processes together, at its highest of samples taken every 50 ms.

Exits 1 beyond DESIGN's bounds: 30 s, 500 MiB, and 2.2 times the time for twice the mails. The ratio is of CPU time: it
stays the same on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from abireview.mail.mbox import stream_placed

ROOT = Path(__file__).resolve().parent.parent
ABIREVIEW = Path(sys.executable).parent / "abireview"
SECONDS, MEMORY_MIB, GROWTH = 30.0, 500.0, 2.2
IDS = re.compile(rb"(?im)^(?:message-id|in-reply-to|references):.*(?:\n[ \t].*)*")


class Cost(NamedTuple):
    """Seconds, seconds, MiB, lines of the output."""

    wall: float
    cpu: float
    memory: float
    series: int


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="abireview-scan-") as name:
        work = Path(name)
        raws = [raw for file in options.archive for _, _, raw in stream_placed(file)]
        once, twice = work / "once.mbox", work / "twice.mbox"
        once.write_bytes(mbox(raws))
        twice.write_bytes(mbox([*raws, *map(other, raws)]))
        more = ["--jobs", str(options.jobs), *(["--all"] if options.every_version else [])]
        one, two = (min(scan(file, more, work) for _ in range(options.runs)) for file in (once, twice))
    print(f"{'mails':>8} {'series':>8} {'wall s':>8} {'CPU s':>8} {'MiB':>6}")
    print(f"{len(raws):8} {one.series:8} {one.wall:8.2f} {one.cpu:8.2f} {one.memory:6.0f}")
    print(f"{2 * len(raws):8} {two.series:8} {two.wall:8.2f} {two.cpu:8.2f} {two.memory:6.0f}")
    growth = two.cpu / one.cpu
    print(f"twice the mails, {growth:.2f} times the CPU time, {two.wall / one.wall:.2f} times the wall time")
    if abs(two.series - 2 * one.series) > 0.01 * two.series:
        sys.exit(f"the doubled archive has {two.series} series instead of {2 * one.series}: the halves are linked")
    return int(one.wall > SECONDS or max(one.memory, two.memory) > MEMORY_MIB or growth > GROWTH)


def arguments() -> argparse.Namespace:
    corpus = Path(os.environ.get("ABIREVIEW_CORPUS") or ROOT.parent / "shared")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("archive", nargs="*", type=Path, default=sorted((corpus / "archive").glob("*.mbox*")))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every-version", action="store_true", help="scan --all")
    parser.add_argument("--runs", type=int, default=3, help="the cheapest of N runs")
    return parser.parse_args()


def mbox(mails: Sequence[bytes]) -> bytes:
    """mboxrd."""
    quoted = (re.sub(rb"(?m)^(>*From )", rb">\1", raw) for raw in mails)
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw.rstrip(b"\n") + b"\n\n" for raw in quoted)


def other(raw: bytes) -> bytes:
    """The mail as of another series: other message-ids (those that the text names too) and another title."""
    head, gap, body = raw.partition(b"\n\n")
    head = IDS.sub(lambda field: re.sub(rb"<([^<>\s]+)>", rb"<2.\1>", field.group()), head)
    head = re.sub(rb"(?im)^(subject:.*(?:\n[ \t].*)*)$", rb"\1 again", head, count=1)
    return head + gap + re.sub(rb"([^\s<>/]{6,}@[^\s<>/]+)", rb"2.\1", body)


def scan(archive: Path, more: Sequence[str], work: Path) -> Cost:
    """One scan in a process of its own; a failure ends the benchmark."""
    out = work / "out.jsonl"
    out.unlink(missing_ok=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [ABIREVIEW, "scan", archive, "-o", out, *more]
    environ = {**os.environ, "ABIREVIEW_CACHE": str(work / "cache")}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    memory = 0.0
    while process.poll() is None:
        memory = max(memory, sum(pss(pid) for pid in tree(process.pid)))
        time.sleep(0.05)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"the scan of {archive.name} ended with {process.returncode}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu, memory, out.read_bytes().count(b"\n"))


def tree(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from tree(int(child))


def pss(pid: int) -> float:
    """Proportional set size in MiB; 0 for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
