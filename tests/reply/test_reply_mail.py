# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import email
import email.policy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.errors import SendError
from abireview.limits import MAX_REPLY_REFERENCES
from abireview.lore import b4mail
from abireview.mail.model import Person
from abireview.reply.mail import check_headers, reply_headers, reply_subject
from tests.reply.reply_make import AUTHOR, LIST, ME, message, outgoing

OWN = (ME.email,)


def test_reply_goes_to_the_author_and_all_others_but_me() -> None:
    headers = reply_headers(message(), OWN)
    assert [person.email for person in headers.to] == [AUTHOR.email]
    assert [person.email for person in headers.cc] == [LIST.email, "max@example.net"]
    assert headers.subject == "Re: [PATCH v2 1/3] widget: count from one"
    assert headers.in_reply_to == "p1@example.org"
    assert headers.references == ("cover@example.org", "p1@example.org")


def test_each_address_once_whatever_its_case() -> None:
    twice = (Person("A", "ADA@example.org"), Person("K", "KVM@lists.example"), LIST)
    headers = reply_headers(message(cc=twice), OWN)
    assert [person.email for person in (*headers.to, *headers.cc)] == [AUTHOR.email, LIST.email]


def test_my_other_addresses_are_dropped_too() -> None:
    headers = reply_headers(message(cc=(ME, Person("", "Rita@Work.example"))), (ME.email, "rita@work.example"))
    assert [person.email for person in headers.cc] == [LIST.email]


def test_reply_to_replaces_the_author_unless_a_list_set_it_to_itself() -> None:
    elsewhere = reply_headers(message(headers=(("Reply-To", "Ada <ada@home.example>"),)), OWN)
    assert [person.email for person in elsewhere.to] == ["ada@home.example"]
    munged = reply_headers(message(headers=(("Reply-To", LIST.email),)), OWN)
    assert [person.email for person in munged.to] == [LIST.email, AUTHOR.email]


def test_reply_to_my_own_mail_goes_to_whom_i_wrote() -> None:
    headers = reply_headers(message(author=ME, cc=(AUTHOR,)), OWN)
    assert [person.email for person in headers.to] == [LIST.email]
    assert [person.email for person in headers.cc] == [AUTHOR.email]


def test_a_mail_to_nobody_but_me_is_still_answerable() -> None:
    headers = reply_headers(message(author=ME, to=(), cc=()), OWN)
    assert [person.email for person in headers.to] == [ME.email]


def test_what_is_no_address_is_left_out_and_said() -> None:
    odd = (
        Person("", "undisclosed-recipients:;"),
        Person("Jürgen", "jürgen@example.org"),
        Person("", "a b@example.org"),
    )
    headers = reply_headers(message(to=odd, cc=()), OWN)
    assert headers.cc == ()
    assert len(headers.left_out) == 3


def test_references_fall_back_to_in_reply_to_and_stay_bounded() -> None:
    assert reply_headers(message(references=()), OWN).references == ("cover@example.org", "p1@example.org")
    many = tuple(f"m{k}@example.org" for k in range(500))
    chain = reply_headers(message(references=many), OWN).references
    assert len(chain) == MAX_REPLY_REFERENCES
    assert (chain[0], chain[-2], chain[-1]) == ("m0@example.org", "m499@example.org", "p1@example.org")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[PATCH v2 1/3] a", "Re: [PATCH v2 1/3] a"),
        ("Re: [PATCH] a", "Re: [PATCH] a"),
        ("RE: a", "RE: a"),
        ("folded\n  subject\there", "Re: folded subject here"),
        ("x\r\nBcc: all@example.org", "Re: x Bcc: all@example.org"),
        ("", "Re:"),
        ("[/x] [red]y", "Re: [/x] [red]y"),
    ],
)
def test_subjects(subject: str, expected: str) -> None:
    assert reply_subject(subject) == expected


hostile = st.text(alphabet=st.sampled_from('ab@.\r\n\x00\x1b\u2028<>,;:" =?é'), max_size=30)


@given(hostile, hostile, hostile, hostile)
def test_no_header_can_be_injected(name: str, address: str, subject: str, msgid: str) -> None:
    odd = Person(name, address)
    mail = message(
        subject=subject,
        author=Person(name, "ada@example.org"),
        to=(odd, LIST),
        cc=(odd,),
        references=(msgid, "cover@example.org"),
        headers=(("Reply-To", f"{name} <{address}>"),),
    )
    headers = reply_headers(mail, OWN)
    out = outgoing(
        to=headers.to,
        cc=headers.cc,
        subject=headers.subject,
        references=headers.references,
        in_reply_to=headers.in_reply_to,
    )
    raw = b4mail.to_bytes(out)
    head = raw.split(b"\n\n", 1)[0].decode("ascii")
    names = [line.split(":", 1)[0] for line in head.split("\n") if not line.startswith((" ", "\t"))]
    known = ["Subject", "From", "To", "Cc", "In-Reply-To", "References", "Date", "Message-Id", "MIME-Version"]
    assert set(names) <= {*known, "Content-Type", "Content-Transfer-Encoding", "X-Mailer"}
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\nBcc: y"},
        {"to": (Person("a\r\nBcc: b", "a@example.org"),)},
        {"to": (Person("", "a@example.org, b@example.org"),)},
        {"to": (), "cc": ()},
        {"msgid": "a b@example.org"},
        {"msgid": ""},
        {"references": ("x>\n<y",)},
        {"in_reply_to": "<x@y>"},
        {"extra": (("X-A: b", "c"),)},
        {"extra": (("X-A", "b\nc"),)},
        {"sender": Person("x", "no address")},
    ],
)
def test_a_bad_header_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SendError):
        check_headers(msgspec.structs.replace(outgoing(), **changes))


def test_the_bytes_read_back_as_what_was_meant() -> None:
    body = 'On Tue, Ada wrote:\n> +\tx = "ü";\n\nWhy 数?\n.\nFrom here\n'
    long = tuple(f"{'0' * 60}.{k}.git.somebody@a-rather-long-host.example.org" for k in range(12))
    mail = outgoing(
        body=body,
        sender=Person("Rita Müller, PhD", "rita@example.com"),
        subject="Re: [PATCH v2 1/3] wörter: " + "very " * 40 + "long",
        references=long,
        extra=(("X-Abireview", "0.1 0123456789ab"), ("Auto-Submitted", "auto-generated")),
    )
    parsed = email.message_from_bytes(b4mail.to_bytes(mail), policy=email.policy.default)
    assert parsed.get_content() == body
    assert parsed["Subject"] == mail.subject
    assert parsed["From"].addresses[0].display_name == "Rita Müller, PhD"
    assert str(parsed["References"]).split() == [f"<{msgid}>" for msgid in long]
    assert parsed["Message-Id"] == "<reply-1@example.com>"
    assert parsed["Date"].datetime.timestamp() == mail.date
    assert parsed["Content-Type"].content_type == "text/plain"
    assert parsed["X-Abireview"] == "0.1 0123456789ab"


def test_the_same_mail_gives_the_same_bytes() -> None:
    assert b4mail.to_bytes(outgoing()) == b4mail.to_bytes(outgoing())
