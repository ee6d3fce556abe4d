# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/security.md: a row for every limit with its value and a test that is there, and tests for what it claims."""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from abireview import limits

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_limits", ROOT / "docs" / "limits.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _load()


@cache
def functions(path: Path) -> dict[str, str]:
    """The test functions of a file, each with its decorators."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def test_every_limit_has_a_row() -> None:
    names = [name for name in vars(limits) if name.startswith("MAX_")]
    assert list(made.LIMITS) == names
    assert set(made.reasons()) >= set(names)


def test_the_tables_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(made.START) == text.count(made.END) == 1
    between = text.partition(made.START)[2].partition(made.END)[0]
    assert between == made.table(), "python docs/limits.py writes it anew"
    assert f"| `MAX_FEED_ENTRIES` | {limits.MAX_FEED_ENTRIES // 1000} 000 |" in between


@pytest.mark.parametrize("name", [*made.LIMITS, *made.OWN])
def test_the_test_of_a_limit_speaks_of_it(name: str) -> None:
    path, _, function = (made.LIMITS.get(name) or made.OWN[name])[-1].partition("::")
    text = functions(ROOT / path)[function]
    if "lore.b4door" not in name:  # given as an argument there
        constant = name.rpartition(".")[2]
        assert re.search(rf"\b{constant}\b|circles", text)


def test_every_test_that_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(made.START)[0]
    named = re.findall(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)", text)
    assert len(named) > 30
    assert set(re.findall(r"\btest_\w+\b(?!\.py)", text)) == {name for name, _ in named}
    assert [(name, path) for name, path in named if name not in functions(ROOT / path)] == []


def test_every_module_that_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(made.START)[0]
    named = set(re.findall(r"`((?:source|rules|store|reply|bot|lore|scan)/\w+\.py)`", text))
    assert len(named) > 8
    assert [name for name in sorted(named) if not (ROOT / "abireview" / name).is_file()] == []
