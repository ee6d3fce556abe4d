# SPDX-License-Identifier: GPL-2.0-or-later
"""A session over the store of a bot that has something to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abireview.bot.policy import Policy
from abireview.lore.load import LoadOptions, load
from abireview.reply.desk import Desk
from abireview.store.db import Store
from abireview.tui.app import ReviewApp
from tests.bot import tinycheck
from tests.bot.bot_make import entry
from tests.bot.world import BASE, CLEAN, FLAGGED, START, World, patch, series


def bot_world(folder: Path, **keys: Any) -> World:
    """A bot whose lists want a person's word; one flagged series waits, another of one patch is clean."""
    world = World(folder, entry(**{"archive": BASE, "approval": "person", **keys}))
    world.archive.deliver(*series(1, at=START, diffs=(CLEAN, FLAGGED)))
    world.turns(hours=1)
    return world


def another(world: World, number: int = 2) -> None:
    """One more flagged series, checked."""
    world.archive.deliver(patch(number, at=world.clock()))
    world.turns(hours=0.5)


def session(world: World, *, policy: Policy | None = None, **options: Any) -> ReviewApp:
    """A review over the store of ``world``, as a program of its own."""
    store = Store(world.store.path)

    def loader(what: str, *, refresh: bool) -> Any:
        return load(what, LoadOptions(offline=True, store=store))

    desk = Desk(store, loader, tinycheck.check, clock=world.clock)
    return ReviewApp(desk, policy=lambda: policy or world.policy, clock=world.clock, **options)
