# SPDX-License-Identifier: GPL-2.0-or-later
"""What the bot wants to say: one draft a posting; who let it out; what was answered, muted and retracted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from abireview.errors import NotFoundError, StoreError
from abireview.mail.model import Person

if TYPE_CHECKING:
    from abireview.store.db import Store

DraftState = Literal["waiting", "approved", "posted", "rejected", "superseded", "silenced"]
STATES: tuple[DraftState, ...] = get_args(DraftState)

SCHEMA = """
CREATE TABLE bot_draft (
  id INTEGER PRIMARY KEY,
  series TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL,
  action TEXT NOT NULL,
  "to" TEXT NOT NULL,
  cc TEXT NOT NULL,
  lists TEXT NOT NULL,
  questions TEXT NOT NULL,
  fingerprints TEXT NOT NULL,
  rules TEXT NOT NULL,
  automatic INTEGER NOT NULL,
  ready REAL NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('waiting', 'approved', 'posted', 'rejected', 'superseded', 'silenced')),
  by TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  msgid TEXT NOT NULL DEFAULT '',
  created REAL NOT NULL,
  changed REAL NOT NULL
);
CREATE INDEX bot_draft_state ON bot_draft (state);
CREATE TABLE bot_mute (
  key TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  msgid TEXT NOT NULL,
  at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE bot_command (
  id INTEGER PRIMARY KEY,
  msgid TEXT NOT NULL,
  digest TEXT NOT NULL,
  series TEXT NOT NULL,
  sender TEXT NOT NULL,
  verb TEXT NOT NULL,
  rules TEXT NOT NULL DEFAULT '[]',
  outcome TEXT NOT NULL,
  at REAL NOT NULL
);
CREATE INDEX bot_command_msgid ON bot_command (msgid);
CREATE INDEX bot_command_digest ON bot_command (digest);
CREATE INDEX bot_command_sender ON bot_command (sender, at);
CREATE TABLE bot_retraction (
  draft INTEGER PRIMARY KEY REFERENCES bot_draft (id),
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  msgid TEXT NOT NULL,
  at REAL NOT NULL
);
"""

_COLUMNS = (
    'id, series, body, action, "to", cc, lists, questions, fingerprints, rules, automatic, ready, state, by, note,'
    " msgid, created, changed"
)


class BotDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said about one posting.

    ``questions`` are the fingerprints of each numbered question, ``fingerprints`` all that it speaks of, ``rules`` one
    rule for each of these. ``ready`` is when its hold ends; ``by`` who let it out or stopped it, ``note`` why.
    ``msgid`` is that of its mail once it is in the outbox. Times are seconds since 1970.
    """

    id: int = 0
    series: str
    body: str
    action: str
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    lists: tuple[str, ...]
    questions: tuple[tuple[str, ...], ...]
    fingerprints: tuple[str, ...]
    rules: tuple[str, ...]
    automatic: bool
    ready: float
    state: DraftState = "waiting"
    by: str = ""
    note: str = ""
    msgid: str = ""
    created: float
    changed: float

    @property
    def key(self) -> str:
        """The outbox's key: one mail a posting."""
        return f"bot:summary:{self.series}"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command by mail and what became of it; ``rules`` are those of the findings it settled."""

    msgid: str
    digest: str
    series: str
    sender: str
    verb: str
    outcome: str
    at: float
    rules: tuple[str, ...] = ()


class Retraction(msgspec.Struct, frozen=True):
    """A mail that was taken back. ``msgid`` is that of the correction."""

    draft: int
    reason: str
    by: str
    msgid: str
    at: float


class BotDrafts:
    """The bot's drafts in one store. Methods that do not say so write in the caller's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def of(cls, store: Store) -> BotDrafts:
        """The drafts in ``store``."""
        return cls(store.connection)

    def put(self, draft: BotDraft) -> None:
        """Keep the draft of a posting. One that a person decided on, or that is posted, stays as it is."""
        known = self.for_series(draft.series)
        if known is not None and known.state not in {"waiting", "silenced", "superseded"}:
            return
        created = draft.created if known is None else known.created
        values = _values(msgspec.structs.replace(draft, created=created))[1:]
        sets = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:])
        self._db.execute(
            f"INSERT INTO bot_draft ({_COLUMNS.partition(', ')[2]}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608
            f" ON CONFLICT (series) DO UPDATE SET {sets}",
            values,
        )

    def move(
        self,
        number: int,
        before: Collection[DraftState],
        after: DraftState,
        *,
        now: float,
        by: str = "",
        note: str = "",
        msgid: str = "",
    ) -> BotDraft:
        """Change the state of a draft. Raises StoreError if it is in none of ``before``."""
        draft = self.get(number)
        if draft.state not in before:
            raise StoreError(f"draft {number} is {draft.state}", hint="'abireview bot list' shows the drafts")
        self._db.execute(
            "UPDATE bot_draft SET state = ?, by = CASE ? WHEN '' THEN by ELSE ? END, note = ?,"
            " msgid = CASE ? WHEN '' THEN msgid ELSE ? END, changed = ? WHERE id = ?",
            (after, by, by, note[:500], msgid, msgid, now, number),
        )
        return self.get(number)

    def set_text(self, number: int, body: str, questions: tuple[tuple[str, ...], ...], now: float) -> None:
        """Another text for a draft that is not posted: somebody said part of it meanwhile."""
        self._db.execute(
            "UPDATE bot_draft SET body = ?, questions = ?, changed = ?"
            " WHERE id = ? AND state IN ('waiting', 'approved')",
            (body, json.dumps(questions), now, number),
        )

    def get(self, number: int) -> BotDraft:
        """The draft with this number. Raises NotFoundError."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM bot_draft WHERE id = ?", (number,)).fetchone()  # noqa: S608
        if row is None:
            raise NotFoundError(f"there is no draft {number}", hint="'abireview bot list' shows the drafts")
        return _draft(row)

    def for_series(self, series: str) -> BotDraft | None:
        """The draft about a posting."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM bot_draft WHERE series = ?", (series,)).fetchone()  # noqa: S608
        return None if row is None else _draft(row)

    def with_msgid(self, msgids: Iterable[str]) -> BotDraft | None:
        """The draft whose mail is one of ``msgids``."""
        for msgid in msgids:
            row = self._db.execute(
                f"SELECT {_COLUMNS} FROM bot_draft WHERE msgid = ? AND msgid <> ''",  # noqa: S608
                (msgid,),
            ).fetchone()
            if row is not None:
                return _draft(row)
        return None

    def drafts(self, states: Collection[DraftState] = ()) -> list[BotDraft]:
        """All drafts, or those in one of ``states``, oldest first."""
        chosen = tuple(states) or STATES
        marks = ", ".join("?" * len(chosen))
        query = f"SELECT {_COLUMNS} FROM bot_draft WHERE state IN ({marks}) ORDER BY id"  # noqa: S608
        return [_draft(row) for row in self._db.execute(query, chosen)]

    def posted_since(self, list_name: str, since: float) -> int:
        """How many mails about postings to a list were put into the outbox since then."""
        rows = self._db.execute("SELECT lists FROM bot_draft WHERE state = 'posted' AND changed > ?", (since,))
        return sum(list_name in json.loads(row[0]) for row in rows)

    def stamp(self) -> tuple[object, ...]:
        """Another value after any draft, command or retraction changed."""
        query = (
            "SELECT (SELECT MAX(changed) FROM bot_draft), (SELECT COUNT(*) FROM bot_command),"
            " (SELECT COUNT(*) FROM bot_retraction)"
        )
        return tuple(self._db.execute(query).fetchone())

    # mutes

    def mute(self, keys: Iterable[str], by: str, msgid: str, now: float) -> None:
        """Nothing more about the series with one of these lineage keys."""
        self._db.executemany(
            "INSERT OR IGNORE INTO bot_mute (key, by, msgid, at) VALUES (?, ?, ?, ?)",
            [(key, by, msgid, now) for key in keys],
        )

    def muted(self, keys: Collection[str]) -> str:
        """Who muted a series, "" if nobody did."""
        marks = ", ".join("?" * len(keys))
        row = self._db.execute(f"SELECT by FROM bot_mute WHERE key IN ({marks}) LIMIT 1", tuple(keys)).fetchone()  # noqa: S608
        return "" if row is None else str(row[0])

    # commands

    def add_command(self, command: Command) -> None:
        """Note down a command and what became of it."""
        values = msgspec.structs.asdict(command)
        values["rules"] = json.dumps(command.rules)
        names = ", ".join(values)
        self._db.execute(
            f"INSERT INTO bot_command ({names}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            tuple(values.values()),
        )

    def commanded(self, msgid: str, digest: str) -> bool:
        """True if the commands of this mail (or of the same mail under another message-id) were dealt with."""
        query = "SELECT 1 FROM bot_command WHERE msgid = ? OR digest = ?"
        return self._db.execute(query, (msgid, digest)).fetchone() is not None

    def commands(self) -> list[Command]:
        """All commands, oldest first."""
        names = "msgid, digest, series, sender, verb, outcome, at, rules"
        rows = self._db.execute(f"SELECT {names} FROM bot_command ORDER BY id")  # noqa: S608
        return [Command(**dict(zip(names.split(", "), (*row[:7], json.loads(row[7])), strict=True))) for row in rows]

    def answered_since(self, sender: str, since: float) -> int:
        """How many mails of help went to ``sender`` since then."""
        row = self._db.execute(
            "SELECT COUNT(*) FROM bot_command WHERE sender = ? AND at > ? AND outcome LIKE 'helped%'", (sender, since)
        ).fetchone()
        return int(row[0])

    # retractions

    def retract(self, retraction: Retraction) -> None:
        """Note down that a mail was taken back."""
        self._db.execute(
            "INSERT OR IGNORE INTO bot_retraction (draft, reason, by, msgid, at) VALUES (?, ?, ?, ?, ?)",
            msgspec.structs.astuple(retraction),
        )

    def retractions(self) -> list[Retraction]:
        """All retractions, oldest first."""
        rows = self._db.execute("SELECT draft, reason, by, msgid, at FROM bot_retraction ORDER BY at, draft")
        return [Retraction(*row) for row in rows]


def _values(draft: BotDraft) -> list[object]:
    plain = msgspec.to_builtins(draft)
    return [
        json.dumps(plain[name]) if isinstance(plain[name], list | tuple) else plain[name]
        for name in BotDraft.__struct_fields__
    ]


def _draft(row: tuple[object, ...]) -> BotDraft:
    values = dict(zip(BotDraft.__struct_fields__, row, strict=True))
    for name in ("to", "cc", "lists", "questions", "fingerprints", "rules"):
        values[name] = json.loads(str(values[name]))
    values["automatic"] = bool(values["automatic"])
    return msgspec.convert(values, BotDraft)
