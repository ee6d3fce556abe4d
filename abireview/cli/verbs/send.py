# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview send``: the outbox. Every mail is shown before it goes, and goes once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from abireview.cli.loading import Source
from abireview.cli.output import write_stdout
from abireview.cli.session import VIA_HELP, archive_look_up, parse_transport
from abireview.errors import SendError, UsageError
from abireview.safetext import safe, safe_line

if TYPE_CHECKING:
    from abireview.reply.transport import Transport
    from abireview.store.outbox import Entry, Outbox


@click.command(short_help="Show the outbox and send what is queued.")
@click.argument("numbers", nargs=-1, type=int, metavar="[N…]")
@click.option("--list", "listed", is_flag=True, help="List the outbox.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, send nothing.")
@click.option("--yes", is_flag=True, help="Send without asking for each mail (you have seen them).")
@click.option("--via", default="smtp", metavar="HOW", envvar="ABIREVIEW_VIA", show_default=True, help=VIA_HELP)
@click.option("--retry", is_flag=True, help="Queue failed mails (or those named) again, and send.")
@click.option("--drop", is_flag=True, help="Take the mails named out of the outbox.")
@click.option("--resolve", is_flag=True, help="Look unknown mails up in the archive.")
@click.option("--server", metavar="URL", help="The archive to look them up in.")
def command(
    numbers: tuple[int, ...],
    listed: bool,
    dry_run: bool,
    yes: bool,
    via: str,
    retry: bool,
    drop: bool,
    resolve: bool,
    server: str | None,
) -> int:
    """Send what is queued in the outbox (or the mails N), each shown first and confirmed.

    A mail that failed stays with its reason. One whose fate is unknown (the connection broke) is not sent again before
    --resolve has looked it up in the archive.
    """
    from abireview.store.db import Store
    from abireview.store.outbox import Outbox

    transport = parse_transport(via)
    with Store() as store:
        outbox = Outbox.of(store)
        if listed:
            return _list(outbox.entries())
        if drop:
            return _drop(outbox, numbers)
        if resolve:
            return _resolve(outbox, transport, server)
        if retry:
            for entry in outbox.entries({"failed"}):
                if not entry.of_bot and (not numbers or entry.id in numbers):
                    outbox.retry(entry.id)
        queued = [entry for entry in outbox.entries({"queued"}) if not entry.of_bot]
        chosen = [outbox.get(number) for number in numbers] if numbers else queued
        return _send(outbox, chosen, transport, dry_run=dry_run, yes=yes)


def _list(entries: list[Entry]) -> int:
    from abireview.reply.outboxline import outbox_line

    write_stdout("".join(f"{safe_line(outbox_line(entry))}\n" for entry in entries))
    return 0


def _drop(outbox: Outbox, numbers: tuple[int, ...]) -> int:
    if not numbers:
        raise UsageError("--drop needs the numbers of mails", hint="'abireview send --list' shows them")
    for number in numbers:
        outbox.drop(number)
    return 0


def _resolve(outbox: Outbox, transport: Transport, server: str | None) -> int:
    archive = archive_look_up(Source(server=server))
    of_bot = {entry.msgid for entry in outbox.entries() if entry.of_bot}

    def look_up(msgid: str) -> bool | None:
        if msgid in of_bot:
            return None  # another archive may have it: the bot knows which
        found = transport.look_up(msgid)
        return archive(msgid) if found is None else found

    done = outbox.resolve(look_up)
    _list(done)
    return 0 if all(entry.state != "unknown" for entry in done) else SendError.exit_code


def _send(outbox: Outbox, chosen: list[Entry], transport: Transport, *, dry_run: bool, yes: bool) -> int:
    """Show each mail, ask, hand over; 4 if one of them was not sent."""
    for entry in chosen:
        if entry.of_bot:
            raise UsageError(f"mail {entry.id} is the bot's", hint="'abireview bot --once' sends it")
        if entry.state != "queued":
            hint = {"failed": "--retry queues it again", "unknown": "--resolve looks it up"}.get(entry.state, "")
            raise UsageError(f"mail {entry.id} is {entry.state}", hint=hint)
    if not chosen:
        sys.stderr.write("abireview: nothing is queued\n")
        return 0
    if not yes and not dry_run and not sys.stdin.isatty():
        raise UsageError("nobody is there to confirm", hint="look at them with --dry-run, then use --yes")
    agreed = []
    for entry in chosen:
        if transport.name != "stdout":
            write_stdout(safe(outbox.raw(entry.id).decode("utf-8", "replace")) + "\n")
        if dry_run:
            continue
        count = len(entry.recipients)
        if yes or click.confirm(f"Send mail {entry.id} to {count} recipient{'' if count == 1 else 's'}?", err=True):
            agreed.append(entry.id)
    if not agreed:
        return 0
    done = outbox.deliver(transport, only=agreed)
    for entry in done:
        sys.stderr.write(f"abireview: {safe_line(f'mail {entry.id} {entry.state}: {entry.reason}')}\n")
    return 0 if all(entry.state == "sent" for entry in done) else SendError.exit_code
