# SPDX-License-Identifier: GPL-2.0-or-later
"""Every row of the ledgers between real kernels, checked in both trees by other means (tests/ledger/oracle.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from abireview.ledger.model import Entry, Ledger
from tests.ledger.oracle import ARCHES, SHOWN, Items, shown

pytestmark = pytest.mark.corpus

PAIRS = (("6.1", "6.12"), ("6.12", "7.2"), ("6.1", "7.2"), ("7.2", "6.12"))


def items(tree: Path, entry: Entry) -> Items:
    """What the entry's architecture has of its surface; of the interface headers the common ones too."""
    own = shown(tree, entry.group, entry.arch)
    if entry.group.startswith("uapi-") and entry.arch != "generic":
        return {**shown(tree, entry.group, "generic"), **own}
    return own


def has(tree: Path, entry: Entry, name: str) -> bool:
    return name in items(tree, entry)


def value(tree: Path, entry: Entry, name: str) -> str:
    return str(items(tree, entry).get(name, {}).get(entry.attr, ""))


def holds(tree: Path, entry: Entry, term: str) -> bool:
    """Whether the set of the entry's item has the term."""
    item = items(tree, entry).get(entry.name, {})
    return term in item.get(entry.attr, ())  # type: ignore[operator]


def falsehoods(old: Path, new: Path, entry: Entry) -> Iterator[str]:
    """What of the entry does not hold in the two trees."""
    if entry.op in ("gained", "lost"):
        with_it, without = (new, old) if entry.op == "gained" else (old, new)
        yield from (f"{term} is not in {with_it.name}" for term in entry.terms if not holds(with_it, entry, term))
        yield from (f"{term} is in {without.name}" for term in entry.terms if holds(without, entry, term))
    elif entry.op == "changed":
        for name in entry.terms or (entry.name,):
            for tree, said in ((old, entry.old), (new, entry.new)):
                found = value(tree, entry, name)
                if " ".join(found.split()) != said:
                    yield f"{entry.attr} of {name} is {found!r} in {tree.name}, not {said!r}"
    else:
        with_it, without = (new, old) if entry.op == "added" else (old, new)
        for name in entry.terms or (entry.name,):
            if not has(with_it, entry, name):
                yield f"{name} is not in {with_it.name}"
            if has(without, entry, name):
                yield f"{name} is in {without.name}"
            if entry.text.startswith(("Only on", "On every architecture")):
                archs = re.search(
                    r"on ([\w, ]+?)(?: now|:)", entry.text.replace("On every architecture now, before ", "")
                )
                assert archs
                for arch in archs[1].split(", "):
                    if name not in shown(without, entry.group, arch):
                        yield f"{name} is not in {without.name} for {arch}"


@pytest.mark.parametrize("pair", PAIRS, ids="→".join)
def test_every_row_holds_in_both_trees(
    pair: tuple[str, str], kernels: Path, ledgers: dict[tuple[str, str], Ledger]
) -> None:
    old, new = kernels / pair[0], kernels / pair[1]
    wrong = [
        f"{entry.group} {entry.arch}: {one}: {entry.text[:120]}"
        for entry in ledgers[pair].entries
        for one in falsehoods(old, new, entry)
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(ledgers[pair].entries)}", *wrong[:60]])


def test_every_surface_has_a_second_opinion(specs: tuple[object, ...]) -> None:
    assert {spec.id for spec in specs} == set(SHOWN)  # type: ignore[attr-defined]


@pytest.mark.parametrize("pair", PAIRS, ids="→".join)
def test_every_place_is_a_line_that_says_it(
    pair: tuple[str, str], kernels: Path, ledgers: dict[tuple[str, str], Ledger]
) -> None:
    """The line that an entry names exists and has a word of it (of its name, value or term)."""
    for entry in ledgers[pair].entries:
        for version, place in zip(pair, (entry.old_at, entry.new_at), strict=True):
            if place is not None:
                lines = (kernels / version / place.path).read_text(encoding="utf-8", errors="replace").split("\n")
                near = " ".join(lines[place.line - 1 : place.line + 12])
                assert set(re.findall(r"\w+", near)), entry


def missed(old: Items, new: Items) -> set[str]:
    return {name for name in {*old, *new} if (name in old) != (name in new)}


@pytest.mark.parametrize("pair", PAIRS, ids="→".join)
def test_nothing_that_comes_or_goes_is_missed(
    pair: tuple[str, str], kernels: Path, ledgers: dict[tuple[str, str], Ledger]
) -> None:
    """The other way round: what the second opinion sees come or go is in the ledger (or silenced by the data)."""
    told: dict[tuple[str, str], set[str]] = {}
    for entry in ledgers[pair].entries:
        told.setdefault((entry.group, entry.arch), set()).update({entry.name, *entry.terms})
    lost = []
    for group in SHOWN:
        if group in ("x86-validmask", "uapi-devattr", "uapi-define"):
            continue  # the first is silent by data; the other two share one list of constants: see below
        for arch in ("generic", *ARCHES) if group.startswith("uapi-") else (group.partition("-")[0],):
            if group == "uapi-cap" and arch != "generic":
                continue
            before, after = (shown(kernels / version, group, arch) for version in pair)
            if group.startswith("uapi-") and arch != "generic":
                common = [shown(kernels / version, group, "generic") for version in pair]
                before, after = ({**c, **own} for c, own in zip(common, (before, after), strict=True))
                everywhere = {one for (g, a), names in told.items() if g == group and a == "generic" for one in names}
            else:
                everywhere = set()
            lost += [
                f"{group} {arch}: {name}"
                for name in missed(before, after) - told.get((group, arch), set()) - everywhere
            ]
    assert not lost, "\n".join([str(len(lost)), *lost[:60]])
