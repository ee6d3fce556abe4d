# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents say what the program does: options, formats, keys of rule files, exit codes, links."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import get_args

import click
import pytest

from abireview import __version__
from abireview.cli.exitcode import FAIL_LEVELS
from abireview.cli.group import verb_names
from abireview.facts.model import FactKind
from abireview.render import format_names
from abireview.rules import schema
from abireview.rules.schema import Base, GateClass

ROOT = Path(__file__).resolve().parents[2]
RULE_PAGES = ROOT / "docs" / "rules"  # they speak of the kernel's options and makefiles
PAGES = [
    *sorted(path for path in (ROOT / "docs").glob("**/*.md") if path.parent != RULE_PAGES),
    *sorted(ROOT.glob("*.md")),
    ROOT / "examples" / "README.md",
]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def options_of(verb: str) -> list[str]:
    command: click.Command = importlib.import_module(f"abireview.cli.verbs.{verb.replace('-', '_')}").command
    return [option for one in command.params if isinstance(one, click.Option) for option in one.opts]


@pytest.mark.parametrize("option", options_of("check"))
def test_every_option_of_check_is_described(option: str) -> None:
    assert re.search(rf"`{option}\b", page("docs/check.md"))


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_every_option_in_a_document_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    known = {option for verb in verb_names() for option in options_of(verb)}
    known |= {"--version", "--help", "--debug", "--strict"}
    for line in re.findall(r"abireview [a-z][^`\n]*", text):
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", line):
            assert option in known or _of_a_subcommand(line, option), line


def _of_a_subcommand(line: str, option: str) -> bool:
    words = line.split()
    if words[1] not in verb_names():
        return False
    command = importlib.import_module(f"abireview.cli.verbs.{words[1].replace('-', '_')}").command
    children = command.commands.values() if isinstance(command, click.Group) else []
    return any(option in one.opts for child in children for one in child.params)


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_every_verb_in_a_document_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    called = [verb for block in blocks for verb in re.findall(r"^abireview ([a-z][a-z0-9-]*)", block, re.MULTILINE)]
    for verb in (*called, *re.findall(r"[`']abireview ([a-z][a-z0-9-]*)", text)):
        assert verb in verb_names()


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


def test_every_format_is_described() -> None:
    for name in format_names():
        assert f"`{name}`" in page("docs/check.md"), name


def test_exit_codes() -> None:
    text = page("docs/exit-codes.md")
    for code in ("0", "1", "2", "3", "4", "130"):
        assert f"\n| {code} | " in text
        assert f"\n| {code} | " in page("README.md")
    for level in FAIL_LEVELS:
        assert f"`{level}`" in text


def test_every_key_of_a_rule_file_is_described() -> None:
    text = page("docs/rules.md")
    kinds = [kind for kind in vars(schema).values() if isinstance(kind, type) and issubclass(kind, Base)]
    assert len(kinds) > 10
    for kind in kinds:
        for field in kind.__struct_encode_fields__:
            assert f"`{field}`" in text or f"{field} = " in text, f"{kind.__name__}.{field}"
    for name in (*get_args(FactKind), *get_args(GateClass)):
        assert f"`{name}`" in text, name


def test_the_rule_template_has_only_keys_that_exist() -> None:
    template = tomllib.loads(page("abireview/cli/ruletemplate.toml"))
    assert set(template) <= set(schema.Rule.__struct_encode_fields__)


def test_the_version_is_the_same_everywhere() -> None:
    assert tomllib.loads(page("pyproject.toml"))["project"]["version"] == __version__


def test_the_readme_has_a_picture_of_the_real_thing(tmp_path: Path) -> None:
    picture = re.search(r"!\[[^]]*\]\(([^)]+\.svg)\)", page("README.md"))
    assert picture
    svg = page(picture[1])
    assert "GICD_IIDR" in svg
    assert "no1n-and-system-off2.mbox" in svg
    assert not re.search(r"(?:href|src|url)\s*[=(]\s*[\"']?https?:", svg)
