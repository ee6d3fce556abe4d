# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger's page in a browser: its filters, and nothing wider than the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from abireview.ledger.model import Ledger
from abireview.ledger.report import render
from abireview.render import Style
from tests.render.chromium import Browser

pytestmark = pytest.mark.corpus

VISIBLE = "[...document.querySelectorAll('[data-row]')].filter(o => o.offsetParent !== null).length"
SECTIONS = "[...document.querySelectorAll('[data-section]')].filter(o => o.offsetParent !== null).length"


@pytest.fixture(scope="module")
def ledger(ledgers: dict[tuple[str, str], Ledger]) -> Ledger:
    return ledgers["6.12", "7.2"]


@pytest.fixture(scope="module")
def browser(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    page = tmp_path_factory.mktemp("page") / "ledger.html"
    page.write_text(render(ledger, "html", Style()), encoding="utf-8")
    with Browser(page, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arch", "riscv"),
        ("area", "idreg"),
        ("weight", "high"),
        ("direction", "rollback"),
        ("knob", "NONE"),
        ("arch", ""),
    ],
)
def test_filters_leave_what_they_say(name: str, value: str, ledger: Ledger, browser: Browser) -> None:
    left = [
        entry
        for entry in ledger.entries
        if not value or (value in entry.direction if name == "direction" else getattr(entry, name) == value)
    ]
    browser.run(
        f"""new Promise(done => {{
            const form = document.getElementById("filters");
            form.reset();
            setTimeout(() => {{
                form.elements["{name}"].value = "{value}";
                form.elements["{name}"].dispatchEvent(new Event("input", {{bubbles: true}}));
                done(1);
            }}, 5);
        }})"""
    )
    assert browser.run(VISIBLE) == len(left)
    assert browser.run(SECTIONS) == len({(entry.arch, entry.group) for entry in left})
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.errors == []
