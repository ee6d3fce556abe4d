# SPDX-License-Identifier: GPL-2.0-or-later
"""Patchwork, the site, the metrics and the log: where results cost nobody attention."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from abireview.bot.log import Log
from abireview.bot.metrics import metrics, write_metrics
from abireview.bot.patchwork import RETRY
from abireview.bot.site import Site, page_name
from abireview.errors import ConfigError
from abireview.lore.feed import feed_ids
from tests.bot.bot_make import entry
from tests.bot.world import ALSO_FLAGGED, BASE, CLEAN, FLAGGED, START, World, answer, mail, patch, series

ONE = "1 question: define-changed"
PATCHWORK = '[[patchwork]]\nurl = "https://patchwork.example"\nlists = ["widgets"]\ntoken-from = "PW_TOKEN"\n'


class Patchwork:
    """A patchwork with API 1.2; ``checks`` are (patch number, values)."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.checks: list[tuple[int, dict[str, Any]]] = []
        self.tokens: list[str] = []
        self.fault = 0

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.host != "patchwork.example":
            return None
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.fault:
            return answer(self.fault)
        path = request.url.path
        if path == "/api/1.2/patches/":
            number = self.known.get(request.url.params["msgid"])
            return answer(200, json.dumps([{"id": number, "name": "x"}] if number else []).encode())
        match = re.fullmatch(r"/api/1\.2/patches/(\d+)/checks/", path)
        assert match
        if request.method == "GET":
            ours = [{"id": k, **one} for k, (number, one) in enumerate(self.checks) if number == int(match[1])]
            return answer(200, json.dumps(ours).encode())
        self.checks.append((int(match[1]), json.loads(request.content)))
        return answer(201, b"{}")


@pytest.fixture
def patchwork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, Patchwork]]:
    monkeypatch.setenv("PW_TOKEN", "secret")
    world = World(tmp_path, entry(archive=BASE, approval="automatic"), PATCHWORK, bot='page = "https://r.example"\n')
    made = Patchwork()
    world.archive.fault = made
    yield world, made
    world.close()


def test_each_patch_gets_one_check(patchwork: tuple[World, Patchwork]) -> None:
    world, server = patchwork
    server.known = {"s1-v1-1@example.org": 11, "s1-v1-2@example.org": 12}
    world.archive.deliver(*series(1, at=START))
    world.turns(hours=4)
    url = f"https://r.example/s/{page_name('s1-v1-0@example.org')}"
    assert server.checks == [
        (11, {"state": "success", "context": "abireview", "description": "nothing to ask", "target_url": url}),
        (
            12,
            {
                "state": "warning",
                "context": "abireview",
                "description": "1 question: define-changed",
                "target_url": url,
            },
        ),
    ]
    assert set(server.tokens) == {"Token secret"}
    assert "secret" not in str(world.lines)


def test_what_stands_there_is_not_posted_again_after_a_crash(patchwork: tuple[World, Patchwork]) -> None:
    world, server = patchwork
    server.known = {"patch1-v1@example.org": 11}
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=1)
    world.store.connection.execute("UPDATE bot_check SET posted = NULL")
    world.turns(hours=1)
    assert len(server.checks) == 1


def test_another_result_is_another_check(patchwork: tuple[World, Patchwork]) -> None:
    world, server = patchwork
    server.known = {"patch1-v1@example.org": 11}
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=8)
    draft = world.bot.drafts.drafts()[0]
    text = "#abireview ok: there\n#abireview recheck\n"
    world.archive.deliver(mail("Re: x", "r@x", text, at=world.clock(), parent=draft.msgid))
    world.turns(hours=2)
    assert [one["state"] for _, one in server.checks] == ["warning", "success"]


def test_a_patch_that_patchwork_learns_of_later(patchwork: tuple[World, Patchwork]) -> None:
    world, server = patchwork
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=0.2)
    server.known = {"patch1-v1@example.org": 11}
    world.turns(hours=1)
    assert len(server.checks) == 1


def test_it_gives_up_quietly(patchwork: tuple[World, Patchwork]) -> None:
    world, server = patchwork
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=72, every=30)
    assert len(world.events("check not posted")) == len(RETRY)
    assert server.checks == []


def test_without_a_token_nothing_is_asked(patchwork: tuple[World, Patchwork], monkeypatch: pytest.MonkeyPatch) -> None:
    world, server = patchwork
    monkeypatch.delenv("PW_TOKEN")
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=1)
    assert server.tokens == []
    assert "the environment has no PW_TOKEN" in str(world.events("check not posted")[0]["why"])


@pytest.mark.parametrize("fault", [403, 500, 404])
def test_trouble_with_patchwork_does_not_stop_the_mail(patchwork: tuple[World, Patchwork], fault: int) -> None:
    world, server = patchwork
    server.fault = fault
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=8)
    assert len(world.subjects()) == 1


# the site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[World, Path]]:
    world = World(tmp_path, entry(archive=BASE, approval="automatic", hold="0s"), entry("gadgets", mode="draft"))
    world.archive.deliver(
        *series(1, at=START, diffs=(FLAGGED, ALSO_FLAGGED)),
        patch(2, at=START, diff=CLEAN),
        patch(3, at=START - 20 * 86400, diff=FLAGGED),
        patch(4, at=START, title="<script>alert(1)</script> & \x1b[31m", msgid="../../../evil@x", diff=FLAGGED),
    )
    world.turns(hours=2)
    world.archive.deliver(*series(1, at=world.clock(), version=2))
    world.turns(hours=2)
    folder = tmp_path / "site"
    Site(world.store, world.policy, folder, clock=world.clock).write()
    yield world, folder
    world.close()


class Links(HTMLParser):
    """The links of a page, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]


def test_every_page_is_linked_and_every_link_leads_somewhere(site: tuple[World, Path]) -> None:
    _, folder = site
    seen: set[Path] = set()
    todo = [folder / "index.html"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        if page.suffix != ".html":
            continue
        links = Links(page.read_text(encoding="utf-8"))
        assert not links.tags & {"script", "img", "iframe", "object", "form"}
        for link in links.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert link.startswith((BASE, "https://lore.kernel.org/"))
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            assert folder in target.parents
            assert target.is_file(), f"{page}: {link}"
            todo.append(target)
    assert seen == {path for path in folder.rglob("*") if path.is_file()} - {folder / "retractions.json"}
    assert len([path for path in seen if path.parent.name == "s"]) == 5


def test_the_index_goes_by_list_and_month(site: tuple[World, Path]) -> None:
    _, folder = site
    index = (folder / "index.html").read_text()
    assert 'href="widgets/index.html"' in index
    months = sorted(path.name for path in (folder / "widgets").glob("*.html"))
    assert months == ["2030-02.html", "2030-03.html", "index.html"]
    assert "KVM: change 3" in (folder / "widgets" / "2030-02.html").read_text()


def test_a_page_has_the_question_the_lines_and_the_other_versions(site: tuple[World, Path]) -> None:
    _, folder = site
    text = (folder / "s" / page_name("s1-v1-0@example.org")).read_text()
    assert "A guest that was started on the old kernel finds another WIDGET_REV_LATEST." in text
    assert '<span class="del">-#define GADGET_MAX     16</span>' in text
    assert page_name("s1-v2-0@example.org") in text
    assert "asked by mail" in text
    assert f"{BASE}/s1-v1-0@example.org" in text
    later = (folder / "s" / page_name("s1-v2-0@example.org")).read_text()
    assert "carried" in later


def test_mail_text_is_text(site: tuple[World, Path]) -> None:
    _, folder = site
    text = (folder / "s" / page_name("../../../evil@x")).read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    assert "..%2F..%2F..%2Fevil@x" in text


def test_feeds_are_atom_and_have_what_has_flags(site: tuple[World, Path]) -> None:
    _, folder = site
    for path in ("atom.xml", "widgets/atom.xml"):
        root = ElementTree.fromstring((folder / path).read_text())
        titles = [found.text for found in root.iterfind(".//{*}entry/{*}title")]
        assert "[PATCH 0/2] KVM: series 1" in titles
        assert not any("change 2" in (title or "") for title in titles)
        links = [found.get("href") for found in root.iterfind(".//{*}entry/{*}link")]
        assert all((folder / path).parent.joinpath(str(link)).is_file() for link in links)
        assert feed_ids((folder / path).read_bytes(), BASE) == ()  # it parses, and is no feed of mails


def test_nothing_is_written_that_has_not_changed(site: tuple[World, Path]) -> None:
    world, folder = site
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert Site(world.store, world.policy, folder, clock=world.clock).write() == 0
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_retractions_are_public(site: tuple[World, Path]) -> None:
    world, folder = site
    world.bot.sender.retract(world.bot.drafts.drafts(["posted"])[0].id, "op", "It was <wrong>.")
    Site(world.store, world.policy, folder, clock=world.clock).write()
    assert "It was &lt;wrong&gt;." in (folder / "retractions.html").read_text()
    (one,) = json.loads((folder / "retractions.json").read_text())
    assert one["reason"] == "It was <wrong>."
    assert one["rules"] == ["define-changed"]


def test_the_numbers_are_public(site: tuple[World, Path]) -> None:
    _, folder = site
    text = (folder / "numbers.html").read_text()
    assert "<td>2030-03</td>" in text
    assert "<code>define-changed</code>" in text


def test_a_site_that_cannot_be_written_is_said(site: tuple[World, Path], tmp_path: Path) -> None:
    world, _ = site
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        Site(world.store, world.policy, tmp_path / "file" / "x", clock=world.clock).write()


def test_the_bot_keeps_site_metrics_and_log_up_to_date(tmp_path: Path) -> None:
    bot = f'site = "{tmp_path / "site"}"\nmetrics = "{tmp_path / "abireview.prom"}"\n'
    world = World(tmp_path, entry(archive=BASE, approval="automatic"), bot=bot)
    world.archive.deliver(patch(1, at=START))
    world.turns(hours=1)
    assert (tmp_path / "site" / "s" / page_name("patch1-v1@example.org")).is_file()
    page = tmp_path / "site" / "s" / page_name("patch1-v1@example.org")
    assert "asked by mail" not in page.read_text()
    world.turns(hours=7)
    assert "asked by mail" in page.read_text()
    assert 'abireview_bot_series{state="checked"} 1' in (tmp_path / "abireview.prom").read_text()
    world.close()


MEASURE = """<!doctype html><iframe id="f" width="{width}" height="800" src="{page}"></iframe><script>
addEventListener("load", () => {{ const e = document.getElementById("f").contentDocument.documentElement;
document.body.dataset.wide = e.scrollWidth; document.body.dataset.high = e.scrollHeight; }});</script>"""


@pytest.mark.parametrize("width", [360, 1200])
def test_no_page_is_wider_than_a_phone_or_a_screen(site: tuple[World, Path], width: int) -> None:
    """Laid out by Chromium; a page that had to be moved sideways would be wider than its window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: apt-get install --no-install-recommends chromium")
        pytest.skip("chromium is missing")
    _, folder = site
    pages = [*folder.glob("*.html"), *folder.glob("widgets/*.html"), *folder.glob("s/*.html")]
    frames = "".join(
        MEASURE.format(width=width, page=page.relative_to(folder)).replace('"f"', f'"f{n}"').replace("dataset.wide",
        f"dataset.wide{n}").replace("dataset.high", f"dataset.high{n}") for n, page in enumerate(pages)
    )  # fmt: skip
    (folder / "measure.html").write_text(frames)
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom",
               f"--user-data-dir={folder / 'profile'}", (folder / "measure.html").as_uri()]  # fmt: skip
    dom = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    wide = [int(found) for found in re.findall(r'data-wide\d+="(\d+)"', dom)]
    high = [int(found) for found in re.findall(r'data-high\d+="(\d+)"', dom)]
    assert len(wide) == len(pages)
    assert max(wide) <= width
    assert min(high) > 200


# metrics and log


def test_metrics_are_what_prometheus_reads(site: tuple[World, Path], tmp_path: Path) -> None:
    world, _ = site
    world.archive.fault = lambda _: answer(503)
    world.turns(hours=2)
    text = metrics(world.store, world.clock())
    sample = re.compile(r'abireview_bot_[a-z_]+(\{[a-z]+="[^"\n]*"\})? -?\d+')
    for line in text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line
    assert 'abireview_bot_outbox{state="sent"}' in text
    assert re.search(r'abireview_bot_server_failures\{server="archive.example"\} [1-9]', text)
    write_metrics(world.store, tmp_path / "x.prom", 0)
    assert sorted(path.name for path in tmp_path.glob("x.prom*")) == ["x.prom"]
    with pytest.raises(ConfigError):
        write_metrics(world.store, tmp_path / "none" / "x.prom", 0)


def test_the_log_is_one_object_a_line(tmp_path: Path) -> None:
    log = Log(tmp_path / "log", clock=lambda: START)
    log("something\nhappened", why="a\x1b[31m\nb", long="x" * 9999, n=3, names=["ä"])
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.isascii()
    assert json.loads(line) == {
        "at": "2030-03-17T17:46:40Z",
        "event": "something\nhappened",
        "why": "a\x1b[31m\nb",
        "long": "x" * 500,
        "n": 3,
        "names": ["ä"],
    }
    with pytest.raises(ConfigError):
        Log(tmp_path / "none" / "log")("x")
