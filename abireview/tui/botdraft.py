# SPDX-License-Identifier: GPL-2.0-or-later
"""A draft of the bot: its mail exactly as it would leave, and a person's word on it.

What approving, rejecting and retracting mean is ``abireview.bot.moderate``'s, as for ``abireview bot``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from abireview.errors import AbireviewError
from abireview.store.botdrafts import BotDraft, BotDrafts
from abireview.store.outbox import Entry, Outbox
from abireview.tui.background import in_daemon
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.preview import mail_lines
from abireview.tui.prompt import LinePrompt
from abireview.tui.textlines import TextLines

if TYPE_CHECKING:
    from abireview.bot.moderate import Moderator, Shown
    from abireview.store.db import Store

POLL = 2.0  # seconds between looks at the store: the command line, the bot and other sessions work on it too
WARM_WAIT = 10.0  # seconds for the import of b4 at the start
_STYLES = {"posted": "good", "approved": "accent", "waiting": "warn"}

Line = tuple[str, str]
T = TypeVar("T")


def waiting(store: Store) -> dict[str, BotDraft]:
    """The drafts that wait for a person or for their hold, by the message-id of their series."""
    return {draft.series: draft for draft in BotDrafts.of(store).drafts(["waiting", "approved"])}


def label(draft: BotDraft) -> str:
    """A few words for a row of the queue."""
    if draft.action != "mail":
        return f"draft {draft.id}"
    return f"draft {draft.id} {'waits' if draft.state == 'waiting' else 'goes'}"


def find(store: Store, series: Iterable[str]) -> BotDraft | None:
    """The draft about one of these postings: the one that waits, else the newest."""
    drafts = BotDrafts.of(store)
    found = [draft for msgid in series if (draft := drafts.for_series(msgid)) is not None]
    open_ = [draft for draft in found if draft.state in {"waiting", "approved"}]
    return max(open_ or found, key=lambda draft: draft.id, default=None)


class DraftScreen(BaseScreen):
    """One draft of the bot."""

    CSS = "DraftScreen TextLines { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+y",
            "approve",
            "Approve",
            key_display="^y",
            priority=True,
            tooltip="Let the mail out: the bot sends it when its hold is over, after a last look",
        ),
        Binding("x", "reject", "Reject", tooltip="Keep it in, with the reason; later versions are not asked the same"),
        Binding("X", "retract", "Retract", tooltip="Take a posted mail back: one short correction to the same people"),
        Binding("u", "read", "Read again", show=False, tooltip="The mail as it would leave now"),
    ]

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.shown: Shown | None = None
        self._busy = False
        self._seen: object = None

    def compose(self) -> ComposeResult:
        yield TitleBar(f"Draft {self.number} of the bot", id="title")
        yield TextLines(
            id="text", help="What the bot wants to say, and why. Nothing leaves before a person approves it (Ctrl-y)."
        )
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextLines).focus()
        self.action_read()
        self.set_interval(POLL, self._look)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        shown = self.shown
        state = shown.draft.state if shown is not None else ""
        if action == "approve":
            return state == "waiting"
        if action == "reject":
            return state in {"waiting", "approved", "silenced"}
        if action == "retract":
            return state == "posted" and shown is not None and shown.retraction is None
        return True

    # reading

    def action_read(self) -> None:
        self._status("looking at the draft once more …", "$text-warning")
        self._work(self._moderated(lambda one: one.show(self.number)), self._show, self._unread)

    def _show(self, shown: Shown) -> None:
        same = self.shown is not None and self.shown.raw == shown.raw
        self.shown, self._seen = shown, _stamp(shown.draft, shown.entry)
        view = self.query_one(TextLines)
        view.show(draft_lines(shown, self.review.now()), cursor=view.cursor if same else 0)
        self.query_one(TitleBar).show(f"Draft {self.number} of the bot: {shown.draft.state} · {shown.subject}")
        self._status(*outlook(shown, self.review.now()))
        self.refresh_bindings()

    def _unread(self, text: str) -> None:
        """The draft cannot be looked at: what is on the screen stays, and nobody tries again by himself."""
        with self.told():
            self._seen = self._now()
        self._status(text, "$text-error")
        if self.shown is None:
            self.query_one(TextLines).show([(text, "bad"), ("u tries again", "muted")])

    def _look(self) -> None:
        """Somebody else may have decided, or the bot may have sent it."""
        with self.told():
            if not self._busy and self.is_current and self._now() != self._seen:
                self.action_read()

    def _now(self) -> object:
        draft = BotDrafts.of(self.desk.store).get(self.number)
        return _stamp(draft, Outbox.of(self.desk.store).find(draft.key))

    # deciding

    def action_approve(self) -> None:
        shown = self.shown
        if shown is None or self._busy:
            return
        if not shown.raw:
            self.say(f"there is no mail to let out: {shown.why}", problem=True)
            return
        self._decide(lambda one: one.approve(self.number, seen=shown.draft))

    def action_reject(self) -> None:
        def rejected(why: str | None) -> None:
            if why is not None:
                self._decide(lambda one: one.reject(self.number, why))

        hint = (
            "for the record; may be empty. What it asks is not asked on later versions either. Esc leaves it waiting."
        )
        self.app.push_screen(LinePrompt("Why does this stay here?", hint=hint), rejected)

    def action_retract(self) -> None:
        def retracted(why: str | None) -> None:
            if why is not None:
                self._decide(lambda one: one.retract(self.number, why))

        hint = "one sentence; it goes to the same people and into the public list"
        self.app.push_screen(LinePrompt("What was wrong with this mail?", hint=hint), retracted)

    def _decide(self, act: Callable[[Moderator], str]) -> None:
        def done(sentence: str) -> None:
            self.say(sentence)
            self.action_read()

        # what failed was decided by somebody else meanwhile, or is another draft by now: show what it is
        self._work(self._moderated(act), done, lambda _: self.action_read())

    # work

    def _moderated(self, act: Callable[[Moderator], T]) -> Callable[[], T]:
        """``act`` with a moderator of its own thread: the policy is read each time, it may have been changed."""

        def run() -> T:
            from abireview.bot.moderate import Moderator, who

            self.review.warm.wait(WARM_WAIT)
            return act(Moderator(self.desk.store, self.review.policy(), who(), clock=self.review.now))

        return run

    @work(group="draft", exit_on_error=False)
    async def _work(self, run: Callable[[], T], done: Callable[[T], None], failed: Callable[[str], None]) -> None:
        """``done`` gets what ``run`` returned in its thread; what it raised is said, and ``failed`` called."""
        self._busy = True
        try:
            result = await in_daemon(run, "the bot's draft")
        except AbireviewError as error:
            self._busy = False
            self.say(f"{error}\n{error.hint}" if error.hint else str(error), problem=True)
            failed(str(error))
        except Exception as error:
            self._busy = False
            self.say(f"internal error: {type(error).__name__}: {error}", problem=True)
            failed(f"internal error: {type(error).__name__}: {error}")
        else:
            self._busy = False
            done(result)

    def _status(self, text: str, style: str = "") -> None:
        self.query_one(StatusBar).show(text, style)


def _stamp(draft: BotDraft, entry: Entry | None) -> tuple[str, float, str]:
    return draft.state, draft.changed, entry.state if entry is not None else ""


def draft_lines(shown: Shown, now: float) -> list[Line]:
    """What stands above the mail, and the mail."""
    from abireview.bot.moderate import departure, moment

    draft = shown.draft
    by = f", by {draft.by}" if draft.by else ""
    lines: list[Line] = [
        (f"{draft.state}{by}{f': {draft.note}' if draft.note else ''}", _STYLES.get(draft.state, "muted"))
    ]
    lines += [(f"why: {reason}", "muted") for reason in shown.reasons]
    if draft.state in {"waiting", "approved"} and shown.raw:
        lines.append((f"once approved it goes {departure(draft, now)},", "muted"))
        lines.append(("if the policy still agrees and nobody said it; its Date is set then", "muted"))
    if shown.full:
        lines.append((f"the daily cap of {shown.full} is reached: it waits for its turn", "warn"))
    if shown.entry is not None:
        when = f", {moment(shown.entry.handed)}" if shown.entry.handed else ""
        lines.append((f"mail {shown.entry.state}{when}: {shown.entry.reason or 'the bot sends it next'}", "muted"))
    if shown.retraction is not None:
        lines.append((f"taken back by {shown.retraction.by}: {shown.retraction.reason}", "warn"))
    if shown.why:
        lines.append((f"no mail: {shown.why}", "bad"))
    lines.append(("─" * 72, "muted"))
    if shown.raw:
        return lines + mail_lines(shown.raw.decode("utf-8", "replace"))
    return lines + [(line, "quote" if line.startswith(">") else "plain") for line in draft.body.split("\n")]


def outlook(shown: Shown, now: float) -> tuple[str, str]:
    """One line for the status bar and its style: what a key would do, or what became of it."""
    from abireview.bot.moderate import departure, moment

    draft, entry = shown.draft, shown.entry
    if draft.state == "waiting" and not shown.raw:
        return f"no mail: {shown.why}", "$text-error"
    if draft.state == "waiting":
        count = len({*draft.to, *draft.cc})
        people = f"{count} recipient{'' if count == 1 else 's'}"
        when = f"not before {moment(draft.ready)}" if draft.ready > now else "with the bot's next turn"
        return f"Ctrl-y: out to {people}, {when}; x keeps it in", "$text-warning"
    if draft.state == "approved":
        return f"approved by {draft.by}: it goes {departure(draft, now)}; x stops it", "$text-accent"
    if shown.retraction is not None:
        return f"taken back: {shown.retraction.reason}", "$text-warning"
    if draft.state == "posted" and entry is not None:
        style = {"sent": "$text-success", "queued": "$text-accent"}.get(entry.state, "$text-error")
        return f"mail {entry.state}: {entry.reason or 'the bot sends it next'}; X takes it back", style
    return f"{draft.state}{f' by {draft.by}' if draft.by else ''}{f': {draft.note}' if draft.note else ''}", ""
