# SPDX-License-Identifier: GPL-2.0-or-later
"""Groups that grow together (union-find with path halving)."""

from __future__ import annotations

from typing import Any


class UnionFind:
    """Names that were joined share a representative; the smallest name of a group is it."""

    def __init__(self) -> None:
        self._up: dict[Any, Any] = {}

    def find(self, name: Any) -> Any:
        """The representative of ``name``'s group."""
        up = self._up
        while up.setdefault(name, name) != name:
            up[name] = up[up[name]]
            name = up[name]
        return name

    def join(self, first: Any, second: Any) -> None:
        """Put the groups of both names together."""
        a, b = sorted((self.find(first), self.find(second)))
        self._up[b] = a
