# SPDX-License-Identifier: GPL-2.0-or-later
"""Mailboxes: dialects, escaping, packing, bounds."""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview import limits
from abireview.errors import InputError, LimitError, MailFormatError, NotFoundError
from abireview.mail import mbox
from abireview.mail.mbox import Placed, iter_mbox, iter_placed, read_bytes, read_file, split_mbox
from tests.mails import mail
from tests.mails import mbox as as_mbox

ONE = mail("[PATCH] x", "one@example.org")
TWO = mail("[PATCH] y", "two@example.org", "From here on it is a word.\n\n>From there as well\n")
LONG = b"a: b\n\n" + b"x" * 5_000 + b"\n"


def test_mboxrd_gives_the_mails_back() -> None:
    assert split_mbox(as_mbox([ONE, TWO])) == [ONE, TWO]


def test_a_lone_mail_is_one_mail() -> None:
    assert split_mbox(ONE) == [ONE]


def test_an_empty_mailbox_has_no_mails() -> None:
    assert split_mbox(b"") == []
    assert split_mbox(b"\n\n") == []


def test_a_from_line_in_the_body_does_not_split() -> None:
    raw = b"From a@b Tue Sep  1 10:00:00 2020\n" + ONE + b"\nFrom now on things differ.\nReally.\n"
    assert len(split_mbox(raw)) == 1


def test_a_mailbox_of_a_mail_client() -> None:
    raw = b"".join(b"From a@b Tue Sep  1 10:00:00 2020\n" + part + b"\n" for part in (ONE, TWO))
    assert split_mbox(raw) == [ONE, TWO.replace(b"\n>From", b"\nFrom")]


def test_git_format_patch_output_is_not_unescaped() -> None:
    line = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    body = b"From: a <a@b>\nSubject: [PATCH] x\n\n>From the start\n\n"
    assert split_mbox(line + body + line + body) == [body.removesuffix(b"\n")] * 2


def test_a_pasted_patch_does_not_split_a_client_mailbox() -> None:
    pasted = b"\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: b <b@c>\n\nx\n"
    raw = b"From a@b Tue Sep  1 10:00:00 2020\n" + ONE + pasted
    assert len(split_mbox(raw)) == 1


def test_crlf_mailboxes_split() -> None:
    raw = b"".join(b"From a@b Tue Sep  1 10:00:00 2020\r\n" + m.replace(b"\n", b"\r\n") + b"\r\n" for m in (ONE, TWO))
    assert len(split_mbox(raw)) == 2


class _Small(io.BytesIO):
    """Hands out a few bytes at a time, however many are asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 7, 7) if size and size > 0 else 7)


def test_the_size_of_reads_does_not_matter() -> None:
    assert list(iter_mbox(_Small(as_mbox([ONE, TWO, ONE])))) == [ONE, TWO, ONE]


def test_one_endless_mail_is_cut_and_the_next_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MAIL_BYTES", 3_000_000)
    big = mail("[PATCH] big", "big@example.org", "x" * 79 + "\n" * 1 + ("y" * 79 + "\n") * 100_000)
    found = list(iter_mbox(io.BytesIO(as_mbox([ONE, big, TWO]))))
    assert [len(found[0]), len(found[1]), found[2]] == [len(ONE), 3_000_001, TWO]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_no_mail_is_lost(bodies: list[bytes]) -> None:
    mails = [b"Subject: x%d\n\n" % i + body + b"\n" for i, body in enumerate(bodies)]
    assert split_mbox(as_mbox(mails)) == mails


@given(st.binary(max_size=600))
def test_any_bytes_are_split(data: bytes) -> None:
    for raw in split_mbox(b"From a@b Tue Sep  1 10:00:00 2020\n" + data) + split_mbox(data):
        assert isinstance(raw, bytes)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_packed_files(tmp_path: Path, pack: type[bytes]) -> None:
    file = tmp_path / "thread"
    file.write_bytes(pack(as_mbox([ONE, TWO])))
    assert read_file(file) == [ONE, TWO]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_cut_packed_file_is_refused(tmp_path: Path, pack: type[bytes]) -> None:
    file = tmp_path / "thread.gz"
    file.write_bytes(pack(as_mbox([os.urandom(3000).hex().encode() + ONE]))[:-20])
    with pytest.raises(MailFormatError, match="damaged"):
        read_file(file)


def test_a_packed_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 5_000_000)
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(as_mbox([ONE]) + b"\n" * 20_000_000))
    with pytest.raises(LimitError, match="larger than"):
        read_file(file)


def test_too_many_mails_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_MAILS", 3)
    with pytest.raises(LimitError, match="more than 3 mails"):
        read_bytes(as_mbox([ONE] * 4), "x")


def test_a_maildir_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "2.host").write_bytes(TWO)
    (tmp_path / "cur" / "1.host:2,S").write_bytes(ONE)
    (tmp_path / "tmp" / "0.host").write_bytes(b"unfinished")
    assert read_file(tmp_path) == [ONE, TWO]


def test_a_directory_of_patches_is_read(tmp_path: Path) -> None:
    (tmp_path / "0002-b.patch").write_bytes(TWO)
    (tmp_path / "0001-a.patch").write_bytes(ONE)
    (tmp_path / "notes.txt").write_bytes(b"no")
    assert read_file(tmp_path) == [ONE, TWO]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"<!DOCTYPE html><html></html>", b"\x7fELF\0\0\0", b"some words\nand more\n", b"a: b\n\nc"]
)
def test_what_is_no_mail_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(MailFormatError):
        read_file(file)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read_file(tmp_path / "nothing")
    with pytest.raises(MailFormatError, match="maildir"):
        read_file(tmp_path)


def test_endless_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 1_000_000)
    with Path("/dev/zero").open("rb") as zero, pytest.raises(LimitError, match="stdin is larger"):
        mbox.read_stream(zero, "stdin")


@given(st.binary(max_size=400))
def test_reading_bytes_raises_only_our_errors(data: bytes) -> None:
    for start in (b"", b"\x1f\x8b", b"\xfd7zXZ\x00", b"From x\n"):
        with contextlib.suppress(InputError):
            read_bytes(start + data, "x")


@given(
    st.lists(
        st.sampled_from([ONE, TWO, b"From \n>From x\n\n", b"a: b\n\n" + b"x" * 5_000 + b"\n"]), min_size=1, max_size=9
    ),
    st.sampled_from([64, 999, 1 << 20]),
)
def test_every_mail_can_be_read_again_at_its_place(mails: list[bytes], block: int) -> None:
    data = as_mbox(mails)
    with pytest.MonkeyPatch.context() as patch, tempfile.NamedTemporaryFile() as file:
        patch.setattr(mbox, "_BLOCK", block)
        file.write(data)
        file.flush()
        placed = list(iter_placed(io.BytesIO(data)))
        assert [raw for _, _, raw in placed] == split_mbox(data)
        again = Placed(Path(file.name))
        assert [again.read(offset, length) for offset, length, _ in placed] == split_mbox(data)
