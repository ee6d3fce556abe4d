# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as static pages: an index by list and month, a page a series, feeds, retractions, numbers.

No script, no address of another server, relative links: the directory works from a disk. A page is written only if it
changed, whole or not at all. Names are digests of message-ids, never the ids themselves.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from abireview import __version__
from abireview.bot.policy import Policy
from abireview.bot.record import Numbers, numbers
from abireview.errors import ConfigError
from abireview.findings.answers import apply_answers
from abireview.findings.model import Result
from abireview.lore.address import mail_url
from abireview.safetext import safe_line
from abireview.store.answers import Answers
from abireview.store.botdrafts import BotDraft, BotDrafts
from abireview.store.botseries import BotSeries, SeriesRow
from abireview.store.db import Store

if TYPE_CHECKING:
    from jinja2 import Environment

FEED_ENTRIES: Final = 50
SHOWN_EVIDENCE: Final = 12  # changed lines of one finding
TAB: Final = 8
ORDER: Final = {"high": 0, "medium": 1, "low": 2}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A series in an index."""

    row: SeriesRow
    name: str
    subject: str
    author: str
    day: str
    month: str
    flags: int
    notes: int
    said: str


def page_name(series: str) -> str:
    """The file of a series: 24 hex digits of its id's SHA-256."""
    return hashlib.sha256(series.encode("utf-8", "replace")).hexdigest()[:24] + ".html"


def page_url(policy: Policy, series: str) -> str:
    """The public address of a series' page, "" without a site."""
    return f"{policy.bot.page.rstrip('/')}/s/{page_name(series)}" if policy.bot.page else ""


@cache
def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("abireview.bot", "templates/site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = safe_line
    environment.filters["code"] = lambda text: safe_line(text.expandtabs(TAB))
    environment.filters["day"] = _day
    environment.filters["rfc3339"] = _rfc3339
    return environment


class Site:
    """Writes the pages below ``folder``."""

    def __init__(self, store: Store, policy: Policy, folder: Path, *, clock: Callable[[], float]) -> None:
        self._series, self._drafts, self._answers = BotSeries.of(store), BotDrafts.of(store), Answers.of(store)
        self._store, self._policy, self._folder, self._clock = store, policy, folder, clock
        self.written = 0

    def write(self) -> int:
        """Write what changed; how many files did. Raises ConfigError if the directory cannot be written."""
        self.written = 0
        entries = [entry for row in self._series.rows(["checked"]) if (entry := self._page(row)) is not None]
        entries.sort(key=lambda entry: (-(entry.row.date or 0), entry.row.id))
        lists = sorted({name for entry in entries for name in entry.row.lists})
        for name in lists:
            self._list(name, [entry for entry in entries if name in entry.row.lists])
        retracted = self._retractions()
        counted = numbers(self._store)
        months = self._months(entries)
        self._render(
            "index.html", "index.html", 0, lists=[(n, self._counts(n, entries)) for n in lists], entries=months
        )
        self._render("retractions.html", "retractions.html", 0, retracted=retracted)
        self._render("numbers.html", "numbers.html", 0, numbers=counted, rules=_rules(counted))
        self._put("retractions.json", msgspec.json.format(msgspec.json.encode(retracted)) + b"\n")
        self._feed("atom.xml", "", entries)
        css = _environment().get_template("style.css").render()
        self._put("style.css", css.encode())
        return self.written

    def _page(self, row: SeriesRow) -> Entry | None:
        raw = self._series.result(row.id)
        if raw is None:
            return None
        result = self._settled(row, raw)
        draft = self._drafts.for_series(row.id)
        asked = [one for one in result.findings if one.state in {"new", "carried"}]
        entry = Entry(
            row=row,
            name=page_name(row.id),
            subject=safe_line(row.subject),
            author=safe_line(result.series.sender),
            day=_day(row.date),
            month=_day(row.date)[:7] or "undated",
            flags=sum(one.level == "flag" for one in asked),
            notes=sum(one.level == "note" for one in asked),
            said=_said(draft),
        )
        findings = sorted(result.findings, key=lambda one: (one.level, ORDER[one.severity], one.n, one.file, one.line))
        versions = [other for other in self._series.relatives(row.lineage) if other.state == "checked"]
        self._render(
            "series.html",
            f"s/{entry.name}",
            1,
            entry=entry,
            result=result,
            findings=findings,
            link=mail_url,
            evidence=SHOWN_EVIDENCE,
            archive=self._archive(row),
            versions=[(other, page_name(other.id)) for other in versions],
        )
        return entry

    def _archive(self, row: SeriesRow) -> str:
        for one in self._policy.list:
            if one.name in row.lists and one.archive:
                return one.archive
        return "https://lore.kernel.org/r"

    def _settled(self, row: SeriesRow, raw: Result) -> Result:
        before = [
            found
            for other in self._series.relatives(row.lineage)
            if other.version < row.version and (found := self._series.result(other.id))
        ]
        answers = self._answers.for_lineage(row.lineage)
        return apply_answers(raw, answers, before, lineage=row.lineage, now=int(self._clock()))

    def _list(self, name: str, entries: Sequence[Entry]) -> None:
        months = self._months(entries)
        self._render("list.html", f"{name}/index.html", 1, name=name, months=[(m, len(found)) for m, found in months])
        for month, found in months:
            self._render("month.html", f"{name}/{month}.html", 1, name=name, month=month, entries=found)
        self._feed(f"{name}/atom.xml", name, entries)

    @staticmethod
    def _months(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
        names = sorted({entry.month for entry in entries}, reverse=True)
        return [(name, [entry for entry in entries if entry.month == name]) for name in names]

    @staticmethod
    def _counts(name: str, entries: Sequence[Entry]) -> tuple[int, int]:
        found = [entry for entry in entries if name in entry.row.lists]
        return len(found), sum(bool(entry.flags) for entry in found)

    def _feed(self, path: str, name: str, entries: Sequence[Entry]) -> None:
        shown = [entry for entry in entries if entry.flags][:FEED_ENTRIES]
        latest = max((entry.row.checked or 0.0 for entry in shown), default=0.0)
        self._render("atom.xml", path, path.count("/"), name=name, entries=shown, latest=latest, feed=path)

    def _retractions(self) -> list[dict[str, Any]]:
        found = []
        for one in self._drafts.retractions():
            draft = self._drafts.get(one.draft)
            row = self._series.get(draft.series)
            found.append(
                {
                    "at": _rfc3339(one.at),
                    "series": draft.series,
                    "subject": safe_line(row.subject) if row else "",
                    "page": page_name(draft.series),
                    "mail": draft.msgid,
                    "correction": one.msgid,
                    "rules": sorted(set(draft.rules)),
                    "fingerprints": list(draft.fingerprints),
                    "reason": safe_line(one.reason),
                }
            )
        return found[::-1]

    def _render(self, template: str, path: str, depth: int, **values: Any) -> None:
        common = {
            "bot": self._policy.bot,
            "version": __version__,
            "top": "../" * depth,
            "base": self._policy.bot.page.rstrip("/"),
        }
        text = _environment().get_template(template).render({**common, **values})
        self._put(path, text.encode("utf-8", "replace"))

    def _put(self, path: str, data: bytes) -> None:
        target = self._folder / path
        try:
            if target.is_file() and target.read_bytes() == data:
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            partial.write_bytes(data)
            partial.replace(target)
        except OSError as error:
            raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
        self.written += 1


def _said(draft: BotDraft | None) -> str:
    """What the world may know of a draft."""
    return "asked by mail" if draft is not None and draft.state == "posted" else ""


def _rules(counted: Numbers) -> list[tuple[str, int, int]]:
    return sorted((rule, mailed, counted.wrong.get(rule, 0)) for rule, mailed in counted.mailed.items())


def _day(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d", time.gmtime(max(0, seconds)))


def _rfc3339(seconds: float | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, seconds or 0.0)))
