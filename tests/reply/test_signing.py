# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails are signed by patatt where the person has set that up, as b4 review does."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import patatt
import pytest
from nacl.signing import SigningKey

from abireview.lore import b4mail
from abireview.reply.transport import SmtpTransport
from abireview.store.outbox import SCHEMA, Outbox
from tests.reply.reply_make import outgoing
from tests.reply.reply_smtp import Server
from tests.reply.test_reply_outbox import open_outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    db = sqlite3.connect(tmp_path / "store.db")
    db.executescript(SCHEMA)
    db.close()
    box = open_outbox(tmp_path)
    yield box
    box._db.close()


@pytest.fixture
def key(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring that knows the sender's public key; git's config names the private one."""
    monkeypatch.setattr(patatt, "KEYCACHE", {})
    pair = SigningKey.generate()
    private = home / "developer.key"
    private.write_bytes(base64.b64encode(bytes(pair)))
    _configure(home, f"[patatt]\n\tsigningkey = ed25519:{private}\n\tselector = one\n")
    public = home / "keys" / patatt.make_pkey_path("ed25519", b4mail.identity().email, "one")
    public.parent.mkdir(parents=True)
    public.write_bytes(base64.b64encode(pair.verify_key.encode()))
    return home / "keys"


def _configure(home: Path, text: str) -> None:
    with (home / "gitconfig").open("a") as file:
        file.write(text)
    b4mail._b4.cache_clear()


def test_what_arrives_is_signed_and_the_signature_holds(outbox: Outbox, smtp: Server, key: Path) -> None:
    outbox.enqueue(outgoing(), key="k")
    assert [entry.state for entry in outbox.deliver(SmtpTransport())] == ["sent"]
    raw = smtp.mails[0][2]
    assert b"X-Developer-Signature: v=1; a=ed25519-sha256" in raw
    assert patatt.validate_message(raw, [str(key)])[0][0] == patatt.RES_VALID
    changed = raw.replace(b"Subject: ", b"Subject: x")
    assert patatt.validate_message(changed, [str(key)])[0][0] == patatt.RES_BADSIG


def test_the_preview_says_so(key: Path) -> None:
    assert b4mail.describe_setup().endswith(", signed with patatt.signingkey")


def test_a_key_that_is_gone_sends_nothing(outbox: Outbox, smtp: Server, key: Path, home: Path) -> None:
    (home / "developer.key").unlink()
    outbox.enqueue(outgoing(), key="k")
    (entry,) = outbox.deliver(SmtpTransport())
    assert entry.state == "failed"
    assert "could not be signed" in entry.reason
    assert smtp.mails == []


def test_b4s_switch_turns_it_off(outbox: Outbox, smtp: Server, key: Path, home: Path) -> None:
    _configure(home, "[b4]\n\treview-no-patatt-sign = yes\n")
    outbox.enqueue(outgoing(), key="k")
    outbox.deliver(SmtpTransport())
    assert b"X-Developer-Signature" not in smtp.mails[0][2]
    assert "signed" not in b4mail.describe_setup()


def test_without_a_key_nothing_is_signed(outbox: Outbox, smtp: Server) -> None:
    outbox.enqueue(outgoing(), key="k")
    outbox.deliver(SmtpTransport())
    assert b"X-Developer-Signature" not in smtp.mails[0][2]
