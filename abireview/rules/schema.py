# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of rule files: everything that knows the kernel is data of these types.

Regular expressions: ``key`` and ``scope`` must match the whole text, the others anywhere in it. Named groups
capture; ``{name}`` in a later pattern, a message or a question stands for what was captured (escaped inside a
pattern). Predefined captures: ``scope``, ``key``, ``file``, ``value``, ``old``, ``new``, ``gate``, ``number_old``,
``number_new``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from abireview.findings.model import Direction, FindingClass, Grade, Level, Observer

GateClass = Literal[
    "opt-in", "near-opt-in", "new-label", "pinned", "quirk", "per-vm", "protected", "nested", "debug", "host", "none"
]
OpName = Literal["added", "removed", "changed", "regated"]
Place = Literal["delta", "after", "before"]
Bind = Literal["patch", "file", "scope"]
Group = Literal["scope", "file", "patch", "key"]


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All rule data: unknown keys are errors."""


class ColumnTest(Base, frozen=True, kw_only=True):
    """A test of one column of a row, call or attribute: ``name`` a column name or position."""

    name: str
    old: str = ""
    new: str = ""
    not_old: str = ""
    not_new: str = ""
    differs: bool = False


class Pattern(Base, frozen=True, kw_only=True):
    """What a delta (or a fact, with ``on``) has to look like; what is not given is not asked."""

    on: Place = "delta"
    kind: tuple[str, ...] = ()
    op: tuple[OpName, ...] = ()
    where: tuple[str, ...] = ()
    not_where: tuple[str, ...] = ()
    scope: str = ""
    not_scope: str = ""
    path: str = ""
    not_path: str = ""
    path_class: tuple[str, ...] = ()
    not_path_class: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    key: str = ""
    not_key: str = ""
    value: str = ""
    not_value: str = ""
    old: str = ""
    new: str = ""
    not_old: str = ""
    not_new: str = ""
    columns: tuple[ColumnTest, ...] = ()
    term: tuple[str, ...] = ()
    not_term: tuple[str, ...] = ()
    term_text: str = ""
    not_term_text: str = ""
    gate: str = ""
    not_gate: str = ""
    gates: tuple[GateClass, ...] = ()
    not_gates: tuple[GateClass, ...] = ()
    gained: str = ""
    lost: str = ""
    not_gained: str = ""
    not_lost: str = ""
    number: Literal["", "changed", "grew", "shrank", "known"] = ""
    same: tuple[Bind, ...] = ()
    born: bool | None = None
    died: bool | None = None
    word: tuple[str, ...] = ()
    not_word: tuple[str, ...] = ()
    at_least: int = 1


class KnobUse(Base, frozen=True, kw_only=True):
    """A knob the rule looks for. ``settles``: what a found knob makes of the finding."""

    id: str
    bind: dict[str, str] = {}
    settles: Literal["note", "silent", "lower"] = "note"


class Collect(Base, frozen=True, kw_only=True):
    """Values gathered over the series (PATTERN captures a group of that name), for messages and ``Missing``."""

    name: str
    pattern: Pattern
    none: str = "none"


class Missing(Base, frozen=True, kw_only=True):
    """The numbers from ``first`` to ``last`` that are not in the collected ``of``; captured as ``name``.

    ``only_if``: the rule fires only where some ("any") or none ("none") are missing. ``at_most``: nor where more than
    so many are (0: any number), for then the diff does not show the lines between.
    """

    name: str
    first: str
    last: str
    of: str
    only_if: Literal["", "any", "none"] = ""
    at_most: int = 0


class Variant(Base, frozen=True, kw_only=True):
    """Another wording (or grade) for the finding where ``when`` holds; the first that holds is taken."""

    when: Pattern
    absent: bool = False
    level: Level | None = None
    severity: Grade | None = None
    confidence: Grade | None = None
    message: str = ""
    question: str = ""


class Sign(Base, frozen=True, kw_only=True):
    """One of several ways in which a rule's fault shows.

    Its conditions are its own: nothing of the rule's ``unless``, ``require``, ``knob`` … holds for it. Words and grades
    that it does not give are the rule's.
    """

    match: tuple[Pattern, ...]
    unless: tuple[Pattern, ...] = ()
    require: tuple[Pattern, ...] = ()
    knob: tuple[KnobUse, ...] = ()
    collect: tuple[Collect, ...] = ()
    missing: tuple[Missing, ...] = ()
    variant: tuple[Variant, ...] = ()
    arch: tuple[str, ...] | None = None
    severity: Grade | None = None
    severity_if_fix: Grade | None = None
    confidence: Grade | None = None
    surface: str | None = None
    klass: FindingClass | None = msgspec.field(name="class", default=None)
    visible_to: tuple[Observer, ...] | None = None
    direction: tuple[Direction, ...] | None = None
    message: str | None = None
    question: str | None = None
    group: Group | None = None
    at_most: int | None = None
    yields: bool | None = None
    flag_at: Grade | None = None
    lower_on_words: tuple[str, ...] | None = None


class Doc(Base, frozen=True, kw_only=True):
    """The rule's page: each part plain text (Markdown)."""

    what: str
    why: str
    bad: str = ""
    good: str = ""
    not_flagged: str
    settle: str
    references: tuple[str, ...] = ()
    known_misses: str = ""


class Rule(Base, frozen=True, kw_only=True):
    """One rule file ``rules/<family>/<id>.toml``.

    ``message_knob``: said instead of ``message`` where a knob settles the finding (``{knob}`` is what it is).
    ``at_most``: with more groups than that in one patch it is a rewrite, and confidence falls one step (0: no limit).
    ``yields``: left out where another rule already names the same place.
    ``flag_at``: below that confidence the finding becomes what ``below`` says. ``match`` or ``sign`` must be there.
    """

    id: str
    title: str
    level: Level
    severity: Grade
    confidence: Grade
    surface: str
    klass: FindingClass = msgspec.field(name="class")
    visible_to: tuple[Observer, ...]
    direction: tuple[Direction, ...]
    message: str
    question: str
    doc: Doc
    message_knob: str = ""
    match: tuple[Pattern, ...] = ()
    sign: tuple[Sign, ...] = ()
    since: str = "0.1.0"
    arch: tuple[str, ...] = ()
    unless: tuple[Pattern, ...] = ()
    require: tuple[Pattern, ...] = ()
    knob: tuple[KnobUse, ...] = ()
    collect: tuple[Collect, ...] = ()
    missing: tuple[Missing, ...] = ()
    variant: tuple[Variant, ...] = ()
    severity_by_arch: dict[str, Grade] = {}
    severity_if_fix: Grade | None = None
    group: Group = "scope"
    at_most: int = 0
    yields: bool = False
    lower_on_words: tuple[str, ...] = ()
    flag_at: Grade = "low"
    below: Literal["note", "silent"] = "note"
    non_kernel: bool = False


_CONDITIONS = ("match", "unless", "require", "knob", "collect", "missing", "variant")


def views(rule: Rule) -> tuple[Rule, ...]:
    """RULE as it is for each of its signs: first its own ``match``, if it has one."""
    own = (msgspec.structs.replace(rule, sign=()),) if rule.match else ()
    return own + tuple(_view(rule, sign) for sign in rule.sign)


def archs(rule: Rule) -> tuple[str, ...]:
    """The architectures that RULE is for in one of its signs; () for all."""
    each = [view.arch for view in views(rule)]
    return tuple(sorted({arch for one in each for arch in one})) if all(each) else ()


def _view(rule: Rule, sign: Sign) -> Rule:
    given = {name: getattr(sign, name) for name in sign.__struct_fields__}
    said = {name: value for name, value in given.items() if name in _CONDITIONS or value is not None}
    return msgspec.structs.replace(rule, sign=(), **said)


class Knob(Base, frozen=True, kw_only=True):
    """``rules/knobs/<id>.toml``: a way for userspace to keep or reselect the old behaviour."""

    id: str
    kind: Literal["OPT_IN", "OPT_OUT", "PIN", "ACCEPT_IGNORE", "HOST_ONLY"]
    what: str
    where: str
    find: tuple[Pattern, ...] = ()
    all_of: tuple[Pattern, ...] = ()
    tree_files: tuple[str, ...] = ()
    is_knob: bool = True


class KnobFile(Base, frozen=True, kw_only=True):
    """A file with several knobs."""

    knob: tuple[Knob, ...]


class Scope(Base, frozen=True, kw_only=True):
    """A named place: functions, tables, enums, … by name first and path second (files move).

    ``files``: where it is looked for in a kernel tree, newest place first; those that a tree lacks do not matter.
    """

    id: str
    kind: tuple[str, ...] = ("function",)
    name: str
    path: str = ""
    surface: str = ""
    files: tuple[str, ...] = ()


class ScopeFile(Base, frozen=True, kw_only=True):
    """``rules/facts/scopes*.toml``."""

    scope: tuple[Scope, ...]


class Gate(Base, frozen=True, kw_only=True):
    """A condition's class: the first ``match`` found in the gate's text decides."""

    klass: GateClass = msgspec.field(name="class")
    match: str


class GateFile(Base, frozen=True, kw_only=True):
    """``rules/facts/gates.toml``. ``handlers`` are scope ids of functions in which userspace sets knobs."""

    gate: tuple[Gate, ...]
    handlers: tuple[str, ...] = ()
    setters: tuple[str, ...] = ()


class PathClass(Base, frozen=True, kw_only=True):
    """``match`` (searched in the path) gives the path classes ``is_``, an ``arch`` and a default ``surface``."""

    match: str
    classes: tuple[str, ...] = msgspec.field(default=(), name="is")
    arch: str = ""
    surface: str = ""
    last: bool = False


class PathFile(Base, frozen=True, kw_only=True):
    """``rules/facts/paths.toml``: ``read`` names the path classes whose files are looked at at all, ``touched`` those
    of which only counts that a patch changes them: a test's code promises nothing to anybody."""

    read: tuple[str, ...]
    touched: tuple[str, ...] = ()
    path: tuple[PathClass, ...]


class Phrase(Base, frozen=True, kw_only=True):
    """A phrase of commit messages: ``match`` is searched without case in subject and log.

    ``cover``: one in the cover letter counts for every patch of the series.
    """

    id: str
    match: str
    cover: bool = False


class WordFile(Base, frozen=True, kw_only=True):
    """``rules/facts/words.toml``."""

    phrase: tuple[Phrase, ...]
