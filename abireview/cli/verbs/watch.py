# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview watch``: what is new on a list goes into the queue of ``abireview review``."""

from __future__ import annotations

import hashlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from abireview.cli.ruleset import load as load_rules
from abireview.cli.ruleset import rules_option
from abireview.cli.verbs._bot import note
from abireview.errors import UsageError

if TYPE_CHECKING:
    from abireview.bot.sources import Source
    from abireview.bot.watch import Watcher
    from abireview.lore.http import Http
    from abireview.rules.load import RuleSet
    from abireview.store.botseries import SeriesRow
    from abireview.store.db import Store

DEFAULT = ("https://lore.kernel.org/kvm",)
SETTLE = 1800.0  # seconds a series without all its patches is waited for


@click.command(short_help="Put what is new on a list into the queue of the review.")
@click.argument("places", nargs=-1, metavar="[PLACE…]")
@rules_option
@click.option("--once", is_flag=True, help="Look once, then end.")
@click.option("--git", is_flag=True, help="Fetch the list's git repository instead of searching: misses nothing.")
@click.option(
    "--query", default="", metavar="Q", help="Only mails that match this public-inbox query, as dfn:arch/arm64."
)
@click.option("--since", default="1d", metavar="TIME", help="How far a first look goes back: 6h, 7d.")
@click.option("--every", default="5m", metavar="TIME", help="Seconds, minutes or hours between two looks.")
@click.option("--all", "everything", is_flag=True, help="Also series without findings.")
def command(
    places: tuple[str, ...],
    rule_dirs: tuple[Path, ...],
    once: bool,
    git: bool,
    query: str,
    since: str,
    every: str,
    everything: bool,
) -> int:
    """Watch PLACE, the address of a list on a public-inbox server (https://lore.kernel.org/kvm, the default) or a
    maildir, check every new series, and put those with findings into the queue.
    """
    from abireview.bot.duration import seconds
    from abireview.bot.policy import MIN_INTERVAL
    from abireview.lore.http import Http
    from abireview.store.botmail import BotMail
    from abireview.store.db import Store

    interval = float(seconds(every))
    if interval < MIN_INTERVAL:
        raise UsageError(f"--every is shorter than {MIN_INTERVAL} s", hint="archives are a commons")
    rules = load_rules(rule_dirs)
    from abireview.bot.track import Shared, watch_path

    with (
        Store() as store,
        Store(watch_path(store)) as own,
        Http(Shared(BotMail.of(store), BotMail.of(own)), store.path.parent) as http,
    ):
        made = _Watch(store, own, rules, http, everything=everything)
        sources = [made.source(place, interval, float(seconds(since)), git, query) for place in places or DEFAULT]
        watcher = made.watcher(sources)
        stopped: list[int] = []
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda got, _: stopped.append(got))
        while True:
            made.turn(watcher)
            if once or stopped:
                return 0
            _nap(watcher, stopped)


def _nap(watcher: Watcher, stopped: list[int]) -> None:
    end = min(watcher.next_poll(), time.time() + 60.0)
    while not stopped and time.time() < end:
        time.sleep(min(0.5, max(0.05, end - time.time())))


class _Watch:
    """The watcher, in a file of its own, with the queue of ``store`` behind it."""

    def __init__(self, store: Store, own: Store, rules: RuleSet, http: Http, *, everything: bool) -> None:
        from abireview.bot.log import stderr_log

        self._store, self._own, self._rules, self._http, self._all = store, own, rules, http, everything
        self._log = stderr_log()
        self._bases: dict[str, str] = {}

    def source(self, place: str, interval: float, reach: float, git: bool, query: str) -> Source:
        """The source that PLACE names. Raises UsageError."""
        from abireview.bot.sources import GitSource, MaildirSource, Place, SearchSource
        from abireview.lore.inbox import Inbox
        from abireview.store.botmail import BotMail

        name = f"watch {place}"
        where = Place(name=name, lists=(name,), interval=interval, reach=reach)
        if "://" not in place:
            return MaildirSource(where, Path(place).expanduser())
        parts = urlsplit(place)
        if parts.scheme not in {"http", "https"} or not parts.netloc or not parts.path.strip("/"):
            raise UsageError(f"{place} is no list's address", hint="for example https://lore.kernel.org/kvm")
        self._bases[name] = place.rstrip("/")
        inbox = Inbox(self._http, place)
        if git:
            folder = hashlib.sha256(place.encode()).hexdigest()[:16]
            return GitSource(where, inbox, self._own.path.with_name("epochs") / folder)
        return SearchSource(where, inbox, BotMail.of(self._own).known, overlap=7200.0, query=query)

    def watcher(self, sources: list[Source]) -> Watcher:
        """The watcher over ``sources``."""
        from abireview.bot.watch import Watcher

        return Watcher(self._own, sources, settle=lambda _: SETTLE, fetch=self._thread, log=self._log)

    def turn(self, watcher: Watcher) -> None:
        """Everything that is due."""
        from abireview.bot.run import void
        from abireview.bot.watch import quietly

        quietly(self._log, "poll", lambda: void(watcher.poll()))
        quietly(self._log, "look", lambda: void(watcher.look()))
        for row in [row for row in watcher.due() if set(row.lists) & {source.name for source in watcher.sources}]:
            quietly(self._log, "check", lambda row=row: self._check(watcher, row), series=row.id)  # type: ignore[misc]
        quietly(self._log, "pruning", lambda: void(watcher.prune()))

    def _thread(self, row: SeriesRow) -> list[bytes]:
        from abireview.lore.inbox import Inbox

        base = next((self._bases[name] for name in row.lists if name in self._bases), "")
        return Inbox(self._http, base).thread(row.id) if base else []

    def _check(self, watcher: Watcher, row: SeriesRow) -> None:
        import msgspec

        from abireview.bot.track import track
        from abireview.check import check

        done = msgspec.structs.replace(row, state="failed", checked=time.time(), rules=self._rules.hash)
        seen = watcher.open(row)
        if seen is None:
            watcher.series.save(done)
            return
        watcher.series.save(done)
        series = seen.thread.build(seen.posting)
        result = check(series, self._rules)
        if result.findings or self._all:
            base = next((self._bases[name] for name in row.lists if name in self._bases), "")
            track(self._store, watcher.mail, seen, series, result, origin="watch", server=base, now=time.time())
            note(f"{len(result.findings)} findings: {series.subject}")
        watcher.series.save(msgspec.structs.replace(done, state="checked", action="page"), result)
