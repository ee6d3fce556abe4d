# SPDX-License-Identifier: GPL-2.0-or-later
"""C read with regular expressions, brace counting and gcc's preprocessor: nothing of abireview's own reading."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

Items = dict[str, dict[str, object]]
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@cache
def text(path: Path) -> str:
    """The file without comments and with continued lines joined; "" if there is none."""
    if not path.is_file():
        return ""
    return COMMENT.sub(" ", path.read_text(encoding="utf-8", errors="replace")).replace("\\\n", " ")


@cache
def preprocessed(path: Path) -> str:
    """The file as gcc's preprocessor leaves it when every #include is taken away: its own macros are expanded."""
    source = re.sub(r"^\s*#\s*include.*$", "", path.read_text(encoding="utf-8", errors="replace"), flags=re.MULTILINE)
    done = subprocess.run(
        ["gcc", "-E", "-P", "-w", "-"], input=source, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def inside(code: str, at: int) -> str:
    """What stands between the bracket at ``at`` and the one that closes it."""
    depth = 0
    for index in range(at, len(code)):
        depth += (code[index] in "{([") - (code[index] in "})]")
        if depth == 0:
            return code[at + 1 : index]
    return code[at + 1 :]


def function(code: str, name: str) -> str:
    """The bodies of all functions whose name matches, one after the other."""
    found = re.finditer(rf"^[A-Za-z][^;{{}}=#]*?\b(?:{name})\s*\([^;{{}}]*\)\s*\{{", code, re.MULTILINE)
    return "\n".join(inside(code, match.end() - 1) for match in found)


def table(code: str, name: str) -> str:
    """The initialisers of all arrays and structs whose name matches."""
    found = re.finditer(rf"\b(?:{name})\s*(?:\[[^\]]*\])?\s*(?:__\w+\s*)*=\s*\{{", code)
    return ",".join(inside(code, match.end() - 1) for match in found)


def split(code: str) -> list[str]:
    """The elements of a list, split at the commas outside brackets."""
    parts, depth = [""], 0
    for character in code:
        depth += (character in "{([") - (character in "})]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in parts if part.strip()]


def fields(row: str, order: list[str]) -> dict[str, str]:
    """The members of one initialiser ``{ … }`` by name: designated ones, and others in ORDER; empty ones left out."""
    body = row.strip()[1:-1] if row.strip().startswith("{") else row
    found: dict[str, str] = {}
    position = 0
    for part in split(body):
        match = re.fullmatch(r"\.(\w+)\s*=\s*(.*)", part, re.DOTALL)
        if match:
            found[match[1]] = match[2].strip()
        else:
            found[order[position] if position < len(order) else f"#{position}"] = part
            position += 1
    return {name: value for name, value in found.items() if value not in ("", "NULL", "0")}


def cases(code: str) -> list[str]:
    """The labels of all cases."""
    return re.findall(r"\bcase\s+([^:?]+?)\s*:", code)


def labels_before(code: str, statement: str) -> set[str]:
    """The case labels that fall through to a line which matches."""
    found: set[str] = set()
    waiting: list[str] = []
    for line in code.split("\n"):
        waiting += cases(line)
        if re.search(statement, line):
            found |= set(waiting)
        if re.search(r"\b(return|break|goto)\b|\bdefault\s*:", line):
            waiting = []
    return found


def defines(path: Path) -> dict[str, str]:
    return {
        name: " ".join(value.split())
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])([^\n]*)", text(path), re.MULTILINE)
    }
