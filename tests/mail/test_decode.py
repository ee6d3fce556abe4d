# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails as clients and list servers mangle them."""

from __future__ import annotations

import base64
import quopri
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview import limits
from abireview.mail.decode import decode, decode_head
from abireview.mail.header import Fields
from abireview.mail.model import Person
from tests.mails import diff, mail, patch_body

PATCH = patch_body("Grüße von weit her.\n\nSigned-off-by: Ann Äuthor <ann@example.org>")


def raw(content_type: str, encoding: str, body: bytes) -> bytes:
    head = "From: a <a@b>\nSubject: x\nMessage-ID: <i@x>\nMIME-Version: 1.0\n"
    return f"{head}Content-Type: {content_type}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + body


def test_a_plain_mail() -> None:
    message = decode(mail("[PATCH] x", "a@b", PATCH, parent="p@q", headers="List-Id: <kvm.vger.kernel.org>\n"))
    assert (message.msgid, message.subject, message.in_reply_to) == ("a@b", "[PATCH] x", "p@q")
    assert message.references == ("p@q",)
    assert message.author == Person("Ann Author", "ann@example.org")
    assert message.to == (Person("", "kvmarm@lists.example"),)
    assert message.list_id == "kvm.vger.kernel.org"
    assert message.date == 1_600_000_000
    assert message.body == PATCH
    assert message.repaired == message.damaged == ()


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
def test_transfer_encodings_and_charsets(charset: str) -> None:
    data = PATCH.encode(charset)
    coded = {"base64": base64.encodebytes(data), "quoted-printable": quopri.encodestring(data), "8bit": data}
    for encoding, body in coded.items():
        if charset == "utf-16" and encoding != "base64":
            continue
        message = decode(raw(f'text/plain; charset="{charset}"', encoding, body))
        assert message.body == PATCH, encoding
        assert message.damaged == ()


def test_asian_charsets() -> None:
    text = "补丁\n" + diff()
    for charset in ("gbk", "gb2312", "gb18030", "big5"):
        data = text.replace("补丁", "patch 中文").encode(charset)
        assert "中文" in decode(raw(f"text/plain; charset={charset}", "8bit", data)).body
    data = ("日本語\n" + diff()).encode("iso-2022-jp")
    assert decode(raw("text/plain; charset=iso-2022-jp", "7bit", data)).body.startswith("日本語\ndiff")


@pytest.mark.parametrize(
    "charset", ["y", "true", "x-unknown", "rot13", "zip", "unicode_escape", "idna", "../etc", "hex"]
)
def test_charsets_that_do_not_exist(charset: str) -> None:
    message = decode(raw(f"text/plain; charset={charset}", "8bit", PATCH.encode()))
    assert message.body == PATCH
    assert message.repaired
    assert message.damaged == ()


def test_utf8_under_a_wrong_name_is_repaired() -> None:
    message = decode(raw("text/plain; charset=iso-8859-1", "8bit", PATCH.encode()))
    assert message.body == PATCH
    assert "UTF-8" in message.repaired[0]


def test_unreadable_bytes_in_changed_lines_are_damage() -> None:
    good = decode(raw("text/plain; charset=utf-8", "8bit", b"caf\xe9\n" + diff().encode()))
    assert good.damaged == ()
    assert "\ufffd" in good.body
    assert good.repaired
    bad = decode(raw("text/plain; charset=utf-8", "8bit", diff(new="\treturn '?';").encode().replace(b"?", b"\xe9")))
    assert "changed lines" in bad.damaged[0]


def test_base64_with_crlf_and_a_list_footer() -> None:
    body = base64.encodebytes(PATCH.replace("\n", "\r\n").encode()) + b"_____\nkvmarm mailing list\n"
    message = decode(raw("text/plain; charset=utf-8", "base64", body))
    assert message.body.startswith(PATCH)
    assert message.body.endswith("kvmarm mailing list\n")
    assert len(message.repaired) == 1 or "CRLF" in " ".join(message.repaired)


@pytest.mark.parametrize("ends", ["\r\n", "\r\r\n", "\r\r\r\r\n", "\r\0\n"])
@pytest.mark.parametrize("encoding", ["base64", "8bit"])
def test_line_ends_are_lf_however_they_were_sent(ends: str, encoding: str) -> None:
    body = PATCH.replace("\n", ends).encode()
    message = decode(
        raw("text/plain; charset=utf-8", encoding, base64.encodebytes(body) if encoding == "base64" else body)
    )
    assert message.body == PATCH


def test_line_ends_where_parts_meet() -> None:
    head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    parts = "--b\nContent-Type: text/plain\n\none\r\r\n--b\nContent-Type: text/html\n\n\r&#13;<p>\n--b--\n"
    plain = "--b\nContent-Type: text/html\n\none\r<b>&#13;</b>\ntwo\n--b--\n"
    for body in (parts, plain):
        text = decode(f"Message-ID: <a@b>\n{head}\n{body}".encode()).body
        assert text.startswith("one\n")
        assert "\r\n" not in text


def test_many_carriage_returns_take_no_time() -> None:
    began = time.process_time()
    message = decode(b"Message-ID: <a@b>\n\n\r\0\n" + b"\r" * 2_000_000 + b"x\n")
    assert message.body.startswith("\n\r")
    assert time.process_time() - began < 4


def test_base64_that_is_cut_off_is_damage() -> None:
    body = base64.encodebytes(PATCH.encode()).rstrip()[:-3]
    message = decode(raw("text/plain", "base64", body))
    assert "cut off" in message.damaged[0]
    assert message.body[:100] == PATCH[:100]


def test_base64_in_two_blocks_loses_nothing() -> None:
    body = base64.encodebytes(b"first line\n!") + base64.encodebytes(b"second line\n")
    message = decode(raw("text/plain", "base64", body.replace(b"\n\n", b"\n")))
    assert "first line" in message.body
    assert "second line" in message.body
    assert message.damaged == ()


@pytest.mark.parametrize("body", [b"QUJD\nQQ=\n=\nQUJD\n", b"QUJD=\nA\n", b"=\n", b"A\n", b"QUJD\n=\nQ=\n"])
def test_base64_with_padding_where_it_should_not_be(body: bytes) -> None:
    message = decode(raw("text/plain", "base64", body))
    assert message.body.startswith("ABC") or b"QUJD" not in body


def test_base64_that_is_none() -> None:
    message = decode(raw("text/plain", "base64", PATCH.encode()))
    assert "diff --git" in message.body


def test_crlf_mails() -> None:
    message = decode(mail("[PATCH] x", "a@b", PATCH).replace(b"\n", b"\r\n"))
    assert (message.msgid, message.body) == ("a@b", PATCH)


def test_a_carriage_return_inside_a_crlf_free_mail_ends_no_line() -> None:
    message = decode(raw("text/plain", "quoted-printable", b"a=0D\nb\n"))
    assert message.body == "a\nb\n"


def attached(kind: str, name: str, *, disposition: str = "attachment") -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "a <a@b>", "[PATCH] x", "<i@x>"
    message.set_content("See the attachment.\n")
    maintype, subtype = kind.split("/")
    message.add_attachment(PATCH.encode(), maintype=maintype, subtype=subtype, filename=name, disposition=disposition)
    return message.as_bytes()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("text/x-patch", "a.patch"),
        ("text/x-diff", "a"),
        ("application/octet-stream", "a.diff"),
        ("application/x-patch", "0001-a.patch"),
        ("text/plain", "a.txt"),
    ],
)
def test_attached_patches_follow_the_text(kind: str, name: str) -> None:
    message = decode(attached(kind, name))
    assert message.body.startswith("See the attachment.\n")
    assert diff() in message.body
    assert message.damaged == ()


def test_pictures_and_signatures_are_left_out() -> None:
    message = decode(attached("application/pgp-signature", "signature.asc"))
    assert message.body == "See the attachment.\n"


def test_of_html_and_text_the_text_counts() -> None:
    message = EmailMessage()
    message.set_content(PATCH)
    message.add_alternative("<p>HTML</p>", subtype="html")
    assert decode(message.as_bytes()).body == PATCH


def test_html_alone_loses_its_tags() -> None:
    message = decode(raw("text/html", "7bit", b"<style>p {}</style><p>One<br>two &lt;three&gt;</p>"))
    assert message.body.split() == ["One", "two", "<three>"]
    assert message.repaired


def test_nested_parts_are_bounded() -> None:
    body = b"".join(b'--b%d\nContent-Type: multipart/mixed; boundary="b%d"\n\n' % (i, i + 1) for i in range(2000))
    message = decode(raw('multipart/mixed; boundary="b0"', "7bit", body + PATCH.encode()))
    assert "nested MIME parts" in message.damaged[0]
    assert diff() in message.body


def test_many_parts_are_bounded() -> None:
    body = b"--b\nContent-Type: text/plain\n\nx\n" * 5000 + b"--b--\n"
    message = decode(raw('multipart/mixed; boundary="b"', "7bit", body))
    assert "MIME parts" in message.damaged[0]


def test_a_missing_boundary_is_read_as_text() -> None:
    message = decode(raw("multipart/mixed", "7bit", PATCH.encode()))
    assert diff() in message.body


def test_flowed_mails_are_mended_where_that_helps() -> None:
    long = "\tthis_is_a_function_with_a_long_name(one, two, three, four, five, six, seven);"
    text = "Text.\n---\n" + diff(new=long)
    assert diff(new=long) in decode(raw("text/plain; format=flowed", "7bit", text.encode())).body
    wrapped = text.replace("three, four", "three, \nfour")
    stuffed = "\n".join(f" {line}" if line[:1] in (" ", ">") else line for line in wrapped.split("\n"))
    message = decode(raw("text/plain; format=flowed", "7bit", stuffed.encode()))
    assert f"+{long}\n" in message.body
    assert "format=flowed" in message.repaired[0]
    assert message.damaged == ()


def test_flowed_mails_that_stay_broken_are_damage() -> None:
    text = "Text.\n---\n" + diff().replace("+\treturn 2;", "+\treturn\n2;")
    message = decode(raw("text/plain; format=flowed", "7bit", text.encode()))
    assert "damaged" in message.damaged[0]


def test_encoded_words_and_addresses() -> None:
    head = (
        "From: =?utf-8?q?J=C3=BCrgen_Gro=C3=9F?= <j@example.org>\n"
        'To: "Bee, Mr." <b@example.org>, c@example.org,\n D <d@example.org>\n'
        'Cc: undisclosed-recipients:;, "E \\"F\\" G" <e@example.org>, (a comment) f@example.org\n'
        "Subject: =?utf-8?b?W1BBVENIXSBLVk06?=\n =?utf-8?q?_x?=\nMessage-Id: <m@x>\n"
        "References: <r1@x>\n\t<r2@x> <r1@x>\n\n"
    )
    message = decode(head.encode() + b"x\n")
    assert message.author == Person("Jürgen Groß", "j@example.org")
    assert [p.email for p in message.to] == ["b@example.org", "c@example.org", "d@example.org"]
    assert message.to[0].name == "Bee, Mr."
    assert {"e@example.org", "f@example.org"} <= {p.email for p in message.cc}
    assert message.subject == "[PATCH] KVM: x"
    assert message.references == ("r1@x", "r2@x")
    assert message.in_reply_to == "r2@x"


def test_a_mail_without_message_id_gets_a_stable_one() -> None:
    data = b"From: a <a@b>\nSubject: x\n\nbody\n"
    message = decode(data)
    assert message.msgid.endswith("@no-message-id.invalid")
    assert decode(data).msgid == message.msgid == decode_head(data).msgid
    assert message.repaired
    assert decode(data + b"!").msgid != message.msgid


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 32 Foo 99999 99:99:99 +9999", "Thu, 1 Jan 1970 00:00:00 +2359"]
)
def test_dates_that_are_none(date: str) -> None:
    assert decode(f"Date: {date}\n\nx".encode()).date is None


def test_a_huge_mail_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MAIL_BYTES", 2000)
    message = decode(mail("[PATCH] x", "a@b", PATCH + "y" * 5000))
    assert "the rest was not read" in message.damaged[0]
    assert len(message.body) < 2000


def test_a_huge_header_is_cut() -> None:
    message = decode(b"Subject: x\n" + b"X-Y: z\n" * 100_000 + b"\nbody\n")
    assert message.subject == "x"
    assert len(message.headers) <= limits.MAX_HEADER_LINES
    assert "header" in message.damaged[0]


def test_the_transport_trace_is_not_kept() -> None:
    message = decode(b"Received: from x\nARC-Seal: y\nAuto-Submitted: auto-replied\nSubject: x\n\n")
    assert message.headers == (("Auto-Submitted", "auto-replied"), ("Subject", "x"))


_headers = st.sampled_from(
    [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"References", b"Content-Type", b"Content-Transfer-Encoding"]
)
_values = st.one_of(
    st.binary(max_size=80),
    st.sampled_from(
        [
            b"multipart/mixed; boundary=b",
            b"text/plain; charset=utf-7",
            b"text/html; charset=utf-16",
            b"message/rfc822",
            b"base64",
            b"quoted-printable",
            b"=?utf-8?b?////?=",
            b"=?utf-16?q?=00?=",
            b"=?x?q?=E9?= \\u12",
            b'"a" <b@c>, "d',
            b"text/plain; format=flowed; delsp=yes",
            b"<" * 70,
        ]
    ),
)


@given(st.lists(st.tuples(_headers, _values), max_size=8), st.binary(max_size=500))
def test_no_mail_raises(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    data = b"".join(name + b": " + value + b"\n" for name, value in fields) + b"\n" + body
    message = decode(data)
    assert message.msgid
    assert "\r\n" not in message.body
    assert decode_head(data).msgid == message.msgid
    assert decode(data) == message


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=400))
def test_text_survives_every_encoding(text: str) -> None:
    data = text.encode()
    for encoding, body in (("base64", base64.encodebytes(data)), ("quoted-printable", quopri.encodestring(data))):
        assert decode(raw("text/plain; charset=utf-8", encoding, body)).body == text


FIELD_LINES = st.lists(
    st.sampled_from(
        [
            "Subject: a b",
            "subject: c",
            "SUBJECT : d",
            "X-Subject: e",
            "Subject-x: f",
            " folded",
            "\tfolded: g",
            "From: a@b",
            "no field",
            "Date: x",
            "Subject",
            "İ: y",
            "Subject\t: h",
            ":",
            "",
            "Message-ID: <a@b>",
            "Subject\n : i",
        ]
    ),
    max_size=12,
).map("\n".join)


@given(FIELD_LINES, st.sampled_from(["subject", "from", "date", "message-id", "x-subject", "folded"]))
def test_a_field_is_found_where_reading_all_fields_finds_it(head: str, name: str) -> None:
    fields = Fields(head)
    assert fields.get(name) == fields._look(name)
