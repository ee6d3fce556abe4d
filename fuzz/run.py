# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the fuzzers: coverage-guided by atheris (libFuzzer), from the kept corpus.

    python fuzz/run.py all --seconds 60          each target for a minute
    python fuzz/run.py mail --runs 100000        one target
    python fuzz/run.py mail --runs 100000 --keep put what reached new code into the kept corpus, as few files as do

An input that crashes, takes longer than a second, or makes the process grow ends the run with an exit code that is not
0; it is in fuzz/found/. ``python fuzz/run.py mail FILE`` runs one input again, without coverage.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("mail", "diff", "c", "feed", "rule")
SECONDS = 1  # that one input may take
LENGTH = 20_000
RSS_MIB = 1024
KEPT = 64  # entries of each cache here: at their own sizes they take 300 MiB of inputs that never repeat to be full
WARM_UP = 5_000  # executions until every cache has its size
GROWTH_MIB = 60  # that the process may grow afterwards; libFuzzer keeps its corpus in memory
sys.path.insert(0, str(HERE.parent))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", help=f"{', '.join(NAMES)} or all")
    parser.add_argument("file", nargs="*", type=Path, help="run these inputs only")
    parser.add_argument("--runs", type=int, default=-1, help="executions a target")
    parser.add_argument("--seconds", type=int, default=0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=SECONDS, help="seconds that one input may take")
    parser.add_argument("--found", type=Path, default=HERE / "found", help="where inputs are put that end a run")
    parser.add_argument("--module", default="fuzz.targets", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="add to the kept corpus")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--again", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)  # libFuzzer starts itself anew
    options = parser.parse_args()
    if options.file:
        return replay(options.target, options.file)
    if options.here:
        fuzz(options)
    return max(one(name, options) for name in (NAMES if options.target == "all" else (options.target,)))


def replay(name: str, files: list[Path]) -> int:
    from fuzz.targets import TARGETS

    for file in files:
        began = time.perf_counter()
        TARGETS[name](file.read_bytes())
        print(f"{file}: {1000 * (time.perf_counter() - began):.0f} ms")
    return 0


def one(name: str, options: argparse.Namespace) -> int:
    """A target in a process of its own (libFuzzer ends the process it runs in)."""
    if options.runs < 0 and not options.seconds:
        options.seconds = 60
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as work:
        grown = Path(work) / "corpus"
        grown.mkdir()
        command = [sys.executable, __file__, name, "--here", "--runs", str(options.runs), "--seed", str(options.seed)]
        command += ["--seconds", str(options.seconds), "--timeout", str(options.timeout)]
        command += ["--found", str(options.found), "--module", options.module]
        began = time.monotonic()
        done = subprocess.run(command, env={**os.environ, "FUZZ_GROWN": str(grown)}, check=False)
        print(f"fuzz {name}: exit {done.returncode} after {time.monotonic() - began:.0f} s", flush=True)
        if options.keep and not done.returncode:
            keep(name, grown)
    return int(done.returncode != 0)


def keep(name: str, grown: Path) -> None:
    """The seeds, and the fewest other files of the kept corpus and ``grown`` that reach all that both reach."""
    kept = HERE / "corpus" / name
    with tempfile.TemporaryDirectory(prefix="fuzz-merge-") as work:
        command = [sys.executable, __file__, name, "--here"]
        subprocess.run(
            command, env={**os.environ, "FUZZ_GROWN": work, "FUZZ_MERGE": f"{kept}{os.pathsep}{grown}"}, check=True
        )
        seeds = {one.read_bytes() for one in kept.glob("seed-*")}
        for old in kept.iterdir():
            if not old.name.startswith("seed-"):
                old.unlink()
        for one in Path(work).iterdir():
            if one.read_bytes() not in seeds:
                shutil.copy(one, kept / one.name)


def small_caches() -> None:
    """Make every ``lru_cache`` of the package so small that it is full at once: what grows then is no cache."""
    from abireview.facts import extract

    extract._CACHED = KEPT  # type: ignore[misc]
    modules = [module for name, module in sys.modules.items() if name.startswith("abireview")]
    small: dict[object, object] = {}
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, functools._lru_cache_wrapper):
                if value not in small:
                    small[value] = functools.lru_cache(maxsize=KEPT)(value.__wrapped__)
                setattr(module, name, small[value])


def fuzz(options: argparse.Namespace) -> None:
    """Never returns."""
    import atheris

    with atheris.instrument_imports(include=["abireview"]), contextlib.suppress(KeyboardInterrupt):
        target = importlib.import_module(options.module).TARGETS[options.target]
    small_caches()
    count = base = 0

    def run(data: bytes) -> None:
        nonlocal count, base
        target(data)
        count += 1
        if count == WARM_UP:
            base = _rss()
        if base and count % 1000 == 0 and _rss() > base + GROWTH_MIB:
            raise MemoryError(f"grew from {base} to {_rss()} MiB in {count} executions")

    options.found.mkdir(exist_ok=True)
    itself = f"{sys.executable} {__file__} {options.target} --here --again"  # as libFuzzer gives it to a shell
    if options.again is not None:
        atheris.Setup([itself, *options.again], run)
        atheris.Fuzz()
    arguments = [itself, f"-artifact_prefix={options.found}/{options.target}-"]
    arguments += [
        f"-timeout={options.timeout}",
        f"-max_len={LENGTH}",
        f"-rss_limit_mb={RSS_MIB}",
        f"-seed={options.seed}",
        "-print_final_stats=1",
    ]
    words = HERE / "words" / f"{options.target}.dict"
    arguments += [f"-dict={words}"] if words.exists() else []
    merge = os.environ.get("FUZZ_MERGE")
    if merge:
        # what is reached, not how often: a corpus that stays small
        arguments += ["-set_cover_merge=1", "-use_counters=0", os.environ["FUZZ_GROWN"], *merge.split(os.pathsep)]
    else:
        arguments += [f"-runs={options.runs}", f"-max_total_time={options.seconds}"]
        kept = HERE / "corpus" / options.target
        arguments += [os.environ["FUZZ_GROWN"], *([str(kept)] if kept.is_dir() else [])]
    atheris.Setup(arguments, run)
    atheris.Fuzz()


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    sys.exit(main())
