# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be named: files, stdin, maildirs, commits, and what is none of them."""

from __future__ import annotations

import gzip
import io
import lzma
import subprocess
from pathlib import Path

import msgspec
import pytest

from abireview.errors import MailFormatError, NoPatchesError, NotFoundError, TreeError, UsageError
from abireview.lore.load import LoadOptions, history, load
from tests.mails import diff, mail, mbox, series

TALK = [
    mail("A question", "q@x", "How?\n"),
    mail("Re: A question", "a@x", f"Like this:\n\n{diff()}", parent="q@x"),
]


def test_the_same_mails_give_the_same_series(tmp_path: Path) -> None:
    raw = mbox(series())
    (tmp_path / "a.mbox").write_bytes(raw)
    (tmp_path / "a.mbox.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "a.xz").write_bytes(lzma.compress(raw))
    maildir = tmp_path / "maildir"
    for folder in ("cur", "new", "tmp"):
        (maildir / folder).mkdir(parents=True)
    for i, one in enumerate(series()):
        (maildir / "new" / f"{i}.x").write_bytes(one.replace(b"\n", b"\r\n"))
    found = [load(str(tmp_path / name)) for name in ("a.mbox", "a.mbox.gz", "a.xz", "maildir")]
    found.append(load("-", LoadOptions(stdin=io.BytesIO(raw))))
    found.append(load("-", LoadOptions(stdin=io.BytesIO(gzip.compress(raw)))))
    first = msgspec.json.encode(found[0].series)
    assert {msgspec.json.encode(loaded.series) for loaded in found} == {first}
    assert [loaded.source for loaded in found[-2:]] == ["stdin", "stdin"]


def test_one_mail_on_stdin() -> None:
    assert load("-", LoadOptions(stdin=io.BytesIO(mail("[PATCH] x", "one@x")))).series.id == "one@x"


def test_a_diff_in_a_reply_of_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "talk.mbox"
    file.write_bytes(mbox(TALK))
    with pytest.raises(NoPatchesError) as caught:
        load(str(file))
    assert "a@x" in caught.value.hint
    assert load(str(file), LoadOptions(msgid="<a@x>")).series.id == "a@x"
    with pytest.raises(UsageError):
        load(str(file), LoadOptions(msgid="not an id"))
    with pytest.raises(NotFoundError):
        load(str(file), LoadOptions(msgid="b@x"))


def test_versions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "all.mbox"
    file.write_bytes(mbox(series(1) + series(2, at=99) + series(3, at=300)))
    loaded = load(str(file), LoadOptions(revision=2))
    assert loaded.series.version == 2
    assert [s.version for s in history(loaded)] == [1, 2, 3]


def test_commits(tmp_path: Path) -> None:
    def git(*args: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *args], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (tmp_path / "arch").mkdir()
    for n in (1, 2):
        (tmp_path / "arch" / "x.c").write_text(f"int x = {n};\n")
        git("add", ".")
        git("commit", "-q", "-m", f"x: number {n}\n\nText.")
    loaded = load("HEAD~1..HEAD", LoadOptions(git_dir=tmp_path))
    assert (len(loaded.series.patches), loaded.thread) == (1, None)
    assert history(loaded) == (loaded.series,)
    with pytest.raises((NotFoundError, TreeError)):
        load("nothing..HEAD", LoadOptions(git_dir=tmp_path))


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("./nothing.mbox", NotFoundError),
        ("thread.mbox", NotFoundError),
        ("/nowhere/at/all", NotFoundError),
        ("word", UsageError),
        ("", UsageError),
        ("https://example.org/nothing/here", UsageError),
        ("x" * 5000, UsageError),
        ("a\0b", UsageError),
    ],
)
def test_what_is_nothing(what: str, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind):
        load(what)


def test_a_file_that_is_no_mailbox(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(MailFormatError):
        load(str(file))
    with pytest.raises(MailFormatError, match="stdin is empty"):
        load("-", LoadOptions(stdin=io.BytesIO(b"")))
