# SPDX-License-Identifier: GPL-2.0-or-later
"""Changed lines of what is no C: documentation, Kconfig, Makefiles, scripts.

Each changed line that is not blank is a fact. The value is the line without the blanks around it; the key is what it
stands under: the nearest section title above it in reStructuredText or Markdown, the symbol of the ``config`` block in
a Kconfig, the variable of the assignment in a Makefile, or "" where the fragment does not show it. The same line under
the same title twice is twice the same fact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from abireview.facts.model import Fact
from abireview.source.model import Fragment, FragmentSide, Side

_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_HEADING = re.compile(r"#{1,6}\s+(\S.*?)\s*#*$")
_CONFIG = re.compile(r"(?:menu)?config\s+(\w+)|(?:menu|choice|comment|if)\b\s*(.*)")
_ASSIGNMENT = re.compile(
    r"\s*(?:override\s+|export\s+)?([\w.$(){}/-]+)\s*(?:[:+?!]|::)?=(?!=)|([\w.$(){}/%-]+)\s*:(?!=)"
)
_TITLED = frozenset({".rst", ".txt", ".md"})


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The text facts of one side of a fragment: its changed lines, in order."""
    shown = fragment.old if side == "old" else fragment.new
    if not any(shown.changed):
        return []
    titles = _titles(fragment.path, shown)
    scope = fragment.old_name if side == "old" else fragment.name
    return [
        Fact(
            kind="text",
            scope=scope,
            key=titles[number] or scope,
            value=line.strip(),
            path=fragment.path,
            line=number,
            end=number,
            whole=fragment.whole,
            changed=True,
        )
        for number, line in enumerate(shown.lines)
        if shown.changed[number] and line.strip() and any(map(str.isalnum, line))
    ]


def _is_rule(line: str) -> bool:
    """Whether the line only underlines a title."""
    return bool(_UNDERLINE.match(line.strip())) and len(set(line.strip())) == 1


def _titles(path: str, shown: FragmentSide) -> list[str]:
    """What each line stands under."""
    name = PurePosixPath(path)
    if name.name.startswith("Kconfig"):
        return _under(shown.lines, _config)
    if name.name.startswith(("Makefile", "Kbuild")) or name.suffix == ".mk":
        return _assignments(shown.lines)
    return _under(shown.lines, _title) if name.suffix in _TITLED else [""] * len(shown.lines)


def _under(lines: Sequence[str], title: Callable[[str, str], str | None]) -> list[str]:
    current = ""
    titles = []
    for number, line in enumerate(lines):
        found = title(line, lines[number + 1] if number + 1 < len(lines) else "")
        current = current if found is None else found
        titles.append(current)
    return titles


def _title(line: str, following: str) -> str | None:
    """The title that ``line`` is, None if it is none: a Markdown heading, or underlined at least half way."""
    heading = _HEADING.match(line)
    if heading:
        return heading[1]
    if not line.strip() or line[:1].isspace() or _is_rule(line) or not _is_rule(following):
        return None
    return line.strip() if 2 * len(following.rstrip()) >= len(line.rstrip()) else None


def _config(line: str, _following: str) -> str | None:
    match = _CONFIG.match(line)
    if match is None:
        return None
    return match[1] or match[2].strip().strip('"')


def _assignments(lines: Sequence[str]) -> list[str]:
    titles = []
    current = ""
    continued = False
    for line in lines:
        match = None if continued or line.startswith("\t") else _ASSIGNMENT.match(line)
        if match:
            current = match[1] or match[2]
        elif not continued and not line.startswith("\t"):
            current = ""
        continued = line.rstrip().endswith("\\")
        titles.append(current)
    return titles
