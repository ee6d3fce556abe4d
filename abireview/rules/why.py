# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a finding was made: the facts that changed around it, the gates that stand there, the knobs looked for."""

from __future__ import annotations

import msgspec

from abireview.errors import NotFoundError
from abireview.facts.delta import Delta
from abireview.findings.model import Finding, KnobSought
from abireview.rules.evaluate import Evaluation
from abireview.rules.schema import Rule

MAX_DELTAS = 60  # deltas of one scope that are shown; a rewritten function has more than a reader can use


class GateSeen(msgspec.Struct, frozen=True):
    """A condition that dominates the finding's fact, and the class the rules give it."""

    text: str
    klass: str


class DeltaSeen(msgspec.Struct, frozen=True):
    """One net delta of the finding's scope; ``matched`` if it is what the rule fired on."""

    op: str
    kind: str
    key: str
    before: str
    after: str
    line: int
    gates: tuple[GateSeen, ...]
    matched: bool


class Why(msgspec.Struct, frozen=True):
    """Everything a reviewer needs to check the tool on one finding."""

    finding: Finding
    rule: Rule
    whole: bool
    tree: bool
    deltas: tuple[DeltaSeen, ...]
    cut: int
    sought: tuple[KnobSought, ...]
    chosen: tuple[str, ...]
    words: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]


def why(evaluation: Evaluation, finding: Finding) -> Why:
    """What stands behind FINDING of this evaluation's series."""
    context = evaluation.context
    patch = next(i for i, one in enumerate(context.series.patches) if one.msgid == finding.patch)
    near = [
        delta
        for delta in context.found.deltas
        if delta.patch == patch and delta.path == finding.file and finding.symbol in (delta.scope, delta.key)
    ]
    fragment = next((context.fragments[delta.fragment] for delta in near), None)
    return Why(
        finding=finding,
        rule=context.rules.rule(finding.rule),
        whole=bool(fragment and fragment.whole),
        tree=context.whole is not None,
        deltas=tuple(_seen(evaluation, delta, finding) for delta in near[:MAX_DELTAS]),
        cut=max(0, len(near) - MAX_DELTAS),
        sought=finding.sought,
        chosen=tuple(sorted(evaluation.gates.names)),
        words=tuple(sorted(context.words[patch].all())),
        renames=tuple(sorted(context.found.renames.items())),
    )


def by_fingerprint(findings: tuple[Finding, ...], prefix: str) -> Finding:
    """The finding whose fingerprint begins with PREFIX; NotFoundError if there is none."""
    for finding in findings:
        if finding.fingerprint.startswith(prefix):
            return finding
    raise NotFoundError(f"no finding has the fingerprint {prefix}", hint="'abireview check --format json' shows them")


def _seen(evaluation: Evaluation, delta: Delta, finding: Finding) -> DeltaSeen:
    fragment = evaluation.context.fragments[delta.fragment]
    side = fragment.old if delta.new is None else fragment.new
    line = side.numbers[delta.fact.line] if delta.fact.line < len(side.numbers) else 0
    shown = side.lines[delta.fact.line : delta.fact.end + 1]
    mark = "-" if delta.new is None else "+"
    return DeltaSeen(
        op=delta.op,
        kind=delta.kind,
        key=delta.key,
        before=delta.old.value if delta.old else "",
        after=delta.new.value if delta.new else "",
        line=line,
        gates=tuple(GateSeen(gate, evaluation.gates.classify(gate)) for gate in delta.gates),
        matched=any(mark + text in finding.evidence for text in shown),
    )
