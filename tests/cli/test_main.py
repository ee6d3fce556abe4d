# SPDX-License-Identifier: GPL-2.0-or-later
"""The frame of the command line: start-up, help, errors as sentences, streams."""

from __future__ import annotations

import array
import fcntl
import importlib
import os
import resource
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO

import click
import pytest

from abireview import __version__, errors
from abireview.cli import main as entry
from abireview.cli.group import Root, root, verb_names

from .conftest import ABIREVIEW, Run


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> object:
    """``raising(error)`` makes every verb raise ``error``."""

    def make(error: BaseException) -> None:
        def broken(*_: object) -> int:
            raise error

        monkeypatch.setattr(Root, "run", broken)

    return make


@pytest.mark.parametrize("args", [["--version"], ["-V"], ["--debug", "--version"]])
def test_version(run: Run, args: list[str]) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"abireview {__version__}\n", "")


def test_version_costs_less_than_a_tenth_of_a_second() -> None:
    def cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    costs = []
    for _ in range(5):
        before = cpu()
        subprocess.run([ABIREVIEW, "--version"], check=True, stdout=subprocess.DEVNULL)
        costs.append(cpu() - before)
    assert min(costs) < 0.1


def test_help_lists_every_verb_once(run: Run) -> None:
    done = run("--help")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line[2:3].isalpha()]
    assert done.returncode == 0
    for verb in verb_names():
        assert listed.count(verb) == 1, verb


@pytest.mark.parametrize("verb", verb_names())
def test_every_verb_has_help_and_is_imported_alone(verb: str, run: Run) -> None:
    command = importlib.import_module(f"abireview.cli.verbs.{verb.replace('-', '_')}").command
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(100).endswith(".")
    done = run(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: abireview {verb}")


@pytest.mark.parametrize("verb", verb_names())
def test_an_unknown_option_is_a_usage_error(verb: str, run: Run) -> None:
    done = run(verb, "--no-such-option")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no such option" in done.stderr
    assert f"hint: see 'abireview {verb} --help'" in done.stderr


def test_a_verb_imports_no_other() -> None:
    code = (
        "import sys; from abireview.cli.group import root; root.get_command(None, 'completion');"
        "print(sorted(name for name in sys.modules if name.startswith('abireview.cli.verbs.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['abireview.cli.verbs.completion']"


def test_without_arguments_the_help_goes_to_stderr(run: Run) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: abireview")


def test_a_misspelt_verb_is_guessed(run: Run) -> None:
    done = run("chekc")
    assert done.returncode == 2
    assert done.stderr == "abireview: no such verb 'chekc'; did you mean 'check'?\nhint: see 'abireview --help'\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("it broke"), 2),
        (errors.ConfigError("it broke"), 2),
        (errors.RuleError("it broke"), 2),
        (errors.NoPatchesError("it broke"), 3),
        (errors.NotFoundError("it broke"), 3),
        (errors.MailFormatError("it broke"), 3),
        (errors.LimitError("it broke"), 3),
        (errors.TreeError("it broke"), 3),
        (errors.ServerError("it broke"), 3),
        (errors.StoreError("it broke"), 4),
        (errors.SendError("it broke"), 4),
        (errors.RuleFailure("it broke"), 4),
        (errors.Interrupted("it broke"), 130),
    ],
)
def test_an_error_is_a_sentence_and_its_code(
    error: errors.AbireviewError, code: int, raising: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(raising)
    raising(error)
    assert entry.main(["check"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["abireview: it broke"] + ([f"hint: {error.hint}"] if error.hint else [])


def test_every_error_class_is_tried_above() -> None:
    def leaves(kind: type[errors.AbireviewError]) -> set[str]:
        return {kind.__name__}.union(
            *(leaves(sub) for sub in kind.__subclasses__() if sub.__module__ == kind.__module__)
        )

    tried = {
        param[0].__class__.__name__
        for mark in test_an_error_is_a_sentence_and_its_code.pytestmark
        for param in mark.args[1]
    }
    assert leaves(errors.AbireviewError) - tried == {"AbireviewError", "InputError"}


def test_what_nobody_thought_of_is_an_internal_error(raising: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(raising)
    raising(ValueError("odd\nthing \x1b[31m"))
    assert entry.main(["check"]) == 4
    err = capsys.readouterr().err
    assert err.startswith("abireview: internal error: ValueError: odd thing ␛[31m\nhint: this is a bug")
    assert "Traceback" not in err
    assert len(err.splitlines()) == 2


def test_debug_shows_the_traceback(raising: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(raising)
    raising(ValueError("odd"))
    assert entry.main(["--debug", "check"]) == 4
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(error: BaseException, raising: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(raising)
    raising(error)
    assert entry.main(["check"]) == 130
    assert capsys.readouterr().err == "abireview: interrupted\n"


def test_ctrl_c_while_it_waits_for_stdin(environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [ABIREVIEW, "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs in the background ignore it
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(b"From: a@example.org\n")
    process.stdin.flush()
    try:
        wait_until_it_reads(process.stdin)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert err == b"abireview: interrupted\n"


def wait_until_it_reads(pipe: IO[bytes]) -> None:
    """Until the other side has taken everything that was written to ``pipe``."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        waiting = array.array("i", [0])
        fcntl.ioctl(pipe.fileno(), termios.FIONREAD, waiting)
        if not waiting[0]:
            return
        time.sleep(0.02)
    raise AssertionError("it never read its stdin")


def test_a_reader_that_goes_away_changes_nothing(environ: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([ABIREVIEW, "schema"], stdout=write, stderr=subprocess.PIPE, env=environ, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_full_disk_is_said(environ: dict[str, str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([ABIREVIEW, "schema"], stdout=full, stderr=subprocess.PIPE, env=environ, check=False)
    assert done.returncode == 4
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, run: Run) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert "_ABIREVIEW_COMPLETE" in done.stdout


def test_the_shell_is_told_the_verbs(run: Run) -> None:
    done = run(env={"_ABIREVIEW_COMPLETE": "bash_complete", "COMP_WORDS": "abireview sch", "COMP_CWORD": "1"})
    assert done.stdout == "plain,schema\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("abireview explain psci-def", ["psci-default-version"]),
        ("abireview rule show vgic-revision-dr", ["vgic-revision-dropped"]),
        ("abireview check x --select psci-def,vgic-revision-dr", ["psci-def,vgic-revision-dropped"]),
        ("abireview check x --format json", ["json", "jsonl"]),
        ("abireview rules --ignore scopes", []),
    ],
)
def test_the_shell_is_told_rules_and_formats(run: Run, words: str, expected: list[str]) -> None:
    count = str(len(words.split()) - 1)
    done = run(env={"_ABIREVIEW_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count})
    assert done.stdout.split() == [f"plain,{name}" for name in expected]


def test_sections_name_no_verb_twice() -> None:
    from abireview.cli.group import SECTIONS

    named = [name for _, names in SECTIONS for name in names]
    assert len(named) == len(set(named))
    assert root.list_commands(click.Context(root)) == sorted(verb_names())
