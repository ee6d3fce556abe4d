# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as checks in patchwork: the place where they cost nobody attention (etiquette 27).

REST API 1.2 (getpatchwork/patchwork docs/api/rest): a patch is found by its message-id, a check is posted to it and
cannot be changed, the latest of a context counts. So one is posted only if none of ours says the same already; the
answer to "did it arrive?" after a crash is in patchwork itself.
"""

from __future__ import annotations

import os
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from abireview import limits
from abireview.bot.log import Log
from abireview.bot.policy import PatchworkEntry, Policy
from abireview.bot.site import page_url
from abireview.errors import ConfigError, LimitError, ServerError
from abireview.findings.model import Finding, Result
from abireview.lore.http import Http, NotNow
from abireview.store.botseries import BotSeries, SeriesRow

CONTEXT: Final = "abireview"
_T = TypeVar("_T")
RETRY: Final = (300.0, 3600.0, 6 * 3600.0, 86400.0)
"""Seconds to wait after a failure; patchwork learns of a patch some minutes after the list does."""


class _Patch(msgspec.Struct, frozen=True):
    id: int


class _Check(msgspec.Struct, frozen=True):
    id: int
    context: str
    state: str
    description: str | None = None


def want_checks(policy: Policy, series: BotSeries, row: SeriesRow, result: Result) -> None:
    """Note down the checks that should stand at the patches of a posting (in the caller's transaction)."""
    for entry in policy.patchwork:
        if set(entry.lists).isdisjoint(row.lists):
            continue
        for patch in result.series.patches:
            found = [one for one in result.findings if one.patch == patch.msgid]
            state, text = _state(found, partly=any(one.patch == patch.msgid for one in result.skipped))
            series.want_check(patch.msgid, entry.url, state, page_url(policy, row.id), text)


def _state(findings: list[Finding], *, partly: bool) -> tuple[str, str]:
    """patchwork's state and one line. A question is a warning: it is for people to say that something fails."""
    flags = [one for one in findings if one.level == "flag" and one.state in {"new", "carried"}]
    if flags:
        rules = ", ".join(dict.fromkeys(one.rule for one in flags))
        return "warning", f"{len(flags)} question{'' if len(flags) == 1 else 's'}: {rules}"[:250]
    if partly:
        return "success", "nothing to ask; parts could not be read"
    return "success", "nothing to ask"


class Patchwork:
    """Posts the checks. The tokens come from the environment and are never logged."""

    def __init__(self, policy: Policy, series: BotSeries, http: Http, *, log: Log) -> None:
        self._policy, self._series, self._http, self._log = policy, series, http, log

    def post(self, now: float) -> int:
        """Post what is open and due; how many checks stand now that did not."""
        done = 0
        for patch, server, state, url, text, attempts in self._series.open_checks(now):
            entry = next((one for one in self._policy.patchwork if one.url == server), None)
            if entry is None or attempts >= len(RETRY):
                continue
            try:
                self._post(entry, patch, state, url, text)
            except NotNow:
                continue
            except (ServerError, LimitError, ConfigError) as error:
                self._log("check not posted", patch=patch, server=server, why=str(error))
                self._series.check_failed(patch, server, now + RETRY[attempts])
                continue
            self._series.check_posted(patch, server, now)
            done += 1
        return done

    def _post(self, entry: PatchworkEntry, patch: str, state: str, url: str, text: str) -> None:
        token = os.environ.get(entry.token_from, "")
        if not token:
            raise ConfigError(f"the environment has no {entry.token_from}", hint="it holds patchwork's API token")
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json", "Accept": "application/json"}
        base = f"{entry.url.rstrip('/')}/api/1.2"
        found = self._get(f"{base}/patches/?msgid={quote(patch, safe='')}", headers, list[_Patch])
        if not found:
            raise ServerError(f"{entry.url} does not know the patch")
        place = f"{base}/patches/{found[0].id}/checks/"
        ours = [one for one in self._get(place, headers, list[_Check]) if one.context == CONTEXT]
        last = max(ours, key=lambda one: one.id, default=None)
        if last is not None and (last.state, last.description or "") == (state, text):
            return
        values = {"state": state, "context": CONTEXT, "description": text, "target_url": url}
        body = msgspec.json.encode({key: value for key, value in values.items() if value})
        answer = self._http.post(place, body, limit=limits.MAX_JSON_BYTES, headers=headers)
        if answer.status not in {200, 201}:
            raise ServerError(f"{entry.url} answered {answer.status}")

    def _get(self, url: str, headers: dict[str, str], kind: type[list[_T]]) -> list[_T]:
        answer = self._http.get(url, limit=limits.MAX_JSON_BYTES, headers=headers)
        if answer.status != 200:
            raise ServerError(f"{url.partition('/api/')[0]} answered {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ServerError(f"{url.partition('/api/')[0]} answered with something else than its API says") from error
