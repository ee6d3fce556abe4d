# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading rule directories: TOML, validated against the schema, errors that name file and key.

A directory holds ``facts/*.toml`` (where facts stand), ``knobs/*.toml``, ``lists/*.toml`` (read by others) and
``<family>/<rule-id>.toml``. Later directories add to earlier ones; a rule of the same id replaces the earlier one.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from abireview.errors import RuleError
from abireview.rules import names, regex
from abireview.rules.schema import (
    Base,
    Gate,
    GateFile,
    Knob,
    KnobFile,
    PathClass,
    PathFile,
    Pattern,
    Phrase,
    Rule,
    Scope,
    ScopeFile,
    Sign,
    WordFile,
    views,
)

SPECIAL = frozenset({"facts", "knobs", "lists", "measured", "surface"})
STANDING = frozenset(
    {"is-backport", "is-autosel", "is-rfc", "is-pull", "fixes-trailer", "series-adds-knob"}
)  # what a posting is, beside its words
NO_FINDINGS = frozenset({"measured", "surface"})  # folders that no finding depends on: not part of the hash
MAX_FILE = 262_144  # bytes of a rule file; the largest list of scopes is a tenth of it
FORMAT = "5"  # raised when the packed form changes

T = TypeVar("T", bound=Base)


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was read, and ``hash``, the first 12 hex digits of a SHA-256 over the files.

    ``shapes`` are those of the expressions in it, ``names`` the tables of the scopes' names by kind.
    """

    hash: str
    rules: tuple[Rule, ...]
    knobs: tuple[Knob, ...]
    scopes: tuple[Scope, ...]
    gates: tuple[Gate, ...]
    handlers: tuple[str, ...]
    setters: tuple[str, ...]
    paths: tuple[PathClass, ...]
    read: tuple[str, ...]
    touched: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    projects: bytes = b""
    shapes: dict[str, regex.Shape] = {}
    names: dict[str, names.Table] = {}

    def __post_init__(self) -> None:
        regex.remember(self.shapes)

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id; RuleError if there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise RuleError(f"there is no rule {rule_id}", hint="'abireview rules' lists them")

    def knob(self, knob_id: str) -> Knob:
        """The knob of that id; RuleError if there is none."""
        for knob in self.knobs:
            if knob.id == knob_id:
                return knob
        raise RuleError(f"there is no knob {knob_id}")

    def select(self, only: Sequence[str] = (), without: Sequence[str] = ()) -> RuleSet:
        """The same set with the rules whose id equals or begins with one of ONLY, less those of WITHOUT."""

        def named(rule: Rule, names: Sequence[str]) -> bool:
            return any(rule.id == name or rule.id.startswith(name.rstrip("*")) for name in names)

        unknown = [name for name in (*only, *without) if not any(named(rule, [name]) for rule in self.rules)]
        if unknown:
            raise RuleError(f"no rule is called {unknown[0]}", hint="'abireview rules' lists them")
        kept = tuple(r for r in self.rules if (not only or named(r, only)) and not named(r, without))
        return msgspec.structs.replace(self, rules=kept)


def default_dir() -> Path:
    """The rule directory of this checkout or installation."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent / "rules"
    return checkout if (checkout / "facts").is_dir() else package / "_rules"


def load_rules(directories: Iterable[Path] = (), *, cache: Path | None = None) -> RuleSet:
    """The rules of DIRECTORIES (of ``default_dir()`` if none are given).

    ``cache`` is a directory where the validated set is kept, packed, under its hash; anything unreadable there is
    ignored. Raises RuleError, naming file and key, for files that are not right.
    """
    files = tuple(file for directory in directories or [default_dir()] for file in _files(directory))
    digest = _digest(files)
    packed = cache / f"rules-{FORMAT}-{digest}.msgpack" if cache else None
    if packed is not None:
        try:
            return msgspec.msgpack.decode(packed.read_bytes(), type=RuleSet)
        except (OSError, msgspec.MsgspecError):
            pass
    found = _build(files, digest)
    if packed is not None:
        _keep(packed, found)
    return found


def _keep(packed: Path, rules: RuleSet) -> None:
    try:
        packed.parent.mkdir(parents=True, exist_ok=True)
        partial = packed.with_suffix(".new")
        partial.write_bytes(msgspec.msgpack.encode(rules))
        partial.replace(packed)
    except OSError:
        return


def _files(directory: Path) -> list[tuple[Path, str, bytes]]:
    if not directory.is_dir():
        raise RuleError(f"{directory} is no directory of rules")
    found = []
    for path in sorted(directory.rglob("*.toml")):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RuleError(f"{path}: {error.strerror}") from error
        if len(data) > MAX_FILE:
            raise RuleError(f"{path}: larger than {MAX_FILE} bytes")
        found.append((path, path.relative_to(directory).as_posix(), data))
    return found


def _digest(files: Iterable[tuple[Path, str, bytes]]) -> str:
    total = hashlib.sha256()
    for _, name, data in files:
        if name.split("/")[0] in NO_FINDINGS:
            continue
        total.update(f"{name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()[:12]


@lru_cache(maxsize=2)  # the rules that come with the tool, and those with somebody's own
def _build(files: tuple[tuple[Path, str, bytes], ...], digest: str) -> RuleSet:
    rules: dict[str, Rule] = {}
    knobs: dict[str, Knob] = {}
    parts: dict[str, list[Any]] = {
        key: [] for key in ("scope", "gate", "handlers", "setters", "path", "read", "touched", "phrase")
    }
    projects = b""
    for path, name, data in files:
        family = name.split("/")[0]
        if family == "facts":
            _facts(path, data, parts)
        elif family == "knobs":
            for knob in _decode(path, data, KnobFile).knob:
                knobs[knob.id] = knob
        elif family == "lists":
            projects = data if name == "lists/projects.toml" else projects
        elif family not in SPECIAL:
            rule = _decode(path, data, Rule)
            if rule.id != path.stem:
                raise RuleError(f"{path}: id: is {rule.id!r} but the file is called {path.name}")
            rules[rule.id] = rule
    found = RuleSet(
        hash=digest,
        rules=tuple(sorted(rules.values(), key=lambda rule: rule.id)),
        knobs=tuple(sorted(knobs.values(), key=lambda knob: knob.id)),
        scopes=tuple(parts["scope"]),
        gates=tuple(parts["gate"]),
        handlers=tuple(parts["handlers"]),
        setters=tuple(parts["setters"]),
        paths=tuple(parts["path"]),
        read=tuple(parts["read"]),
        touched=tuple(parts["touched"]),
        phrases=tuple(parts["phrase"]),
        projects=projects,
    )
    _check_references(found, {rule.id: path for path, name, _ in files for rule in found.rules if path.stem == rule.id})
    tables = {kind: names.table_of([one.name for one in kept]) for kind, kept in scopes_by_kind(found.scopes).items()}
    return msgspec.structs.replace(found, shapes=_shapes(found), names=tables)


def _shapes(found: RuleSet) -> dict[str, regex.Shape]:
    every = (found.rules, found.knobs, found.gates, found.paths, found.phrases)
    said = {text for values in every for _, text in _expressions(values) if regex.FILLED not in text}
    texts = sorted(said | {scope.path for scope in found.scopes})
    return {text: regex.shape(text) for text in texts}


def scopes_by_kind(scopes: Iterable[Scope]) -> dict[str, list[Scope]]:
    """The scopes by each kind that they have, in order."""
    found: dict[str, list[Scope]] = {}
    for scope in scopes:
        for kind in scope.kind:
            found.setdefault(kind, []).append(scope)
    return found


def _facts(path: Path, data: bytes, parts: dict[str, list[Any]]) -> None:
    stem = path.stem.split("-")[0]
    if stem == "scopes":
        parts["scope"] += _decode(path, data, ScopeFile).scope
    elif stem == "gates":
        gates = _decode(path, data, GateFile)
        parts["gate"] += gates.gate
        parts["handlers"] += gates.handlers
        parts["setters"] += gates.setters
    elif stem == "paths":
        paths = _decode(path, data, PathFile)
        parts["path"] += paths.path
        parts["read"] += paths.read
        parts["touched"] += paths.touched
    elif stem == "words":
        parts["phrase"] += _decode(path, data, WordFile).phrase
    else:
        raise RuleError(f"{path}: facts files are called scopes*, gates*, paths* or words*.toml")


def _decode(path: Path, data: bytes, kind: type[T]) -> T:
    try:
        raw = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: not TOML: {error}") from error
    return _typed(path, raw, kind)


def _typed(path: Path, raw: dict[str, Any], kind: type[T]) -> T:
    try:
        value = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise RuleError(f"{path}: {_sentence(str(error))}") from error
    for where, expression in _expressions(value):
        reason = regex.check(expression)
        if reason:
            raise RuleError(f"{path}: {where}: {reason}: {expression.replace(regex.FILLED, '{}')[:80]}")
    return value


def _sentence(text: str) -> str:
    """msgspec's message with the key first: ``match[0].kind: Expected `array`, got `str` ``."""
    if " - at `$." in text:
        what, _, where = text.partition(" - at `$.")
        return f"{where.rstrip('`')}: {what}"
    return text


_REGEX_FIELDS = frozenset(
    f"{prefix}{name}"
    for name in ("scope", "path", "key", "value", "old", "new", "term_text", "gate", "gained", "lost", "match")
    for prefix in ("", "not_")
)


def _expressions(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _expressions(item, f"{where}[{index}]")
    elif isinstance(value, Base):
        for field in value.__struct_fields__:
            inner = getattr(value, field)
            place = f"{where}.{field}".lstrip(".")
            if isinstance(inner, str) and inner and _is_expression(value, field):
                yield place, _filled(inner)
            else:
                yield from _expressions(inner, place)


def _is_expression(value: Base, field: str) -> bool:
    if isinstance(value, Scope):
        return field in ("name", "path")
    if isinstance(value, (Rule, Sign, Knob, Phrase)) and field != "match":
        return False
    return field in _REGEX_FIELDS


def _filled(expression: str) -> str:
    """EXPRESSION with its ``{name}`` places filled by a plain character, as they are when it runs."""
    return regex.compiled(r"\{[a-z_]\w*\}").sub(regex.FILLED, expression)


def _check_references(found: RuleSet, files: dict[str, Path]) -> None:
    scopes = {scope.id for scope in found.scopes}
    knobs = {knob.id for knob in found.knobs}
    phrases = {phrase.id for phrase in found.phrases} | STANDING
    for rule in found.rules:
        if not views(rule):
            raise RuleError(f"{files.get(rule.id, rule.id)}: match: a rule needs a match or a sign")
        for use in (use for view in views(rule) for use in view.knob):
            if use.id not in knobs:
                raise RuleError(f"{files.get(rule.id, rule.id)}: knob: there is no knob {use.id!r}")
        for word in (word for view in views(rule) for word in view.lower_on_words):
            if word not in phrases:
                raise RuleError(f"{files.get(rule.id, rule.id)}: lower_on_words: there is no phrase {word!r}")
        for pattern in (pattern for view in views(rule) for pattern in _patterns(view)):
            for name in (*pattern.where, *pattern.not_where):
                if name not in scopes:
                    raise RuleError(f"{files.get(rule.id, rule.id)}: where: there is no scope {name!r} in facts/")
            for word in (*pattern.word, *pattern.not_word):
                if word not in phrases:
                    raise RuleError(f"{files.get(rule.id, rule.id)}: word: there is no phrase {word!r}")


def _patterns(rule: Rule) -> Iterator[Pattern]:
    yield from rule.match
    yield from rule.unless
    yield from rule.require
    for item in rule.collect:
        yield item.pattern
    for variant in rule.variant:
        yield variant.when
