# SPDX-License-Identifier: GPL-2.0-or-later
"""The bounds on mails, mailboxes, C and diffs: what lies beyond each is left out, and the rest is still right.

docs/security.md names for every bound the test that shows it; those that stand in no other test stand here.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest

from abireview import limits
from abireview.errors import ConfigError, LimitError, RuleError, StoreError
from abireview.facts import constants
from abireview.facts.lex import lex
from abireview.facts.lists import brackets
from abireview.lore import b4door
from abireview.lore.address import is_msgid
from abireview.lore.load import projects
from abireview.mail.commit import read_commit
from abireview.mail.decode import decode
from abireview.mail.header import addresses, decode_words, message_ids
from abireview.mail.lineage import ancestors
from abireview.mail.model import Series
from abireview.mail.series import Thread
from abireview.mail.subject import parse_subject
from abireview.source import apply, chead, diff
from abireview.store.db import Store
from abireview.store.threads import Threads
from tests.mails import mail, mbox
from tests.mails import series as mails_of


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch):
    """``limit("MAX_…", 3)`` sets a bound."""
    return lambda name, value: monkeypatch.setattr(limits, name, value)


def all_series(mails: list[bytes]) -> tuple[Series, ...]:
    return Thread([decode(raw) for raw in mails], projects()).series


# mail


def test_header_bytes(limit) -> None:
    limit("MAX_HEADER_BYTES", 300)
    raw = mail("[PATCH] a", "a@example.org", headers=f"X-Long: {'x' * 400}\nX-After: 1\n")
    found = decode(raw)
    assert "the header is too long" in found.damaged[0]
    assert found.subject == "[PATCH] a"
    assert "X-After" not in dict(found.headers)


def test_addresses(limit) -> None:
    limit("MAX_ADDRESSES", 3)
    assert len(addresses(", ".join(f"a{n}@example.org" for n in range(9)))) == 3
    assert len(addresses(", ".join(f"a{n}@example.org (c)" for n in range(9)))) == 3


def test_references(limit) -> None:
    limit("MAX_REFERENCES", 3)
    assert message_ids(" ".join(f"<{n}@x>" for n in range(9))) == ("6@x", "7@x", "8@x")


def test_msgid_chars(limit) -> None:
    limit("MAX_MSGID_CHARS", 10)
    assert message_ids("<123456@x> <123456789012@x>") == ("123456@x",)
    assert is_msgid("123456@x")
    assert not is_msgid("123456789012@x")
    assert decode(b"Message-ID: 123456789012@x\n\n").msgid.endswith("@no-message-id.invalid")


def test_subject_chars(limit) -> None:
    limit("MAX_SUBJECT_CHARS", 12)
    assert decode(mail("[PATCH] abcdefghi", "a@example.org")).subject == "[PATCH] abcd"
    assert parse_subject("[PATCH] abcdefghi").title == "abcd"


def multipart(parts: int) -> bytes:
    head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    body = "".join(f"--b\nContent-Type: text/plain\n\npart {n}\n" for n in range(parts)) + "--b--\n"
    return mail("a", "a@example.org", body, headers=head)


def test_mime_parts(limit) -> None:
    limit("MAX_MIME_PARTS", 5)
    assert not decode(multipart(4)).damaged
    found = decode(multipart(9))
    assert "more than 5 MIME parts" in found.damaged[0]
    assert "part 0" in found.body


def test_mime_nesting(limit) -> None:
    limit("MAX_MIME_NESTING", 3)
    body = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(5))
    head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b0\n"
    found = decode(mail("a", "a@example.org", body, headers=head))
    assert "more than 3 nested MIME parts" in found.damaged[0]


def test_mime_lines(limit) -> None:
    limit("MAX_MIME_LINES", 20)
    assert "more than 20 lines" in decode(multipart(9)).damaged[0]
    assert not decode(mail("a", "a@example.org", "x\n" * 100)).damaged


def test_words_chars(limit) -> None:
    limit("MAX_WORDS_CHARS", 20)
    assert decode_words("=?utf-8?q?=C3=A4?= " + "=?utf-8?q?=C3=B6?=").startswith("ä")
    assert "=?utf-8?q?=C3=B6?=" in decode_words("=?utf-8?q?=C3=A4?= x =?utf-8?q?=C3=B6?=")


def test_trailer_lines(limit) -> None:
    limit("MAX_TRAILER_LINES", 4)
    lines = "\n".join(f"Cc: a{n}@example.org" for n in range(9))
    assert len(read_commit(f"Text.\n\n{lines}\n---\n").trailers) == 4


# threads


def test_thread_packed_bytes(limit) -> None:
    class Response:
        status_code = 200

        class raw:  # noqa: N801
            read1 = staticmethod(lambda size, decode_content: b"x" * 100)

    limit("MAX_THREAD_PACKED_BYTES", 1000)
    door = b4door._Bounded(60.0)
    door._until = float("inf")
    with pytest.raises(LimitError, match="packed"):
        door._body(Response())


def test_thread_bytes(limit, tmp_path: Path) -> None:
    packed = gzip.compress(bytes(2000))
    with Store(tmp_path / "s.db") as store:
        threads = Threads.of(store)
        threads.put(mbox(mails_of()), "x", 1.0)
        limit("MAX_THREAD_BYTES", 1000)
        with pytest.raises(LimitError):
            b4door._check_whole(packed, "host")
        with pytest.raises(StoreError, match="damaged"):
            threads.get("v1-0@example.org")
    assert len(zlib.compress(bytes(2000))) < 1000


def test_series_patches(limit) -> None:
    limit("MAX_SERIES_PATCHES", 20)
    assert parse_subject("[PATCH 20/20] a").has_numbers
    assert not parse_subject("[PATCH 1/21] a").has_numbers


def test_ancestors(limit) -> None:
    limit("MAX_ANCESTORS", 5)
    parents = {f"{n}@x": f"{n + 1}@x" for n in range(50)}
    message = decode(mail("a", "a@x", parent="0@x"))
    assert len(list(ancestors(message, parents))) <= 5


def test_postings_tried(limit) -> None:
    limit("MAX_POSTINGS_TRIED", 2)
    firsts = [
        mail(f"[PATCH 1/2] KVM: part {n}", f"first{n}@example.org", sender="A <a@example.org>", at=n) for n in range(5)
    ]
    seconds = [
        mail(f"[PATCH 2/2] KVM: other {n}", f"other{n}@example.org", sender="A <a@example.org>", at=10 + n)
        for n in range(5)
    ]
    whole = [one for one in all_series(firsts + seconds) if len(one.patches) == 2]
    assert len(whole) == 2  # the others are not compared with more than the last two


def test_missing_named(limit) -> None:
    limit("MAX_MISSING_NAMED", 3)
    (found,) = all_series([mail("[PATCH 1/9] KVM: a", "a@example.org")])
    assert "2, 3, 4 and more" in found.notes[0]


# C


def test_expression_chars(limit) -> None:
    limit("MAX_EXPRESSION_CHARS", 20)
    assert constants.evaluate("1 + 1 + 1 + 1") == 4
    assert constants.evaluate(" + ".join(["1"] * 20)) is None


def test_expression_depth(limit) -> None:
    limit("MAX_EXPRESSION_DEPTH", 4)
    assert constants.evaluate("(((1 + 1)))") == 2
    assert constants.evaluate("(" * 8 + "1 + 1" + ")" * 8) is None
    limit("MAX_EXPRESSION_DEPTH", 24)
    assert constants.evaluate("(" * 500 + "1 + 1" + ")" * 500) is None


def test_name_depth(limit) -> None:
    from abireview.facts.model import Fact

    facts = [Fact("define", "", f"N{n}", f"N{n + 1} + 1", path="a.h") for n in range(8)]
    facts.append(Fact("define", "", "N8", "1", path="a.h"))
    assert constants.Constants(facts).value("N0").number == 9  # type: ignore[union-attr]
    limit("MAX_NAME_DEPTH", 4)
    assert constants.Constants(facts).value("N0") is None


def test_nesting(limit) -> None:
    limit("MAX_NESTING", 3)
    tokens = lex(["(((((a)))))"])
    found = brackets(tokens)
    assert len([at for at in found.partner if tokens[at].text == "("]) == 3


# diffs


def patch(files: int) -> str:
    return "".join(
        f"diff --git a/f{n}.c b/f{n}.c\n--- a/f{n}.c\n+++ b/f{n}.c\n@@ -1 +1 @@\n-a\n+b\n" for n in range(files)
    )


def test_diff_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_DIFF_LINES", 20)
    files, skipped = diff.parse_diff(patch(9), "a@x")
    assert len(files) < 9
    assert any("more than 20 lines" in one.why for one in skipped)


def test_diff_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_DIFF_FILES", 3)
    files, skipped = diff.parse_diff(patch(9), "a@x")
    assert len(files) == 3
    assert any("more than 3 files" in one.why for one in skipped)


def test_c_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chead, "MAX_C_LINE", 10)
    assert chead.bare('int a = "x";' + "(" * 100) == 'int a = "x'


def test_c_header(monkeypatch: pytest.MonkeyPatch) -> None:
    head = f"static int example({', '.join(f'int a{n}' for n in range(99))})"
    assert chead.classify(head) == ("function", "example")
    monkeypatch.setattr(chead, "MAX_C_HEADER", 10)
    assert chead.classify(head) != ("function", "example")


def applied(text: str, hunk: str) -> bool:
    files, _ = diff.parse_diff(f"--- a/f.c\n+++ b/f.c\n{hunk}", "a@x")
    done = apply.apply(text, files[0])
    return not done.rejects


HUNK = "@@ -3,5 +3,5 @@\n one\n two\n-old\n+new\n three\n four\n"
TEXT = "x\ny\none\ntwo\nold\nthree\nfour\nz\n"


def test_fuzz(monkeypatch: pytest.MonkeyPatch) -> None:
    other = TEXT.replace("one", "1").replace("four", "4")
    assert applied(TEXT, HUNK)
    assert applied(other, HUNK)
    assert not applied(other.replace("two", "2").replace("three", "3").replace("old", "older"), HUNK)
    monkeypatch.setattr(apply, "MAX_FUZZ", 0)
    assert applied(TEXT, HUNK)
    assert not applied(other, HUNK)


def test_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = "pad\n" * 50 + TEXT
    assert applied(moved, HUNK)
    monkeypatch.setattr(apply, "MAX_OFFSET", 49)
    assert not applied(moved, HUNK)


def test_places(monkeypatch: pytest.MonkeyPatch) -> None:
    hunk = "@@ -1,2 +1,3 @@\n same\n+new\n end\n"
    moved = "same\nno\n" * 20 + "same\nend\n" + "end\n" * 30
    assert applied(moved, hunk)
    monkeypatch.setattr(apply, "MAX_PLACES", 3)
    monkeypatch.setattr(apply, "MAX_FUZZ", 0)
    assert not applied(moved, hunk)


def test_rule_expression() -> None:
    from abireview.rules import regex

    assert "longer than" in regex.check("a" * (regex.MAX_EXPRESSION + 1))
    assert not regex.check(r"\w*" * regex.MAX_REPEATS)
    assert "repetitions" in regex.check(r"\w*" * (regex.MAX_REPEATS + 1))
    assert not regex.check("a?" * regex.MAX_CHOICES)
    assert f"{regex.MAX_CHOICES + 1} bits of choices" in regex.check("a?" * (regex.MAX_CHOICES + 1))
    assert not regex.check("(?:foo|bar)*" + "(?:ab|cd)" * 40 + "a{40}")
    assert not regex.check("(" + "|".join([r"\w*"] * 30) + ")")
    assert regex.search("x", "a" * regex.MAX_SUBJECT + "x") is None
    assert regex.full("a*", "a" * (regex.MAX_SUBJECT + 1)) is None


def test_rule_file_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from abireview.rules import load

    monkeypatch.setattr(load, "MAX_FILE", 100)
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "words.toml").write_bytes(b"phrase = []\n".ljust(100, b"#"))
    assert load.load_rules([tmp_path]).rules == ()
    (tmp_path / "facts" / "words.toml").write_bytes(b"phrase = []\n".ljust(101, b"#"))
    with pytest.raises(RuleError, match="larger than 100 bytes"):
        load.load_rules([tmp_path])


def test_suppressions_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    from abireview.findings import suppressions

    monkeypatch.setattr(suppressions, "MAX_FILE", 100)
    assert suppressions.read(b"#" * 100, "abireview.toml") == ()
    with pytest.raises(ConfigError, match="larger than 100 bytes"):
        suppressions.read(b"#" * 101, "abireview.toml")
