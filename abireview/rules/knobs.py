# SPDX-License-Identifier: GPL-2.0-or-later
"""Looking for the way back: in the series' facts, and in whole files of the tree where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from abireview.findings.model import KnobFound, KnobSought
from abireview.rules.context import Context
from abireview.rules.evidence import lines_of
from abireview.rules.match import Hit, Matcher
from abireview.rules.schema import Knob, KnobUse, Pattern


class Knobs:
    """Finds knobs for the hits of one series."""

    def __init__(self, context: Context, matcher: Matcher) -> None:
        self.context, self.matcher = context, matcher

    def look(self, use: KnobUse, hit: Hit) -> KnobFound | None:
        """The knob of USE, bound to what HIT captured, with the lines that show it; None if it is not there."""
        knob = self.context.rules.knob(use.id)
        bound = _bound(use, hit)
        shown = self._find(knob, bound, hit)
        if shown is None or not knob.is_knob:
            return None
        fragment = self.context.fragments[shown.fragment]
        return KnobFound(
            id=knob.id,
            kind=knob.kind,
            what=_fill(knob.what, bound),
            evidence=tuple(lines_of(shown, self.context)[:4]),
            patch=self.context.patch(fragment.patch).msgid if fragment.patch >= 0 else "",
            file=shown.fact.path,
        )

    def sought(self, use: KnobUse, hit: Hit, found: bool) -> KnobSought:
        """The record of having looked, for HIT."""
        knob = self.context.rules.knob(use.id)
        bound = _bound(use, hit)
        return KnobSought(id=knob.id, what=_fill(knob.what, bound), where=_fill(knob.where, bound), found=found)

    def _find(self, knob: Knob, bound: Mapping[str, str], hit: Hit) -> Hit | None:
        if knob.all_of:
            return self._all(knob.all_of, bound, hit)
        for pattern in knob.find:
            found = next(iter(self._hits(pattern, bound, hit)), None)
            if found is not None:
                return found
        return None

    def _all(self, patterns: tuple[Pattern, ...], bound: Mapping[str, str], hit: Hit) -> Hit | None:
        first: Hit | None = None
        known = dict(bound)
        for pattern in patterns:
            found = next(iter(self._hits(pattern, known, hit)), None)
            if found is None:
                return None
            first = first or found
            known.update({name: text for name, text in found.captures.items() if name not in known})
        return first

    def _hits(self, pattern: Pattern, bound: Mapping[str, str], hit: Hit) -> Iterator[Hit]:
        return self.matcher.find(pattern, bound, hit)


def _bound(use: KnobUse, hit: Hit) -> dict[str, str]:
    return {**hit.captures, **{name: _fill(text, hit.captures) for name, text in use.bind.items()}}


def _fill(template: str, bound: Mapping[str, str]) -> str:
    text = template
    for name, value in bound.items():
        text = text.replace("{" + name + "}", value)
    return text
