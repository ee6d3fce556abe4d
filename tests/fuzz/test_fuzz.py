# SPDX-License-Identifier: GPL-2.0-or-later
"""The fuzzers: every input of the kept corpus again, a short run of each target, and that a run finds what is wrong.

``make fuzz`` runs them for longer.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fuzz.run import NAMES
from fuzz.seeds import TARGETS as SEEDS
from fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "fuzz" / "corpus"
RUNS = {"mail": 200, "diff": 200, "c": 250, "feed": 5_000, "rule": 250}  # two to three seconds each


@pytest.fixture(scope="module")
def atheris() -> None:
    """There are wheels for Linux on x86-64 and Python up to 3.13 only; under CI the fuzzers have to run."""
    if importlib.util.find_spec("atheris") is None:
        text = "atheris is not installed: its wheels are for Linux on x86-64 and Python up to 3.13"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "fuzz" / "run.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("name", NAMES)
def test_every_input_of_the_kept_corpus(name: str) -> None:
    files = sorted((CORPUS / name).iterdir())
    assert len(files) > 20
    for file in files:
        data = file.read_bytes()
        began = time.process_time()
        TARGETS[name](data)
        assert time.process_time() - began < 1, file.name


def test_the_corpus_is_small_and_has_the_seeds() -> None:
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert len(files) < 1500
    assert sum(file.stat().st_size for file in files) < 2_000_000
    for name, seeds in SEEDS.items():
        for title, data in seeds():
            assert (CORPUS / name / f"seed-{title}").read_bytes() == data, "python fuzz/seeds.py writes them anew"


@pytest.mark.usefixtures("atheris")
@pytest.mark.parametrize("name", NAMES)
def test_a_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    # an input may take long on a machine that does other things; how long is what the corpus' own test measures
    done = run(name, "--runs", str(RUNS[name]), "--timeout", "60", "--found", str(tmp_path))
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"stat::number_of_executed_units: {RUNS[name]}" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("atheris")
@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("crash", "crash", "ValueError: planted"),
        ("hang", "timeout", "libFuzzer: timeout"),
        ("growth", "crash", "grew from"),
    ],
)
def test_a_planted_fault_is_found(name: str, kind: str, says: str, tmp_path: Path) -> None:
    done = run(name, "--runs", "200000", "--module", "tests.fuzz.planted", "--found", str(tmp_path))
    assert done.returncode == 1
    assert says in done.stderr + done.stdout
    (found,) = tmp_path.iterdir()
    assert found.name.startswith(f"{name}-{kind}-")


@pytest.mark.usefixtures("atheris")
def test_without_a_fault_nothing_is_found(tmp_path: Path) -> None:
    done = run("nothing", "--runs", "20000", "--module", "tests.fuzz.planted", "--found", str(tmp_path))
    assert done.returncode == 0
    assert not list(tmp_path.iterdir())
