# SPDX-License-Identifier: GPL-2.0-or-later
"""DKIM for the tests: a key, a DNS that has it, and mails signed with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import dkim
import nacl.signing
import pytest

SEED = bytes(range(32))
HEADERS = ("from", "to", "subject", "date", "message-id", "in-reply-to", "references")


def record() -> bytes:
    public = bytes(nacl.signing.SigningKey(SEED).verify_key)
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)


def signed(
    raw: bytes, domain: str = "example.org", *, headers: tuple[str, ...] = HEADERS, length: bool = False
) -> bytes:
    """``raw`` with a valid signature of ``domain`` over ``headers``; ``length`` leaves what is added out."""
    made = dkim.sign(
        raw.replace(b"\n", b"\r\n"),
        b"sel",
        domain.encode(),
        base64.b64encode(SEED),
        include_headers=[name.encode() for name in headers],
        signature_algorithm=b"ed25519-sha256",
        canonicalize=(b"relaxed", b"relaxed"),
        length=length,
    )
    return bytes(made).replace(b"\r\n", b"\n") + raw


@contextmanager
def dns(monkeypatch: pytest.MonkeyPatch, *domains: str, down: bool = False) -> Iterator[list[str]]:
    """A DNS that has the key of ``domains``; the names that were asked for."""
    asked: list[str] = []

    def get_txt(name: str, timeout: int = 5) -> bytes | None:
        asked.append(name)
        if down:
            raise dkim.DnsTimeoutError("dns.exception.Timeout: it took too long")
        known = {f"sel._domainkey.{domain}." for domain in domains}
        return record() if name in known else None

    monkeypatch.setattr(dkim.dnsplug, "_get_txt", get_txt)
    yield asked
