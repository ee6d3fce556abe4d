# SPDX-License-Identifier: GPL-2.0-or-later
"""Which scope is open where a hunk begins.

git's section header names the last line before the hunk that begins with a letter. That is the enclosing scope only
if nothing closed it in between; in a UAPI header it is usually the struct *before* the defines that the hunk shows.
So the hunk's own lines decide: what is the first thing at column 0, and is there indented code above it?
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from abireview.source.chead import bare, classify, guess_kind
from abireview.source.cut import Scope
from abireview.source.model import ScopeKind

_LABEL = re.compile(r"^(?:case\b.*|default\s*|[A-Za-z_]\w*\s*):(?!:)")
_NOT_A_SCOPE = re.compile(r"^(?:EXPORT_|MODULE_|module_|DECLARE_|NOKPROBE|extern\s+\"C\"|[\w\s*]+;)")
_BARE_CALL = re.compile(r"^[A-Z][A-Z0-9_]*\s*\(")
_DEFINES_FUNCTION = re.compile(r"^(?:(?:COMPAT_)?SYSCALL\w*DEFINE|TEST|KVM_\w*TEST|DEFINE_IDTENTRY|DEFINE_\w*HANDLER)")
_CONDITIONAL = re.compile(r"^#\s*(?:if|el|endif)")
_SECTION_CHARS = 120  # of a section header that is kept
_TRUNCATED = 76  # git cuts section headers at 80 bytes
Verdict = Literal["closing", "closing;", "brace", "label", "decl", "end", "none"]


class _Look:
    """The first event at column 0 in ``lines``, and what stands before it."""

    __slots__ = ("code", "continues", "macro", "prose", "remarks", "verdict")

    def __init__(self, lines: Sequence[str]) -> None:
        self.code: list[str] = []
        self.prose = False  # a comment at column 0, such as stands between functions
        self.remarks = 0  # indented comments; unless directives are about, they stand inside a scope
        self.continues = False  # the lines go on with the parentheses of a header above
        self.macro = 0  # so many lines go on with a #define above
        self.verdict: Verdict = "none"
        self._scan(lines)

    def _scan(self, lines: Sequence[str]) -> None:
        comment = _begins_in_comment(lines)
        glued = settled = directives = False
        balance = 0
        if lines and lines[0].endswith("\\") and lines[0][:1] != "#" and not comment:
            self.macro = 1
            return
        for line in lines[_macro_tail(lines) :]:
            mark = line[:1]
            directives |= mark == "#" and not _CONDITIONAL.match(line)
            if comment:
                comment = "*/" not in line
                self.remarks += mark == "\t" and not directives
                continue
            if glued:
                glued = line.endswith("\\")
                continue
            if not mark or mark in "*/#":
                self.prose |= mark in ("*", "/")
                comment = "/*" in line and "*/" not in line[line.rindex("/*") :]
                glued = line.endswith("\\")
                continue
            if mark not in " \t":
                if mark.isalpha() or mark in "_{})":
                    self.verdict = _event(line)
                    return
                self.code.append(line)
                continue
            text = line.strip()
            if line.startswith(" *"):
                self.prose = True
                continue
            if text.startswith(("* ", "*/", "//")) or text in ("*", ""):
                self.remarks += mark == "\t" and not directives
                continue
            if text.startswith("/*"):
                comment = "*/" not in text
                self.remarks += not directives
                continue
            self.code.append(line)
            self.continues &= not settled  # a header's last line has only the brace below it
            comment = "/*" in text and "*/" not in text[text.rindex("/*") :]
            if not settled:
                clean = bare(text)
                balance += clean.count("(") - clean.count(")")
                self.continues = balance < 0
                settled = balance < 0 or clean.rstrip().endswith((";", "{", "}", ":"))


def _macro_tail(lines: Sequence[str]) -> int:
    """1 if the first line can only be the last one of a #define that began above the hunk, else 0."""
    if len(lines) < 2 or lines[0][:1] not in ("\t", " ") or lines[0].startswith(" *"):
        return 0
    text = bare(lines[0]).strip()
    after = lines[1]
    if not text or text.endswith((";", ",", "{", "}", ":", "*/")) or not (not after or after[0] in "#/"):
        return 0
    return int(any(line.startswith(("#define", "/*")) for line in lines))


def _begins_in_comment(lines: Sequence[str]) -> bool:
    text = "\n".join(lines)
    begin, end = text.find("/*"), text.find("*/")
    return end >= 0 and (begin < 0 or end < begin)


def _event(line: str) -> Verdict:
    mark = line[0]
    if mark == "}":
        return "closing;" if ";" in line or line.startswith(("},", "})")) else "closing"
    if mark == "{":
        return "brace"
    if mark == ")":
        return "end"
    return "label" if _LABEL.match(line) else "decl"


def header(section: str, kind: ScopeKind) -> str:
    """``section`` completed to something that C can parse in front of a body: parentheses closed, brace opened."""
    text = section.rstrip()
    if text.endswith("{"):
        return text
    missing = text.count("(") - text.count(")")
    if missing > 0:
        if len(text) >= _TRUNCATED and "," in text:
            text = text[: text.rindex(",")]
        text = text.rstrip(", \t") + ")" * max(0, text.count("(") - text.count(")"))
    if kind == "table":
        text += "]" * max(0, text.count("[") - text.count("]"))
        return f"{text} {{" if text.endswith("=") else f"{text} = {{"
    return f"{text}\n{{" if kind == "function" else f"{text} {{"


def _from_section(section: str) -> tuple[ScopeKind, str] | None:
    """Kind and name that the section header declares, None if it opens no scope."""
    if not section or _LABEL.match(section) or _NOT_A_SCOPE.match(section):
        return None
    text = bare(section)
    if text.rstrip().endswith(";"):
        return None
    if _BARE_CALL.match(text) and not _DEFINES_FUNCTION.match(text) and text.count("(") > text.count(")"):
        return "top", ""
    kind, name = classify(text)
    if kind == "function" and not name and len(section) < _TRUNCATED:
        return None
    return kind, name


_known_section = lru_cache(maxsize=2048)(_from_section)  # the hunks of one function have the same


def open_scope(section: str, lines: Sequence[str], first_line: int) -> Scope | None:
    """The scope that is open before ``lines``, None at file scope.

    ``section`` is the text behind the hunk's second ``@@``, ``lines`` one side of the hunk, ``first_line`` that side's
    line number in the file (from 1).
    """
    if first_line <= 1:
        return None
    look = _Look(lines)
    if look.macro:
        return Scope("macro", "", 0, 0, look.macro, opened=False)
    declared = _known_section(section) if len(section) <= _SECTION_CHARS else _from_section(section)
    if look.continues and look.verdict in ("brace", "decl"):
        return _unfinished(section, declared)
    if look.verdict == "brace":
        if declared and (declared[0] != "table" or "{" not in section):
            return _unfinished(section, declared)
        return _inside(section, declared, look) if declared else None
    if look.verdict in ("decl", "end"):
        return None
    if look.verdict == "none" and not look.code and not look.remarks:
        return None
    if declared and declared[0] == "top":
        return None
    if look.verdict == "none" and look.prose and look.continues:
        return None  # the end of a prototype, and the comment above the next one
    if look.verdict == "none" and not section and guess_kind(look.code, "top") == "top":
        return None
    return _inside(section, declared, look)


def _unfinished(section: str, declared: tuple[ScopeKind, str] | None) -> Scope | None:
    """A scope whose header line is the section and whose brace is still to come."""
    if declared is None or declared[0] == "top":
        return None
    return Scope(declared[0], declared[1], 0, 0, 0, opened=False, header=section)


def _inside(section: str, declared: tuple[ScopeKind, str] | None, look: _Look) -> Scope:
    """The scope around the lines; the section is believed unless the way it closes contradicts it."""
    if declared is not None and look.verdict != "label":
        kind = declared[0]
        if (look.verdict == "closing;" and kind == "function" and guess_kind(look.code) != "function") or (
            look.verdict == "closing" and kind != "function" and guess_kind(look.code) == "function"
        ):
            declared = None
        elif kind == "struct" and guess_kind(look.code) == "table":  # struct tag { … } name[] = {
            declared = "table", ""
            section = ""
    elif declared is not None and declared[0] != "function":
        declared = None
    if declared is None:
        kind = "function" if look.verdict in ("closing", "label") else guess_kind(look.code)
        return Scope(kind, "", 0, 0, 1, opened=False)
    return Scope(
        declared[0], declared[1], 0, 0, 1, opened=False, header=header(section, declared[0]) if section else ""
    )
