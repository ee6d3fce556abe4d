# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview bot``: watch lists and say what a list has asked to be told; docs/bot.md."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abireview.cli.output import write_stdout
from abireview.cli.ruleset import rules_option
from abireview.cli.session import VIA_HELP
from abireview.cli.verbs._bot import Chosen, alone, made, moderator, note, policy_option
from abireview.errors import NotFoundError, UsageError
from abireview.safetext import safe, safe_line

if TYPE_CHECKING:
    from abireview.bot.run import Bot
    from abireview.store.botdrafts import BotDraft
    from abireview.store.db import Store
    from abireview.store.outbox import Outbox


@click.group(short_help="Watch lists; draft and post one summary a series.", invoke_without_command=True)
@policy_option
@rules_option
@click.option("--once", is_flag=True, help="Do everything that is due, then end (for cron).")
@click.option("--follow", is_flag=True, help="Go on until stopped (for a service).")
@click.option("--dry-run", is_flag=True, help="Send and keep nothing; show what would go where, and why.")
@click.option("--since", default="1d", metavar="TIME", help="How far a first look goes back: 6h, 7d.")
@click.option("--via", default="smtp", metavar="HOW", envvar="ABIREVIEW_VIA", show_default=True, help=VIA_HELP)
@click.option("--no-dkim", "dkim", flag_value=False, default=True, help="Believe every sender (for tests only).")
@click.pass_context
def command(
    context: click.Context,
    policy: Path | None,
    rule_dirs: tuple[Path, ...],
    once: bool,
    follow: bool,
    dry_run: bool,
    since: str,
    via: str,
    dkim: bool,
) -> int:
    """Watch the lists of the policy, check what is new, draft one summary for a series that deserves it, and post it
    where a list has asked for it. Nothing leaves without a policy entry; docs/bot.md describes it.
    """
    from abireview.bot.duration import seconds

    chosen = Chosen(policy, rule_dirs, via, dkim)
    context.obj = chosen
    if context.invoked_subcommand is not None:
        return 0
    if once + follow + dry_run != 1:
        raise UsageError("say one of --once, --follow and --dry-run", hint="see 'abireview bot --help'")
    from abireview.store.db import Store

    reach = float(seconds(since))
    if dry_run:
        return _dry_run(chosen, reach)
    with Store() as store, made(chosen, store, send=True, reach=reach) as bot, alone(store) as free:
        if not free:
            note("another bot is at work with this store")
            return 0 if once else 4
        if once:
            bot.turn()
            return 0
        stopped: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: stopped.append(got))
        bot.parts.log("started", lists=[entry.name for entry in bot.policy.list if entry.mode != "off"])
        bot.follow(lambda: bool(stopped))
        bot.parts.log("stopped")
    return 0


def _dry_run(chosen: Chosen, reach: float) -> int:
    """One turn over a copy of the store."""
    import sqlite3

    from abireview.store.db import Store

    with tempfile.TemporaryDirectory(prefix="abireview-") as folder:
        path = Path(folder) / "abireview.db"
        with Store() as real:
            copy = sqlite3.connect(path)
            real.connection.backup(copy)
            copy.close()
        with Store(path) as store, made(chosen, store, dry=True, reach=reach) as bot:
            began = time.time()
            bot.turn()
            write_stdout(_report(bot, began))
    return 0


def _report(bot: Bot, began: float) -> str:
    """What would go where, and why, for every posting that was looked at since ``began``, and every draft."""
    lines: list[str] = []
    for row in bot.series.rows(["checked", "left", "failed"]):
        draft = bot.drafts.for_series(row.id)
        if (row.checked or 0) < began and (draft is None or draft.state not in {"waiting", "approved"}):
            continue
        lines.append(f"{row.subject} <{row.id}>")
        lines.append(f"  {row.action or row.state}: {'; '.join(row.reasons) or 'see the log'}")
        if draft is not None:
            lines += _where(draft, bot)
    return safe("\n".join(lines) + "\n") if lines else "nothing is new\n"


def _where(draft: BotDraft, bot: Bot) -> list[str]:
    from abireview.bot.moderate import moment

    lines = [f"  {one}" for one in ([f"to {person}" for person in draft.to] + [f"cc {person}" for person in draft.cc])]
    when = "at once" if draft.ready <= time.time() else f"not before {moment(draft.ready)}"
    lines.append(f"  {when}; {'approved by the policy' if draft.automatic else 'a person has to approve it'}")
    full = bot.sender.full(draft)
    if full:
        lines.append(f"  the daily cap of {full} is reached")
    lines += [f"  | {line}" if line else "  |" for line in draft.body.rstrip("\n").split("\n")]
    return lines


@command.command("try", short_help="Show what the policy says of one series.")
@click.argument("what")
@click.option("--server", metavar="URL", help="The archive to fetch it from.")
@click.option("--offline", is_flag=True, help="Use the cache and local files only.")
@click.pass_obj
def try_(chosen: Chosen, what: str, server: str | None, offline: bool) -> None:
    """Show what would become of the series WHAT (as 'abireview check' takes it): where its mail would go, why, and its
    text. Nothing is kept or sent.
    """
    from abireview.cli.loading import Source, load_series, open_store
    from abireview.cli.verbs._bottry import report

    source = Source(server=server, offline=offline)
    write_stdout(safe(report(chosen, load_series(what, source, store=open_store(source)))))


@command.command("list", short_help="List the drafts.")
@click.option("--all", "everything", is_flag=True, help="Also those that are posted, rejected or void.")
@click.pass_obj
def list_(chosen: Chosen, everything: bool) -> None:
    """List the drafts: number, state, when the hold ends, lists, subject."""
    from abireview.bot.moderate import moment
    from abireview.store.botdrafts import BotDrafts
    from abireview.store.botseries import BotSeries
    from abireview.store.db import Store

    with Store() as store:
        rows = BotSeries.of(store)
        for draft in (
            BotDrafts.of(store).drafts() if everything else BotDrafts.of(store).drafts(["waiting", "approved"])
        ):
            row = rows.get(draft.series)
            hold = f"hold until {moment(draft.ready)}" if draft.ready > time.time() else "hold over"
            state = _state(draft, store) if draft.state != "waiting" else f"{draft.state}, {hold}"
            subject = row.subject if row else draft.series
            write_stdout(safe_line(f"{draft.id:>4}  {state:<34} {','.join(draft.lists)}  {subject}") + "\n")


def _state(draft: BotDraft, store: Store) -> str:
    entry = _outbox(store).find(draft.key)
    state = f"{draft.state}, mail {entry.state}" if entry is not None else draft.state
    return f"{state} ({draft.note})" if draft.note else state


def _outbox(store: Store) -> Outbox:
    from abireview.store.outbox import Outbox

    return Outbox.of(store)


@command.command(short_help="Show a draft.")
@click.argument("number", type=int, metavar="N")
@click.pass_obj
def show(chosen: Chosen, number: int) -> None:
    """Show draft N: to whom it goes, its text, and what became of it."""
    from abireview.bot.moderate import moment
    from abireview.store.botdrafts import BotDrafts
    from abireview.store.botseries import BotSeries
    from abireview.store.db import Store

    with Store() as store:
        draft = BotDrafts.of(store).get(number)
        row = BotSeries.of(store).get(draft.series)
        head = [
            f"Draft {draft.id}: {_state(draft, store)}{f', by {draft.by}' if draft.by else ''}",
            f"Subject: {row.subject if row else ''}",
            f"In-Reply-To: <{draft.series}>",
            *(f"To: {person}" for person in draft.to),
            *(f"Cc: {person}" for person in draft.cc),
            f"Hold until: {moment(draft.ready)}",
            f"Why: {'; '.join(row.reasons) if row else ''}",
        ]
        write_stdout("\n".join(safe_line(line) for line in head) + "\n\n" + safe(draft.body))


@command.command(short_help="Let drafts out.")
@click.argument("numbers", type=int, nargs=-1, required=True, metavar="N…")
@click.pass_obj
def approve(chosen: Chosen, numbers: tuple[int, ...]) -> None:
    """Let drafts out: they go when their hold is over, if the policy still agrees and nobody said it meanwhile."""
    from abireview.store.db import Store

    with Store() as store:
        person = moderator(chosen, store)
        for number in numbers:
            note(person.approve(number))


@command.command(short_help="Keep drafts in.")
@click.argument("numbers", type=int, nargs=-1, required=True, metavar="N…")
@click.option("--why", default="", metavar="TEXT", help="The reason, for the record.")
@click.pass_obj
def reject(chosen: Chosen, numbers: tuple[int, ...], why: str) -> None:
    """Keep drafts in. What they ask is not asked about later versions either."""
    from abireview.store.db import Store

    with Store() as store:
        person = moderator(chosen, store)
        for number in numbers:
            note(person.reject(number, why))


@command.command(short_help="Take a posted mail back.")
@click.argument("number", type=int, metavar="N")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong, in one sentence; it is published.")
@click.pass_obj
def retract(chosen: Chosen, number: int, why: str) -> None:
    """Take the mail of draft N back: one short correction to the same people with the next turn, and a line in the
    public list of retractions. A mail that has not left yet is only stopped.
    """
    from abireview.store.db import Store

    with Store() as store:
        note(moderator(chosen, store).retract(number, why))


@command.command(short_help="Check a series again.")
@click.argument("series", nargs=-1, metavar="[MSGID…]")
@click.option("--failed", is_flag=True, help="Every series whose check failed.")
@click.pass_obj
def recheck(chosen: Chosen, series: tuple[str, ...], failed: bool) -> None:
    """Check series again with the next turn, by the message-id of their cover (or single patch)."""
    import msgspec

    from abireview.store.botseries import BotSeries
    from abireview.store.db import Store

    with Store() as store:
        known = BotSeries.of(store)
        rows = known.rows(["failed"]) if failed else []
        for text in series:
            row = known.get(text.strip().strip("<>"))
            if row is None:
                raise NotFoundError(f"the bot has not seen {text[:200]}")
            rows.append(row)
        for row in rows:
            known.save(msgspec.structs.replace(row, state="due"))
        note(f"{len(rows)} series will be checked again")


@command.command(short_help="Write the results as static pages.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.pass_obj
def site(chosen: Chosen, folder: Path) -> None:
    """Write the results below DIR: an index by list and month, a page a series, feeds, retractions, numbers."""
    from abireview.bot.site import Site
    from abireview.store.db import Store

    with Store() as store:
        count = Site(store, chosen.load(), folder, clock=time.time).write()
        note(f"{count} files written")


@command.command("policy", short_help="Check the policy and say what it allows.")
@click.pass_obj
def policy_(chosen: Chosen) -> None:
    """Check the policy, and say in one line a list what may go out."""
    from abireview.bot.duration import words

    loaded = chosen.load()
    for entry in loaded.list:
        where = {"off": "off", "draft": "drafts only", "author": "to the author", "list": "to the author and the list"}
        parts = [where[entry.mode]]
        if entry.mode != "off":
            parts.append("sent automatically" if entry.approval == "automatic" else "a person approves")
            parts.append(f"hold {words(entry.hold_seconds)}, {entry.daily_cap} a day")
        if entry.archive_only:
            parts.append("archive-only")
        parts.append(f"agreed in {entry.consent}")
        write_stdout(safe_line(f"{entry.name}: {'; '.join(parts)}") + "\n")


@command.command(short_help="Print the numbers for Prometheus.")
@click.pass_obj
def metrics(chosen: Chosen) -> None:
    """Print what the bot did, as Prometheus reads it."""
    from abireview.bot.metrics import metrics as text
    from abireview.store.db import Store

    with Store() as store:
        write_stdout(text(store, time.time()))
