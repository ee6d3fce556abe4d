# SPDX-License-Identifier: GPL-2.0-or-later
"""The door to the archive servers: threads and searches through liblore, with the user's b4 configuration.

With b4mail (outgoing mail) the only module that imports b4 or liblore; import it late, it costs 0.2 to 0.3 s of CPU.
liblore talks to the server; what it lacks stands here: bounds on size and time, whole answers only, one sentence for
every trouble. Nothing is cached here and nothing is attested (a DNS server that does not answer costs a minute).
"""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import liblore
import requests
import urllib3
from requests.adapters import HTTPAdapter

from abireview import __version__, limits
from abireview.errors import AbireviewError, LimitError, NotFoundError, ServerError
from abireview.mail.decode import decode_head
from abireview.mail.mbox import split_mbox

OVERALL_SECONDS: Final = 120.0
"""For one thread or search, whatever the server does; the slowest real one took 8 s. For the time to connect and the
silence in between liblore has 5 and 30 s, unless git's config (``liblore.ORIGIN.requesttimeout``) says otherwise."""

_T = TypeVar("_T")


def quiet() -> None:
    """Keep the logs of b4 and liblore off stderr (they would reach it through logging's last resort)."""
    for name in ("b4", "liblore"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def default_server() -> str:
    """The server of the user's b4 configuration (``b4.midmask``), lore.kernel.org without one."""
    import argparse

    import b4

    from abireview.lore.address import server_address

    quiet()
    try:
        b4.setup_config(argparse.Namespace(config={}))
        midmask = str(b4.get_main_config().get("midmask") or "")
    except FileNotFoundError as error:
        raise ServerError("git is not installed, so b4's configuration cannot be read", hint="name --server") from error
    except SystemExit as error:
        raise ServerError("b4's configuration cannot be read", hint="see 'b4 --version' and git config b4.*") from error
    return server_address(midmask or "https://lore.kernel.org/all")


def fetch_thread(msgid: str, server: str, *, overall: float = OVERALL_SECONDS) -> bytes:
    """The whole thread of ``msgid`` from ``server`` (a base URL such as https://lore.kernel.org/all) as mboxrd.

    Raises ``NotFoundError``, ``LimitError`` and ``ServerError``; a thread that broke off is never returned.
    """

    def fetch(node: Any) -> bytes:
        return bytes(node.get_mbox_by_msgid(msgid, nocache=True))

    raw = _ask(server, fetch, f"the message-id {msgid}", overall)
    if not any(decode_head(mail).msgid == msgid for mail in _mails(raw, server)):
        raise ServerError(f"{server} answered with a thread that lacks the mail {msgid}")
    return raw


def search(query: str, server: str, *, overall: float = OVERALL_SECONDS) -> bytes:
    """The threads of all mails that match a public-inbox ``query``, as mboxrd; empty if there are none.

    Raises ``LimitError`` and ``ServerError``.
    """

    def fetch(node: Any) -> bytes:
        return bytes(node.get_mbox_by_query(query, full_threads=True, nocache=True))

    try:
        raw = _ask(server, fetch, "that search", overall)
    except NotFoundError:
        # public-inbox answers 404 for a search without hits
        return b""
    if raw:
        _mails(raw, server)
    return raw


def _mails(raw: bytes, server: str) -> list[bytes]:
    if not raw.startswith(b"From "):
        raise ServerError(f"{server} answered with something that is no mailbox")
    return split_mbox(raw)


def _ask(server: str, fetch: Callable[[Any], bytes], what: str, overall: float) -> bytes:
    quiet()
    adapter = _Bounded(overall)
    session = requests.Session()
    session.max_redirects = 5
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    node = liblore.LoreNode.from_git_config(server, cache_dir=None)
    # liblore leaves the headers of a session that it did not make alone
    plus = f"+{node.user_agent_plus}" if node.user_agent_plus else ""
    session.headers["User-Agent"] = f"abireview/{__version__}{plus}"
    # what a mailbox is packed with is its own affair; a second packing would hide its size
    session.headers["Accept-Encoding"] = "identity"
    node.set_requests_session(session)
    try:
        return _within(overall, lambda: fetch(node), adapter.stop)
    except AbireviewError:
        raise
    except TimeoutError as error:
        raise ServerError(f"{server} did not answer within {overall:.0f} seconds") from error
    except liblore.RemoteError as error:
        raise _explained(server, what, error, adapter.retry_after) from error
    except (EOFError, zlib.error, OSError, requests.RequestException, liblore.LibloreError, ValueError) as error:
        raise ServerError(f"the answer of {server} was cut off or damaged") from error
    finally:
        session.close()


def _within(seconds: float, function: Callable[[], _T], stop: threading.Event) -> _T:
    """Run ``function`` in a thread, no longer than ``seconds``: a server that drips headers holds a socket for ever."""
    result: list[_T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            result.append(function())
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=run, name="abireview-fetch", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        stop.set()
        raise TimeoutError
    if not trouble:
        return result[0]
    if isinstance(trouble[0], SystemExit):
        raise ServerError("liblore gave up without a reason")
    raise trouble[0]


def _explained(server: str, what: str, error: liblore.RemoteError, retry_after: str) -> AbireviewError:
    status = getattr(error, "status_code", None)
    if status == 404:
        return NotFoundError(
            f"{server} does not have {what}", hint="a new mail takes some minutes to arrive; check the id and --server"
        )
    if status == 429:
        wait = f" for {retry_after} seconds" if retry_after.isdigit() else ""
        return ServerError(f"{server} asks to wait{wait} (429, too many requests)")
    if status is not None:
        words = {403: "refuses", 401: "wants a login"}.get(status, "has trouble" if status >= 500 else "gave an error")
        return ServerError(f"{server} {words} ({status})")
    cause = error.__cause__
    if isinstance(cause, requests.Timeout):
        return ServerError(f"{server} did not answer in time")
    reason = _network_reason(cause)
    return ServerError(f"{server} cannot be reached{reason}")


def _network_reason(cause: BaseException | None) -> str:
    text = str(cause)
    for mark, words in (
        ("Connection refused", ": connection refused"),
        ("Name or service not known", ": no such host"),
        ("Temporary failure in name resolution", ": the name cannot be resolved"),
        ("nodename nor servname", ": no such host"),
        ("CERTIFICATE_VERIFY_FAILED", ": its certificate is not trusted"),
        ("Network is unreachable", ": no network"),
        ("Connection reset", ": connection reset"),
        ("RemoteDisconnected", ": it closed the connection"),
    ):
        if mark in text:
            return words
    return ""


class _Bounded(HTTPAdapter):
    """Reads every answer, redirects and errors too, piece by piece and within bounds; a mailbox only if it is whole."""

    def __init__(self, overall: float) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.retry_after = ""
        self._until = time.monotonic() + overall

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """As ``HTTPAdapter.send``; the body is read here."""
        kwargs["stream"] = True
        response = super().send(request, *args, **kwargs)
        self.retry_after = response.headers.get("Retry-After", "")[:20]
        try:
            body = self._body(response)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise EOFError(str(error)) from error
        finally:
            response.close()
        if response.status_code == 200 and request.method != "HEAD":
            _check_whole(body, urlsplit(request.url).netloc)
        response._content = body
        response._content_consumed = True
        return response

    def _body(self, response: Any) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while block := response.raw.read1(1 << 16, decode_content=False):
            if self.stop.is_set() or time.monotonic() > self._until:
                raise TimeoutError
            total += len(block)
            if total > limits.MAX_THREAD_PACKED_BYTES:
                raise LimitError(
                    f"the thread is larger than {limits.MAX_THREAD_PACKED_BYTES // limits.MIB} MiB packed", hint=_HINT
                )
            pieces.append(block)
            if response.status_code != 200 and total > limits.MAX_HEADER_BYTES:
                return b""  # an error page: nobody reads it
        return b"".join(pieces)


_HINT = "save the part you want as an mbox and check that"


def _check_whole(body: bytes, host: str) -> None:
    """Raise unless ``body`` is one whole gzip file that unpacks to no more than a thread may have."""
    if not body:
        raise ServerError(f"{host} gave an empty answer")
    if not body.startswith(b"\x1f\x8b"):
        page = body[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))
        what = "a web page instead of a mailbox; a proxy or a bot wall stands in between" if page else "no mailbox"
        raise ServerError(f"{host} gave {what}")
    total = 0
    rest = body
    while rest:
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            piece = unpacker.decompress(rest, 1 << 20)
            total += len(piece)
            if total > limits.MAX_THREAD_BYTES:
                raise LimitError(f"the thread is larger than {limits.MAX_THREAD_BYTES // limits.MIB} MiB", hint=_HINT)
            rest = unpacker.unconsumed_tail
            if not rest and not piece and not unpacker.eof:
                raise EOFError
        rest = unpacker.unused_data.lstrip(b"\0")
