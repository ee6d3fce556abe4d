# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers, drafts and the queue as the store keeps them."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abireview.errors import StoreError
from abireview.findings.answers import apply_answers
from abireview.limits import MAX_DRAFT_CHARS
from abireview.store import answers as answers_module
from abireview.store import drafts as drafts_module
from abireview.store import queue as queue_module
from abireview.store.answers import Answers
from abireview.store.drafts import Drafts
from abireview.store.queue import Facts, Queue
from tests.reply.test_answers import KEYS, answer, result


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = sqlite3.connect(tmp_path / "store.db")
    found.execute("PRAGMA journal_mode = WAL")
    for module in (answers_module, drafts_module, queue_module):
        found.executescript(module.SCHEMA)
    yield found
    found.close()


@pytest.fixture
def answers(db: sqlite3.Connection) -> Answers:
    return Answers(db, clock=Clock())


@pytest.fixture
def drafts(db: sqlite3.Connection) -> Drafts:
    return Drafts(db, clock=Clock())


@pytest.fixture
def queue(db: sqlite3.Connection) -> Queue:
    return Queue(db, clock=Clock())


def facts(*prints: str, version: int = 1, lineage: tuple[str, ...] = KEYS, **changes: Any) -> Facts:
    return Facts(
        lineage=lineage,
        title="Widgets",
        tag=f"v{version} 3/3",
        author="Ada Author",
        date=1_600_000_000 + version,
        result=result(*prints, version=version, **changes),
    )


def test_an_answer_is_remembered_and_taken_back(answers: Answers) -> None:
    number = answers.give(answer("a", "knob", by="rita@example.com", link="x@example.org"))
    answers.give(answer("b", "suppress", until=5))
    (first, second) = answers.for_lineage(KEYS)
    assert (first.kind, first.text, first.lineage, first.by) == ("knob", "because", KEYS, "rita@example.com")
    assert first.when > 0
    assert second.until == 5
    assert answers.last("a" * 12, KEYS) == number
    assert answers.undo(number).fingerprint == "a" * 12
    assert [item.fingerprint for item in answers.for_lineage(KEYS)] == ["b" * 12]
    assert answers.last("a" * 12, KEYS) is None
    with pytest.raises(StoreError):
        answers.undo(number)


def test_answers_of_other_series_stay_there(answers: Answers) -> None:
    answers.give(answer("a"))
    assert answers.for_lineage(("change-id:x",)) == []
    assert len(answers.listed()) == 1


def test_a_newer_answer_replaces_an_older_one_and_undo_brings_it_back(answers: Answers) -> None:
    answers.give(answer("a", "knob"))
    number = answers.give(answer("a", "suppress"))
    assert apply_answers(result("a"), answers.for_lineage(KEYS)).findings[0].state == "suppressed"
    answers.undo(number)
    assert apply_answers(result("a"), answers.for_lineage(KEYS)).findings[0].state == "answered"


def test_a_draft_is_found_again(drafts: Drafts) -> None:
    draft = drafts.open("p1@example.org", "c@example.org", "first\n", "aaa bbb")
    drafts.save(draft.id, "first\nand more 数 \ud800\n")
    again = drafts.open("p1@example.org", "c@example.org", "ignored")
    assert (again.id, again.body, again.edited) == (draft.id, "first\nand more 数 ?\n", True)
    assert drafts.find("p1@example.org") == again
    assert [item.id for item in drafts.listed("c@example.org")] == [draft.id]
    assert drafts.listed("other@example.org") == []


def test_a_closed_draft_cannot_change_and_makes_room(drafts: Drafts) -> None:
    draft = drafts.open("p1@example.org", "c@example.org", "one")
    drafts.close(draft.id, "queued")
    with pytest.raises(StoreError, match="no longer open"):
        drafts.save(draft.id, "two")
    assert drafts.find("p1@example.org") is None
    newer = drafts.open("p1@example.org", "c@example.org", "three")
    assert newer.id != draft.id
    with pytest.raises(StoreError, match="newer draft"):
        drafts.reopen(draft.id)
    drafts.close(newer.id, "discarded")
    assert drafts.reopen(draft.id).state == "open"


def test_a_draft_has_its_limit(drafts: Drafts) -> None:
    with pytest.raises(StoreError):
        drafts.open("p1@example.org", "c@example.org", "x" * (MAX_DRAFT_CHARS + 1))


def test_what_was_typed_survives_kill_9(tmp_path: Path, drafts: Drafts) -> None:
    draft = drafts.open("p1@example.org", "c@example.org", "")
    pid = os.fork()
    if pid == 0:
        other = Drafts(sqlite3.connect(tmp_path / "store.db"))
        text = ""
        for letter in "typed letter by letter":
            text += letter
            other.save(draft.id, text)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert drafts.get(draft.id).body == "typed letter by letter"


def test_a_row_from_source_to_counts(queue: Queue) -> None:
    row = queue.add("cover-v1@example.org")
    assert (row.title, row.state, row.series) == ("cover-v1@example.org", "new", "")
    assert queue.add("cover-v1@example.org") == row
    row = queue.record(row.id, facts("a", "b"))
    assert (row.title, row.tag, row.high, row.notes, row.new, row.arch) == ("Widgets", "v1 3/3", 2, 0, 2, "arm64")
    settled = apply_answers(row_result := queue.results(row.id)[0], [answer("a")])
    assert row_result.findings[0].state == "new"
    row = queue.recount(row.id, settled)
    assert (row.high, row.new, row.answered) == (1, 1, 1)


def test_a_failed_fetch_is_a_row_with_its_reason(queue: Queue) -> None:
    row = queue.fail(queue.add("x@example.org").id, "no such message")
    assert (row.problem, row.state) == ("no such message", "new")
    assert queue.record(row.id, facts("a")).problem == ""


def test_a_new_version_comes_into_the_same_row_and_is_new_again(queue: Queue) -> None:
    row = queue.record(queue.add("cover-v1@example.org").id, facts("a"))
    queue.set_state(row.id, "replied")
    later = queue.record(queue.add("cover-v2@example.org").id, facts("a", "b", version=2))
    assert (later.id, later.tag, later.state, later.series) == (row.id, "v2 3/3", "new", "cover-v2@example.org")
    assert [item.series.version for item in queue.results(row.id)] == [1, 2]
    assert len(queue.rows()) == 1


def test_an_older_version_does_not_turn_the_row_back(queue: Queue) -> None:
    row = queue.record(queue.add("cover-v2@example.org").id, facts("b", version=2))
    queue.set_state(row.id, "waiting")
    older = queue.record(queue.add("cover-v1@example.org").id, facts("a"))
    assert (older.id, older.tag, older.state) == (row.id, "v2 3/3", "waiting")
    assert [item.series.version for item in queue.results(row.id)] == [1, 2]


def test_other_series_keep_their_rows(queue: Queue) -> None:
    queue.record(queue.add("cover-v1@example.org").id, facts("a"))
    other = facts("a", version=3, lineage=("change-id:y",))
    queue.record(queue.add("cover-v3@example.org").id, other)
    assert len(queue.rows()) == 2


def test_snoozed_rows_wake_up(db: sqlite3.Connection) -> None:
    now = 1000.0
    queue = Queue(db, clock=lambda: now)
    row = queue.add("a@example.org")
    assert queue.set_state(row.id, "snoozed", 2000).wake == 2000
    assert queue.wake() == 0
    now = 2000.0
    assert queue.wake() == 1
    assert (queue.get(row.id).state, queue.get(row.id).wake) == ("new", None)


def test_a_removed_row_is_gone_and_a_wrong_state_refused(queue: Queue) -> None:
    row = queue.record(queue.add("a@example.org").id, facts("a"))
    with pytest.raises(StoreError):
        queue.set_state(row.id, "lost")  # type: ignore[arg-type]
    queue.remove(row.id)
    assert queue.rows() == []
    with pytest.raises(StoreError):
        queue.get(row.id)


def test_a_result_of_another_schema_is_left_out(queue: Queue, db: sqlite3.Connection) -> None:
    row = queue.record(queue.add("a@example.org").id, facts("a"))
    db.execute("UPDATE tracked_version SET result = ?", (b'{"schema": 99}',))
    assert queue.results(row.id) == []
