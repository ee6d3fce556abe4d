# SPDX-License-Identifier: GPL-2.0-or-later
"""Which conditions dominate a change, and whether userspace chooses them.

A gate is ``opt-in`` when it tests something that this series lets userspace set: a field that only a capability,
attribute or new ioctl handler writes, a new flag or number of a UAPI header, or a helper that tests one of them. The
other classes are data (``facts/gates.toml``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from abireview.facts.body import STATUS_NAMES
from abireview.facts.delta import Delta, split_terms
from abireview.facts.model import BODY_KINDS, Fact
from abireview.rules import regex
from abireview.rules.context import Context
from abireview.rules.reach import Reach
from abireview.rules.schema import GateClass

ROUNDS = 3  # handler → helper → helper: deeper chains are not followed
NAME = re.compile(r"[A-Za-z_]\w*")
EMPTY = re.compile(r"!\w*_empty\(|!IS_ERR")
PREDICATE = re.compile(r"(^|_)(is|has|can|should|needs?|supports?|supported|allowed|enabled|valid|uses?|in)(_|$)")


class Gates:
    """Classes gates for one series."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.known: dict[str, GateClass] = {}

    @cached_property
    def names(self) -> set[str]:
        """The names through which the series lets userspace choose."""
        return _OptIn(self.context).names

    @cached_property
    def _near(self) -> set[tuple[int, str, str]]:
        """Patch, path and scope of what sets or tests one of the names."""
        deltas = self.context.found.deltas if self.names else ()
        return {(d.patch, d.path, d.scope) for d in deltas if d.op != "removed" and self._about(d)}

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self.context)

    @cached_property
    def _labels(self) -> dict[str, set[str]]:
        return _new_labels(self.context)

    def _about(self, delta: Delta) -> bool:
        """Whether the delta itself sets or tests something that userspace has to turn on."""
        if not self.names or delta.new is None:
            return False
        if delta.kind == "case":
            return delta.key in self.names
        if delta.kind == "cond" and not _positive(delta.new.value):
            return False
        text = delta.key if delta.kind == "store" else f"{delta.key} {delta.new.value}"
        return any(name in self.names for name in NAME.findall(text))

    def of(self, delta: Delta) -> frozenset[GateClass]:
        """The classes of the delta's gates; ``{"none"}`` if nothing dominates it."""
        gates = delta.gates
        if delta.new is not None and delta.kind == "cond":
            gates = (*gates, *_own_terms(delta))
        found = {self.classify(gate) if gate in self.known else self._deeper(gate, delta.path) for gate in gates}
        if found <= {"none"} and delta.kind in BODY_KINDS:
            found |= self._from_callers(delta)
        if self._about(delta):
            found.add("opt-in")
        elif (delta.patch, delta.path, delta.scope) in self._near:
            found.add("near-opt-in")
        if self._new_label(delta):
            found.add("new-label")
        found.discard("none")
        return frozenset(found) or frozenset({"none"})

    def _new_label(self, delta: Delta) -> bool:
        """Whether the innermost case around the delta has only labels that the series adds to this function."""
        case = next((gate for gate in reversed(delta.gates) if gate.startswith("case ")), "")
        labels = self._labels.get(delta.scope)
        return bool(case and labels) and set(case[5:].split(", ")) <= labels if labels else False

    def _deeper(self, gate: str, path: str) -> GateClass:
        """The class of GATE, seen through the helpers it calls where its own text says nothing."""
        found = self.classify(gate)
        if found == "none" and _positive(gate):
            classes = {self._classify(text) for text in self._reach.tests_of(gate, path)} - {"none"}
            if len(classes) == 1:
                found = self.known[gate] = classes.pop()
        return found

    def _from_callers(self, delta: Delta) -> set[GateClass]:
        """The classes that stand at every call of the delta's function, where all of them are known."""
        callers = self._reach.gates_of_callers(delta.scope, delta.path)
        each = [{self.classify(gate) for gate in gates} - {"none"} for gates in callers]
        return set.intersection(*each) if each else set()

    def classify(self, gate: str) -> GateClass:
        """The class of one gate text."""
        found = self.known.get(gate)
        if found is None:
            found = self.known[gate] = self._classify(gate)
        return found

    def _names_one(self, text: str) -> bool:
        return any(name in self.names for name in NAME.findall(text))

    def _classify(self, gate: str) -> GateClass:
        # one of several alternatives is no choice: the others lead here without it
        if _positive(gate) and all(self._names_one(part) for part in split_terms(gate, "||")):
            return "opt-in"
        for entry in self.context.rules.gates:
            if regex.search(entry.match, gate):
                return entry.klass
        return "none"


def _new_labels(context: Context) -> dict[str, set[str]]:
    """By function: the case labels that the series adds and that its old side does not show."""
    before = {(fact.scope, fact.key) for _, fact in context.before_by_kind.get("case", ())}
    found: dict[str, set[str]] = defaultdict(set)
    for delta in context.deltas_by_kind.get("case", ()):
        if delta.op != "removed" and (delta.scope, delta.key) not in before:
            found[delta.scope].add(delta.key)
    return found


def _own_terms(delta: Delta) -> tuple[str, ...]:
    """What an added or changed condition tests that it did not test before."""
    if delta.new is None:
        return ()
    if delta.old is None:
        return (delta.new.value,)
    return tuple(term for mark, term in delta.terms if mark.startswith("+"))


def _positive(gate: str) -> bool:
    """Whether the gated code runs where the tested thing is on: ``unless !x`` does, ``!x`` and ``unless x`` do not."""
    text = gate
    on = True
    if text.startswith("unless "):
        on, text = not on, text[7:]
    if text.startswith("!") and not EMPTY.match(text):
        on = not on
    return on


class _OptIn:
    """The names through which this series lets userspace choose."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.names: set[str] = set()
        self.stores = self._index()
        self.fields = {d.key.rsplit(".", 1)[-1] for d in context.deltas_by_kind.get("member", ()) if d.op == "added"}
        self._public_names()
        for _ in range(ROUNDS):
            before = len(self.names)
            self._written_in_handlers()
            self._written_when_chosen()
            self._predicates()
            if len(self.names) == before:
                break
        self.names -= self._on_by_default() | STATUS_NAMES

    def _index(self) -> dict[str, list[Delta]]:
        """Added stores and setter calls by function."""
        found: dict[str, list[Delta]] = defaultdict(list)
        for kind in ("store", "call"):
            for delta in self.context.deltas_by_kind.get(kind, ()):
                if delta.op == "added":
                    found[delta.scope].append(delta)
        return found

    def _public_names(self) -> None:
        for kind in ("define", "enumerator", "member"):
            for delta in self.context.deltas_by_kind.get(kind, ()):
                classes = self.context.paths.info(delta.path).classes
                if delta.op == "added" and "uapi" in classes and "kernel-side" in classes:
                    self.names.add(delta.key.rsplit(".", 1)[-1])

    def _handlers(self) -> Iterable[str]:
        wanted = frozenset(self.context.rules.handlers)
        for scope, deltas in self.stores.items():
            delta = deltas[0]
            if self.context.scope_ids(delta.fragment, delta.fact) & wanted:
                yield scope

    def _written_in_handlers(self) -> None:
        todo = [(scope, True) for scope in self._handlers()]
        seen = set()
        while todo:
            scope, old = todo.pop()
            if scope in seen:
                continue
            seen.add(scope)
            for delta in self.stores.get(scope, ()):
                if old and not delta.born and not self._chosen(delta):
                    continue
                if delta.kind == "store":
                    self._name_of(delta.key)
                elif delta.key in self.context.rules.setters:
                    for _, text in delta.fact.columns[:2]:
                        self._name_of(text)
                elif any(d.born for d in self.stores.get(delta.key, ())):
                    todo.append((delta.key, False))

    def _written_when_chosen(self) -> None:
        """Fields that the series stores only where something chosen is on are chosen themselves."""
        stores: dict[str, list[Delta]] = defaultdict(list)
        for deltas in self.stores.values():
            for delta in deltas:
                names = NAME.findall(delta.key) if delta.kind == "store" else []
                if names and ("->" in delta.key or "." in delta.key):
                    stores[names[-1]].append(delta)
        for name, deltas in stores.items():
            if name in self.fields and all(self._chosen(delta) for delta in deltas):
                self.names.add(name)

    def _chosen(self, delta: Delta) -> bool:
        return any(_positive(gate) and any(n in self.names for n in NAME.findall(gate)) for gate in delta.gates)

    def _name_of(self, left: str) -> None:
        names = NAME.findall(left)
        if len(names) > 1 or (names and names[0].isupper()):
            self.names.add(names[-1])

    def _predicates(self) -> None:
        for kind in ("return", "cond"):
            for delta in self.context.deltas_by_kind.get(kind, ()):
                if delta.op != "added" or not delta.born or not PREDICATE.search(delta.scope):
                    continue
                if any(name in self.names for name in NAME.findall(delta.fact.value)):
                    self.names.add(delta.scope)

    def _on_by_default(self) -> set[str]:
        """Names that the series also sets to true outside of any handler."""
        handlers = set(self._handlers())
        found = set()
        for scope, deltas in self.stores.items():
            if scope in handlers:
                continue
            for delta in deltas:
                if delta.kind == "store" and delta.fact.value in ("= true", "= 1") and not self._chosen(delta):
                    found.update(NAME.findall(delta.key)[-1:])
        return found


def text_of(gates: Iterable[str]) -> str:
    """Gates as one text that patterns search."""
    return "\n".join(gates)


def gained(delta: Delta) -> tuple[str, ...]:
    """Gates the new side has and the old lacks."""
    if delta.old is None or delta.new is None:
        return ()
    return tuple(gate for gate in delta.new.gates if gate not in delta.old.gates)


def lost(delta: Delta) -> tuple[str, ...]:
    """Gates the old side had and the new lacks."""
    if delta.old is None or delta.new is None:
        return ()
    return tuple(gate for gate in delta.old.gates if gate not in delta.new.gates)


def facts_of(delta: Delta) -> Iterable[Fact]:
    """Both sides of a delta that exist."""
    return (fact for fact in (delta.old, delta.new) if fact is not None)
