# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of rules. What begins with a slash is one expression, with a small byte the edits of a real file, anything else
a rule file as it stands.

Edits go past the TOML parser, which random bytes hardly do: each is three bytes (a place, two of them, and what is done
there) and a value, and ends at a NUL byte. What the loader takes is used on a series that the real file is about.
"""

from __future__ import annotations

import copy
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from abireview import places
from abireview.check import check
from abireview.errors import RuleError
from abireview.mail.model import Series
from abireview.render import Style, get_format
from abireview.rules import load as loading
from abireview.rules import regex, schema
from abireview.rules.load import RuleSet, default_dir, load_rules
from tests.rules.cases import HERE, Case, series_of

HOSTILE = ("a" * 24, "ab" * 12, "a " * 12 + "!", "_A1" * 8)
RULES = load_rules(cache=places.cache_dir())
MOST = 3_000  # places of an edited file; copies of copies would take all the time
FIELDS = tuple(
    sorted({name for kind in (schema.Rule, schema.Pattern, schema.Variant) for name in kind.__struct_encode_fields__})
)
TEMPLATES = (
    "arm64/sysreg-access-changed.toml",
    "arm64/psci-default-version.toml",
    "generic/capability-dropped.toml",
    "checklist/number-skipped.toml",
    "generic/uapi-member-changed.toml",
    "checklist/doc-guest-call-missing.toml",
    "x86/msr-list-shrinks.toml",
    "riscv/sbi-ext-on-by-default.toml",
    "facts/gates.toml",
    "facts/paths.toml",
    "facts/words.toml",
    "facts/scopes.toml",
    "knobs/arm64.toml",
)
KINDS: dict[str, type[schema.Base]] = {
    "gates": schema.GateFile,
    "paths": schema.PathFile,
    "words": schema.WordFile,
    "scopes": schema.ScopeFile,
}


def rule(data: bytes) -> None:
    """A file of rules: refused with a sentence that names the file, or used on a series."""
    if data.startswith(b"/"):
        return _expression(data[1:].decode("utf-8", "replace"))
    if data and data[0] < 32:
        return _edited(data)
    path = Path("fuzzed.toml")
    try:
        one = loading._decode(path, data, schema.Rule)
        found = msgspec.structs.replace(RULES, rules=(one,))
        loading._check_references(found, {one.id: path})
    except RuleError as error:
        assert str(error).startswith("fuzzed.toml")
        return None
    return _used(found, SERIES[0])


def _expression(expression: str) -> None:
    """Refused, or no more than polynomial on a hostile text."""
    if not regex.check(expression):
        for text in HOSTILE:
            regex.search(expression, text)
            regex.full(expression, text)


def _edited(data: bytes) -> None:
    number = data[0] % len(TEMPLATES)
    raw = copy.deepcopy(FILES[number])
    for edit in data[1:].split(b"\0")[:20]:
        if len(edit) > 2:
            _edit(raw, int.from_bytes(edit[:2], "big"), edit[2], edit[3:].decode("utf-8", "replace"))
    path = Path("fuzzed.toml")
    try:
        found = _placed(path, TEMPLATES[number], raw)
        loading._check_references(found, {one.id: path for one in found.rules})
    except RuleError as error:
        assert str(error).startswith("fuzzed.toml")
        return
    _used(found, SERIES[number])


def _placed(path: Path, name: str, raw: dict[str, Any]) -> RuleSet:
    """The rules, with this file for the one of that name."""
    family, _, stem = name.removesuffix(".toml").partition("/")
    if family == "knobs":
        knobs = loading._typed(path, raw, schema.KnobFile).knob
        return msgspec.structs.replace(RULES, knobs=(*RULES.knobs, *knobs))
    if family != "facts":
        return msgspec.structs.replace(RULES, rules=(loading._typed(path, raw, schema.Rule),))
    one: Any = loading._typed(path, raw, KINDS[stem])
    if stem == "gates":
        return msgspec.structs.replace(RULES, gates=one.gate, handlers=one.handlers, setters=one.setters)
    if stem == "paths":
        return msgspec.structs.replace(RULES, paths=one.path, read=one.read)
    if stem == "words":
        return msgspec.structs.replace(RULES, phrases=(*one.phrase, *RULES.phrases))
    return msgspec.structs.replace(RULES, scopes=(*one.scope, *RULES.scopes))


def _edit(raw: dict[str, Any], at: int, what: int, text: str) -> None:
    """Change one place of ``raw``: places are numbered as they are met from the top."""
    places = list(_places(raw))
    if not 0 < len(places) < MOST:
        return
    holder, key = places[at % len(places)]
    value: Any = text
    match what % 8:
        case 1:
            value = text.split("\n")
        case 2:
            value = len(text) if len(text) < 9 else 1 << len(text)
        case 3:
            holder.pop(key)
            return
        case 4:
            value = [copy.deepcopy(holder[key])] * (1 + len(text) % 3)
        case 5 | 6 if isinstance(holder, dict) and text:
            key = FIELDS[ord(text[0]) % len(FIELDS)]
            value = text[1:] if what % 8 == 5 else text[1:].split("\n")
        case 7:
            other, name = places[len(text) * 7 % len(places)]
            value = copy.deepcopy(other[name])
    holder[key] = value


def _places(value: Any) -> Any:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _used(found: RuleSet, series: Series) -> None:
    result = check(series, found)
    assert result == check(series, found)
    known = {one.id for one in found.rules}
    assert all(finding.rule in known for finding in result.findings)
    assert "\x1b" not in get_format("text").render([result], Style())


def _series_of(name: str) -> Series:
    """The first case of the rule, or of a rule that uses what the file says."""
    family, _, stem = name.removesuffix(".toml").partition("/")
    if family in ("facts", "knobs"):
        stem = "sysreg-access-changed"
    path = min((HERE / stem / "hit").iterdir())
    return series_of(Case(stem, "hit", path))


regex.check = lru_cache(maxsize=8192)(regex.check)  # the same expressions of the templates again and again
FILES = [tomllib.loads((default_dir() / name).read_text(encoding="utf-8")) for name in TEMPLATES]
SERIES = [_series_of(name) for name in TEMPLATES]
