# SPDX-License-Identifier: GPL-2.0-or-later
"""Where news comes from: a public-inbox's search, its git repositories, or a maildir.

A source gives mails in pieces, each with the cursor that stands after it; the watcher keeps both in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from abireview.errors import LimitError
from abireview.lore import maildir
from abireview.lore.epochs import Epochs
from abireview.lore.feed import FeedError
from abireview.lore.inbox import Inbox

Piece = tuple[list[bytes], dict[str, Any]]
Known = Callable[[Collection[str]], set[str]]

FIRST_REACH: Final = 86400.0  # seconds a new source looks back
SWEEP_EVERY: Final = 86400.0
SWEEP_REACH: Final = 3 * 86400.0
"""Once a day the search goes back this far: it finds mails that were received then and archived later."""
FEED_TRUST: Final = 3600.0  # seconds the feed's "nothing new" is believed before a search looks anyway
WINDOW: Final = 86400.0  # seconds asked for at once: a week of a busy list is more than one answer should hold
SMALLEST_WINDOW: Final = 900.0


class Source(Protocol):
    """One place of news; ``interval`` are the least seconds between two polls."""

    @property
    def name(self) -> str: ...
    @property
    def lists(self) -> tuple[str, ...]: ...
    @property
    def interval(self) -> float: ...
    def poll(self, cursor: dict[str, Any], now: float) -> Iterator[Piece]:
        """The news after ``cursor``. Raises ServerError, LimitError and NotFoundError."""

    def keep(self) -> None:
        """Everything that was given is safe."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What all sources have: a name for the cursor, the policy's lists, the interval, how far the first look goes."""

    name: str
    lists: tuple[str, ...]
    interval: float
    reach: float = FIRST_REACH


class _Placed:
    """What a source is called, whose mail it has, and how often it may be asked: as its place says."""

    place: Place

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def lists(self) -> tuple[str, ...]:
        return self.place.lists

    @property
    def interval(self) -> float:
        return self.place.interval


class SearchSource(_Placed):
    """``x=m`` searches over received time with an overlap; the feed only says whether a search is worth it."""

    def __init__(self, place: Place, inbox: Inbox, known: Known, *, overlap: float, query: str = "") -> None:
        self.place, self.inbox = place, inbox
        self._known, self._overlap, self._query = known, overlap, query
        self.problem = ""

    def poll(self, cursor: dict[str, Any], now: float) -> Iterator[Piece]:
        since = float(cursor.get("since", now - self.place.reach))
        swept = float(cursor.get("swept", now if not cursor else 0.0))
        sweep = now - swept >= SWEEP_EVERY
        if not sweep and now - float(cursor.get("searched", 0.0)) < FEED_TRUST and not self._anything():
            return
        # a clock that was wrong must not hide what came since
        since = min(since, now)
        start = since - (SWEEP_REACH if sweep else self._overlap)
        for mails, end in self._windows(start, now):
            yield mails, {"since": max(since, min(end, now)), "swept": swept, "searched": 0.0}
        yield [], {"since": now, "swept": now if sweep else swept, "searched": now}

    def keep(self) -> None:
        self.inbox.keep()

    def _anything(self) -> bool:
        """False if the feed says that there is nothing new; a feed that cannot be used says nothing."""
        try:
            ids = self.inbox.feed()
        except FeedError as error:
            self.problem = str(error)
            return True
        self.problem = ""
        return ids is not None and bool(set(ids) - self._known(ids))

    def _windows(self, start: float, now: float) -> Iterator[tuple[list[bytes], float]]:
        width = WINDOW
        while True:
            end = start + width
            last = end >= now
            span = f"rt:{int(max(0.0, start))}..{'' if last else int(end)}"
            try:
                mails = self.inbox.search(f"({self._query}) AND {span}" if self._query else span)
            except LimitError:
                if width <= SMALLEST_WINDOW:
                    raise
                width /= 4
                continue
            yield mails, end
            if last:
                return
            start = end


class GitSource(_Placed):
    """The newest epoch by ``git fetch``: misses nothing, costs a clone."""

    def __init__(self, place: Place, inbox: Inbox, folder: Path) -> None:
        self.place, self.inbox = place, inbox
        self._epochs = Epochs(inbox, folder)

    def poll(self, cursor: dict[str, Any], now: float) -> Iterator[Piece]:
        yield from self._epochs.news(cursor, now - self.place.reach)

    def keep(self) -> None:
        self.inbox.keep()


class MaildirSource(_Placed):
    """A maildir on this machine: a subscription, or the bot's own mailbox."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self._folder = folder

    def poll(self, cursor: dict[str, Any], now: float) -> Iterator[Piece]:
        yield maildir.news(self._folder, cursor)

    def keep(self) -> None:
        return
