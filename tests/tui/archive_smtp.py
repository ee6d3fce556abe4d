# SPDX-License-Identifier: GPL-2.0-or-later
"""An SMTP server on loopback that puts each mail into a public-inbox before it says 250."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.reply.reply_smtp import Server


class ArchiveServer(Server):
    """Takes mail for ``address``; other recipients are accepted and forgotten."""

    def __init__(self, config: Path, address: str, folder: Path) -> None:
        super().__init__()
        self._config, self._address, self._folder = config, address, folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        raw = (envelope.original_content or b"").replace(b"\r\n", b"\n")
        if self._address in envelope.rcpt_tos:
            process = await asyncio.create_subprocess_exec(
                "public-inbox-mda",
                "--no-precheck",
                stdin=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={
                    **os.environ,
                    "PI_CONFIG": str(self._config),
                    "ORIGINAL_RECIPIENT": self._address,
                    "PI_EMERGENCY": str(self._folder),
                },
            )
            _, trouble = await process.communicate(raw)
            if process.returncode:
                return f"451 4.3.0 not archived: {trouble.decode()[:200]!r}"
        return answer
