# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/review.md and docs/reply.md say what the verbs, screens and templates do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from abireview.cli.loading import Source
from abireview.findings.answers import KINDS
from abireview.reply.template import NAMES
from abireview.reply.trailers import TRAILERS
from abireview.store.queue import STATES
from abireview.tui.help import key_name
from abireview.tui.lines import Lines
from abireview.tui.queue import QueueScreen
from abireview.tui.series import SeriesScreen
from tests.project.test_docs import options_of

# the arrows and their like, and what only says how to leave
OBVIOUS = {"up", "down", "left", "right", "home", "end", "PgUp", "PgDn", "backspace", "Ctrl-f", "Ctrl-b", "q"}
ROOT = Path(__file__).resolve().parents[2]
SOURCE = {f"--{name.replace('_', '-')}" for name in Source.__struct_fields__} | {"--no-cache", "--no-parent"}
REVIEW = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
REPLY = (ROOT / "docs" / "reply.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("verb", "page"), [("review", REVIEW), ("answer", REVIEW), ("reply", REPLY), ("send", REPLY)])
def test_every_option_is_described(verb: str, page: str) -> None:
    common = {name for name in options_of("check") if name in SOURCE} | {"--rules"}
    for name in options_of(verb):
        if name in common and verb != "review":
            continue
        assert re.search(rf"`{name}\b|, `{name}`|`{name} ", page), name


@pytest.mark.parametrize("screen", [QueueScreen, SeriesScreen, Lines])
def test_every_key_is_described(screen: type) -> None:
    for binding in screen.BINDINGS:  # type: ignore[attr-defined]
        for key in binding.key.split(","):
            name = key_name(key)
            if name not in OBVIOUS:
                assert f"`{name.replace('tab', 'Tab')}`" in REVIEW, name


def test_states_kinds_trailers_and_templates_are_named() -> None:
    for state in STATES:
        assert re.search(rf"\b{state}\b", REVIEW)
    for kind in KINDS:
        assert f"`{kind}`" in REVIEW
    for name in (*TRAILERS, *NAMES):
        assert f"`{name}`" in REPLY
    for name in ("queued", "handing-over", "sent", "failed", "unknown", "dropped"):
        assert name in REPLY


def test_the_example_template_works(tmp_path: Path) -> None:
    from abireview.reply.draft import draft_for_patch
    from abireview.reply.template import Templates
    from tests.reply.reply_make import finding, message

    example = REPLY.split("An example of `question.j2`:\n\n```\n", 1)[1].split("```", 1)[0]
    (tmp_path / "question.j2").write_text(example)
    text = draft_for_patch(message(), [finding()], Templates(tmp_path))
    assert "\n(abireview widget-count, 0123456789ab)\n" in text
