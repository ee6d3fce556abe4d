# SPDX-License-Identifier: GPL-2.0-or-later
"""Cutting lines of C at the scopes that stand at column 0.

Kernel C opens a function, table, struct or enum at column 0 and closes it with ``}`` at column 0, whatever braces,
macros and #ifdef do in between; that holds in a hunk, where counting braces does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from abireview.source.chead import bare, classify, guess_kind, is_macro_call
from abireview.source.model import ScopeKind

_LABEL = re.compile(r"^(?:case\b.*|default\s*|[A-Za-z_]\w*\s*):(?!:)")
_DEFINE = re.compile(r"^#\s*define\s+(\w+)")
_RESTART = re.compile(
    r"^(?:static|extern|typedef|(?:EXPORT_SYMBOL|MODULE_|module_|(?:COMPAT_)?SYSCALL_DEFINE)\w*\s*\(|"
    r"(?:struct|union|enum)\s+\w+\s*\{)"
)
_CLOSES_TABLE = re.compile(r"^\}(?!\s*,)(?!\s*\))")
_CLOSE_NAME = re.compile(r"^\}\s*([A-Za-z_]\w*)")
_CLOSE_OPENS = re.compile(r"^\}[^;{]*=\s*\{")
_CALL = re.compile(r"^[A-Za-z]\w*\s*\(")


@dataclass(slots=True)
class Scope:
    """Lines ``first`` to ``end`` (excluded; indices from 0) of one scope.

    ``body`` is the index of the first line after the one with the opening brace; ``opened``/``closed`` say whether
    the lines contain the scope's first and last line. ``header`` is what to put before the lines if not ``opened``.
    """

    kind: ScopeKind
    name: str
    first: int
    end: int
    body: int
    opened: bool = True
    closed: bool = False
    header: str = ""


class _Cutter:
    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.scopes: list[Scope] = []
        self.open: Scope | None = None  # the brace scope that is open
        self.top = -1  # first line of the running file-scope text, -1 if none
        self.pending = -1  # first line of a declaration that has not ended
        self.texts: list[str] = []
        self.parens = 0
        self.braces = 0
        self.braced = False

    def run(self, start: Scope | None) -> list[Scope]:
        i = self._begin(start) if start is not None else 0
        lines = self.lines
        total = len(lines)
        while i < total:
            line = lines[i]
            if self.open is not None:
                if not line or line[0] in "\t ":
                    i += 1
                    continue
                i = self._inside(i, line)
            elif self.pending >= 0:
                i = self._declaration(i, line)
            else:
                i = self._file_scope(i, line)
        self._finish(start)
        return self.scopes

    def _begin(self, start: Scope) -> int:
        """Take up the scope that is open before the first line; the index of the line to go on with."""
        if start.kind == "macro":
            start.end = min(start.body, len(self.lines))
            start.closed = True
            while start.end < len(self.lines) and self.lines[start.end - 1].endswith("\\"):
                start.end += 1
            self.scopes.append(start)
            return start.end
        if start.body:
            self.open = start
        else:  # the header is cut: its rest and the brace are still to come
            self.pending = 0
            self.texts = [bare(start.header)]
            self.parens = max(0, start.header.count("(") - start.header.count(")"))
        return 0

    def _finish(self, start: Scope | None) -> None:
        total = len(self.lines)
        if self.open is not None:
            self.open.end = total
            self.scopes.append(self.open)
        elif self.pending >= 0:
            kind, name = classify(" ".join(self.texts))
            if kind == "function" and (not name or (self.parens > 0 and not self.texts[0].startswith("static"))):
                self._to_top(self.pending)
                self._close_top(total)
            else:
                self._close_top(self.pending)
                self.scopes.append(Scope(kind, name, self.pending, total, total))
        else:
            self._close_top(total)
        if start is not None and not start.body and self.scopes and self.scopes[0].kind != "top":
            self.scopes[0].opened = False
            self.scopes[0].header = start.header

    # --- file scope ---------------------------------------------------------------------------------------------

    def _to_top(self, i: int) -> None:
        if self.top < 0:
            self.top = i
        self.pending = -1

    def _close_top(self, end: int) -> None:
        if 0 <= self.top < end:
            self.scopes.append(Scope("top", "", self.top, end, self.top, closed=True))
        self.top = -1

    def _file_scope(self, i: int, line: str) -> int:
        mark = line[:1]
        if mark.isalpha() or mark == "_":
            if line.startswith('extern "C"'):
                self._to_top(i)
                return i + 1
            self.pending = i
            self.texts = []
            self.parens = self.braces = 0
            self.braced = False
            return self._declaration(i, line)
        if mark == "{":
            self._close_top(i)
            self.open = Scope("function", "", i, i, i + 1, opened=False)
            return i + 1
        if mark == "#" and line.endswith("\\"):
            return self._macro(i, line)
        self._to_top(i)
        if mark == "/" and line.startswith("/*"):
            return self._comment(i)
        return i + 1

    def _comment(self, i: int) -> int:
        """The index after the block comment that begins on line ``i``."""
        lines = self.lines
        while i < len(lines) and "*/" not in lines[i]:
            i += 1
        return min(i + 1, len(lines))

    def _macro(self, i: int, line: str) -> int:
        lines = self.lines
        j = i
        while j < len(lines) and lines[j].endswith("\\"):
            j += 1
        end = min(j + 1, len(lines))
        match = _DEFINE.match(line)
        if match is None:
            self._to_top(i)
            return end
        self._close_top(i)
        self.scopes.append(Scope("macro", match.group(1), i, end, i + 1, closed=j < len(lines)))
        return end

    # --- a declaration, until it ends or opens a brace ----------------------------------------------------------

    def _declaration(self, i: int, line: str) -> int:
        mark = line[:1]
        if mark == "#":
            if line.endswith("\\"):
                while i < len(self.lines) and self.lines[i].endswith("\\"):
                    i += 1
            return i + 1
        balanced = self.parens <= 0
        if not line.strip():
            if balanced and self.texts and not self.braced and self.lines[i + 1 : i + 2] != ["{"]:
                self._to_top(self.pending)
            return i + 1
        if mark not in " \t{" and i > self.pending and balanced and self._complete():
            self._to_top(self.pending)
            return i  # read the line again, at file scope
        if mark == "/" and line.startswith("/*") and "*/" not in line:
            return self._comment(i)
        text = bare(line)
        if mark == "{":
            self.parens = 0
        self.texts.append(text)
        self.parens += text.count("(") - text.count(")")
        self.braces += text.count("{") - text.count("}")
        if "{" in text and self.parens <= 0:
            self.braced = True
        return self._decide(i, text.rstrip())

    def _complete(self) -> bool:
        """Whether the declaration so far is a macro call without a semicolon: EXPORT_SYMBOL(x), module_init(x)."""
        first = self.texts[0] if self.texts else ""
        return self.texts[-1].rstrip().endswith(")") and bool(_CALL.match(first)) if self.texts else False

    def _decide(self, i: int, text: str) -> int:
        """End the declaration on line ``i`` if it is complete or opens a scope."""
        if self.parens > 0:
            return i + 1
        if self.braced:
            first = self.pending
            self.pending = -1
            kind, name = classify(" ".join(self.texts))
            self._close_top(first)
            scope = Scope(kind, name, first, i + 1, i + 1)
            if self.braces > 0:
                self.open = scope
            else:
                scope.closed = True
                self.scopes.append(scope)
        elif text.endswith(";"):
            self._to_top(self.pending)
        return i + 1

    # --- inside braces ------------------------------------------------------------------------------------------

    def _inside(self, i: int, line: str) -> int:
        mark = line[:1]
        scope = self.open
        assert scope is not None
        if mark == "#" and line.endswith("\\"):  # a macro inside a function may have } at column 0
            while i < len(self.lines) and self.lines[i].endswith("\\"):
                i += 1
            return i + 1
        if mark in ("#", "{"):
            return i + 1
        if mark == "}":
            return self._closing(i, line, scope)
        if mark == "/" and line.startswith("/*"):
            return self._comment(i)
        if _RESTART.match(line) and not _LABEL.match(line):
            scope.end = i
            self.scopes.append(scope)
            self.open = None
        else:
            return i + 1
        return i

    def _closing(self, i: int, line: str, scope: Scope) -> int:
        if not self._ends(i, line, scope):
            return i + 1
        scope.end = i + 1
        scope.closed = True
        if (
            scope.kind == "function"
            and line.startswith("};")
            and scope.opened
            and is_macro_call(self.lines[scope.first])
        ):
            scope.kind = guess_kind(self.lines[scope.body : i])  # a macro that opens a table or a struct
        if scope.kind in ("struct", "enum") and not scope.name and (match := _CLOSE_NAME.match(line)):
            scope.name = match.group(1)
        self.scopes.append(scope)
        self.open = None
        if _CLOSE_OPENS.match(line):  # struct { … } name[] = {
            scope.end = i
            self.open = Scope("table", classify(line[1:])[1], i, i + 1, i + 1)
        return i + 1

    def _ends(self, i: int, line: str, scope: Scope) -> bool:
        """Whether the ``}`` at column 0 ends the scope: not a row's, nor one that was indented wrongly."""
        if scope.kind != "function":
            return bool(_CLOSES_TABLE.match(line))
        after = next((text for text in self.lines[i + 1 : i + 4] if text.strip()), "")
        return after[:1] != "\t"


def cut(lines: Sequence[str], start: Scope | None = None) -> list[Scope]:
    """The scopes of ``lines`` in order, without gaps; their ends join up to the whole.

    ``start`` is the scope that is open before the first line, None at file scope. A start with ``body`` 0 is one
    whose header is not complete yet. Text between the scopes is of kind "top".
    """
    return _Cutter(lines).run(start)
