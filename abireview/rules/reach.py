# SPDX-License-Identifier: GPL-2.0-or-later
"""One call deep: what a helper tests that a gate calls, and under which gates a function is called.

Helpers are looked up in what the series shows and, with a tree, in the whole of the files it touches. Callers count
only with a tree: without one nobody knows that all of them were seen.
"""

from __future__ import annotations

import re
from collections import defaultdict

from abireview.facts.model import Fact
from abireview.rules.context import Context

CALLED = re.compile(r"([A-Za-z_]\w*)\(")
MAX_CALLERS = 16  # a function called from more places is no helper of one path


class Reach:
    """Bodies of helpers and gates of callers, by name."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.files: set[str] = set()
        self.bodies: dict[str, list[str]] = defaultdict(list)
        self.calls: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for kind in ("return", "cond", "call"):
            for _, fact in context.after_by_kind.get(kind, ()):
                self._add(fact)

    def tests_of(self, gate: str, path: str) -> list[str]:
        """The conditions and results of the helpers that GATE calls."""
        names = set(CALLED.findall(gate))
        found = [text for name in sorted(names) for text in self.bodies.get(name, ())]
        if not found and names and self.context.whole is not None:
            self._load(path)
            found = [text for name in sorted(names) for text in self.bodies.get(name, ())]
        return found

    def gates_of_callers(self, name: str, path: str) -> list[tuple[str, ...]]:
        """The gates at each call of function NAME in the file PATH; [] where not all callers can be known."""
        if self.context.whole is None or not name:
            return []
        self._load(path)
        callers = self.calls.get(name, [])
        return callers if len(callers) <= MAX_CALLERS else []

    def _load(self, path: str) -> None:
        whole = self.context.whole
        if whole is None or path in self.files:
            return
        self.files.add(path)
        for _, fact in whole.file(path):
            self._add(fact)

    def _add(self, fact: Fact) -> None:
        if fact.kind in ("return", "cond") and fact.scope:
            self.bodies[fact.scope].append(fact.value)
        elif fact.kind == "call" and self.context.whole is not None:
            self.calls[fact.key].append(fact.gates)
