# SPDX-License-Identifier: GPL-2.0-or-later
"""From deltas to findings: which rule matches, which knob settles it, one finding a patch, rule and scope."""

from __future__ import annotations

import re
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from abireview.errors import RuleFailure
from abireview.facts.model import Fact
from abireview.findings.fingerprint import fingerprint
from abireview.findings.model import Finding, Grade, KnobFound, KnobSought, Level
from abireview.limits import MAX_RULE_HITS
from abireview.rules.context import Context
from abireview.rules.evidence import lines_of, position
from abireview.rules.gates import Gates
from abireview.rules.knobs import Knobs
from abireview.rules.match import Captures, Hit, Matcher
from abireview.rules.schema import Collect, Pattern, Rule, Variant

GRADES: tuple[Grade, ...] = ("low", "medium", "high")
MAX_EVIDENCE = 24  # lines a finding shows; a table of a hundred rows is one finding, not a hundred lines
LOW_IS_A_NOTE = frozenset(
    {"is-autosel", "is-rfc", "is-backport"}
)  # postings that nobody has to answer for a contrived guest
MAX_MISSING = 64  # numbers a range of revisions may span


class _Verdict(NamedTuple):
    """What looking for knobs came to."""

    level: Level
    confidence: Grade
    knob: KnobFound | None
    sought: tuple[KnobSought, ...]


class _Said(NamedTuple):
    """A finding, and whether it is left out where another one says as much."""

    finding: Finding
    yields: bool


class _Graded(NamedTuple):
    level: Level
    severity: Grade
    confidence: Grade
    variant: Variant | None


class Evaluation:
    """All rules over one series.

    ``failures`` holds (rule id, error) of rules that raised, ``cut`` the ids of rules that met too many places.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.gates = Gates(context)
        gates = weakref.ref(self.gates)
        context.choice.ask = lambda: (held := gates()) is not None and bool(held.names)
        self.matcher = Matcher(context, self.gates)
        self.knobs = Knobs(context, self.matcher)
        self.failures: list[RuleFailure] = []
        self.cut: list[str] = []

    def findings(self) -> list[Finding]:
        """The findings of every rule, sorted by patch, file, line and rule."""
        said: list[_Said] = []
        for rule in self.context.matchable():
            try:
                said.extend(_Said(finding, rule.yields) for finding in self._rule(rule))
            except (ValueError, KeyError, IndexError, RecursionError, re.error) as error:
                self.failures.append(RuleFailure(f"rule {rule.id} failed: {error!r}"))
        said.sort(key=lambda s: (s.finding.n, s.finding.file, s.finding.line, s.finding.rule, s.finding.fingerprint))
        return [one.finding for one in _merged(_without_echoes(said))]

    def _rule(self, rule: Rule) -> Iterable[Finding]:
        groups: dict[tuple[object, ...], list[Hit]] = {}
        for pattern in rule.match:
            count = 0
            hits = []
            for hit in self.matcher.find(pattern, {}):
                if rule.arch and self.context.paths.info(hit.fact.path).arch not in rule.arch:
                    continue
                count += 1
                if count > MAX_RULE_HITS:
                    self.cut.append(rule.id)
                    break
                hits.append(hit)
            if count < pattern.at_least:
                continue
            for hit in hits:
                members = groups.setdefault(self._group(rule, hit), [])
                if all(member.fact is not hit.fact for member in members):
                    members.append(hit)
        if not groups:
            return
        places = {(key[0], hit.fact.path, hit.fact.scope) for key, hits in groups.items() for hit in hits}
        many = Counter(place[0] for place in places)
        for key, hits in groups.items():
            crowded = bool(rule.at_most) and many[key[0]] > rule.at_most
            finding = self._finding(rule, hits, _step(rule.confidence, -1) if crowded else rule.confidence)
            if finding is not None:
                yield finding

    def _group(self, rule: Rule, hit: Hit) -> tuple[object, ...]:
        patch = self.context.fragments[hit.fragment].patch
        if rule.group == "patch":
            return (patch,)
        if rule.group == "file":
            return (patch, hit.fact.path)
        if rule.group == "key":
            return (patch, hit.fact.path, hit.fact.scope, hit.fact.key)
        return (patch, hit.fact.path, hit.fact.scope)

    def _finding(self, rule: Rule, hits: list[Hit], confidence: Grade) -> Finding | None:
        kept = []
        for hit in hits:
            captures = self._captures(rule, hit)
            if captures is not None:
                hit.captures.update(captures)
                kept.append(hit)
        if not kept:
            return None
        sought: list[KnobSought] = []
        knob: KnobFound | None = None
        level: Level = rule.level
        for use in rule.knob:
            results = [self.knobs.look(use, hit) for hit in kept]
            found = [result for result in results if result is not None]
            lacking = next((hit for hit, result in zip(kept, results, strict=True) if result is None), kept[0])
            sought.append(self.knobs.sought(use, lacking, len(found) == len(results)))
            if len(found) < len(results):
                kept, results = self._unsettled(kept, results, use.settles)
                continue
            if use.settles == "silent":
                return None
            if use.settles == "lower":
                confidence = _step(confidence, -1)
                continue
            knob, level = found[0], "note"
            break
        return self._build(rule, kept, _Verdict(level, confidence, knob, tuple(sought)))

    def _unsettled(
        self, hits: list[Hit], results: Sequence[KnobFound | None], settles: str
    ) -> tuple[list[Hit], list[KnobFound | None]]:
        """Hits that the knob does not cover; where it settles only some of them, those are left out."""
        if settles == "lower":
            return hits, list(results)
        rest = [hit for hit, result in zip(hits, results, strict=True) if result is None]
        return rest, [None] * len(rest)

    def _captures(self, rule: Rule, hit: Hit) -> Captures | None:
        """What the rule's conditions add to the captures, None if one of them is not met."""
        bound = dict(hit.captures)
        for pattern in rule.unless:
            if self._count(pattern, bound, hit):
                return None
        for pattern in rule.require:
            met = self._first(pattern, bound, hit)
            if met is None:
                return None
            bound.update({k: v for k, v in met.captures.items() if k not in bound})
        for item in rule.collect:
            bound[item.name] = self._collect(item, bound, hit)
        for missing in rule.missing:
            absent = _missing(bound, missing.first, missing.last, bound.get(missing.of, ""))
            bound[missing.name] = ", ".join(map(str, absent)) or "none"
            if (missing.only_if == "any" and not absent) or (missing.only_if == "none" and absent):
                return None
            if missing.at_most and len(absent) > missing.at_most:
                return None
        return bound

    def _count(self, pattern: Pattern, bound: Captures, hit: Hit) -> bool:
        needed = pattern.at_least
        for found in self.matcher.find(pattern, bound, hit):
            if found.fact is not hit.fact or pattern.on != "delta":
                needed -= 1
                if needed <= 0:
                    return True
        return False

    def _first(self, pattern: Pattern, bound: Captures, hit: Hit) -> Hit | None:
        return next(iter(self.matcher.find(pattern, bound, hit)), None)

    def _collect(self, item: Collect, bound: Captures, hit: Hit) -> str:
        values = {found.captures.get(item.name, "") for found in self.matcher.find(item.pattern, bound, hit)}
        values.discard("")
        return ", ".join(sorted(values, key=_natural)) or item.none

    def _build(self, rule: Rule, hits: list[Hit], verdict: _Verdict) -> Finding | None:
        first = hits[0]
        fragment = self.context.fragments[first.fragment]
        patch = self.context.patch(fragment.patch)
        graded = self._graded(rule, first, fragment.patch, verdict)
        if graded is None:
            return None
        captures = {
            **first.captures,
            "change": _change(first),
            "fact": _said(first.fact),
            "keys": _listed(hit.fact.key for hit in hits),
            "knob": verdict.knob.what if verdict.knob else "",
        }
        evidence = tuple(dict.fromkeys(line for hit in hits for line in lines_of(hit, self.context)))[:MAX_EVIDENCE]
        where = position(first, self.context)
        symbol = first.fact.scope or first.fact.key
        return Finding(
            rule=rule.id,
            level=graded.level,
            klass=rule.klass,
            severity=graded.severity,
            confidence=graded.confidence,
            surface=rule.surface if rule.surface != "auto" else self.context.surface(first.fragment, first.fact),
            arch=self.context.paths.info(first.fact.path).arch,
            visible_to=rule.visible_to,
            direction=rule.direction,
            patch=patch.msgid,
            file=first.fact.path,
            line=where.line,
            symbol=symbol,
            evidence=evidence,
            message=fill(_message(rule, graded.variant, verdict.knob), captures),
            question=fill((graded.variant.question if graded.variant else "") or rule.question, captures),
            knob=verdict.knob,
            fingerprint=fingerprint(rule.id, first.fact.path, symbol, evidence),
            n=patch.n,
            m=patch.m,
            at=where.at,
            before=_all_shown(hits, "old"),
            after=_all_shown(hits, "new"),
            sought=verdict.sought,
            gates=first.fact.gates,
            partial=not fragment.whole,
        )

    def _graded(self, rule: Rule, first: Hit, patch: int, verdict: _Verdict) -> _Graded | None:
        """Level, severity and confidence with variants, words and limits applied; None if it is not worth saying."""
        level, confidence = verdict.level, verdict.confidence
        severity = self._severity(rule, first, patch)
        variant = self._variant(rule, first)
        if variant is not None:
            level = variant.level if variant.level and verdict.knob is None else level
            severity = variant.severity or severity
            confidence = variant.confidence or confidence
        if self.context.words[patch].any_of(rule.lower_on_words):
            confidence = _step(confidence, -1)
        if GRADES.index(confidence) < GRADES.index(rule.flag_at):
            if rule.below == "silent":
                return None
            level = "note"
        if severity == "low" and self.context.words[patch].any_of(LOW_IS_A_NOTE):
            level = "note"
        return _Graded(level, _step(severity, -1) if self.context.series.rfc else severity, confidence, variant)

    def _variant(self, rule: Rule, hit: Hit) -> Variant | None:
        for variant in rule.variant:
            if (self._first(variant.when, hit.captures, hit) is None) == variant.absent:
                return variant
        return None

    def _severity(self, rule: Rule, hit: Hit, patch: int) -> Grade:
        arch = self.context.paths.info(hit.fact.path).arch
        severity = rule.severity_by_arch.get(arch, rule.severity)
        if rule.severity_if_fix and self.context.words[patch].any_of(("fixes-trailer", "fix-subject")):
            severity = min(severity, rule.severity_if_fix, key=GRADES.index)
        return severity


def _without_echoes(said: list[_Said]) -> list[_Said]:
    """Without those that yield, where another one speaks of the same place."""
    sharp = [one.finding for one in said if not one.yields]
    telling = [finding for finding in sharp if finding.level == "flag" or finding.knob is not None]
    lines = {(f.patch, f.file, line) for f in telling for line in f.evidence}
    flagged = {(f.patch, f.file, f.symbol) for f in sharp if f.level == "flag"}

    def echoes(finding: Finding) -> bool:
        if (finding.patch, finding.file, finding.symbol) in flagged:
            return True
        return any((finding.patch, finding.file, line) in lines for line in finding.evidence)

    return [one for one in said if not one.yields or not echoes(one.finding)]


def _step(grade: Grade, by: int) -> Grade:
    return GRADES[max(0, min(len(GRADES) - 1, GRADES.index(grade) + by))]


def _message(rule: Rule, variant: Variant | None, knob: KnobFound | None) -> str:
    if knob is not None and rule.message_knob:
        return rule.message_knob
    return (variant.message if variant else "") or rule.message


def _natural(text: str) -> tuple[int, str]:
    digits = "".join(char for char in text if char.isdigit())
    return (int(digits[:9]) if digits else -1, text)


def _missing(bound: Captures, first: str, last: str, present: str) -> list[int]:
    try:
        low, high = int(fill(first, bound)), int(fill(last, bound))
    except ValueError:
        return []
    have = {part.strip() for part in present.split(",")}
    return [number for number in range(low, min(high, low + MAX_MISSING) + 1) if str(number) not in have]


_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")
_ASIDE = re.compile(r" \(\{([A-Za-z_]\w*)\}\)|^\{([A-Za-z_]\w*)\}: ")
_CUT = 120  # characters of what was captured
_CUT_CHANGE = 260  # of ``{change}``, which tells of two sides


def fill(template: str, captures: Captures) -> str:
    """TEMPLATE with ``{name}`` replaced by captures; a name that was not captured becomes an ellipsis.

    Where there is nothing to say, one that stands alone in parentheses goes with them, and one with a colon at the
    start with it: `` ({gate})`` of no condition, ``{scope}: `` of file scope.
    Not ``str.format``: its places reach into attributes and indices, and a rule may be a stranger's.
    """
    said = _ASIDE.sub(lambda aside: aside[0] if captures.get(aside[1] or aside[2], "…") else "", template)
    return _PLACE.sub(lambda place: _filling(place[1], captures), said)


def _filling(name: str, captures: Captures) -> str:
    if name not in captures:
        return "…"
    return _short(captures[name], _CUT_CHANGE if name == "change" else _CUT)


def _short(text: str, most: int = _CUT) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 3].rstrip() + "…"


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    if len(unique) <= 4:
        return ", ".join(unique)
    return f"{', '.join(unique[:3])} and {len(unique) - 3} more"


def _all_shown(hits: Iterable[Hit], side: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for hit in hits if (text := _shown(hit, side))))[:MAX_EVIDENCE]


def _change(hit: Hit) -> str:
    """What happened to the fact, in words."""
    delta = hit.delta
    if delta is None:
        return f"{hit.fact.key} {hit.fact.value}"
    old, new = (_said(fact) if fact else "" for fact in (delta.old, delta.new))
    if delta.op == "added":
        return f"new: {new}"
    if delta.op == "removed":
        return f"gone: {old}"
    if delta.op == "regated":
        return f"{new} now happens under other conditions"
    return f"{old} becomes {new}"


def _said(fact: Fact) -> str:
    """The fact as C has it, about."""
    text = {"cond": f"{fact.key} ({fact.value})", "call": f"{fact.key}({fact.value})", "case": f"case {fact.key}"}
    if fact.kind == "return":
        return f"return {fact.value}".strip()
    if fact.kind == "flag":
        return f"{'~' * fact.value.startswith('~')}{fact.key} in {fact.value.removeprefix('~')}"
    return _short(text.get(fact.kind, f"{fact.key} {fact.value}"))


def _shown(hit: Hit, side: str) -> str:
    fact = hit.fact if hit.delta is None else (hit.delta.old if side == "old" else hit.delta.new)
    if fact is None or (hit.delta is None and side == "old"):
        return ""
    gates = f" [{'; '.join(fact.gates)}]" if fact.gates else ""
    number = f" ({fact.number})" if fact.number is not None else ""
    return _short(f"{fact.kind} {fact.scope + ': ' if fact.scope else ''}{fact.key} {fact.value}{number}{gates}")


def _merged(said: list[_Said]) -> list[_Said]:
    """Without findings that say less of the same lines: of two flags with the same evidence the graver one stays."""
    kept: list[_Said] = []
    seen: dict[tuple[object, ...], int] = {}
    for one in said:
        finding = one.finding
        checklist = finding.klass if finding.klass in ("documentation", "test") else ""
        key = (finding.patch, finding.file, finding.symbol, tuple(sorted(finding.evidence)), checklist)
        other = seen.get(key)
        if other is None:
            seen[key] = len(kept)
            kept.append(one)
        elif _weight(one) > _weight(kept[other]):
            kept[other] = one
    return kept


def _weight(one: _Said) -> tuple[int, int, int, int]:
    finding = one.finding
    return (finding.level == "flag", not one.yields, GRADES.index(finding.severity), GRADES.index(finding.confidence))
