# SPDX-License-Identifier: GPL-2.0-or-later
"""The door to httpx: polite, bounded, and nobody's fool."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from abireview import limits
from abireview.errors import LimitError, ServerError
from abireview.lore.feed import FeedError, feed_ids
from abireview.lore.http import LAST_BACKOFF, USER_AGENT, Answer, Http, NotNow, gunzip
from abireview.lore.inbox import Inbox
from abireview.store.botmail import BotMail
from abireview.store.db import Store
from tests.bot.world import BASE, START, Clock, answer, mail
from tests.mails import mbox

Handle = Callable[[httpx.Request], httpx.Response]


class Net:
    """An ``Http`` over a handler, with its clock and store."""

    def __init__(self, folder: Path, handle: Handle, rand: float = 0.5) -> None:
        self.clock = Clock()
        self.seen: list[tuple[float, httpx.Request]] = []
        self.handle = handle
        self.store = Store(folder / "abireview.db")
        self.memory = BotMail.of(self.store)
        self.http = Http(
            self.memory,
            folder,
            clock=self.clock,
            sleep=self.clock.sleep,
            rand=lambda: rand,
            transport=httpx.MockTransport(self._handle),
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((self.clock(), request))
        return self.handle(request)

    def get(self, url: str = "https://a.example/x", limit: int = 1000, conditional: bool = False) -> Answer:
        return self.http.get(url, limit=limit, conditional=conditional)


@pytest.fixture
def net(tmp_path: Path) -> Callable[..., Net]:
    return lambda handle, **keys: Net(tmp_path, handle, **keys)


def test_it_says_who_it_is_and_wants_no_packing(net: Callable[..., Net]) -> None:
    made = net(lambda _: answer(200, b"x"))
    made.get()
    sent = made.seen[0][1].headers
    assert sent["User-Agent"] == USER_AGENT
    assert sent["Accept-Encoding"] == "identity"


def test_what_did_not_change_is_not_sent_again(net: Callable[..., Net]) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.headers.get("If-None-Match") == '"1"' and request.headers.get("If-Modified-Since") == "Mon":
            return answer(304)
        return answer(200, b"x", etag='"1"', last_modified="Mon")

    made = net(handle)
    first = made.get(conditional=True)
    assert first.status == 200
    assert made.get(conditional=True).status == 200  # nobody said that the first answer was used
    made.http.keep("https://a.example/x", first)
    assert made.get(conditional=True).status == 304
    assert made.get().status == 200


def test_a_second_between_two_requests_to_one_server(net: Callable[..., Net]) -> None:
    made = net(lambda _: answer(200))
    for _ in range(4):
        made.get()
    made.get("https://b.example/x")
    times = [when for when, _ in made.seen]
    assert times == [START, START + 1, START + 2, START + 3, START + 3]


def test_one_request_at_a_time_to_a_server(tmp_path: Path) -> None:
    """Also from two processes: the lock is a file."""
    import threading
    import time

    running: list[int] = []
    most: list[int] = []

    def handle(_: httpx.Request) -> httpx.Response:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return answer(200)

    nets = [Net(tmp_path, handle) for _ in range(3)]

    def ask(one: Net) -> None:
        mine = Http(BotMail.of(one.store), tmp_path, gap=0, transport=httpx.MockTransport(handle))
        for _ in range(3):
            mine.get("https://a.example/", limit=10)

    threads = [threading.Thread(target=ask, args=[one]) for one in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (9, 1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 403])
def test_failures_back_off_exponentially(net: Callable[..., Net], status: int) -> None:
    made = net(lambda _: answer(status))
    waits = []
    for _ in range(10):
        with pytest.raises(ServerError, match=str(status)):
            made.get()
        wait = made.memory.server("a.example")[0] - made.clock()
        with pytest.raises(NotNow):
            made.get()
        waits.append(wait)
        made.clock.now += wait + 1
    assert waits[:4] == [30, 60, 120, 240]
    assert max(waits) == LAST_BACKOFF
    made.handle = lambda _: answer(200)
    made.get()
    assert made.memory.server("a.example") == (0.0, 0)


def test_the_back_off_has_jitter(tmp_path: Path) -> None:
    waits = []
    for number, rand in enumerate((0.0, 0.25, 0.999)):
        (tmp_path / str(number)).mkdir()
        made = Net(tmp_path / str(number), lambda _: answer(500), rand=rand)
        with pytest.raises(ServerError):
            made.get()
        waits.append(made.memory.server("a.example")[0] - made.clock())
    assert waits == [15.0, 22.5, pytest.approx(44.97)]


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", 120),
        (formatdate(START + 600, usegmt=True), 600),
        ("99999999", 86400),
        (formatdate(START - 600, usegmt=True), 30),
        ("soon", 30),
        ("-5", 30),
        ("1e9", 30),
    ],
)
def test_retry_after_is_respected(net: Callable[..., Net], value: str, wait: float) -> None:
    made = net(lambda _: answer(429, retry_after=value))
    with pytest.raises(ServerError):
        made.get()
    assert made.memory.server("a.example")[0] == START + wait
    made.clock.now = START + wait - 1
    with pytest.raises(NotNow):
        made.get()
    assert len(made.seen) == 1
    made.clock.now += 1
    with pytest.raises(ServerError):
        made.get()
    assert len(made.seen) == 2


def test_a_restart_does_not_forget_that_a_server_wants_peace(tmp_path: Path) -> None:
    first = Net(tmp_path, lambda _: answer(503, retry_after="3600"))
    with pytest.raises(ServerError):
        first.get()
    second = Net(tmp_path, lambda _: answer(200))
    with pytest.raises(NotNow):
        second.get()
    assert second.seen == []


@pytest.mark.parametrize(
    "target", ["https://evil.example/x", "http://a.example/x", "//evil.example/x", "https://a.example@evil.example/"]
)
def test_a_redirect_to_another_server_is_not_followed(net: Callable[..., Net], target: str) -> None:
    made = net(lambda _: answer(302, location=target))
    with pytest.raises(ServerError, match="another server"):
        made.get()
    assert len(made.seen) == 1


def test_a_redirect_on_the_same_server_is_followed_and_circles_end(net: Callable[..., Net]) -> None:
    made = net(lambda request: answer(302, location="/y") if request.url.path == "/x" else answer(200, b"there"))
    assert made.get().body == b"there"
    made.handle = lambda _: answer(302, location="/x")
    with pytest.raises(ServerError, match="circles"):
        made.get()


def test_an_answer_without_end_is_cut_off(net: Callable[..., Net]) -> None:
    def endless() -> object:
        while True:
            yield b"x" * 100

    made = net(lambda _: httpx.Response(200, content=endless()))  # type: ignore[arg-type]
    with pytest.raises(LimitError):
        made.get()


def raising(error: Exception) -> Handle:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("what"), httpx.ReadError("cut")],
)
def test_trouble_with_the_network_is_one_sentence_and_a_pause(net: Callable[..., Net], error: Exception) -> None:
    made = net(raising(error))
    with pytest.raises(ServerError, match=r"a\.example"):
        made.get()
    assert made.memory.server("a.example")[1] == 1


def test_a_bomb_does_not_unpack() -> None:
    with pytest.raises(LimitError):
        gunzip(gzip.compress(b"\0" * 50_000_000), 1_000_000, "it")


@pytest.mark.parametrize("data", [b"<html>", gzip.compress(b"x" * 9999, mtime=0)[:-9], b"\x1f\x8b"])
def test_what_is_no_whole_gzip_file_is_refused(data: bytes) -> None:
    with pytest.raises(ServerError):
        gunzip(data, 1_000_000, "it")


# the feed


def atom(*links: str, head: str = "", root: str = "feed") -> bytes:
    entries = "".join(f'<entry><title>x</title><link href="{link}"/></entry>' for link in links)
    return f'<?xml version="1.0"?>{head}<{root} xmlns="http://www.w3.org/2005/Atom">{entries}</{root}>'.encode()


def test_the_feed_gives_message_ids_once() -> None:
    data = atom(f"{BASE}/a@x/", f"{BASE}/b%2Fc%25d@x/", f"{BASE}/a@x/")
    assert feed_ids(data, BASE) == ("a@x", "b/c%d@x")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/widgets/a@x/",
        "https://archive.example.evil.example/widgets/a@x/",
        "https://archive.example@evil.example/widgets/a@x/",
        "https://archive.example/gadgets/a@x/",
        "file:///widgets/a@x/",
        "javascript:a@x",
        "//evil.example/widgets/a@x/",
        f"{BASE}/",
        f"{BASE}/no-id/",
        "https://[::1/widgets/a@x/",
        f"{BASE}/{'a' * 4000}@x/",
        f"{BASE}/a%20b@x/",
        f"{BASE}/a%0Ab@x/",
    ],
)
def test_links_that_lead_elsewhere_or_are_no_message_ids_are_left_out(link: str) -> None:
    assert feed_ids(atom(f"{BASE}/good@x/", link), BASE) == ("good@x",)


BOMB = '<!DOCTYPE lolz [<!ENTITY a "xxxxxxxxxx">' + "".join(
    f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<html><body>sorry</body>",
        b'{"feed": []}',
        atom(root="rss"),
        b"<feed></feed>",
        atom(head=BOMB),
        atom(head='<!DOCTYPE feed SYSTEM "file:///etc/passwd">'),
        atom(head='<!DOCTYPE feed [<!ENTITY x SYSTEM "http://evil.example/">]>').replace(b"<title>x", b"<title>&x;"),
        b'<feed xmlns="http://www.w3.org/2005/Atom">' + b"<a>" * 10_000,
        atom(*[f"{BASE}/{k}@x/" for k in range(limits.MAX_FEED_ENTRIES + 1)]),
        b'<feed xmlns="http://www.w3.org/2005/Atom">' + b" " * limits.MAX_FEED_BYTES + b"</feed>",
        atom(f"{BASE}/a@x/")[:-8],
        b"\xff\xfe\x00\x00",
    ],
)
def test_what_is_no_feed_or_a_bomb_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError):
        feed_ids(data, BASE)


# an inbox


def inbox(made: Net) -> Inbox:
    return Inbox(made.http, BASE)


HARD = ["a/b@x", "a%2Fb@x", "a b'\"@x", "?q#f&x=1@x", "a\\b;$(x)@x", "é@x", "../../etc@x"]


@pytest.mark.parametrize("msgid", HARD)
def test_a_message_id_cannot_leave_its_place_in_an_address(net: Callable[..., Net], msgid: str) -> None:
    made = net(lambda _: answer(404))
    assert inbox(made).thread(msgid) == []
    assert not inbox(made).has(msgid)
    for _, request in made.seen:
        path = request.url.raw_path.decode()
        assert path.startswith("/widgets/")
        assert path.count("/") == 3
        assert not set(" '\"?#&;\\") & set(path)


def test_a_search_gives_the_oldest_first(net: Callable[..., Net]) -> None:
    raws = [mail("b", "b@x", "x\n", at=START), mail("a", "a@x", "x\n", at=START - 9)]
    made = net(lambda _: answer(200, gzip.compress(mbox(raws))))
    assert inbox(made).search("rt:1..") == [raws[1], raws[0]]


@pytest.mark.parametrize(
    "body", [b"<html>", gzip.compress(b"<html>", mtime=0), gzip.compress(mbox([b"x: y\n\n"]), mtime=0)[:-9]]
)
def test_an_answer_that_is_no_mailbox_is_refused(net: Callable[..., Net], body: bytes) -> None:
    made = net(lambda _: answer(200, body))
    with pytest.raises(ServerError):
        inbox(made).search("rt:1..")


def test_the_manifest_names_the_epochs_of_this_inbox_only(net: Callable[..., Net]) -> None:
    names = ["/widgets/git/0.git", "/widgets/git/11.git", "/gadgets/git/3.git", "/widgets/git/x.git", "/widgets/1.git"]
    text = "{" + ",".join(f'"{name}": {{"fingerprint": "f{k}"}}' for k, name in enumerate(names)) + "}"
    made = net(lambda _: answer(200, gzip.compress(text.encode())))
    assert inbox(made).epochs() == {0: "f0", 11: "f1"}


@pytest.mark.parametrize(
    "body", [b"{}", gzip.compress(b"[1, 2", mtime=0), gzip.compress(b'{"/x/git/0.git": 3}', mtime=0)]
)
def test_a_manifest_that_cannot_be_read_is_refused(net: Callable[..., Net], body: bytes) -> None:
    made = net(lambda _: answer(200, body))
    with pytest.raises(ServerError):
        inbox(made).epochs()
