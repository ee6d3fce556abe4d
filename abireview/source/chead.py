# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scope's first lines say: its kind and its name, as C at column 0 is written in the kernel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from abireview.limits import MAX_C_HEADER, MAX_C_LINE
from abireview.source.model import ScopeKind

_WORD = r"[A-Za-z_]\w*"
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.){1,4}\'|/\*.*?\*/|//.*$')
# Macros that stand before or behind a declarator and are not its name; they may have arguments.
_ATTRIBUTE = re.compile(
    r"__(?:attribute|printf|scanf|section|aligned|acquires?|releases?|cond_acquires|cond_lock|must_hold|guarded_by|"
    r"counted_by|malloc|alloc_size|assume_aligned|no_sanitize|target|diagnose_as|noendbr|alias|weak|used|visible|"
    r"init|exit|initdata|exitdata|initconst|exitconst|refdata|ref|ro_after_init|read_mostly|maybe_unused|"
    r"always_unused|cacheline_aligned\w*|percpu\w*|page_aligned\w*|bss\w*|nostackprotector|latent_entropy|"
    r"randomize_layout|packed|hyp_data\w*|aligned_\w+|designated_init|cold|hot|noclone|noreturn)(?:__)?$"
)
_AGGREGATE = re.compile(r"\b(enum|struct|union)\b([\w\s]*)")
_CALLED = re.compile(rf"\b({_WORD})\s*\(")
_POINTER = re.compile(rf"\(\s*\*\s*(?:const\s+|__\w+\s+)*({_WORD})\s*[\[)]")
_EMPTY_CALL = re.compile(rf"\b({_WORD})\s*\(\)")
_MACRO_HEAD = re.compile(r"^[A-Z][A-Z0-9_]*$")
_SYSCALL = re.compile(r"^(?:COMPAT_)?SYSCALL(?:32)?_DEFINE[0-6]$")
_PLAIN = re.compile(rf"^\s*({_WORD})\s*$")

_ENUMERATOR = re.compile(r"^\s+[A-Z_]\w*\s*(?:=[^;]*)?,\s*(?:/[*/].*)?$")
_MEMBER = re.compile(r"^\s+(?:const\s+|volatile\s+|struct\s+|union\s+|enum\s+|unsigned\s+)*\w+[\s*]+[\w\[\]:, *]+;")
_ROW = re.compile(r"^\s+(?:\{|\[|\.\w|[A-Z]\w*\(.*\),\s*$)")
_STATEMENT = re.compile(
    r"^\s+(?:if|for|while|switch|return|case|else|goto|do|break)\b|^\s+[\w>.\-\[\]]+\s*\(.*;\s*$|=[^,]*;$"
)

_KNOWN_CHARS = 300  # of a head that is kept
_TELLING = 200  # characters of a line that are enough to guess by

Head = tuple[ScopeKind, str]
_BRACKET = re.compile(r"[()\[\]]")


def bare(line: str) -> str:
    """``line`` without string and character constants and comments that begin and end on it."""
    line = line[:MAX_C_LINE]
    if '"' in line or "'" in line or "/*" in line or "//" in line:
        return _STRINGS.sub(lambda match: '""' if match.group()[0] == '"' else " ", line)
    return line


def flat(text: str) -> str:
    """``text`` with every parenthesised or bracketed part emptied: ``int f(a)[3]`` becomes ``int f()[]``."""
    if "(" not in text and "[" not in text:
        return text
    out = []
    depth = start = 0  # start of what is kept next
    for match in _BRACKET.finditer(text):
        at = match.start()
        if text[at] in "([":
            if depth == 0:
                out.append(text[start : at + 1])
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            start = at
        depth = max(0, depth)
    if depth == 0:
        out.append(text[start:])
    return "".join(out)


def classify(text: str) -> Head:
    """Kind and name of the scope whose first lines, joined, are ``text`` (with or without the opening brace)."""
    before = text[:MAX_C_HEADER].partition("{")[0]
    return _known(before) if len(before) <= _KNOWN_CHARS else _classify(before)


def _classify(before: str) -> Head:
    plain = flat(before)
    head, equals, _ = plain.partition("=")
    pointer = _POINTER.search(before) if head.rstrip().endswith("()()") else None
    if pointer:  # static int (*const handlers[])(int) = {
        return "table", pointer.group(1)
    if equals:
        return "table", _variable(head, before)
    head = plain = _EMPTY_CALL.sub(lambda match: "" if _ATTRIBUTE.match(match.group(1)) else match.group(), plain)
    name = _function(plain, before)
    if name is not None:
        return "function", name
    match = _AGGREGATE.search(head)
    if match and not _trailing_variable(plain):
        return ("enum" if match.group(1) == "enum" else "struct"), _tag(match.group(2))
    if "[" in plain or match:
        return "table", _variable(head, before)
    return "function", ""


_known = lru_cache(maxsize=4096)(_classify)  # both sides of a hunk have the same heads


def is_macro_call(text: str) -> bool:
    """Whether ``text`` begins with a macro's call and no type: ``FIXTURE(name)``, ``SYSCALL_DEFINE0(name)``."""
    match = _CALLED.match(text)
    return match is not None and bool(_MACRO_HEAD.match(match.group(1)))


def _trailing_variable(plain: str) -> bool:
    """Whether a header cut off before its ``=`` declares a variable: ``static const struct tag name``."""
    words = re.findall(r"\w+", plain)
    names = [word for word in words if not _ATTRIBUTE.match(word)]
    for keyword in ("struct", "union", "enum"):
        if keyword in names:
            return len(names) - names.index(keyword) > 2 or "[" in plain
    return False


def _function(plain: str, full: str) -> str | None:
    """The function's name in a header with its parentheses emptied, None if it declares no function."""
    candidates = [match for match in _CALLED.finditer(plain) if not _ATTRIBUTE.match(match.group(1))]
    if not candidates:
        return None
    first = candidates[0]
    name = first.group(1)
    if plain[: first.start()].strip() in ("", "static") and _MACRO_HEAD.match(name):
        return _from_macro(name, full)
    return name


def _from_macro(macro: str, full: str) -> str:
    """The name a defining macro makes: SYSCALL_DEFINE3(name, …) and TEST(name)."""
    inside = full.partition("(")[2]
    first = re.split(r"[,()]", inside, maxsplit=1)[0]
    match = _PLAIN.match(first)
    if match is None:
        return macro
    return f"sys_{match.group(1)}" if _SYSCALL.match(macro) else match.group(1)


def _variable(head: str, full: str) -> str:
    """The variable's name in what stands before its ``=``."""
    head = head.replace("[]", " ").rstrip("[ \t")
    while head:
        name = _last_word(head)
        if name:
            if not _ATTRIBUTE.match(name) or name == head:
                return name
            head = head[: -len(name)].rstrip()
        elif head.endswith("()"):
            head = head[:-2].rstrip()
            macro = _last_word(head)
            if macro and not _ATTRIBUTE.match(macro):
                return _last_argument(full, macro)
            head = head[: len(head) - len(macro)].rstrip()
        else:
            break
    return ""


def _last_word(text: str) -> str:
    """The identifier that ``text`` ends with, "" if it ends otherwise."""
    at = len(text)
    while at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_"):
        at -= 1
    return "" if text[at : at + 1].isdigit() else text[at:]


def _last_argument(full: str, macro: str) -> str:
    """DEFINE_PER_CPU(type, name) names its variable last; DEFINE_X(name) first."""
    inside = full.partition(macro)[2].partition("(")[2]
    depth = 1
    for at, char in enumerate(inside):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            inside = inside[:at]
            break
    match = _PLAIN.match(inside.rpartition(",")[2])
    return match.group(1) if match else macro


def _tag(words: str) -> str:
    """The tag among the words behind ``struct``, ``union`` or ``enum``."""
    names = [word for word in words.split() if not _ATTRIBUTE.match(word)]
    return names[0] if names else ""


def guess_kind(code: Sequence[str], otherwise: ScopeKind = "function") -> ScopeKind:
    """What kind of scope indented lines belong to when no header says it; ``otherwise`` if they do not tell."""
    votes: dict[ScopeKind, int] = {"function": 0, "table": 0, "enum": 0, "struct": 0}
    for line in code[:40]:
        line = line[:_TELLING]
        if _STATEMENT.search(line):
            votes["function"] += 2
        elif _ENUMERATOR.match(line):
            votes["enum"] += 1
        elif _ROW.match(line):
            votes["table"] += 1
        elif _MEMBER.match(line):
            votes["struct"] += 1
    best = max(votes, key=lambda kind: votes[kind])
    return best if votes[best] else otherwise
