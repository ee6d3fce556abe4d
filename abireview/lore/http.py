# SPDX-License-Identifier: GPL-2.0-or-later
"""The one door to httpx: requests of the watcher and of patchwork, polite and bounded.

One request at a time to a server, over all processes of one store; its Retry-After is kept, failures are answered with
exponential back-off and jitter, and both survive a restart (``Memory``). ETag and Last-Modified are sent back where a
server gave them. A redirect is followed only on the same server. Clock, sleep and random are given from outside.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin, urlsplit

import msgspec

from abireview import __version__
from abireview.errors import LimitError, ServerError

if TYPE_CHECKING:
    import httpx

USER_AGENT: Final = f"abireview-bot/{__version__}"
CONNECT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 30.0
OVERALL_SECONDS: Final = 120.0  # for one answer, however slowly it drips
MAX_REDIRECTS: Final = 3
FIRST_BACKOFF: Final = 30.0  # seconds after the first failure; it doubles
LAST_BACKOFF: Final = 3600.0
MAX_RETRY_AFTER: Final = 86400.0  # a server that says "in a year" is asked again tomorrow


class NotNow(ServerError):  # noqa: N818  (a state of affairs)
    """The server wants peace until ``until`` (seconds since 1970)."""

    def __init__(self, host: str, until: float, now: float) -> None:
        super().__init__(f"{host} is left in peace for another {max(0.0, until - now):.0f} s")
        self.until = until


class Memory(Protocol):
    """What is remembered of servers from one run to the next (``abireview.store.botmail.BotMail``)."""

    def server(self, host: str) -> tuple[float, int]: ...
    def set_server(self, host: str, not_before: float, failures: int, problem: str = "") -> None: ...
    def validator(self, url: str) -> tuple[str, str]: ...
    def set_validator(self, url: str, etag: str, modified: str) -> None: ...


class Answer(msgspec.Struct, frozen=True):
    """``status`` is 304 when nothing changed; header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    url: str


class Http:
    """Requests to any number of servers. ``locks`` is a directory for one lock file a server."""

    def __init__(
        self,
        memory: Memory,
        locks: Path,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        rand: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
        gap: float = 1.0,
    ) -> None:
        """``gap`` are the least seconds between two requests to one server; ``transport`` is for tests."""
        import httpx

        self._memory, self._locks = memory, locks
        self._clock, self._sleep, self._rand, self._gap = clock, sleep, rand, gap
        self._last: dict[str, float] = {}
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            transport=transport,
        )

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(
        self, url: str, *, limit: int, conditional: bool = False, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET ``url``; at most ``limit`` bytes. With ``conditional`` the answer may be 304.

        Answers 2xx, 3xx without a target, 404 and 410 are returned. Raises NotNow, LimitError and ServerError.
        """
        extra = dict(headers or {})
        if conditional:
            etag, modified = self._memory.validator(url)
            if etag:
                extra["If-None-Match"] = etag
            if modified:
                extra["If-Modified-Since"] = modified
        return self._ask("GET", url, b"", extra, limit)

    def keep(self, url: str, answer: Answer) -> None:
        """What ``answer`` told is safe: the next conditional request for ``url`` may be answered with 304."""
        found = (answer.headers.get("etag", "")[:500], answer.headers.get("last-modified", "")[:100])
        if answer.status == 200 and found != self._memory.validator(url):
            self._memory.set_validator(url, *found)

    def post(self, url: str, body: bytes, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """POST ``body`` to ``url``; as ``get``."""
        return self._ask("POST", url, body, dict(headers or {}), limit)

    def free_at(self, url: str) -> float:
        """When the server of ``url`` may be asked (seconds since 1970; 0 for at once)."""
        return self._memory.server(_host(url))[0]

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str], limit: int) -> Answer:
        host = _host(url)
        until, failures = self._memory.server(host)
        now = self._clock()
        if now < until:
            raise NotNow(host, until, now)
        with self._turn(host):
            try:
                answer = self._follow(method, url, body, headers, limit)
            except ServerError as error:
                self._failed(host, failures, 0.0, str(error))
                raise
        if answer.status == 429 or answer.status >= 500 or answer.status in {401, 403, 408}:
            wait = _retry_after(answer.headers.get("retry-after", ""), self._clock())
            self._failed(host, failures, wait, f"status {answer.status}")
            raise ServerError(f"{host} answered {answer.status}")
        if failures or until:
            self._memory.set_server(host, 0.0, 0)
        if answer.status >= 400 and answer.status not in {404, 410}:
            raise ServerError(f"{host} answered {answer.status}")
        return answer

    def _failed(self, host: str, failures: int, wait: float, why: str) -> None:
        backoff = min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures, 20)) * (0.5 + self._rand())
        self._memory.set_server(host, self._clock() + max(wait, backoff), failures + 1, why)

    @contextlib.contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        """Nobody else asks this server meanwhile, and not before the gap is over."""
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        handle = os.open(self._locks / f"http-{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            wait = self._last.get(host, float("-inf")) + self._gap - self._clock()
            if wait > 0:
                self._sleep(wait)
            yield
        finally:
            self._last[host] = self._clock()
            os.close(handle)

    def _follow(self, method: str, url: str, body: bytes, headers: dict[str, str], limit: int) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._once(method, url, body, headers, limit)
            target = answer.headers.get("location", "")
            if answer.status not in {301, 302, 303, 307, 308} or not target:
                return answer
            following = urljoin(url, target)
            if _origin(following) != _origin(url):
                raise ServerError(f"{_host(url)} sends us to another server", hint="name that server in the policy")
            url = following
        raise ServerError(f"{_host(url)} redirects in circles")

    def _once(self, method: str, url: str, body: bytes, headers: dict[str, str], limit: int) -> Answer:
        import httpx

        end = time.monotonic() + OVERALL_SECONDS
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                pieces: list[bytes] = []
                size = 0
                for piece in response.iter_raw():
                    size += len(piece)
                    if size > limit:
                        raise LimitError(f"{_host(url)} answered with more than {limit} bytes")
                    if time.monotonic() > end:
                        raise ServerError(f"{_host(url)} did not end within {OVERALL_SECONDS:.0f} s")
                    pieces.append(piece)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, b"".join(pieces), found, url)
        except httpx.TimeoutException as error:
            raise ServerError(f"{_host(url)} did not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ServerError(f"{_host(url)} cannot be reached: {type(error).__name__}") from error


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After field asks for (RFC 9110 10.2.3: seconds or a date), 0 without one."""
    value = value.strip()
    if value.isdigit() and len(value) < 10:
        return min(float(value), MAX_RETRY_AFTER)
    try:
        when = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(0.0, when - now), MAX_RETRY_AFTER)


def gunzip(data: bytes, limit: int, what: str) -> bytes:
    """Whole gzip ``data`` unpacked to at most ``limit`` bytes. Raises LimitError and ServerError."""
    pieces: list[bytes] = []
    total = 0
    rest = data
    while rest:
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(rest, 1 << 20)
            except zlib.error as error:
                raise ServerError(f"{what} is no gzip file") from error
            total += len(piece)
            if total > limit:
                raise LimitError(f"{what} unpacks to more than {limit} bytes")
            pieces.append(piece)
            rest = unpacker.unconsumed_tail
            if not rest and not piece and not unpacker.eof:
                raise ServerError(f"{what} was cut off")
        rest = unpacker.unused_data.lstrip(b"\0")
    return b"".join(pieces)
