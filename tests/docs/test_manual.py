# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual says what the code does: pages made from it are up to date, written ones name only what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from abireview.cli import exitcode, manual, rulemanual
from abireview.cli.group import root, verb_names
from abireview.ledger.load import load_surfaces
from abireview.ledger.report import KNOBS
from abireview.render import format_names
from abireview.rules.load import load_rules

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = ("b4.md", "ledger.md", "reports.md", "surface.md")


@pytest.mark.parametrize(
    ("place", "made"),
    [("commands", manual.pages()), ("rules", rulemanual.pages(load_rules()))],
    ids=("commands", "rules"),
)
def test_the_pages_are_those_of_the_code(place: str, made: dict[str, str]) -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / place).glob("*.md")}
    assert sorted(kept) == sorted(made), "run 'make manual'"
    assert [name for name in made if kept[name] != made[name]] == [], "run 'make manual'"


def test_the_man_page_is_that_of_the_code() -> None:
    assert (DOCS / "abireview.1").read_text(encoding="utf-8") == manual.man(), "run 'make manual'"


def test_every_verb_and_every_option_is_in_both() -> None:
    man = manual.man()
    for name in verb_names():
        command = root.get_command(click.Context(root), name)
        assert command is not None
        page = manual.pages()[f"{name}.md"]
        assert f".SS abireview {name.replace('-', chr(92) + '-')}" in man
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                for option in parameter.opts:
                    assert option in page
                    assert option.replace("-", "\\-") in man


def test_the_exit_codes_are_those_of_the_code() -> None:
    codes = {exitcode.OK, exitcode.FOUND, exitcode.USAGE, exitcode.NO_INPUT, exitcode.INTERNAL, exitcode.INTERRUPTED}
    assert {int(code) for code, _ in manual.EXIT_CODES} == codes


def test_groff_reads_the_man_page_without_a_warning() -> None:
    if shutil.which("groff") is None:
        pytest.skip("no groff")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", str(DOCS / "abireview.1")], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "roff"),
    [(".SH x", "\\&.SH x"), ("'x", "\\&'x"), ("a-b\\c", "a\\-b\\ec"), ("é", "\\[u00E9]"), ('"', "\\(dq"), ("", "")],
)
def test_text_is_no_request(text: str, roff: str) -> None:
    assert manual._roff(text) == roff


@pytest.mark.parametrize("name", WRITTEN)
def test_links_lead_somewhere(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DOCS / target).exists(), target


@pytest.mark.parametrize("name", WRITTEN)
def test_options_that_pages_name_exist(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    known = {"--add", "--check"}  # of git config and b4 prep
    for verb in verb_names():
        known |= set(re.findall(r"--[a-z][a-z-]+", manual.pages()[f"{verb}.md"]))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known


def test_every_format_is_described() -> None:
    text = (DOCS / "reports.md").read_text(encoding="utf-8")
    rows = {name.strip() for row in re.findall(r"^\| ([a-z0-9, -]+) \|", text, re.MULTILINE) for name in row.split(",")}
    assert set(format_names()) == rows - {"format"}


def test_every_area_and_knob_is_described() -> None:
    text = (DOCS / "surface.md").read_text(encoding="utf-8")
    rows = {name.strip() for row in re.findall(r"^\| ([a-z0-9, -]+) \|", text, re.MULTILINE) for name in row.split(",")}
    assert {spec.area for spec in load_surfaces()} <= rows
    ledger = (DOCS / "ledger.md").read_text(encoding="utf-8")
    for kind, words in KNOBS.items():
        if kind and kind != "ACCEPT_IGNORE":
            assert words in ledger
            assert kind in ledger


def test_the_lines_of_configuration_for_b4_are_those_that_are_tested() -> None:
    text = (DOCS / "b4.md").read_text(encoding="utf-8")
    tested = (ROOT / "tests" / "b4" / "conftest.py").read_text(encoding="utf-8")
    for key, command in (("review-perpatch-check-cmd", "b4-check"), ("review-series-check-cmd", "b4-check --series")):
        assert f"{key} = abireview {command}" in text
        assert f'("b4.{key}", f"{{ABIREVIEW}} {command}")' in tested
