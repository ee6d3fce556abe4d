# SPDX-License-Identifier: GPL-2.0-or-later
"""``{name}``, ``{a|b|'text'}`` and ``{name:upper}`` in the texts of rules/surface."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

_PLACE = re.compile(r"\{([\w. -]+(?:\|(?:[\w. -]+|'[^'{}]*'))*)(?::(\w+))?\}")


def _hex(text: str) -> str:
    try:
        return hex(int(text, 0))
    except ValueError:
        return text


FORMS: Final[dict[str, Callable[[str], str]]] = {"upper": str.upper, "lower": str.lower, "hex": _hex}


def fill(template: str, values: Mapping[str, str]) -> str:
    """TEMPLATE with its places filled from VALUES; a name that is not in them gives nothing."""

    def filled(match: re.Match[str]) -> str:
        texts = (name[1:-1] if name[0] == "'" else values.get(name, "") for name in match.group(1).split("|"))
        text = next((text for text in texts if text), "")
        return FORMS[match.group(2)](text) if match.group(2) else text

    return _PLACE.sub(filled, template) if "{" in template else template


def wrong(template: str) -> str:
    """Why TEMPLATE cannot be filled, "" if it can."""
    unknown = [match.group(2) for match in _PLACE.finditer(template) if match.group(2) and match.group(2) not in FORMS]
    return f"there is no form {unknown[0]!r}" if unknown else ""
