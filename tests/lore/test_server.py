# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetching from a real public-inbox on loopback."""

from __future__ import annotations

import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from abireview.errors import NotFoundError
from abireview.lore.load import Loaded, LoadOptions, history, load
from abireview.mail.decode import decode, decode_head
from abireview.mail.mbox import iter_mbox
from abireview.mail.series import connected
from abireview.store.db import Store
from abireview.store.threads import Threads
from tests.conftest import ServeMails
from tests.mails import mail, mbox, series

pytestmark = pytest.mark.server

REPLY = mail("Re: [PATCH v2 1/3] Part 1", "reply@x.org", "> yes\nNo.\n", parent="v2-1@example.org", at=300)
ODD = mail("[PATCH] An odd message-id", "a/b%c+d=e?f#g&h@x.org")
MAILS = [*series(1), *series(2, at=200), REPLY, ODD, mail("Hello", "hello@x.org", "World\n")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db") as found:
        yield found


@pytest.fixture
def url(serve_mails: ServeMails) -> str:
    return serve_mails(MAILS)


def document(loaded: Loaded) -> bytes:
    return msgspec.json.encode(loaded.series)


def test_any_mail_gives_what_the_file_gives(url: str, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "v2.mbox"
    file.write_bytes(mbox([*series(2, at=200), REPLY]))
    wanted = document(load(str(file)))
    for raw in [*series(2, at=200), REPLY]:
        msgid = decode_head(raw).msgid
        assert document(load(msgid, LoadOptions(server=url))) == wanted
        assert document(load(f"<{msgid}>", LoadOptions(server=url, store=store))) == wanted
        assert document(load(f"{url}/{msgid}/", LoadOptions())) == wanted
        assert document(load(msgid, LoadOptions(offline=True, store=store))) == wanted
    assert len(Threads.of(store).list()) == 1


def test_odd_message_ids(url: str) -> None:
    assert load("a/b%c+d=e?f#g&h@x.org", LoadOptions(server=url)).series.id == "a/b%c+d=e?f#g&h@x.org"


def test_unknown_message_ids(url: str, store: Store) -> None:
    with pytest.raises(NotFoundError, match="does not have"):
        load("nobody@x.org", LoadOptions(server=url, store=store))
    assert Threads.of(store).list() == ()


def test_earlier_and_later_revisions_are_found(url: str) -> None:
    options = LoadOptions(server=url, history=True)
    for msgid in ("v1-1@example.org", "v2-0@example.org"):
        loaded = load(msgid, options)
        assert [s.version for s in history(loaded)] == [1, 2]
        assert loaded.series.version == 2
        assert loaded.warnings == ()


def test_a_revision_outside_of_the_thread_is_looked_for(url: str) -> None:
    assert load("v2-0@example.org", LoadOptions(server=url)).series.version == 2
    assert load("v2-0@example.org", LoadOptions(server=url, revision=1)).series.id == "v1-0@example.org"
    assert load("v1-0@example.org", LoadOptions(server=url, revision="v2")).series.id == "v2-0@example.org"
    with pytest.raises(NotFoundError, match="no version 3"):
        load("v1-0@example.org", LoadOptions(server=url, revision=3))


def test_the_server_of_b4s_configuration(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    config.write_text(f"[b4]\n\tmidmask = {url}/%s\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    loaded = load("v1-1@example.org")
    assert (loaded.source, loaded.series.id) == (url, "v1-0@example.org")


def test_parents_can_be_left_out(serve_mails: ServeMails) -> None:
    talk = mail("[PATCH] An older patch", "old@x.org", at=-50)
    url = serve_mails([talk, *series(1, parent="old@x.org")])
    assert load("v1-0@example.org", LoadOptions(server=url)).thread.lineages[0][0].head.msgid == "old@x.org"
    alone = load("v1-0@example.org", LoadOptions(server=url, no_parent=True))
    assert alone.series.id == "v1-0@example.org"
    assert alone.series.notes == ()


def test_the_real_thing_says_what_the_files_say(serve_mails: ServeMails, shared: Path, tmp_path: Path) -> None:
    """A few hundred mails of the archive: each thread by every one of its message-ids, and as a file."""
    with lzma.open(shared / "archive" / "kvmarm-2019-2022.mbox.xz") as stream:
        raws = [raw for raw, _ in zip(iter_mbox(stream), range(250), strict=False)]
    url = serve_mails(raws)
    by_id = {decode_head(raw).msgid: raw for raw in raws}
    threads = [group for group in connected([decode(raw) for raw in by_id.values()]) if len(group) > 3][:12]
    assert len(threads) > 8
    plain = 0
    for group in threads:
        msgids = [message.msgid for message in group]
        file = tmp_path / "thread.mbox"
        file.write_bytes(mbox([by_id[msgid] for msgid in reversed(msgids)]))
        for msgid in (msgids[0], msgids[-1], msgids[len(msgids) // 2]):
            fetched = outcome(msgid, server=url)
            assert fetched == outcome(str(file), msgid=msgid), msgid
            plain += fetched == outcome(str(file))
    # only a named diff inside a reply, or a patch of another series in the thread, gives something else
    assert plain >= 3 * len(threads) - 3


def outcome(what: str, **options: str) -> bytes:
    """The series as JSON, or what kept it from being one."""
    from abireview.errors import InputError

    try:
        return document(load(what, LoadOptions(**options)))
    except InputError as error:
        return str(error).encode()


def test_a_cached_check_imports_no_network(url: str, store: Store) -> None:
    import subprocess

    load("v2-1@example.org", LoadOptions(server=url, store=store))
    program = (
        "import sys\nfrom pathlib import Path\nfrom abireview.lore.load import LoadOptions, load\n"
        "from abireview.store.db import Store\n"
        "found = load('v2-1@example.org', LoadOptions(store=Store(Path(sys.argv[1])), max_age=1e9))\n"
        "heavy = ('b4', 'liblore', 'httpx', 'requests', 'sqlite_utils')\n"
        "print(found.series.id, [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(store.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "v2-0@example.org []\n"
