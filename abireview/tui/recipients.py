# SPDX-License-Identifier: GPL-2.0-or-later
"""To and Cc of a draft, asked for in two lines."""

from __future__ import annotations

from collections.abc import Callable

from abireview.reply.desk import Opened
from abireview.store.drafts import Draft, Drafts
from abireview.tui.base import BaseScreen
from abireview.tui.prompt import LinePrompt

HINT = "addresses with commas between them; both lines empty for a reply to all"


def ask_recipients(screen: BaseScreen, opened: Opened, draft: Draft, done: Callable[[Draft], None]) -> None:
    """Ask for To, then for Cc; ``done`` gets the draft with what was said. Esc changes nothing."""
    with screen.told():
        headers = screen.desk.headers(opened, draft)
        to_line, cc_line = (", ".join(map(str, people)) for people in (headers.to, headers.cc))

        def to_given(to: str | None) -> None:
            if to is None:
                return

            def cc_given(cc: str | None) -> None:
                if cc is not None:
                    with screen.told():
                        done(Drafts.of(screen.desk.store).address(draft.id, to, cc))

            screen.app.push_screen(LinePrompt("Cc:", value=cc_line, hint=HINT), cc_given)

        screen.app.push_screen(LinePrompt("To:", value=to_line, hint=HINT), to_given)
