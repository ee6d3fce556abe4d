# SPDX-License-Identifier: GPL-2.0-or-later
"""Which findings a mail is about: few, new, sure, and not said by anybody yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from abireview.bot.policy import GRADES, Terms
from abireview.findings.model import Finding, Result

NOTE = "a note"


class Item(msgspec.Struct, frozen=True):
    """One question of the mail: the finding quoted, and those of the same rule and symbol beside it."""

    finding: Finding
    similar: tuple[Finding, ...] = ()


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into the mail.

    ``items`` are ordered by rule (the one with the gravest finding first) and place; ``carried`` are still open from an
    earlier version; ``more`` findings would go out but for the mail's size. ``kept`` says of the others why they do
    not go out, by fingerprint.
    """

    items: tuple[Item, ...]
    carried: tuple[Finding, ...]
    more: tuple[Finding, ...]
    kept: Mapping[str, str]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Everything the mail speaks of as new."""
        found = [one.fingerprint for item in self.items for one in (item.finding, *item.similar)]
        return tuple(dict.fromkeys([*found, *(one.fingerprint for one in self.more)]))


def choose(
    result: Result,
    terms: Terms,
    *,
    said: Mapping[str, str],
    mailed: Collection[str] = (),
    rejected: Collection[str] = (),
    noisy: Collection[str] = (),
) -> Chosen:
    """The findings of ``result`` (states settled) that may go out under ``terms``.

    ``said`` maps fingerprints that somebody raised in the thread to the mail that did (``raised``). ``mailed`` are the
    fingerprints that the bot asked about on earlier versions: open ones are carried. ``rejected`` are those that the
    person who looks at the drafts did not let out. ``noisy`` are rules that were wrong too often to be mailed.
    """
    kept: dict[str, str] = {}
    fit: list[Finding] = []
    carried: list[Finding] = []
    for finding in result.findings:
        why = _kept_back(finding, terms, said, noisy)
        if not why and finding.fingerprint in mailed:
            carried.append(finding)
            why = "asked on an earlier version"
        elif not why and finding.fingerprint in rejected:
            why = "a person did not let it out"
        if why:
            kept[finding.fingerprint] = why
        else:
            fit.append(finding)
    items = _grouped(fit)
    shown = items[: terms.max_findings]
    rest = [one for item in items[terms.max_findings :] for one in (item.finding, *item.similar)]
    return Chosen(items=tuple(shown), carried=_once(carried), more=tuple(rest), kept=kept)


def fewer(chosen: Chosen, count: int) -> Chosen:
    """The same with at most ``count`` questions; the others are only counted."""
    rest = [one for item in chosen.items[count:] for one in (item.finding, *item.similar)]
    return msgspec.structs.replace(chosen, items=chosen.items[:count], more=(*rest, *chosen.more))


def _kept_back(finding: Finding, terms: Terms, said: Mapping[str, str], noisy: Collection[str]) -> str:
    if finding.level != "flag":
        return NOTE
    if finding.state in {"answered", "suppressed"}:
        return finding.state
    if not terms.allows_confidence(finding.confidence):
        return f"confidence {finding.confidence}"
    if not terms.allows_rule(finding.rule):
        return f"the policy leaves {finding.rule} out"
    if finding.rule in noisy:
        return f"{finding.rule} was wrong too often"
    if finding.fingerprint in said:
        return f"said already in {said[finding.fingerprint]}"
    return ""


def _grouped(findings: list[Finding]) -> list[Item]:
    """One item a rule and symbol, items of one rule together."""
    ordered = sorted(findings, key=lambda one: (-GRADES.index(one.severity), one.n, one.file, one.line))
    pairs: dict[tuple[str, str], list[Finding]] = {}
    for finding in ordered:
        pairs.setdefault((finding.rule, finding.symbol), []).append(finding)
    rules = list(dict.fromkeys(rule for rule, _ in pairs))
    keys = sorted(pairs, key=lambda key: rules.index(key[0]))
    return [Item(pairs[key][0], tuple(pairs[key][1:])) for key in keys]


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple({one.fingerprint: one for one in findings}.values())
