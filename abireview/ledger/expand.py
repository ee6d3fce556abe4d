# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of a table seen through the macros of their own file.

``WRITABLE(REG_A, ~B),`` says what its ``#define`` says: the columns of the row after the preprocessor, so that a row
that is written differently but means the same is the same, and a macro that means something else is a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from abireview.facts.lex import join
from abireview.facts.lists import CLOSER
from abireview.facts.model import Fact
from abireview.facts.tokens import words
from abireview.limits import MAX_EXPANDED_TOKENS, MAX_NAME_DEPTH

_OPENER = {closer: opener for opener, closer in CLOSER.items()}

Tokens = list[str]


class Macros:
    """The macros that a file defines; one that is defined twice is not expanded, since nobody knows which counts."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._known: dict[str, tuple[list[str] | None, Tokens] | None] = {}
        self._left = 0  # words that the row may still be made of: macros of nothing, too, take their time
        for fact in facts:
            if fact.kind != "define" or fact.column("cut"):
                continue
            name = fact.key.partition("#")[0]
            names = dict(fact.columns).get("params")
            parameters = None if names is None else [one.strip() for one in names.split(",") if one.strip()]
            body = words(fact.value)
            same = self._known.get(name, (parameters, body)) == (parameters, body)
            self._known[name] = (parameters, body) if same else None

    def rows(self, value: str) -> list[dict[str, str]]:
        """The columns of the row VALUE after expansion: one mapping, or several for a macro that gives several rows.

        Columns without a name are numbered by their place among those without a name.
        """
        self._left = MAX_EXPANDED_TOKENS
        tokens = self._expand(words(value), 0)
        return [columns(part[1:-1]) if _braced(part) else columns(part) for part in split(tokens)]

    def _expand(self, tokens: Tokens, depth: int) -> Tokens:
        if depth > MAX_NAME_DEPTH:
            return tokens
        out: Tokens = []
        index = 0
        while index < len(tokens) and self._left > 0:
            self._left -= 1
            known = self._known.get(tokens[index])
            arguments: list[Tokens] = []
            stop = index + 1
            if known and known[0] is not None:
                if tokens[stop : stop + 1] == ["("]:
                    end = closing(tokens, stop)
                    arguments = split(tokens[stop + 1 : end], keep_empty=True)
                    stop = end + 1
                else:
                    known = None
            if known is None or _recursive(known[1], tokens[index]):
                out.append(tokens[index])
                index += 1
                continue
            meant = _substituted(known[0] or [], known[1], arguments)
            self._left -= len(meant)
            out += self._expand(meant, depth + 1)
            index = stop
        return out


def _recursive(body: Tokens, name: str) -> bool:
    return name in body


def _substituted(parameters: Sequence[str], body: Tokens, arguments: Sequence[Tokens]) -> Tokens:
    values = dict(zip(parameters, arguments, strict=False))
    if parameters and parameters[-1].endswith("..."):
        rest = [word for part in arguments[len(parameters) - 1 :] for word in [",", *part]]
        values["__VA_ARGS__"] = rest[1:]
    out: Tokens = []
    paste = False
    for index, word in enumerate(body):
        if word == "##":
            paste = True
            continue
        if word == "#" and index + 1 < len(body) and body[index + 1] in values:
            continue
        if index and body[index - 1] == "#" and word in values:
            given = [f'"{join(values[word])}"']
        else:
            given = values.get(word, [word])
        if paste and out and given:
            out[-1] += given[0]
            given = given[1:]
        out += given
        paste = False
        if len(out) > MAX_EXPANDED_TOKENS:
            break
    return out


def closing(tokens: Sequence[str], start: int) -> int:
    """The index of the bracket that closes the one at START (the last word if it is not closed)."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index] in CLOSER:
            depth += 1
        elif tokens[index] in _OPENER:
            depth -= 1
            if depth <= 0:
                return index
    return len(tokens) - 1


def split(tokens: Sequence[str], *, keep_empty: bool = False) -> list[Tokens]:
    """TOKENS split at the commas outside brackets."""
    parts: list[Tokens] = [[]]
    depth = 0
    for word in tokens:
        depth += (word in CLOSER) - (word in _OPENER)
        if word == "," and depth <= 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts if keep_empty else [part for part in parts if part]


def columns(tokens: Sequence[str]) -> dict[str, str]:
    """The elements of an initialiser's list by name or position; a later one of the same name counts."""
    found: dict[str, str] = {}
    position = 0
    for part in split(tokens):
        if len(part) > 3 and part[0] == "." and part[2] == "=":
            found[part[1]] = join(part[3:])
        else:
            found[str(position)] = join(part)
            position += 1
    return found


def _braced(part: Sequence[str]) -> bool:
    return len(part) > 1 and part[0] == "{" and closing(part, 0) == len(part) - 1
