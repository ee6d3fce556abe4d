# SPDX-License-Identifier: GPL-2.0-or-later
"""The reviewer's session over small series of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abireview.check import check
from abireview.lore.load import LoadOptions, load
from abireview.reply.desk import Desk
from abireview.rules.load import default_dir, load_rules
from abireview.store.db import Store
from abireview.tui.app import ReviewApp
from tests.reply.conftest import home, smtp
from tests.tui.tui_make import RULES, mbox, series

__all__ = ["home", "smtp"]

MakeApp = Callable[..., ReviewApp]


@pytest.fixture(scope="session")
def rules():  # type: ignore[no-untyped-def]
    return load_rules([default_dir(), RULES])


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store(home / "store.db") as found:
        yield found


@pytest.fixture
def make_app(home: Path, rules) -> Iterator[MakeApp]:  # type: ignore[no-untyped-def]
    """Makes a session over ``home``'s store; each call is a program started anew."""
    stores: list[Store] = []

    def make(*whats: str, **options: object) -> ReviewApp:
        store = Store(home / "store.db")
        stores.append(store)

        def loader(what: str, *, refresh: bool):  # type: ignore[no-untyped-def]
            return load(what, LoadOptions(offline=True))

        desk = Desk(store, loader, lambda one: check(one, rules), clock=lambda: 1_800_000_000.0)
        return ReviewApp(desk, whats, clock=lambda: 1_800_000_000.0, **options)  # type: ignore[arg-type]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def widgets(home: Path) -> str:
    """Version 1 of the series, as an mbox."""
    path = home / "widgets.mbox"
    path.write_bytes(mbox(series(1)))
    return str(path)
