# SPDX-License-Identifier: GPL-2.0-or-later
"""The line of keys: made anew where other keys work, left alone where the same do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Input
from textual.widgets._footer import FooterKey

from abireview.tui.footer import Keys


class Other(Button):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "press", "other")]


class Small(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "act", "act"), Binding("z", "hidden", "hidden", show=False)]
    allowed = True

    def compose(self) -> ComposeResult:
        yield Button("one", id="one")
        yield Button("two", id="two")
        yield Other("three", id="three")
        yield Input(id="four")
        yield Keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.allowed if action == "act" else True

    def action_act(self) -> None:
        return


def keys(app: Small) -> list[FooterKey]:
    return list(app.query(FooterKey))


async def test_the_same_keys_stay_and_others_are_shown() -> None:
    app = Small()
    async with app.run_test() as pilot:
        app.query_one("#one").focus()
        await pilot.pause()
        first = keys(app)
        assert [key.description for key in first] == ["act"]
        app.query_one("#two").focus()
        await pilot.pause()
        assert keys(app) == first
        app.query_one("#three").focus()
        await pilot.pause()
        assert [key.description for key in keys(app)] == ["other", "act"]
        app.query_one("#one").focus()
        await pilot.pause()
        assert [key.description for key in keys(app)] == ["act"]


async def test_a_key_that_stops_to_work_goes_and_comes_back() -> None:
    app = Small()
    async with app.run_test() as pilot:
        app.query_one("#one").focus()
        await pilot.pause()
        for allowed, shown in ((False, []), (True, ["act"])):
            app.allowed = allowed
            app.refresh_bindings()
            await pilot.pause()
            assert [key.description for key in keys(app)] == shown


async def test_keys_that_change_while_the_terminal_is_elsewhere_are_shown_when_it_is_back() -> None:
    app = Small()
    async with app.run_test() as pilot:
        app.query_one("#one").focus()
        await pilot.pause()
        app.app_focus = False
        app.allowed = False
        app.refresh_bindings()
        await pilot.pause()
        app.app_focus = True
        app.refresh_bindings()
        await pilot.pause()
        assert keys(app) == []
