# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive server that misbehaves in one chosen way."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behave = Callable[[BaseHTTPRequestHandler], None]


def answer(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/gzip", **headers: str
) -> None:
    """One complete answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    with contextlib.suppress(OSError):
        handler.wfile.write(body)


def status(code: int, **headers: str) -> Behave:
    """Always this status, with a page."""
    return lambda handler: answer(handler, code, b"<html>sorry</html>", "text/html", **headers)


def mailbox(raw: bytes) -> Behave:
    """A sound answer."""
    return lambda handler: answer(handler, 200, gzip.compress(raw))


def truncated(raw: bytes) -> Behave:
    """Half of the packed mailbox, announced as all of it."""
    packed = gzip.compress(raw)
    return lambda handler: answer(handler, 200, packed[: len(packed) // 2])


def cut(raw: bytes) -> Behave:
    """Half of what was announced, then the connection closes."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        packed = gzip.compress(raw)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        handler.wfile.write(packed[: len(packed) // 2])
        handler.close_connection = True

    return behave


def endless(first: bytes = b"", code: int = 200) -> Behave:
    """A gzip stream that never ends and hardly packs."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Type", "application/gzip")
        handler.end_headers()
        packer = zlib.compressobj(wbits=31, level=0)
        block = b"From x Mon Sep  1 00:00:00 2020\nSubject: x\n\n" + b"y" * 65000
        with contextlib.suppress(OSError):
            handler.wfile.write(packer.compress(first))
            while True:
                handler.wfile.write(packer.compress(block))

    return behave


def bomb(size: int) -> Behave:
    """A small answer that unpacks to ``size`` bytes of mails."""
    mail = b"From mboxrd@z Thu Jan  1 00:00:00 1970\nMessage-ID: <big@x>\nSubject: x\n\n" + b"y\n" * 500_000 + b"\n"
    packed = gzip.compress(mail * (size // len(mail) + 1))
    return lambda handler: answer(handler, 200, packed)


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Takes the request and says nothing."""
    time.sleep(3)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """One byte now and then: every single read is fast, the whole never ends."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for byte in gzip.compress(b"x" * 1000) * 50:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.1)


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    """As ``dripping``, before there is any answer."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        for _ in range(50):
            handler.wfile.write(b"X: y\r\n")
            handler.wfile.flush()
            time.sleep(0.1)


def looping(handler: BaseHTTPRequestHandler) -> None:
    """Redirects to itself."""
    answer(handler, 302, b"", Location=handler.path)


@contextlib.contextmanager
def serving(behave: Behave) -> Iterator[tuple[str, list[str]]]:
    """``(base URL, requests seen)`` of a server on loopback that always behaves so."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            seen.append(f"{self.command} {self.path} {self.headers.get('User-Agent')}")
            behave(self)

        do_GET = do_HEAD = do_POST = _serve  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/list", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
