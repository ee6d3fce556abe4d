# SPDX-License-Identifier: GPL-2.0-or-later
"""A real SMTP server on loopback (aiosmtpd), with faults on demand."""

from __future__ import annotations

import socket
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Controller(Controller):
    """aiosmtpd 1.4.6 cannot connect to itself on port 0: bring the socket."""

    def __init__(self, handler: Any) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))
        super().__init__(handler, hostname="127.0.0.1", port=self.sock.getsockname()[1])

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.sock)


class Server:
    """``mails`` are the (envelope sender, recipients, bytes) taken; ``fault`` says what goes wrong next."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.fault = ""
        self.refuse: set[str] = set()
        self._controller = _Controller(self)
        self.port = self._controller.port

    def __enter__(self) -> Server:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.fault == "drop at MAIL":
            _abort(server)
        if self.fault == "refuse sender":
            return "550 5.7.1 not you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.fault == "drop before taking":
            _abort(server)
            return "451 gone"
        if self.fault == "refuse data":
            return "554 5.6.0 spam\x1b[31m"
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.original_content or b""))
        if self.fault == "drop after taking":
            _abort(server)
        return "250 2.0.0 taken"


def _abort(server: SMTP) -> None:
    assert server.transport is not None
    server.transport.abort()
