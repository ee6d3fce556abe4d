# SPDX-License-Identifier: GPL-2.0-or-later
"""abireview beside ``b4 am -o -`` and ``checkpatch.pl`` on the same series of a real archive.

    python bench/compare.py --checkpatch linux/scripts/checkpatch.pl [--every 8] [--archive FILE.mbox.xz]

The archive is ``archive/`` below ABIREVIEW_CORPUS (default: ../shared beside the checkout). Every N-th kernel series of
the newest versions is taken. All three get them from local files, nothing is fetched:

* ``abireview scan`` over one mbox with the threads of these series, with one process and with two; the median of
  several runs, spread over those of the others so that a busy moment does not help one side;
* ``b4 am -o -`` once a series, as its user runs it, on an mbox with the series' thread;
* ``checkpatch.pl`` once a patch, as ``git format-patch`` would have written it: as its user runs it, at the top of the
  kernel tree that the script stands in (where that is a whole one), and once more with ``--no-tree``, which leaves
  out what it looks up in the tree.

CPU time is user and system with all children; its ratio is that to one process, start-up on both sides. The ratio of
wall time is that to two processes, with b4 and checkpatch run one after the other as they come: two of them side by
side would halve it. Exits 1 if a CPU ratio that was asked for is missed: 20 for b4, 50 for checkpatch as its user
runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from abireview.mail.decode import decode, decode_head
from abireview.mail.mbox import stream_placed
from abireview.mail.series import connected

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PARTS = 4  # of the series, between which scans are measured
B4_RATIO, CHECKPATCH_RATIO = 20.0, 50.0


class Cost(NamedTuple):
    """Seconds."""

    cpu: float
    wall: float

    def __add__(self, other: object) -> Cost:
        assert isinstance(other, Cost)
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


def run(command: Sequence[str | Path], environ: dict[str, str], cwd: Path, ok: Sequence[int] = (0,)) -> Cost:
    """What ``command`` costs; its output is thrown away. Exits if it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), env=environ, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return Cost(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall)


def mbox(mails: Sequence[bytes]) -> bytes:
    """mboxrd."""
    import re

    quoted = (re.sub(rb"(?m)^(>*From )", rb">\1", raw) for raw in mails)
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw.rstrip(b"\n") + b"\n\n" for raw in quoted)


def environment(work: Path) -> dict[str, str]:
    """A home of its own, and a b4 that looks nothing up."""
    config = work / "gitconfig"
    config.write_text("[user]\n\tname = B\n\temail = b@example.org\n[b4]\n\tattestation-policy = off\n")
    private = {name: str(work / name.lower()) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    # each side with its modules compiled: pip did so for b4's, ours are at the first run
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        **private,
        "HOME": str(work),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "ABIREVIEW_CACHE": str(work / "cache"),
    }


def main() -> int:
    options = arguments()
    raws = [raw for _, _, raw in stream_placed(options.archive)]
    with tempfile.TemporaryDirectory(prefix="abireview-compare-") as name:
        work = Path(name)
        environ = environment(work)
        chosen = choose(options.archive, options.every, work, environ)
        threads = threads_of(raws, [one["series"]["id"] for one in chosen])
        patches = {patch["msgid"] for one in chosen for patch in one["series"]["patches"]}
        print(f"{len(chosen)} series, {len(patches)} patches, {sum(map(len, threads.values()))} mails in their threads")
        (work / "all.mbox").write_bytes(mbox([raw for mails in threads.values() for raw in mails]))
        scan = [BIN / "abireview", "scan", work / "all.mbox", "-o", work / "out.jsonl"]
        ours: dict[int, list[Cost]] = {1: [], 2: []}

        def measure() -> None:
            for jobs, costs in ours.items():
                costs.append(run([*scan, "--jobs", str(jobs)], environ, work))

        measure()
        b4 = Cost(0, 0)
        for part in batched(threads, PARTS):
            b4 = sum((am(msgid, threads[msgid], work, environ) for msgid in part), b4)
            measure()
        others = [("b4 am -o -, one series after the other", b4, B4_RATIO)]
        if options.checkpatch:
            others += beside_checkpatch(options.checkpatch.resolve(), raws_of(raws, patches), work, environ)
            measure()
    return report(median(ours[1]), median(ours[2]), others, len(chosen))


def batched(names: Iterable[str], parts: int) -> list[list[str]]:
    """NAMES in so many lists of about the same length."""
    named = list(names)
    size = max(1, -(-len(named) // parts))
    return [named[start : start + size] for start in range(0, len(named), size)]


def median(costs: Sequence[Cost]) -> Cost:
    """The run in the middle, by CPU time."""
    return sorted(costs)[len(costs) // 2]


def report(one: Cost, two: Cost, others: Sequence[tuple[str, Cost, float]], series: int) -> int:
    """Print the table; 1 if a ratio of CPU time is too small. ``one`` and ``two`` are ours by number of processes."""
    print(f"{'':42} {'CPU s':>8} {'wall s':>8} {'CPU ms/series':>14} {'CPU ratio':>10} {'wall ratio':>11}")
    for name, cost in (("abireview scan, 1 process", one), ("abireview scan, 2 processes", two)):
        print(f"{name:42} {cost.cpu:8.2f} {cost.wall:8.2f} {1000 * cost.cpu / series:14.1f}")
    missed = False
    for name, cost, wanted in others:
        cpu, wall = cost.cpu / one.cpu, cost.wall / two.wall
        missed |= cpu < wanted
        less = f"  less than {wanted:.0f}x" if cpu < wanted else ""
        row = f"{name:42} {cost.cpu:8.2f} {cost.wall:8.2f} {1000 * cost.cpu / series:14.1f}"
        print(f"{row} {cpu:9.1f}x {wall:10.1f}x{less}")
    return int(missed)


def arguments() -> argparse.Namespace:
    corpus = Path(os.environ.get("ABIREVIEW_CORPUS") or ROOT.parent / "shared")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, default=corpus / "archive" / "kvmarm-2019-2022.mbox.xz")
    parser.add_argument("--checkpatch", type=Path, help="scripts/checkpatch.pl of a kernel tree")
    parser.add_argument(
        "--every", type=int, default=1, help="take every N-th series: quicker, but a scan of few is mostly its start"
    )
    return parser.parse_args()


def choose(archive: Path, every: int, work: Path, environ: dict[str, str]) -> list[dict]:
    """Every N-th of the kernel series that a scan of the archive gives."""
    run([BIN / "abireview", "scan", archive, "-o", work / "archive.jsonl"], environ, work)
    with (work / "archive.jsonl").open("rb") as file:
        found = [json.loads(line) for line in file]
    return [one for one in found if one["series"]["kernel"] and not one["series"]["missing"]][::every]


def threads_of(raws: Sequence[bytes], ids: Sequence[str]) -> dict[str, list[bytes]]:
    """The mails of the threads that these message-ids are in."""
    heads = {}
    mails: dict[str, bytes] = {}
    for raw in raws:
        head = decode_head(raw)
        heads.setdefault(head.msgid, head)
        mails.setdefault(head.msgid, raw)
    wanted = set(ids)
    found = {}
    for group in connected(list(heads.values())):
        members = [head.msgid for head in group]
        for msgid in wanted.intersection(members):
            found[msgid] = [mails[member] for member in members]
    return {msgid: found[msgid] for msgid in ids}


def raws_of(raws: Sequence[bytes], ids: set[str]) -> list[bytes]:
    """The mails with these message-ids, each once."""
    return list({head.msgid: raw for raw in raws if (head := decode_head(raw)).msgid in ids}.values())


def am(msgid: str, mails: Sequence[bytes], work: Path, environ: dict[str, str]) -> Cost:
    """``b4 am -o -`` of one series."""
    thread = work / "thread.mbox"
    thread.write_bytes(mbox(mails))
    command = [BIN / "b4", "--offline-mode", "am", "-m", thread, "-o", "-", "--no-cover", msgid]
    return run(command, environ, work, ok=(0, 1))


def beside_checkpatch(
    script: Path, raws: Sequence[bytes], work: Path, environ: dict[str, str]
) -> list[tuple[str, Cost, float]]:
    """A row for each way of running it that is possible; the first is the one that is judged."""
    ways = [True, False] if is_tree(script.parent.parent) else [False]
    rows = []
    for in_tree in ways:
        cost = sum((checkpatch(raw, script, work, environ, in_tree) for raw in raws), Cost(0, 0))
        how = "in its tree" if in_tree else "--no-tree"
        rows.append((f"checkpatch.pl {how}, patch after patch", cost, 0.0 if rows else CHECKPATCH_RATIO))
    return rows


def is_tree(path: Path) -> bool:
    """Whether ``path`` is the top of a kernel tree, as checkpatch.pl's top_of_kernel_tree() sees it."""
    names = "COPYING CREDITS Kbuild Makefile README Documentation arch include drivers fs init ipc kernel lib scripts"
    return all((path / name).exists() for name in names.split())


def checkpatch(raw: bytes, script: Path, work: Path, environ: dict[str, str], in_tree: bool) -> Cost:
    """checkpatch.pl on one patch, decoded as git would write it."""
    message = decode(raw)
    patch = work / "one.patch"
    patch.write_text(f"From: {message.author}\nSubject: {message.subject}\n\n{message.body}", errors="replace")
    more = [] if in_tree else ["--no-tree"]
    where = script.parent.parent if in_tree else work
    return run(["perl", script, *more, "--terse", "--no-summary", patch], environ, where, ok=(0, 1))


if __name__ == "__main__":
    sys.exit(main())
