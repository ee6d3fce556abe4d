# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading ``rules/surface/*.toml`` of one or more rule directories."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from abireview.errors import RuleError
from abireview.ledger import template
from abireview.ledger.schema import Change, SurfaceFile, SurfaceSpec
from abireview.rules import regex
from abireview.rules.load import MAX_FILE, default_dir

FOLDER = "surface"


def load_surfaces(directories: Iterable[Path] = ()) -> tuple[SurfaceSpec, ...]:
    """The surfaces that DIRECTORIES define (``default_dir()`` if none are given), sorted by id.

    A later directory's surface replaces an earlier one of the same id. Raises RuleError, naming file and key.
    """
    found: dict[str, SurfaceSpec] = {}
    for directory in directories or [default_dir()]:
        for path in sorted((directory / FOLDER).glob("*.toml")):
            for spec in _read(path).surface:
                found[spec.id] = spec
    return tuple(found[name] for name in sorted(found))


def _read(path: Path) -> SurfaceFile:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RuleError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise RuleError(f"{path}: larger than {MAX_FILE} bytes")
    try:
        file = msgspec.convert(tomllib.loads(data.decode()), SurfaceFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise RuleError(f"{path}: {error}") from error
    for spec in file.surface:
        for where, expression in _expressions(spec):
            if reason := regex.check(expression):
                raise RuleError(f"{path}: {spec.id}: {where}: {reason}: {expression[:80]}")
        for where, text in _templates(spec):
            if reason := template.wrong(text):
                raise RuleError(f"{path}: {spec.id}: {where}: {reason}: {text[:80]}")
    return file


def _expressions(spec: SurfaceSpec) -> Iterator[tuple[str, str]]:
    for one in spec.read:
        for field in ("scope", "key", "not_key", "value", "not_value", "gate", "not_gate", "path", "each"):
            yield f"read.{field}", getattr(one, field)
        for column, expression in one.columns.items():
            yield f"read.columns.{column}", expression
    for change in spec.change:
        for field in ("name", "attr", "old", "new"):
            yield f"change.{field}", getattr(change, field)
        for name, expression in (*change.fact.items(), *change.was.items()):
            yield f"change.{name}", expression
    for expression, _ in spec.normal:
        yield "normal", expression


def _templates(spec: SurfaceSpec) -> Iterator[tuple[str, str]]:
    for one in spec.read:
        for text in (one.name, one.each_of, *one.set.values(), *one.add.values()):
            yield "read", text
    for change in spec.change:
        yield from (("change", text) for text in _texts(change))


def _texts(change: Change) -> Iterator[str]:
    yield change.say
    yield from change.has.values()
    yield from change.lacks.values()
    if change.pin:
        yield from (change.pin.what, change.pin.to, change.pin.how)
