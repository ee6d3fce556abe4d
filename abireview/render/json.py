# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON: the result document of one series, on one line."""

from __future__ import annotations

from collections.abc import Iterable

from abireview.findings.model import Result
from abireview.render import Style, jsonl

ONE = True


def render(results: Iterable[Result], style: Style) -> str:
    """The document of the only result. Raises ValueError for several: those are JSON lines."""
    (result,) = results
    return jsonl.render([result], style)
