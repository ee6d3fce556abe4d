# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers for a file: the MAINTAINERS file of the kernel (its head and get_maintainer.pl say how to read it)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr
from pathlib import Path

from abireview import limits
from abireview.errors import ConfigError

_LINE = re.compile(r"([A-Z]):\s*(\S.*)")
_SPECIAL = re.compile(r"([*?])")


class _Section:
    __slots__ = ("excluded", "files", "names", "people")

    def __init__(self) -> None:
        self.people: set[str] = set()
        self.files: list[re.Pattern[str]] = []
        self.excluded: list[re.Pattern[str]] = []
        self.names: list[str] = []

    def covers(self, path: str) -> bool:
        if any(pattern.fullmatch(path) for pattern in self.excluded):
            return False
        return any(pattern.fullmatch(path) for pattern in self.files) or any(name in path for name in self.names)


class Maintainers:
    """The sections that name files and people (``M:`` and ``R:``)."""

    def __init__(self, text: str) -> None:
        self._sections: list[_Section] = []
        section = _Section()
        for line in text.splitlines():
            match = _LINE.fullmatch(line.rstrip())
            if match is None:
                if not line.strip():
                    self._sections.append(section)
                    section = _Section()
                continue
            _read(section, match[1], match[2])
        self._sections.append(section)

    @classmethod
    def load(cls, path: Path) -> Maintainers:
        """The file at ``path``. Raises ConfigError."""
        try:
            with path.open("rb") as file:
                data = file.read(limits.MAX_MAINTAINERS_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="[bot] maintainers names it") from error
        if len(data) > limits.MAX_MAINTAINERS_BYTES:
            raise ConfigError(f"{path} is larger than {limits.MAX_MAINTAINERS_BYTES} bytes")
        return cls(data.decode("utf-8", "replace"))

    def people(self, paths: Iterable[str]) -> frozenset[str]:
        """The addresses (lower case) of those named for any of ``paths``."""
        wanted = set(paths)
        found: set[str] = set()
        for section in self._sections:
            if section.people and not section.people <= found and any(section.covers(path) for path in wanted):
                found |= section.people
        return frozenset(found)


def _read(section: _Section, mark: str, value: str) -> None:
    if mark in "MR":
        address = parseaddr(value)[1].lower()
        if "@" in address:
            section.people.add(address)
    elif mark == "F":
        section.files.append(_pattern(value))
    elif mark == "X":
        section.excluded.append(_pattern(value))
    elif mark == "N" and re.fullmatch(r"[\w-]{3,}", value):
        # N: is a regular expression; only plain words are taken
        section.names.append(value)


def _pattern(glob: str) -> re.Pattern[str]:
    """As get_maintainer.pl: a directory ends in a slash and means all below; ``*`` does not cross a slash."""
    parts = [{"*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in _SPECIAL.split(glob)]
    return re.compile("".join(parts) + (".*" if glob.endswith("/") else "(?:/.*)?"))
