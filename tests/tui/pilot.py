# SPDX-License-Identifier: GPL-2.0-or-later
"""Driving the session: wait for what shall be, not for some time."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.events import Paste
from textual.pilot import Pilot

from abireview.tui.app import ReviewApp

WAIT = 15.0  # seconds until a test gives up; two shared cores may be slow


async def until(pilot: Pilot[int], true: Callable[[], object], what: str = "") -> None:
    """Wait until ``true()`` is; fail after a while."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, what or f"it never became true on {screen(pilot)}"
        await pilot.pause(0.02)
    await pilot.pause()


def screen(pilot: Pilot[int]) -> str:
    """The name of the screen on top."""
    return type(pilot.app.screen).__name__


async def on(pilot: Pilot[int], name: str) -> None:
    """Wait for a screen."""
    end = time.monotonic() + WAIT
    while screen(pilot) != name:
        assert time.monotonic() < end, f"no {name}, but {screen(pilot)}:\n{text_of(pilot.app)}"  # type: ignore[arg-type]
        await pilot.pause(0.02)
    await pilot.pause()


async def press(pilot: Pilot[int], keys: str) -> None:
    """Press keys, with blanks between them."""
    await pilot.press(*keys.split())


TYPED_MAX = 12  # letters that are typed one by one; a longer text is pasted, which is faster


async def write(pilot: Pilot[int], text: str) -> None:
    """Type or paste a text."""
    if len(text) > TYPED_MAX and pilot.app.focused is not None:
        pilot.app.focused.post_message(Paste(text))
    else:
        names = {" ": "space", "\n": "enter"}
        await pilot.press(*[names.get(letter, letter) for letter in text])
    await pilot.pause()


def text_of(app: ReviewApp) -> str:
    """What is on the screen, as plain text."""
    strips = app.screen._compositor.render_full_update().strips
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
