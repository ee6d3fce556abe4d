# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML report: findings on their diff lines, filters in a real browser, readable without script, safe."""

from __future__ import annotations

import html.parser
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from abireview.findings.model import Finding, Result
from abireview.limits import MAX_SHOWN_HUNK_LINES
from abireview.render import Style, get_format
from abireview.render.html import highlighted
from abireview.source.diff import parse_diff
from abireview.source.model import FileDiff, Hunk, Line
from tests.render.chromium import Browser

DIFF = """\
diff --git a/include/example.h b/include/example.h
--- a/include/example.h
+++ b/include/example.h
@@ -40,4 +40,4 @@ struct example {
 /* the newest */
 #define EXAMPLE_FIRST	1
-#define EXAMPLE_LATEST	1
+#define EXAMPLE_LATEST	2
 int x;
"""


def diff_of(text: str = DIFF) -> tuple[FileDiff, ...]:
    return parse_diff(text, "p2@example.org")[0]


class Tags(html.parser.HTMLParser):
    """Tags with attributes, the text, and whether every element is closed in order."""

    VOID = frozenset({"meta", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words += data


def render(*results: Result, **diffs: tuple[FileDiff, ...]) -> str:
    named = {f"{name}@example.org": files for name, files in diffs.items()}
    return get_format("html").render(results, Style(diffs=named))


def test_the_elements_are_closed_in_order(result: Result, silent: Result) -> None:
    for text in (render(result), render(silent), render(result, silent), render(result, p2=diff_of())):
        assert Tags(text).open == []


def test_a_finding_stands_below_its_line(result: Result) -> None:
    words = Tags(render(result, p2=diff_of())).words
    assert words.index("#define EXAMPLE_LATEST\t2") < words.rindex("The default version goes from 1 to 2.")
    assert words.rindex("The default version goes from 1 to 2.") < words.index("int x;")
    rows = [
        attrs["class"] for tag, attrs in Tags(render(result, p2=diff_of())).tags if tag == "tr" and "class" in attrs
    ]
    assert rows == ["same", "same", "del marked", "add marked", "same"]


def test_without_a_diff_the_evidence_is_shown(result: Result) -> None:
    words = Tags(render(result)).words
    assert "-#define EXAMPLE_LATEST\t1\n+#define EXAMPLE_LATEST\t2" in words


def test_every_finding_is_shown_once_whether_its_line_is_in_the_diff_or_not(result: Result, flag: Finding) -> None:
    odd = [
        msgspec.structs.replace(flag, line=0, fingerprint="1"),
        msgspec.structs.replace(flag, line=4000, fingerprint="2"),
        msgspec.structs.replace(flag, file="", fingerprint="3"),
        msgspec.structs.replace(flag, patch="elsewhere@example.org", fingerprint="4"),
        msgspec.structs.replace(flag, evidence=(), fingerprint="5"),
        msgspec.structs.replace(flag, evidence=("-#define EXAMPLE_LATEST\t1",), fingerprint="6"),
    ]
    tags = Tags(render(msgspec.structs.replace(result, findings=tuple(odd)), p2=diff_of())).tags
    cards = [attrs["id"] for tag, attrs in tags if tag == "article"]
    assert sorted(str(one) for one in cards) == [f"f-{n}-2" for n in range(1, 7)]


def test_a_very_long_hunk_is_cut_around_its_findings(result: Result) -> None:
    lines = tuple(Line("+", f"line {n}", None, n) for n in range(1, 20_001))
    hunk = Hunk(0, 0, 1, 20_000, "", lines)
    (finding,) = result.findings[:1]
    here = msgspec.structs.replace(finding, line=15_000, evidence=("+line 15000",))
    shown = render(msgspec.structs.replace(result, findings=(here,)), p2=(FileDiff(None, here.file, "added", (hunk,)),))
    assert shown.count("<tr class=") <= 2 * MAX_SHOWN_HUNK_LINES
    assert "line 15000" in Tags(shown).words
    assert "lines of it not shown" in shown


@pytest.mark.parametrize("path", ["a.c", "a.h", "a.rst"])
@pytest.mark.parametrize(
    "lines",
    [
        ["a comment */", "int x;", "/* that goes on", "\tand on"], ["", "", "x"], ["'unclosed", '"too', "\\"],
        ["#define A \\"], [],
    ],
    ids=["comments", "empty", "strings", "backslash", "none"],
)  # fmt: skip
def test_highlighting_keeps_every_line(path: str, lines: list[str]) -> None:
    found = highlighted(lines, path)
    assert [Tags(str(line)).words for line in found] == lines
    assert all(Tags(str(line)).open == [] for line in found)


HOSTILE = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "{{ 7 * 7 }}",
    "\x1b[2J\x00\ud800\u202e", "]]>", "&lt;b&gt;",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_mail_becomes_markup(text: str, result: Result, flag: Finding) -> None:
    hostile = msgspec.structs.replace(
        flag, message=text, question=text, file=text, symbol=text, evidence=(f"+{text}",), reason=text, rule=text,
        surface=text, arch=text, fingerprint=text, gates=(text,),
    )  # fmt: skip
    series = msgspec.structs.replace(result.series, subject=text, sender=text, notes=(text,))
    changed = msgspec.structs.replace(result, series=series, findings=(hostile,), failed=(text,))
    line = Line("+", text, None, 42)
    shown = render(changed, p2=(FileDiff(None, text, "added", (Hunk(0, 0, 42, 1, text, (line,)),)),))
    tags = Tags(shown)
    assert tags.open == []
    assert [tag for tag, _ in tags.tags].count("script") == 1
    assert not [attrs for tag, attrs in tags.tags if tag == "img" or any(name.startswith("on") for name in attrs)]
    assert "49" not in tags.words
    shown.encode("utf-8")
    assert not {"\x1b", "\x00", "\u202e"} & set(shown)


def test_nothing_is_fetched(result: Result) -> None:
    for tag, attrs in Tags(render(result, p2=diff_of())).tags:
        assert "src" not in attrs
        assert tag != "link"
        assert (attrs.get("href") or "#").startswith("#")


# --- in a browser -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from abireview.findings.model import ToolInfo
    from tests.render.conftest import FLAG, NOTE, SERIES

    found = (
        FLAG,
        msgspec.structs.replace(NOTE, arch="x86"),
        msgspec.structs.replace(
            FLAG, fingerprint="c" * 12, severity="low", rule="another-rule", patch="p1@example.org", n=1
        ),
    )  # fmt: skip
    result = Result(tool=ToolInfo("0.1.0", "abcdef012345"), series=SERIES, findings=found)
    place = tmp_path_factory.mktemp("page") / "report.html"
    place.write_text(render(result, p2=diff_of()), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(page, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


VISIBLE = """[...document.querySelectorAll("article")].filter(o => o.offsetParent !== null).map(o => o.id)"""
INDEX = """[...document.querySelectorAll("[data-of]")].filter(o => o.offsetParent !== null).map(o => o.dataset.of)"""


def choose(browser: Browser, name: str, value: str) -> list[str]:
    """What is visible after a choice; the form is reset first."""
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
    shown = browser.run(VISIBLE)
    assert sorted(browser.run(INDEX)) == sorted(shown)
    return sorted(shown)


ALL = ["f-0123456789ab-2", "f-ba9876543210-3", "f-cccccccccccc-1"]


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("level", "flag", [ALL[0], ALL[2]]),
        ("level", "note", [ALL[1]]),
        ("severity", "low", [ALL[1], ALL[2]]),
        ("rule", "another-rule", [ALL[2]]),
        ("arch", "x86", [ALL[1]]),
        ("direction", "rollback", [ALL[0], ALL[2]]),
        ("direction", "boot", ALL),
        ("text", "FUNCTION EXAMPLE_NEW", [ALL[1]]),
        ("text", "nowhere", []),
        ("text", "", ALL),
    ],
)
def test_the_filters_leave_what_they_say(browser: Browser, name: str, value: str, left: list[str]) -> None:
    assert choose(browser, name, value) == left
    assert browser.run('document.getElementById("shown").textContent') == f"{len(left)} of 3"


def test_headings_without_anything_below_go_too(browser: Browser) -> None:
    choose(browser, "level", "note")
    shown = browser.run(
        """[...document.querySelectorAll("h2")].filter(o => o.offsetParent !== null).map(o => o.textContent)"""
    )
    assert shown == ["3/3: [PATCH v2 3/3] step 3"]


def test_the_page_makes_no_request_and_no_error(browser: Browser, page: Path) -> None:
    choose(browser, "level", "")
    assert browser.errors == []
    assert set(browser.requests) <= {page.as_uri()}


def test_without_script_everything_can_be_read(page: Path, tmp_path: Path) -> None:
    with Browser(page, tmp_path, script=False) as plain:
        document = plain.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        cards = plain.call("DOM.querySelectorAll", nodeId=document, selector="article")["nodeIds"]
        assert len(cards) == 3
        for node in cards:
            assert plain.call("DOM.getBoxModel", nodeId=node)["model"]["height"] > 20
        form = plain.call("DOM.querySelector", nodeId=document, selector="#filters")["nodeId"]
        style = plain.call("CSS.enable") or plain.call("CSS.getComputedStyleForNode", nodeId=form)
        assert {"name": "display", "value": "none"} in style["computedStyle"]


def test_on_paper_the_filters_are_gone_and_hidden_findings_are_back(page: Path, tmp_path: Path) -> None:
    with Browser(page, tmp_path) as paper:
        assert choose(paper, "level", "note") == [ALL[1]]
        paper.call("Emulation.setEmulatedMedia", media="print")
        assert sorted(paper.run(VISIBLE)) == ALL
        assert paper.run("""getComputedStyle(document.getElementById("filters")).display""") == "none"
        data = paper.call("Page.printToPDF", printBackground=False)["data"]
        assert len(data) > 10_000


@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_runs_out_of_the_window(browser: Browser, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    choose(browser, "level", "")
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.call("Emulation.clearDeviceMetricsOverride")
