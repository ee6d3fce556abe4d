# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of C constant expressions, by the rules of a 64-bit kernel (int 32 bits, long and long long 64 bits)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from abireview import limits
from abireview.facts.model import Fact
from abireview.facts.parser import parse

if TYPE_CHECKING:
    from tree_sitter import Node


class Value(NamedTuple):
    """An integer of C: what it is, how wide (32 or 64), and whether it wraps as unsigned."""

    number: int
    bits: int = 32
    unsigned: bool = False


class _UnknownError(Exception):
    """The expression cannot be computed from what is known."""


Lookup = Callable[[str], Value | None]

_LITERAL = re.compile(r"(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|(0[0-7]*)|([1-9]\d*))([uUlL]*)")
_SIZE = re.compile(r"SZ_(\d{1,4})([KMGT]?)")
_WIDTHS: Final = {"8": 8, "16": 16, "32": 32, "64": 64}
_TYPE = re.compile(r"(?:__)?([usb]|le|be|int|uint)(8|16|32|64)(?:_t)?")
_WORD_TYPES: Final = {
    "bool": (1, True),
    "char": (8, False),
    "short": (16, False),
    "int": (32, False),
    "long": (64, False),
    "size_t": (64, True),
    "phys_addr_t": (64, True),
}
_UNITS: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_LIMIT = re.compile(r"(?:([US])(8|16|32|64)|(U?)(SHRT|INT|LONG|LLONG))_(MAX|MIN)")
_LIMIT_BITS: Final = {"SHRT": 16, "INT": 32, "LONG": 64, "LLONG": 64}
_ULONG: Final = (64, True)
_CHARACTERS: Final = {"\\n": 10, "\\t": 9, "\\0": 0, "\\\\": 92, "\\'": 39, "\\r": 13}


def evaluate(text: str, names: Mapping[str, int] | None = None) -> int | None:
    """The value of a constant expression, or None if it cannot be computed.

    ``names`` are the constants it may use. Known besides: casts to integer types, ``BIT``, ``GENMASK``, ``_BITUL``,
    ``UL()``, ``_AC`` and their kin (include/linux/bits.h, include/uapi/linux/const.h), ``SZ_4K`` (linux/sizes.h),
    ``U16_MAX`` (linux/limits.h).
    """
    value = compute(text, lambda name: typed(names[name]) if names and name in names else None)
    return None if value is None else value.number


def typed(number: int) -> Value:
    """An integer with the type that a literal of its size would have."""
    if -(1 << 31) <= number < 1 << 31:
        return Value(number)
    return Value(number, 64, number >= 1 << 63)


def compute(text: str, lookup: Lookup) -> Value | None:
    """As :func:`evaluate`, with types: names are asked of ``lookup``."""
    text = text.strip()
    literal = _literal(text)
    if literal is not None:
        return literal
    if not text or len(text) > limits.MAX_EXPRESSION_CHARS:
        return None
    if text.isidentifier():
        return lookup(text) or _size(text) or _limit(text)
    if '"' in text or "{" in text:
        return None
    node = _expression(text)
    if node is None:
        return None
    try:
        return _value(node, lookup, 0)
    except _UnknownError:
        return None


@lru_cache(maxsize=4096)
def _expression(text: str) -> Node | None:
    root = parse(f"int x = {text};").root_node
    if root.has_error or root.named_child_count != 1:
        return None
    declarator = root.named_children[0].child_by_field_name("declarator")
    return None if declarator is None else declarator.child_by_field_name("value")


def _literal(text: str) -> Value | None:
    match = _LITERAL.fullmatch(text)
    if match is None:
        return None
    hexadecimal, binary, octal, decimal, suffix = match.groups()
    if hexadecimal:
        number = int(hexadecimal, 16)
    elif binary:
        number = int(binary, 2)
    else:
        number = int(octal, 8) if octal else int(decimal)
    if number >= 1 << 64:
        return None
    unsigned = "u" in suffix.lower()
    wide = "l" in suffix.lower() or number >= 1 << 32 or (number >= 1 << 31 and bool(decimal) and not unsigned)
    bits = 64 if wide else 32
    return Value(number, bits, unsigned or number >= 1 << (bits - 1))


def _size(name: str) -> Value | None:
    match = _SIZE.fullmatch(name)
    return typed(int(match[1]) << _UNITS[match[2]]) if match else None


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _child(node: Node, field: str) -> Node:
    child = node.child_by_field_name(field)
    if child is None:
        raise _UnknownError
    return child


def _value(node: Node, lookup: Lookup, depth: int) -> Value:
    if depth > limits.MAX_EXPRESSION_DEPTH:
        raise _UnknownError
    handler = _HANDLERS.get(node.type)
    if handler is None:
        raise _UnknownError
    return handler(node, lookup, depth + 1)


def _wrap(number: int, bits: int, unsigned: bool) -> Value:
    number &= (1 << bits) - 1
    if not unsigned and number >> (bits - 1):
        number -= 1 << bits
    return Value(number, max(bits, 32), unsigned and bits >= 32)


def _number(node: Node, _lookup: Lookup, _depth: int) -> Value:
    text = _text(node)
    value = _literal(text.lstrip("+-"))
    if value is None:
        raise _UnknownError
    # tree-sitter takes the sign into the literal
    return _wrap(-value.number, value.bits, value.unsigned) if text.startswith("-") else value


def _name(node: Node, lookup: Lookup, _depth: int) -> Value:
    name = _text(node)
    value = lookup(name) or _size(name) or _limit(name)
    if value is None:
        raise _UnknownError
    return value


def _limit(name: str) -> Value | None:
    """``U16_MAX``, ``SHRT_MAX``, ``INT_MIN`` and their kin (include/vdso/limits.h, include/linux/limits.h)."""
    match = _LIMIT.fullmatch(name)
    if match is None:
        return None
    bits = int(match[2]) if match[2] else _LIMIT_BITS[match[4]]
    unsigned = "U" in (match[1], match[3])
    if match[5] == "MIN":
        return None if unsigned else Value(-(1 << (bits - 1)), max(bits, 32))
    return Value((1 << (bits - (not unsigned))) - 1, max(bits, 32), unsigned and bits >= 32)  # shorter ones are ints


def _character(node: Node, _lookup: Lookup, _depth: int) -> Value:
    inner = _text(node)[1:-1]
    if inner in _CHARACTERS:
        return Value(_CHARACTERS[inner])
    if len(inner) == 1 and inner.isascii():
        return Value(ord(inner))
    raise _UnknownError


def _inner(node: Node, lookup: Lookup, depth: int) -> Value:
    if node.named_child_count != 1:
        raise _UnknownError
    return _value(node.named_children[0], lookup, depth)


def _unary(node: Node, lookup: Lookup, depth: int) -> Value:
    value = _value(_child(node, "argument"), lookup, depth)
    operator = _text(_child(node, "operator"))
    if operator == "!":
        return Value(int(not value.number))
    number = {"-": -value.number, "+": value.number, "~": ~value.number}.get(operator)
    if number is None:
        raise _UnknownError
    return _wrap(number, value.bits, value.unsigned)


def _binary(node: Node, lookup: Lookup, depth: int) -> Value:
    steps: list[tuple[str, Node]] = []
    left = node
    while left.type == "binary_expression":  # a | b | c leans to the left: no recursion along it
        steps.append((_text(_child(left, "operator")), _child(left, "right")))
        left = _child(left, "left")
    value = _value(left, lookup, depth)
    for operator, right in reversed(steps):
        value = _apply(operator, value, _value(right, lookup, depth))
    return value


def _apply(operator: str, left: Value, right: Value) -> Value:
    if operator in ("<<", ">>"):
        if not 0 <= right.number < left.bits:
            raise _UnknownError
        shifted = left.number << right.number if operator == "<<" else left.number >> right.number
        return _wrap(shifted, left.bits, left.unsigned)
    bits = max(left.bits, right.bits)
    unsigned = any(side.unsigned and side.bits == bits for side in (left, right))
    a, b = _wrap(left.number, bits, unsigned).number, _wrap(right.number, bits, unsigned).number
    if operator in _TESTS:
        return Value(int(_TESTS[operator](a, b)))
    if operator not in _OPERATIONS or (operator in ("/", "%") and b == 0):
        raise _UnknownError
    return _wrap(_OPERATIONS[operator](a, b), bits, unsigned)


def _quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_TESTS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "&&": lambda a, b: bool(a and b),
    "||": lambda a, b: bool(a or b),
}
_OPERATIONS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "%": lambda a, b: a - b * _quotient(a, b),
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _conditional(node: Node, lookup: Lookup, depth: int) -> Value:
    chosen = "consequence" if _value(_child(node, "condition"), lookup, depth).number else "alternative"
    return _value(_child(node, chosen), lookup, depth)


def _type_width(text: str) -> tuple[int, bool]:
    match = _TYPE.fullmatch(text.strip())
    if match:
        return _WIDTHS[match[2]], match[1] not in ("s", "int")
    words = text.split()
    unsigned = "unsigned" in words
    base = [word for word in words if word not in ("unsigned", "signed", "const")]
    if base in (["long", "long"], ["long", "int"], ["long", "long", "int"]):
        base = ["long"]
    if not base and words:
        base = ["int"]
    if len(base) != 1 or base[0] not in _WORD_TYPES:
        raise _UnknownError
    bits, never_signed = _WORD_TYPES[base[0]]
    return bits, unsigned or never_signed


def _cast(node: Node, lookup: Lookup, depth: int) -> Value:
    bits, unsigned = _type_width(_text(_child(node, "type")))
    value = _value(_child(node, "value"), lookup, depth)
    return Value(int(value.number != 0)) if bits == 1 else _wrap(value.number, bits, unsigned)


def _sizeof(node: Node, _lookup: Lookup, _depth: int) -> Value:
    return Value(max(_type_width(_text(node)[len("sizeof") :].strip(" ()"))[0] // 8, 1), 64, True)


def _call(node: Node, lookup: Lookup, depth: int) -> Value:
    function = _text(_child(node, "function"))
    given = _child(node, "arguments").named_children
    if function in _SUFFIXED and given:
        value = _value(given[0], lookup, depth)
        suffix = _SUFFIXED[function] or (_text(given[1]).upper() if len(given) == 2 else "")
        bits = 64 if "L" in suffix else value.bits
        return _wrap(value.number, bits, "U" in suffix or value.unsigned)
    numbers = [_value(argument, lookup, depth).number for argument in given]
    if function in _BIT and len(numbers) == 1 and 0 <= numbers[0] < 64:
        bits = 32 if function == "BIT_U32" else 64
        return _wrap(1 << numbers[0], bits, True)
    if function in _MASK and len(numbers) == 2 and 64 > numbers[0] >= numbers[1] >= 0:
        high, low = numbers
        return Value((1 << (high + 1)) - (1 << low), *_ULONG)
    raise _UnknownError


_SUFFIXED: Final = {
    "UL": "UL", "ULL": "ULL", "_UL": "UL", "_ULL": "ULL", "U": "U", "_U": "U", "_AC": "", "__AC": "", "UINT64_C": "UL",
}  # fmt: skip
_BIT: Final = frozenset({"BIT", "BIT_ULL", "BIT_U32", "BIT_U64", "_BITUL", "_BITULL"})
_MASK: Final = frozenset({"GENMASK", "GENMASK_ULL", "GENMASK_U32", "GENMASK_U64", "__GENMASK", "__GENMASK_ULL"})
_HANDLERS: Final[dict[str, Callable[[Node, Lookup, int], Value]]] = {
    "number_literal": _number,
    "identifier": _name,
    "char_literal": _character,
    "parenthesized_expression": _inner,
    "unary_expression": _unary,
    "binary_expression": _binary,
    "conditional_expression": _conditional,
    "cast_expression": _cast,
    "sizeof_expression": _sizeof,
    "call_expression": _call,
}


class Constants:
    """The constants that a set of defines and enumerators gives, each computed when it is asked for."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._texts: dict[str, str] = {}
        self._values: dict[str, Value | None] = {}
        for fact in facts:
            name = fact.key.partition("#")[0]
            if name in self._texts or name in self._values:
                continue
            if fact.number is not None and fact.kind == "enumerator":
                self._values[name] = typed(fact.number)
            elif (fact.kind == "define" and not fact.column("params")) or (fact.kind == "enumerator" and fact.value):
                self._texts[name] = fact.value
            elif fact.kind == "enumerator" and fact.column("after"):
                self._texts[name] = f"{fact.column('after')} + 1"

    def value(self, name: str) -> Value | None:
        """The constant's value, None if it is unknown, not computable, or defined by itself."""
        return self._value(name, 0)

    def number(self, text: str) -> int | None:
        """The value of an expression over these constants."""
        value = compute(text, self.value)
        return None if value is None else value.number

    def _value(self, name: str, depth: int) -> Value | None:
        if name in self._values:
            return self._values[name]
        text = self._texts.get(name)
        if text is None or depth > limits.MAX_NAME_DEPTH:
            return None
        self._values[name] = None  # a name that leads back to itself has no value
        self._values[name] = compute(text, lambda other: self._value(other, depth + 1))
        return self._values[name]


def resolve(facts: Sequence[Fact]) -> list[Fact]:
    """The facts of one side of one or more files, with the numbers that only their names together give.

    ``#define B A`` of one fragment and ``#define A 1`` of another give B the number 1. Order is kept.
    """
    constants = Constants(facts)
    resolved: list[Fact] = []
    for fact in facts:
        if fact.number is None and fact.kind in ("define", "enumerator") and not fact.column("params"):
            value = constants.value(fact.key)
            if value is not None:
                fact = msgspec.structs.replace(fact, number=value.number)
        resolved.append(fact)
    return resolved
