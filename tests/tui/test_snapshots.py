# SPDX-License-Identifier: GPL-2.0-or-later
"""What the screens look like. After a wanted change: pytest tests/tui/test_snapshots.py --snapshot-update, and look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from abireview.lore import b4mail
from abireview.tui.app import ReviewApp
from tests.tui.conftest import MakeApp
from tests.tui.pilot import on, press, text_of, until, write
from tests.tui.tui_make import mail, mbox, series

Snap = Callable[..., bool]
Then = Callable[[Any], Awaitable[None]]

SIZES = [(80, 24), (120, 40), (200, 60)]
THEMES = ["textual-dark", "textual-light"]


@pytest.fixture
def sources(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three series: two versions of ours, one without findings, one that cannot be read."""
    monkeypatch.setattr(b4mail, "new_msgid", lambda: "a-reply@example.com")
    (home / "widgets.mbox").write_bytes(mbox(series(1) + series(2, values=(2, 20, 201))))
    body = "Say it better.\n---\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    odd = mail("odd@example.org", "[PATCH v2 1/1] KVM: x86: Mind the [brackets] and the [/x]", body, minute=59)
    (home / "odd.mbox").write_bytes(mbox([odd]))
    return ["widgets.mbox", "odd.mbox", "gone@example.org"]


def going(then: Then, wanted: str = "SeriesScreen") -> Then:
    """Wait for the queue, open the series with findings, then do more."""

    async def run(pilot: Any) -> None:
        app: ReviewApp = pilot.app
        table = app.queue_screen.query_one("QueueTable")
        await until(pilot, lambda: len(table.rows) == 3 and not app.queue_screen.busy)
        if wanted == "SeriesScreen":
            table.cursor = next(k for k, row in enumerate(table.rows) if row.medium)
            await press(pilot, "enter")
            await on(pilot, "SeriesScreen")
        await then(pilot)
        await pilot.pause()

    return run


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_the_series(
    make_app: MakeApp, sources: list[str], snap_compare: Snap, size: tuple[int, int], theme: str
) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop full_stop")

    assert snap_compare(make_app(*sources, theme=theme), terminal_size=size, run_before=going(then))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_the_queue(
    make_app: MakeApp, sources: list[str], snap_compare: Snap, size: tuple[int, int], theme: str
) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "j")

    assert snap_compare(make_app(*sources, theme=theme), terminal_size=size, run_before=going(then, "QueueScreen"))


def test_side_by_side(make_app: MakeApp, sources: list[str], snap_compare: Snap) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop full_stop v")

    assert snap_compare(make_app(*sources), terminal_size=(200, 60), run_before=going(then))


def test_the_versions(make_app: MakeApp, sources: list[str], snap_compare: Snap) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "n n n D D")
        await until(pilot, lambda: "from the mails" in text_of(pilot.app))

    assert snap_compare(make_app(*sources), terminal_size=(120, 40), run_before=going(then))


def test_settling(make_app: MakeApp, sources: list[str], snap_compare: Snap) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop a f")
        await write(pilot, "only tests")

    assert snap_compare(make_app(*sources), terminal_size=(80, 24), run_before=going(then))


@pytest.mark.parametrize("theme", THEMES)
def test_the_editor(make_app: MakeApp, sources: list[str], snap_compare: Snap, theme: str) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop r")
        await on(pilot, "EditorScreen")
        pilot.app.screen.query_one("TextArea").cursor_blink = False

    assert snap_compare(make_app(*sources, theme=theme), terminal_size=(80, 24), run_before=going(then))


@pytest.mark.parametrize("theme", THEMES)
def test_the_preview(make_app: MakeApp, sources: list[str], snap_compare: Snap, theme: str) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop t")
        await on(pilot, "ChoicePrompt")
        await press(pilot, "r")
        await on(pilot, "SeriesScreen")
        await press(pilot, "e")
        await on(pilot, "PreviewScreen")

    assert snap_compare(make_app(*sources, theme=theme), terminal_size=(120, 40), run_before=going(then))


def test_the_thread(make_app: MakeApp, sources: list[str], snap_compare: Snap) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "full_stop f")

    assert snap_compare(make_app(*sources), terminal_size=(80, 24), run_before=going(then))


def test_help(make_app: MakeApp, sources: list[str], snap_compare: Snap) -> None:
    async def then(pilot: Any) -> None:
        await press(pilot, "question_mark")

    assert snap_compare(make_app(*sources), terminal_size=(80, 24), run_before=going(then))
