# SPDX-License-Identifier: GPL-2.0-or-later
"""What differences become: the first change of the data that fits, together or apart, moved or gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from abireview.ledger.compare import compare, ranges
from abireview.ledger.model import Group, Item, Ledger, Place, Surface
from abireview.ledger.schema import SurfaceSpec
from tests.ledger.conftest import TOOL

AT = Place("arch/x/a.c", 7)


def spec(**fields: object) -> SurfaceSpec:
    given = {"id": "s", "title": "Things", "area": "cap", "about": "", "files": ["f"], "read": [], **fields}
    return msgspec.convert(given, SurfaceSpec)


def item(name: str, facts: Mapping[str, str] | None = None, **sets: Sequence[str]) -> Item:
    return Item(name, dict(facts or {}), {attr: tuple(terms) for attr, terms in sets.items()}, {"": AT})


def surface(one: SurfaceSpec, label: str, **groups: Sequence[Item]) -> Surface:
    made = tuple(
        Group(one.id, one.title, one.area, arch, "", one.visible_to, tuple(items)) for arch, items in groups.items()
    )
    return Surface(tool=TOOL, tree=label, groups=made)


def ledger(one: SurfaceSpec, old: Mapping[str, Sequence[Item]], new: Mapping[str, Sequence[Item]]) -> Ledger:
    return compare(surface(one, "old", **old), surface(one, "new", **new), [one], TOOL)


def texts(found: Ledger) -> list[str]:
    return [entry.text for entry in found.entries]


def test_equal_surfaces_differ_in_nothing() -> None:
    found = ledger(spec(), {"x": [item("a", {"k": "1"}, s=["t"])]}, {"x": [item("a", {"k": "1"}, s=["t"])]})
    assert (found.entries, found.pins) == ((), ())


def test_without_data_the_words_are_plain() -> None:
    found = ledger(
        spec(),
        {"x": [item("a", {"k": "1"}, s=["t", "u"]), item("b")]},
        {"x": [item("a", {"k": "2"}, s=["u", "v"]), item("c")]},
    )
    assert texts(found) == [
        "k of a goes from 1 to 2.", "s of a loses t.", "s of a gains v.", "b is gone.", "c is new.",
    ]  # fmt: skip


def test_the_first_change_that_fits_is_taken() -> None:
    one = spec(
        change=[
            {"op": ["changed"], "attr": "k", "new": "^9$", "say": "nine"},
            {"attr": "k", "was": {"k": "^1$"}, "fact": {"j": "yes"}, "say": "{old} to {new} with {j} from {old_j}"},
            {"attr": "k", "silent": True},
        ]
    )
    old = {"x": [item("a", {"k": "1", "j": "yes"}), item("b", {"k": "1"}), item("c", {"k": "5"})]}
    new = {"x": [item("a", {"k": "2", "j": "yes"}), item("b", {"k": "9"}), item("c", {"k": "6"})]}
    assert texts(ledger(one, old, new)) == ["1 to 2 with yes from yes", "nine"]


def test_a_pin_only_where_the_new_kernel_takes_the_old_value() -> None:
    pin = {"what": "REG", "to": "{old}", "how": "ioctl"}
    one = spec(
        change=[
            {"attr": "latest", "has": {"accepted": "{old}"}, "say": "can", "knob": "PIN", "pin": pin},
            {"attr": "latest", "lacks": {"accepted": "{old}"}, "say": "cannot", "knob": "NONE"},
            {"attr": "accepted", "silent": True},
        ]
    )
    found = ledger(one, {"x": [item("r", {"latest": "1"})]}, {"x": [item("r", {"latest": "2"}, accepted=["1", "2"])]})
    assert [(entry.text, entry.knob) for entry in found.entries] == [("can", "PIN")]
    assert [(made.what, made.to, made.names) for made in found.pins] == [("REG", "1", ("r",))]
    found = ledger(one, {"x": [item("r", {"latest": "1"})]}, {"x": [item("r", {"latest": "2"}, accepted=["2"])]})
    assert [(entry.text, entry.pin) for entry in found.entries] == [("cannot", None)]


def test_terms_that_mean_the_same_stand_together_and_their_pins_apart() -> None:
    pin = {"what": "{name}.{term}", "to": "0", "how": "h"}
    one = spec(
        change=[
            {"op": ["gained"], "new": "^x", "say": "new {terms}", "knob": "OPT_OUT", "pin": pin},
            {"op": ["gained"], "say": "other {terms}"},
        ]
    )
    found = ledger(one, {"x": [item("a")]}, {"x": [item("a", None, s=["x1", "y", "x2"])]})
    assert texts(found) == ["new x1, x2", "other y"]
    assert found.pins[0].what == "a.x1, a.x2"


def test_items_that_change_alike_can_be_one_entry() -> None:
    one = spec(change=[{"attr": "k", "together": True, "say": "{name}: {old}, now {new}"}])
    old = {"x": [item(name, {"k": "1"}) for name in "abc"]}
    new = {"x": [item("a", {"k": "2"}), item("b", {"k": "2"}), item("c", {"k": "3"})]}
    found = ledger(one, old, new)
    assert texts(found) == ["a, b: 1, now 2", "c: 1, now 3"]
    assert [entry.terms for entry in found.entries] == [("a", "b"), ("c",)]
    assert [entry.name for entry in found.entries] == ["Things", "c"]


def test_a_surface_that_one_tree_lacks_is_one_entry() -> None:
    many = [item(name) for name in "abcd"]
    found = ledger(spec(), {}, {"x": many})
    assert texts(found) == ["Things: the whole surface is new, 4 items."]
    assert found.entries[0].terms == ("a", "b", "c", "d")
    assert texts(ledger(spec(), {"x": many}, {})) == ["Things: the whole surface is gone, 4 items."]
    assert len(ledger(spec(), {}, {"x": many[:3]}).entries) == 3


def test_what_moves_to_an_architecture_stays_there() -> None:
    one = spec(shared=True)
    old = {"generic": [item("a", {"k": "1"}), item("b")], "x": [item("own")]}
    new = {"generic": [item("b")], "x": [item("a", {"k": "2"}), item("own")]}
    found = ledger(one, old, new)
    assert [(entry.arch, entry.text) for entry in found.entries] == [
        ("x", "k of a goes from 1 to 2."),
        ("generic", "Only on x now: a."),
    ]


def test_what_moves_to_the_common_part_is_on_every_architecture() -> None:
    one = spec(shared=True)
    found = ledger(
        one,
        {"generic": [item("b")], "x": [item("a")], "y": [item("c")]},
        {"generic": [item("b"), item("a")], "y": [item("c")]},
    )
    assert texts(found) == ["On every architecture now, before on x: a."]


def test_an_architecture_that_had_nothing_of_its_own_is_not_new() -> None:
    one = spec(shared=True)
    names = "abcde"
    found = ledger(
        one, {"generic": [item(name) for name in names]}, {"generic": [item("z")], "x": [item(n) for n in names]}
    )
    assert [entry.arch for entry in found.entries] == ["generic", "generic"]


def test_heavy_entries_stand_first() -> None:
    one = spec(change=[{"name": "b", "weight": "high", "say": "heavy"}, {"say": "light {name}"}])
    assert texts(ledger(one, {"x": [item("z")]}, {"x": [item(name) for name in "abz"]})) == ["heavy", "light a"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["A", "B"], ["A", "B"]),
        ([f"X({n})" for n in (0, 1, 10, 2, 3)], ["X(0..3)", "X(10)"]),
        (["X(5)", "Y", "X(6)"], ["X(5..6)", "Y"]),
        (["f(a, 1)", "X()"], ["f(a, 1)", "X()"]),
        ([], []),
    ],
)
def test_numbered_names_are_told_as_ranges(names: list[str], shown: list[str]) -> None:
    assert ranges(names) == shown
