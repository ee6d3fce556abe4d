# SPDX-License-Identifier: GPL-2.0-or-later
"""The line of keys at the bottom of a screen."""

from __future__ import annotations

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer

Shown = tuple[tuple[Binding, bool, str], ...]


class Keys(Footer):
    """Textual's footer without the palette's key, made anew only where other keys are to be seen.

    Textual makes every key's widget anew whenever the focus moves, though the keys are mostly the same: over a slow
    line that is a visible flicker, and much of the time that a key press takes.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._shown: Shown | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Called by the screen when the keys that work may have changed."""
        if screen is not self.screen or not self.is_attached or not screen.app.app_focus:
            super().bindings_changed(screen)
            return
        active = screen.active_bindings.values()
        shown = tuple((one.binding, one.enabled, one.tooltip) for one in active if one.binding.show)
        if shown != self._shown:
            self._shown = shown
            super().bindings_changed(screen)
