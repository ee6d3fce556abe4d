# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole function around a line of the diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from abireview.errors import NotFoundError
from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.series import Thread, assemble
from abireview.source.tree import open_tree
from abireview.tui.whole import whole_function
from tests.tui.conftest import MakeApp
from tests.tui.pilot import on, press, text_of
from tests.tui.tui_make import mail, mbox

PATH = "virt/kvm/widget.c"
SOURCE = """\
static int before(void)
{
→return 0;
}

static int widget_count(struct widget *w)
{
→int first = 1;
→int a = 0;
→int b = 0;
→int c = 0;

→if (!w)
→→return 0;

→a += w->count;
→b += a;
→c += b;
→return first + c;
}
""".replace("→", "\t")
DIFF = f"""\
Count otherwise.
---

diff --git a/{PATH} b/{PATH}
--- a/{PATH}
+++ b/{PATH}
@@ -13,7 +13,7 @@ static int widget_count(struct widget *w)
 →if (!w)
 →→return 0;

-→a += w->count;
+→a += w->count + 1;
 →b += a;
 →c += b;
 →return first + c;
""".replace("→", "\t")
RAW = mail("w@example.org", "[PATCH] KVM: Count otherwise", DIFF.replace("0;\n\n-", "0;\n \n-"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "linux" / PATH
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    return tmp_path / "linux"


def thread() -> Thread:
    return assemble([decode(RAW)], projects())


def line_of(text: str) -> int:
    return thread().messages[0].body.split("\n").index(text) + 1


def test_the_function_with_its_change_in_place(tree: Path) -> None:
    at = line_of("+\ta += w->count + 1;")
    title, lines, row = whole_function(thread().series[0], open_tree(tree), "w@example.org", PATH, at)
    assert title == f"{PATH}: widget_count"
    text = [line for line, _ in lines]
    assert text[0].endswith("static int widget_count(struct widget *w)")
    assert not any("before" in line for line in text)
    gone = next(k for k, line in enumerate(text) if line.startswith("-"))
    assert text[gone].endswith("\ta += w->count;")
    assert text[gone + 1] == "+   16 \ta += w->count + 1;"
    assert lines[gone][1] == "del"
    assert row in {gone, gone + 1}
    assert sum(line.startswith(("+", "-")) for line in text) == 2


def test_a_removed_line_leads_there_too(tree: Path) -> None:
    at = line_of("-\ta += w->count;")
    title, _, _ = whole_function(thread().series[0], open_tree(tree), "w@example.org", PATH, at)
    assert title.endswith("widget_count")


def test_without_a_tree_it_is_said(tree: Path) -> None:
    with pytest.raises(NotFoundError, match="no kernel tree"):
        whole_function(thread().series[0], None, "w@example.org", PATH, 12)
    with pytest.raises(NotFoundError, match="no patch"):
        whole_function(thread().series[0], open_tree(tree), "x@example.org", PATH, 12)


async def test_by_key(make_app: MakeApp, tree: Path, home: Path) -> None:
    (home / "w.mbox").write_bytes(mbox([RAW]))
    app = make_app(str(home / "w.mbox"), tree=open_tree(tree))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await on(pilot, "SeriesScreen")
        await press(pilot, "w")
        assert "the cursor is not in a diff" in text_of(app)
        await press(pilot, "G w")
        await on(pilot, "WholeScreen")
        assert "int first = 1;" in text_of(app)
