# SPDX-License-Identifier: GPL-2.0-or-later
"""The reviewer's desk: what crashes, two windows and later versions must not spoil."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from abireview.check import check
from abireview.errors import Interrupted, NotFoundError, StoreError, UsageError
from abireview.lore.load import Loaded, LoadOptions, load
from abireview.reply.desk import Desk, Opened
from abireview.reply.transport import MaildirTransport
from abireview.rules.load import default_dir, load_rules
from abireview.store.db import Store
from abireview.store.drafts import Drafts
from abireview.store.outbox import Outbox
from abireview.store.queue import Queue
from tests.tui.tui_make import RULES, mbox, series

RULESET = load_rules([default_dir(), RULES])


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store(home / "store.db") as found:
        yield found


@pytest.fixture
def desk(store: Store) -> Desk:
    def loader(what: str, *, refresh: bool) -> Loaded:
        return load(what, LoadOptions(offline=True))

    return Desk(store, loader, lambda one: check(one, RULESET))


def put(home: Path, name: str, mails: list[bytes]) -> str:
    (home / name).write_bytes(mbox(mails))
    return str(home / name)


def states(opened: Opened) -> dict[int, str]:
    return {item.n: item.state for item in opened.result.findings}


def test_versions_in_different_threads_know_each_other(desk: Desk, home: Path) -> None:
    first = desk.check(put(home, "one", series(1)))
    row, first = desk.record(Queue.of(desk.store).add("one").id, first)
    desk.answer(first, first.result.findings[1], "arch-fix", "DDI 0487, D19.2")
    second = desk.check(put(home, "two", series(2, values=(2, 20, 201))))
    merged, second = desk.record(Queue.of(desk.store).add("two").id, second)
    assert merged.id == row.id
    assert states(second) == {1: "carried", 2: "answered", 3: "new"}
    assert [result.series.version for result in second.memory] == [1]
    assert (merged.new, merged.carried, merged.answered) == (1, 1, 1)


def test_an_older_version_asked_for_by_name_stays_itself(desk: Desk, home: Path) -> None:
    both = put(home, "both", series(1) + series(2))
    opened = desk.settle(desk.check(both))
    assert [version.series.version for version in opened.versions] == [1, 2]
    assert opened.at == 1
    assert {item.state for item in opened.versions[0].result.findings} == {"new"}
    assert {item.state for item in opened.versions[1].result.findings} == {"carried"}


def test_a_crash_between_outbox_and_draft_is_tidied(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    draft = desk.draft(opened, "v1-1@example.org")
    Outbox.of(desk.store).enqueue(desk.outgoing(opened, draft), key=draft.key)  # and here the power goes
    desk.tidy()
    assert Drafts.of(desk.store).find("v1-1@example.org") is None
    assert len(Outbox.of(desk.store).entries({"queued"})) == 1


def test_what_is_sent_is_what_was_shown_last(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    draft = desk.draft(opened, "v1-1@example.org")
    Outbox.of(desk.store).enqueue(desk.outgoing(opened, draft), key=draft.key)  # crash, and the person goes on typing
    Drafts.of(desk.store).save(draft.id, "Another text.\n")
    draft = Drafts.of(desk.store).get(draft.id)
    mail = desk.outgoing(opened, draft)
    entry = desk.post(draft, mail)
    assert (entry.state, entry.msgid) == ("queued", mail.msgid)
    assert b"Another text.\n" in Outbox.of(desk.store).raw(entry.id)
    assert len(Outbox.of(desk.store).entries()) == 1


def test_posting_twice_sends_once(desk: Desk, home: Path, tmp_path: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    draft = desk.draft(opened, "v1-1@example.org")
    first = desk.post(draft, desk.outgoing(opened, draft))
    Outbox.of(desk.store).deliver(MaildirTransport(tmp_path / "drafts"))
    again = desk.post(draft, desk.outgoing(opened, draft))
    assert (again.id, again.state, again.msgid) == (first.id, "sent", first.msgid)
    with pytest.raises(StoreError, match="is sent"):
        desk.take_back(again)
    assert Drafts.of(desk.store).listed() == []


def test_a_newer_draft_keeps_an_older_one_away(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    draft = desk.draft(opened, "v1-1@example.org")
    entry = desk.post(draft, desk.outgoing(opened, draft))
    newer = desk.draft(opened, "v1-1@example.org")
    assert newer.id != draft.id
    with pytest.raises(StoreError, match="newer draft"):
        desk.take_back(entry)
    assert Outbox.of(desk.store).get(entry.id).state == "queued"


def test_a_draft_quotes_only_what_is_still_open(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    opened = desk.answer(opened, opened.result.findings[0], "knob", "a register")
    body, used = desk.first_text(opened, "v1-0@example.org")
    assert "In patch 1/3" not in body
    assert body.count("In patch") == 2
    assert used == tuple(item.fingerprint for item in opened.result.findings[1:])


def test_recipients_that_the_person_changed_hold(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    draft = desk.draft(opened, "v1-1@example.org")
    draft = Drafts.of(desk.store).address(draft.id, "Only <me@example.org>\r\nBcc: x@example.org", "")
    mail = desk.outgoing(opened, draft)
    assert mail.recipients[0] == "me@example.org"
    assert all("\n" not in str(person) for person in mail.to)
    draft = Drafts.of(desk.store).address(draft.id, "", "")
    assert desk.outgoing(opened, draft).recipients[0] == "ada@example.org"


def test_cancelling_ends_the_work_between_two_versions(desk: Desk, home: Path) -> None:
    said = []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("checking v1"):
            raise Interrupted("cancelled")

    with pytest.raises(Interrupted):
        desk.check(put(home, "both", series(1) + series(2)), say=say)
    assert [text.split()[0] for text in said] == ["fetching", "checking"]


def test_what_is_not_there_is_said(desk: Desk, home: Path) -> None:
    opened = desk.settle(desk.check(put(home, "one", series(1))))
    for ask in (lambda: opened.message("x@y"), lambda: opened.patch(9), lambda: opened.finding("")):
        with pytest.raises(NotFoundError):
            ask()
    with pytest.raises(UsageError):
        desk.undo(opened, opened.result.findings[0])
    with pytest.raises(UsageError):
        desk.answer(opened, opened.result.findings[0], "knob", " \n")


def test_commits_have_no_mails(store: Store, desk: Desk, home: Path) -> None:
    loaded = load(put(home, "one", series(1)), LoadOptions(offline=True))

    def commits(what: str, *, refresh: bool) -> Loaded:
        return msgspec.structs.replace(loaded, thread=None)

    with pytest.raises(UsageError, match="no mails"):
        Desk(store, commits, lambda one: check(one, RULESET)).check("a..b")
