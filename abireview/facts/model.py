# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts: what a guest or a VMM could rely on, as one side of a fragment states it."""

from __future__ import annotations

from typing import Literal

import msgspec

FactKind = Literal[
    "row",  # a row of an initialiser table: scope = table, key = what names the row, columns
    "define",  # #define: key = name, value = normalised replacement text, number if it can be computed
    "enumerator",  # scope = enum tag or "", key = name, number if known
    "member",  # scope = struct/union tag, key = member path (outer.inner), value = type, number = order
    "case",  # an accepted case label: scope = function, key = label, value = the switch expression
    "call",  # scope = function, key = callee, value = arguments, columns = ("0", arg0), …
    "return",  # scope = function, key = what is returned (-EINVAL, 0, expr)
    "store",  # an assignment: scope = function, key = left side, value = operator and right side
    "cond",  # an if/while/for/?: condition: scope = function, value = normalised condition
    "stmt",  # any other statement: value = normalised text
    "local",  # a local's declaration: key = name, value = type
    "param",  # scope = function, key = parameter name, value = type, number = position
    "function",  # a function's existence: key = name, value = its return type and parameters
    "flag",  # a flag in an or-ed expression: scope = function or define, key = flag, value = where it goes
    "include",  # key = header
    "attribute",  # a file-scope macro call such as module_param(x, …), SYSCALL_DEFINE: key = macro, columns
    "file",  # key = path, value = added | deleted | renamed; modified where only that counts
    "text",  # a changed line of a document, Kconfig or Makefile: value = the line
    "word",  # of the commit message: key = the phrase's id, value = the matching text
]


BODY_KINDS = frozenset({"case", "call", "return", "store", "cond", "stmt", "local", "flag", "param"})
"""The kinds of facts of a function's body."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One fact.

    ``path`` is the file; ``line``/``end`` index the fragment side's lines, counted from 0, first and last.
    ``columns`` are (name-or-position, normalised text) pairs of rows, calls and attributes. ``number`` is a computed
    value where there is one. ``gates`` are the normalised conditions that dominate the fact inside its function,
    outermost first: ``cond``, ``!(cond)`` for an else branch or after an early return, ``case LABEL``, ``#ifdef X``.
    ``whole`` says whether the scope was seen whole, ``changed`` whether one of the fact's lines is added or removed.
    """

    kind: FactKind
    scope: str
    key: str
    value: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    number: int | None = None
    gates: tuple[str, ...] = ()
    path: str = ""
    line: int = 0
    end: int = 0
    whole: bool = False
    changed: bool = False

    def column(self, name: str) -> str:
        """The text of column ``name`` ("" if the row has none)."""
        return next((text for key, text in self.columns if key == name), "")
