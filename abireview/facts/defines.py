# SPDX-License-Identifier: GPL-2.0-or-later
"""``#define``: the key is the macro's name, the value its normalised text, the number what it computes to.

A function-like macro has a column ``params`` (``a, b``) and no number. An ioctl number stays as it is written, in the
columns ``dir`` (``""``, ``R``, ``W`` or ``WR``), ``type``, ``nr`` and ``arg`` (include/uapi/asm-generic/ioctl.h). A
macro whose first line is not in the fragment has a column ``cut`` and the lines that are there as its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from abireview.facts.constants import Constants
from abireview.facts.model import Fact
from abireview.facts.pieces import Piece, numbered, read
from abireview.facts.tokens import normalise
from abireview.source.model import Fragment, Side

_DEFINE = re.compile(r"([A-Za-z_]\w*)(\([^()]*\))?(.*)", re.DOTALL)
_HEADER = re.compile(r"\s*#\s*define\s+([A-Za-z_]\w*)(\([^()]*\)?)?(.*)", re.DOTALL)
_IOCTL = re.compile(r"_IO(WR|R|W|)\((.*)\)")
_JOINED = re.compile(r"\\[ \t]*(?:\n|$)")
_IOCTL_FIELDS = ("type", "nr", "arg")


def extract(fragment: Fragment, side: Side) -> list[Fact]:
    """The define facts of one side of a fragment, in the order of its lines."""
    shown = fragment.old if side == "old" else fragment.new
    if fragment.kind != "macro" and "define" not in shown.text:
        return []
    facts = list(numbered(_facts(read(fragment, side))))
    constants = Constants(facts)
    return [_computed(fact, constants) for fact in facts]


def _computed(fact: Fact, constants: Constants) -> Fact:
    if not fact.value or fact.columns:
        return fact
    value = constants.value(fact.key) if "#" not in fact.key else None
    number = value.number if value else constants.number(fact.value) if "#" in fact.key else None
    return fact if number is None else msgspec.structs.replace(fact, number=number)


def _facts(piece: Piece) -> Iterator[Fact]:
    first = piece.directives[0].line if piece.directives else len(piece.lines)
    if piece.kind == "macro" and piece.header:
        yield from _cut(piece, first)
    for directive in piece.directives:
        match = _DEFINE.match(directive.rest) if directive.word == "define" else None
        if match is None:
            continue
        name, parameters, body = match.groups()
        value = normalise(body)
        columns = [("params", normalise(parameters[1:-1]) or " ")] if parameters else list(_ioctl(value))
        yield piece.fact("define", name, directive.line, directive.end, value=value, columns=columns)


def _cut(piece: Piece, stop: int) -> Iterator[Fact]:
    """The macro that the fragment begins in the middle of."""
    match = _HEADER.match(piece.header)
    lines = piece.code.split("\n")[:stop]
    while lines and not lines[-1].strip():
        lines.pop()
    if match is None or not lines:
        return
    end = next((index for index, line in enumerate(lines) if not line.rstrip().endswith("\\")), len(lines) - 1)
    name, parameters, rest = match.groups()
    value = normalise(_JOINED.sub(" ", "\n".join([rest, *lines[: end + 1]])))
    columns = [("params", normalise(parameters.strip("()")) or " ")] if parameters else []
    yield piece.fact("define", name, 0, end, value=value, columns=[*columns, ("cut", "start")])


def _ioctl(value: str) -> Iterator[tuple[str, str]]:
    match = _IOCTL.fullmatch(value)
    if match is None:
        return
    yield "dir", match[1]
    arguments = [argument.strip() for argument in match[2].split(",", 2)]
    yield from zip(_IOCTL_FIELDS, arguments, strict=False)
