# SPDX-License-Identifier: GPL-2.0-or-later
"""A person's word on the bot's drafts, from the command line and from the review's screen alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from abireview.bot.examine import Examiner
from abireview.bot.log import Log
from abireview.bot.policy import Policy, default_path, load_policy
from abireview.bot.sender import Sender
from abireview.bot.watch import Watcher
from abireview.errors import SendError, UsageError
from abireview.store.botdrafts import BotDraft, BotDrafts, Retraction
from abireview.store.botseries import BotSeries
from abireview.store.outbox import Entry, Outbox

if TYPE_CHECKING:
    from abireview.findings.model import Result
    from abireview.mail.model import Series
    from abireview.store.db import Store

POLICY_VARIABLE: Final = "ABIREVIEW_BOT_POLICY"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A draft for a person to read.

    ``raw`` are the bytes of its mail: those that left (or stand in the outbox as ``entry``), else those that would
    leave now, empty where there would be no mail, and then ``why`` says why. ``reasons`` are those of the decision,
    ``full`` names a list whose daily cap is reached.
    """

    draft: BotDraft
    subject: str
    raw: bytes
    reasons: tuple[str, ...] = ()
    why: str = ""
    full: str = ""
    entry: Entry | None = None
    retraction: Retraction | None = None


class Moderator:
    """Shows drafts and does what a person says of them, in one store and under one policy. ``who`` is kept with it."""

    def __init__(
        self, store: Store, policy: Policy, who: str, *, log: Log | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._policy, self._who, self._clock = store, policy, who, clock
        self._drafts, self._series = BotDrafts.of(store), BotSeries.of(store)
        self._outbox = Outbox(store.connection, store.path.with_name("send.lock"), clock=clock)
        self._sender = Sender(store, policy, self._outbox, look_up=lambda _: None, log=log, clock=clock)

    def show(self, number: int) -> Shown:
        """Draft ``number`` and its mail, after the same look that the bot takes before it sends.

        Raises NotFoundError, and ConfigError where the policy cannot be used.
        """
        from abireview.lore.b4mail import to_bytes

        draft = self._drafts.get(number)
        row = self._series.get(draft.series)
        shown = Shown(
            draft=draft,
            subject=row.subject if row else draft.series,
            raw=b"",
            reasons=row.reasons if row else (),
        )
        entry = self._outbox.find(draft.key)
        if entry is not None:
            taken_back = next((one for one in self._drafts.retractions() if one.draft == number), None)
            raw = self._outbox.raw(entry.id)
            return msgspec.structs.replace(shown, raw=raw, entry=entry, retraction=taken_back)
        if draft.action != "mail":
            why = f"the policy has drafts only for {', '.join(draft.lists)}"
            return msgspec.structs.replace(shown, why=why)
        examiner = Examiner.of(self._store, self._policy, _no_check, clock=self._clock)
        watcher = Watcher(self._store, (), settle=lambda _: 0.0, clock=self._clock)
        letter = self._sender.letter(draft, examiner, watcher)
        raw = to_bytes(letter.mail) if letter.mail is not None else b""
        return msgspec.structs.replace(shown, raw=raw, why=letter.why, full=self._sender.full(draft))

    def approve(self, number: int, *, seen: BotDraft | None = None) -> str:
        """Let a draft out: the bot's next turn after its hold looks once more, and sends it. A sentence that says when.

        ``seen`` is the draft as it was read; one that changed since is refused. Raises StoreError, NotFoundError and
        UsageError.
        """
        draft = self._sender.approve(number, self._who, seen=seen)
        return f"draft {draft.id} goes {departure(draft, self._clock())}"

    def reject(self, number: int, why: str) -> str:
        """Keep a draft in; later versions are not asked the same. Raises StoreError and NotFoundError."""
        self._sender.reject(number, self._who, why)
        return f"draft {number} stays here"

    def retract(self, number: int, why: str) -> str:
        """Take a posted mail back. Raises StoreError, NotFoundError, SendError and UsageError."""
        found = self._sender.retract(number, self._who, why)
        return f"the correction <{found.msgid}> goes with the next turn" if found.msgid else "the mail was stopped"


def departure(draft: BotDraft, now: float) -> str:
    """When an approved draft goes."""
    return f"when its hold is over ({moment(draft.ready)})" if draft.ready > now else "with the bot's next turn"


def moment(when: float) -> str:
    """A time for a person to read, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(when))


def who() -> str:
    """Who is at the keyboard, for the record: git's address, else the login name."""
    import getpass

    from abireview.lore import b4mail

    try:
        return b4mail.identity().email
    except SendError:
        return getpass.getuser()


def named_policy() -> Policy:
    """The policy that $ABIREVIEW_BOT_POLICY names, else that of the configuration directory. Raises ConfigError."""
    named = os.environ.get(POLICY_VARIABLE)
    return load_policy(Path(named).expanduser() if named else default_path())


def _no_check(series: Series) -> Result:
    """Nothing is checked again for a person who reads a draft."""
    raise UsageError(f"{series.id} is not to be checked here")
