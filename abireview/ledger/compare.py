# SPDX-License-Identifier: GPL-2.0-or-later
"""Two surfaces → the ledger: what comes, goes and changes, what that means, and what to set to keep the old way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from abireview.findings.model import ToolInfo
from abireview.ledger.model import Entry, Group, Item, Ledger, Pin, Place, Surface
from abireview.ledger.reading import GENERIC
from abireview.ledger.schema import Change, Op, SurfaceSpec
from abireview.ledger.template import fill
from abireview.limits import MAX_SURFACE_TEXT
from abireview.rules.regex import compiled

WHOLE_GROUP = 4  # items from which a surface that only one tree has is one entry
NOTHING = Item("")
_NUMBERED = re.compile(r"(.+)\((\d{1,6})\)")
WEIGHTS = {"high": 0, "medium": 1, "low": 2}

SAYINGS: Mapping[Op, str] = {
    "added": "{name} is new.",
    "removed": "{name} is gone.",
    "changed": "{attr} of {name} goes from {old} to {new}.",
    "gained": "{attr} of {name} gains {terms}.",
    "lost": "{attr} of {name} loses {terms}.",
}


class Event(msgspec.Struct, frozen=True):
    """One difference before anybody said what it means; ``term`` is what a set gains or loses."""

    op: Op
    attr: str
    old: str = ""
    new: str = ""
    term: str = ""


def compare(old: Surface, new: Surface, specs: Sequence[SurfaceSpec], tool: ToolInfo) -> Ledger:
    """The ledger from OLD to NEW. Entries stand in the order of groups, then heaviest first, then by item."""
    by_id = {spec.id: spec for spec in specs}
    before, after = _Side(old), _Side(new)
    entries: list[Entry] = []
    keys = {*before.groups, *after.groups}
    for key in sorted(keys, key=lambda key: (key[1] == GENERIC, key[1], by_id[key[0]].area, key[0])):
        entries += _group(by_id[key[0]], key[1], before, after)
    missing = tuple(sorted({*old.missing} & {*new.missing}))
    return Ledger(tool=tool, old=old.tree, new=new.tree, entries=tuple(entries), pins=pins_of(entries), missing=missing)


class _Side:
    """The groups of one tree by surface and architecture, and who has an item of a surface."""

    def __init__(self, surface: Surface) -> None:
        self.groups = {(group.id, group.arch): group for group in surface.groups}
        self._items = {key: {item.name: item for item in group.items} for key, group in self.groups.items()}

    def items(self, spec_id: str, arch: str) -> dict[str, Item]:
        return self._items.get((spec_id, arch), {})

    def owners(self, spec_id: str, name: str) -> list[str]:
        """The architectures that have an item NAME of their own."""
        return [
            arch for (one, arch), items in self._items.items() if one == spec_id and arch != GENERIC and name in items
        ]


def pins_of(entries: Iterable[Entry]) -> tuple[Pin, ...]:
    """The pin list: a pin a knob and value, with the names of all that it keeps."""
    found: dict[tuple[str, str, str, str, str], list[str]] = {}
    for entry in entries:
        if entry.pin:
            pin = entry.pin
            names = found.setdefault((pin.arch, pin.kind, pin.what, pin.to, pin.how), [])
            names += [name for name in pin.names if name not in names]
    return tuple(
        Pin(arch, kind, what, to, how, tuple(names))  # type: ignore[arg-type]
        for (arch, kind, what, to, how), names in found.items()
    )


def _group(spec: SurfaceSpec, arch: str, old: _Side, new: _Side) -> Iterator[Entry]:
    before, after = dict(old.items(spec.id, arch)), dict(new.items(spec.id, arch))
    entries = list(_moves(spec, arch, (before, after), old, new)) if spec.shared else []
    if not entries and min(len(before), len(after)) == 0 and max(len(before), len(after)) >= WHOLE_GROUP:
        yield _whole(spec, (new if after else old).groups[spec.id, arch], "added" if after else "removed")
        return
    together: dict[tuple[int, Op, str, str, str], list[Entry]] = {}
    for name in sorted({*before, *after}):
        for number, entry in _item(spec, arch, before.get(name), after.get(name)):
            if number < len(spec.change) and spec.change[number].together and entry.op not in ("gained", "lost"):
                together.setdefault((number, entry.op, entry.attr, entry.old, entry.new), []).append(entry)
            else:
                entries.append(entry)
    entries += [_together(spec, spec.change[number], found) for (number, *_), found in together.items()]
    yield from sorted(entries, key=lambda entry: WEIGHTS[entry.weight])


def _moves(
    spec: SurfaceSpec, arch: str, sides: tuple[dict[str, Item], dict[str, Item]], old: _Side, new: _Side
) -> Iterator[Entry]:
    """Take what moved between the generic group and an architecture's out of both sides, or pair it.

    For an architecture the generic item stands in for one that it lacks; for the generic group what only some
    architectures have now, or had before, is told in one entry.
    """
    before, after = sides
    if arch != GENERIC:
        for mine, other, shared in ((before, after, new), (after, before, old)):
            for name in [name for name in mine if name not in other]:
                if name in shared.items(spec.id, GENERIC):
                    other[name] = shared.items(spec.id, GENERIC)[name]
        return
    for mine, other, side in ((before, after, new), (after, before, old)):
        moved: dict[tuple[str, ...], list[Item]] = {}
        for name in [name for name in mine if name not in other]:
            owners = side.owners(spec.id, name)
            if owners:
                moved.setdefault(tuple(owners), []).append(mine.pop(name))
        for archs, items in sorted(moved.items(), key=lambda one: one[0]):
            yield _moved(spec, archs, items, "removed" if side is new else "added")


def ranges(names: Sequence[str]) -> list[str]:
    """NAMES with those that differ in a last number only as one: ``X(0)``, ``X(1)``, ``X(2)`` give ``X(0..2)``."""
    found: dict[str, list[int]] = {}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        found.setdefault(match[1] if match else name, []).extend([int(match[2])] if match else [])
    shown: list[str] = []
    for name, numbers in found.items():
        run: list[int] = []
        for number in [*sorted(numbers), -1]:
            if run and number != run[-1] + 1:
                shown.append(f"{name}({run[0]}..{run[-1]})" if len(run) > 1 else f"{name}({run[0]})")
                run = []
            run.append(number)
        if not numbers:
            shown.append(name)
    return shown


def _moved(spec: SurfaceSpec, owners: Sequence[str], items: Sequence[Item], op: Op) -> Entry:
    names = tuple(item.name for item in items)
    who, listed = ", ".join(owners), ", ".join(ranges(names))
    text = (
        f"Only on {who} now: {listed}." if op == "removed" else f"On every architecture now, before on {who}: {listed}."
    )
    place = items[0].place
    return _plain(spec, GENERIC, names, text, op, place)


def _together(spec: SurfaceSpec, change: Change, found: Sequence[Entry]) -> Entry:
    """One entry for all that come, go or change in the same way."""
    first = found[0]
    names = tuple(entry.name for entry in found)
    listed = ", ".join(ranges(names))
    values = {"terms": listed, "name": listed, "arch": first.arch, "attr": first.attr}
    values |= {"old": first.old or "none", "new": first.new or "none"}
    return msgspec.structs.replace(
        first,
        name=first.name if len(found) == 1 else spec.title,
        terms=names,
        text=_one(change.say, values),
        pin=first.pin and msgspec.structs.replace(first.pin, names=names),
    )


def _whole(spec: SurfaceSpec, group: Group, op: Op) -> Entry:
    names = tuple(item.name for item in group.items)
    text = f"{spec.title}: the whole surface is {'new' if op == 'added' else 'gone'}, {len(names)} items."
    return _plain(spec, group.arch, names, text, op, group.items[0].place)


def _plain(spec: SurfaceSpec, arch: str, names: tuple[str, ...], text: str, op: Op, place: Place | None) -> Entry:
    return Entry(
        group=spec.id, title=spec.title, area=spec.area, arch=arch, name=spec.title, op=op, attr="", old="", new="",
        terms=names, text=text, weight="low", visible_to=spec.visible_to, direction=(), knob="", pin=None,
        old_at=place if op == "removed" else None, new_at=place if op == "added" else None,
    )  # fmt: skip


def _item(spec: SurfaceSpec, arch: str, old: Item | None, new: Item | None) -> Iterator[tuple[int, Entry]]:
    """The entries of one item, each with the number of the change that it matches."""
    gathered: dict[tuple[str, str, int], list[tuple[Event, dict[str, str]]]] = {}
    for event in _events(old, new):
        for number, change in enumerate((*spec.change, Change())):
            values = _matched(change, event, old or NOTHING, new or NOTHING)
            if values is not None:
                one = number if event.term else -number - 1  # facts are told one by one
                gathered.setdefault((event.op, event.attr, one), []).append((event, values | {"arch": arch}))
                break
    for (_, _, number), found in gathered.items():
        number = number if number >= 0 else -number - 1
        change = (*spec.change, Change())[number]
        if not change.silent:
            yield number, _entry(spec, arch, change, found, old, new)


def _events(old: Item | None, new: Item | None) -> Iterator[Event]:
    if old is None or new is None:
        yield Event("added" if old is None else "removed", "")
        return
    for attr in sorted({*old.facts, *new.facts}):
        before, after = old.facts.get(attr, ""), new.facts.get(attr, "")
        if before != after:
            yield Event("changed", attr, before, after)
    for attr in sorted({*old.sets, *new.sets}):
        first, second = old.sets.get(attr, ()), new.sets.get(attr, ())
        yield from (Event("lost", attr, term, "", term) for term in first if term not in second)
        yield from (Event("gained", attr, "", term, term) for term in second if term not in first)


def _matched(change: Change, event: Event, old: Item, new: Item) -> dict[str, str] | None:
    """The values for CHANGE's templates, None if EVENT is not what it is about."""
    if change.op and event.op not in change.op:
        return None
    name = new.name or old.name
    values = {f"old_{attr}": text for attr, text in _texts(old).items()} | _texts(new)
    values |= {"name": name, "attr": event.attr, "old": event.old, "new": event.new, "term": event.term}
    tests = [(change.name, name, True), (change.attr, event.attr, True)]
    tests += [(change.old, event.old, False), (change.new, event.new, False)]
    tests += [(expression, new.facts.get(attr, ""), False) for attr, expression in change.fact.items()]
    tests += [(expression, old.facts.get(attr, ""), False) for attr, expression in change.was.items()]
    for expression, text, whole in tests:
        if expression:
            match = (compiled(expression).fullmatch if whole else compiled(expression).search)(text[:MAX_SURFACE_TEXT])
            if match is None:
                return None
            values |= {key: found or "" for key, found in match.groupdict().items()}
    if any(fill(text, values) not in new.sets.get(attr, ()) for attr, text in change.has.items()):
        return None
    if any(fill(text, values) in new.sets.get(attr, ()) for attr, text in change.lacks.items()):
        return None
    return values


def _texts(item: Item) -> dict[str, str]:
    return item.facts | {attr: ", ".join(terms) for attr, terms in item.sets.items()}


def _entry(
    spec: SurfaceSpec,
    arch: str,
    change: Change,
    found: Sequence[tuple[Event, dict[str, str]]],
    old: Item | None,
    new: Item | None,
) -> Entry:
    event, values = found[0]
    terms = tuple(one.term for one, _ in found if one.term)
    values = values | {"terms": ", ".join(terms), "term": ", ".join(terms)}
    values["old"], values["new"] = values["old"] or "none", values["new"] or "none"
    text = fill(change.say or SAYINGS[event.op], values)
    pin = _pin(change, arch, [one | {"old": values["old"]} for _, one in found]) if change.pin else None
    return Entry(
        group=spec.id, title=spec.title, area=spec.area, arch=arch, name=values["name"], op=event.op,
        attr=event.attr, old=event.old if not event.term else "", new=event.new if not event.term else "",
        terms=terms, text=_one(text, {}), weight=change.weight,
        visible_to=spec.visible_to if change.visible_to is None else change.visible_to, direction=change.direction,
        knob=change.knob, pin=pin, old_at=_at(old, event.attr), new_at=_at(new, event.attr),
    )  # fmt: skip


def _pin(change: Change, arch: str, found: Sequence[Mapping[str, str]]) -> Pin:
    how = change.pin
    assert how is not None
    what = ", ".join(dict.fromkeys(_one(how.what, values) for values in found))
    return Pin(arch, change.knob, what, _one(how.to, found[0]), _one(how.how, found[0]), (found[0]["name"],))


def _at(item: Item | None, attr: str) -> Place | None:
    if item is None:
        return None
    return item.at.get(attr) or item.place


def _one(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\s+", " ", fill(text, values) if values else text).strip()
