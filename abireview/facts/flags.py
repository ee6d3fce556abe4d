# SPDX-License-Identifier: GPL-2.0-or-later
"""Flags: the constants that an or-ed expression or a complement names, wherever it stands.

``x |= (A | B)``, ``val &= ~(A | B)``, ``#define LIST (A | B)``, ``ROW(REG, ~(A | B))`` and ``f(x, A | B)`` each say
which bits belong to something. A fact's key is the constant; its value is where it goes (the left side, the define, the
row, the callee), with a leading ``~`` inside a complement. Macros around a constant (``MASK(A)``) are seen through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from abireview.facts.model import Fact
from abireview.source.model import Fragment, Side

CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*[A-Z0-9][A-Za-z0-9_]*$")
WORDS = re.compile(r"[A-Za-z_]\w*|\d\w*|<<|>>|\|\||&&|->|[^\w\s]")
DEFINE = re.compile(r"\s*#\s*define")
MAX_FLAGS = 256  # constants of one expression; the longest masks of the kernel have a third of that

Named = tuple[str, bool]


def named(text: str, *, alone: bool = False) -> list[Named]:
    """(constant, whether complemented) of every or-ed or complemented constant in TEXT, in order.

    ``alone``: a text that is one constant counts too (the right side of ``|=``, a member of a list).
    """
    if "|" not in text and "~" not in text and not alone:
        return []
    tokens = WORDS.findall(text)
    found = list(_walk(tokens))
    if not found and alone:
        inner = [word for word in tokens if CONSTANT.match(word)]
        return [(inner[-1], False)] if len(inner) == 1 and "," not in tokens else []
    return found[:MAX_FLAGS]


def _walk(tokens: Sequence[str]) -> Iterator[Named]:
    """Constants beside a ``|`` or below a ``~``; the stack tells for each parenthesis whether it is complemented."""
    stack: list[tuple[bool, bool]] = []
    complement = ored = False
    for index, word in enumerate(tokens):
        following = tokens[index + 1 : index + 2]
        if word == "(":
            stack.append((complement, ored))
            inverted = _before(tokens, index) == "~"
            complement = complement != inverted
            ored = ored or inverted or _beside_or(tokens, index)
        elif word == ")":
            complement, ored = stack.pop() if stack else (False, False)
        elif CONSTANT.match(word) and following != ["("]:
            before = tokens[index - 1] if index else ""
            if ored or before in ("|", "~") or following == ["|"]:
                yield word, complement != (before == "~")


def _before(tokens: Sequence[str], opening: int) -> str:
    """The token in front of the bracket at OPENING, and of the macro's name if the bracket is a macro's."""
    start = opening - 1
    if start >= 0 and CONSTANT.match(tokens[start]):
        start -= 1
    return tokens[start] if start >= 0 else ""


def _beside_or(tokens: Sequence[str], opening: int) -> bool:
    """Whether the bracket at OPENING (with the macro's name before it) is an operand of ``|``."""
    if _before(tokens, opening) == "|":
        return True
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index], 0)
        if depth == 0:
            return tokens[index + 1 : index + 2] == ["|"]
    return False


def derive(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The flag facts of defines and rows, each on the lines of the fact it is read from."""
    for fact in facts:
        if fact.kind == "define":
            for name, complemented in named(fact.value):
                yield _flag(fact, fact.key, name, complemented, fact.key)
        elif fact.kind == "row":
            made_by_macro = bool(fact.column("macro"))
            for column, text in fact.columns or (("", fact.value),):
                alone = made_by_macro and column != "0"
                for name, complemented in named(text, alone=alone) if column != "macro" else ():
                    yield _flag(fact, fact.scope, name, complemented, fact.key)


def extract(fragment: Fragment, side: Side) -> Iterator[Fact]:
    """Flags of a mask whose ``#define`` line stands above the hunk: continuation lines that no directive opens.

    The scope is "", for what they belong to cannot be seen.
    """
    part = fragment.old if side == "old" else fragment.new
    if fragment.header or "\\\n" not in part.text:
        return
    for index, line in enumerate(part.lines):
        if DEFINE.match(line):
            return
        continued = line.endswith("\\") or (index > 0 and part.lines[index - 1].endswith("\\"))
        if not continued:
            return
        words = WORDS.findall(line)
        for word, following in zip(words, [*words[1:], ""], strict=False):
            if CONSTANT.match(word) and following != "(":
                changed = part.changed[index]
                yield Fact("flag", "", word, path=fragment.path, line=index, end=index, changed=changed)


def _flag(fact: Fact, scope: str, name: str, complemented: bool, where: str) -> Fact:
    value = f"~{where}" if complemented else where
    return msgspec.structs.replace(fact, kind="flag", scope=scope, key=name, value=value, columns=(), number=None)
