# SPDX-License-Identifier: GPL-2.0-or-later
"""Message-ids and addresses, compared with b4's own reading."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.errors import UsageError
from abireview.lore.address import Address, is_msgid, mail_url, parse_address, server_address

ID = "20220405182327.205520-5-maz@kernel.org"
USUAL = [
    ID,
    f"<{ID}>",
    f" <{ID}> ",
    f"id:{ID}",
    f"rfc822msgid:{ID}",
    f"https://lore.kernel.org/all/{ID}/",
    f"https://lore.kernel.org/kvmarm/{ID}/T/#t",
    f"https://lore.kernel.org/r/{ID}",
    f"https://lore.kernel.org/lkml/{ID}/t.mbox.gz",
    f"https://patch.msgid.link/{ID}",
    f"https://msgid.link/{ID}",
    f"https://patchwork.kernel.org/project/kvm/patch/{ID}/",
    f"https://lore.kernel.org/all/{ID.replace('@', '%40')}/",
]


@pytest.mark.parametrize("text", USUAL)
def test_what_people_paste(text: str) -> None:
    assert parse_address(text) == Address(ID, "")


@pytest.mark.parametrize("text", [text for text in USUAL if "%40" not in text])
def test_b4_reads_the_same(text: str) -> None:
    import b4

    b4.setup_config(argparse.Namespace(config={}))
    assert b4.parse_msgid(text) == ID


def test_another_server_is_named() -> None:
    assert parse_address(f"http://127.0.0.1:8080/kvmarm/{ID}/raw") == Address(ID, "http://127.0.0.1:8080/kvmarm")
    assert parse_address(f"https://inbox.example/a/b/{ID}/") == Address(ID, "https://inbox.example/a/b")


def test_odd_characters_are_unquoted() -> None:
    found = parse_address("https://lore.kernel.org/all/a%2Fb%25c+d%3De%3F@x.org/")
    assert found == Address("a/b%c+d=e?@x.org", "")
    assert mail_url("a/b%c+d=e?@x.org") == "https://lore.kernel.org/r/a%2Fb%25c%2Bd%3De%3F@x.org"


@pytest.mark.parametrize(
    "text",
    ["", "word", "a b@c", "https://lore.kernel.org/all/", "http://[", "a@b@c", "@", "x" * 1000 + "@y", "a@\x00b"],
)
def test_what_is_none(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://lore.kernel.org/all/%s", "https://lore.kernel.org/all"),
        ("https://lore.kernel.org", "https://lore.kernel.org/all"),
        ("https://lore.kernel.org/", "https://lore.kernel.org/all"),
        ("http://127.0.0.1:8080/kvm/", "http://127.0.0.1:8080/kvm"),
    ],
)
def test_servers(text: str, base: str) -> None:
    assert server_address(text) == base


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    for start in ("", "http://", "https://x/", "id:"):
        found = parse_address(start + text)
        assert found is None or is_msgid(found.msgid)
    try:
        server_address(text)
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017
