# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview reply``: draft the reply to a patch from its findings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from abireview.cli.loading import Source, source_options
from abireview.cli.output import write_stdout
from abireview.cli.ruleset import load as load_rules
from abireview.cli.ruleset import rules_option
from abireview.cli.session import make_desk, the_tree
from abireview.errors import NotFoundError, UsageError
from abireview.reply.trailers import TRAILERS
from abireview.safetext import safe, safe_line

if TYPE_CHECKING:
    from abireview.reply.desk import Desk, Opened
    from abireview.reply.lint import Issue
    from abireview.store.drafts import Draft


@click.command(short_help="Draft the reply to a patch from its findings.")
@click.argument("what")
@source_options
@rules_option
@click.option("--finding", "prints", multiple=True, metavar="FINGERPRINT", help="Only about these findings.")
@click.option(
    "--patch", "number", type=int, metavar="N", help="Reply to patch N; without it to the first with findings."
)
@click.option("--cover", is_flag=True, help="Reply to the cover letter, about all patches.")
@click.option("--to", "reply_to", metavar="MSGID", help="Reply to this mail of the thread.")
@click.option("--trailer", "trailers", multiple=True, type=click.Choice(TRAILERS), help="Give this trailer.")
@click.option("--body", type=click.File("r", encoding="utf-8"), help="Take the text from a file ('-': stdin).")
@click.option("-e", "--edit", is_flag=True, help="Open the draft in your editor first.")
@click.option("--fresh", is_flag=True, help="Throw an older draft for the same mail away.")
@click.option("--queue", is_flag=True, help="Put the mail into the outbox; 'abireview send' sends it.")
def command(
    what: str,
    source: Source,
    rule_dirs: tuple[Path, ...],
    prints: tuple[str, ...],
    number: int | None,
    cover: bool,
    reply_to: str | None,
    trailers: tuple[str, ...],
    body: IO[str] | None,
    edit: bool,
    fresh: bool,
    queue: bool,
) -> int:
    """Draft a reply and show it exactly as it would go out: only the hunks concerned are quoted, each question below
    its line. The draft is kept; nothing is sent.
    """
    from abireview.store.db import Store
    from abireview.store.drafts import Drafts

    with Store() as store:
        desk = make_desk(source, load_rules(rule_dirs), store, tree=the_tree(source))
        desk.tidy()
        opened = desk.settle(desk.check(what))
        target = _target(opened, prints, number, cover, reply_to)
        known = Drafts.of(store).find(target)
        if fresh and known is not None:
            Drafts.of(store).close(known.id, "discarded")
        wanted = {opened.finding(text).fingerprint for text in prints} or None
        draft = desk.draft(opened, target, wanted)
        text = _text(draft, trailers, body.read() if body is not None else None, edit)
        if text != draft.body:
            Drafts.of(store).save(draft.id, text)
            draft = Drafts.of(store).get(draft.id)
        return _show(desk, opened, draft, queue)


def _target(opened: Opened, prints: tuple[str, ...], number: int | None, cover: bool, msgid: str | None) -> str:
    """The message-id of the mail to reply to. Raises UsageError and NotFoundError."""
    if sum((number is not None, cover, msgid is not None)) > 1:
        raise UsageError("only one of --patch, --cover and --to makes sense")
    if msgid is not None:
        return opened.message(msgid.strip().strip("<>")).msgid
    if number is not None:
        return opened.patch(number).msgid
    if cover:
        return opened.series.id
    if prints:
        patches = {opened.finding(text).patch for text in prints}
        return patches.pop() if len(patches) == 1 else opened.series.id
    found = next((item for item in opened.result.findings if item.state in {"new", "carried"}), None)
    if found is None:
        raise NotFoundError("the series has no open finding", hint="--patch N, --cover or --to names the mail")
    return found.patch


def _text(draft: Draft, trailers: tuple[str, ...], body: str | None, edit: bool) -> str:
    from abireview.lore import b4mail
    from abireview.reply.trailers import given, toggle

    text = draft.body if body is None else body
    me = b4mail.identity()
    for name in trailers:
        if name not in given(text, me):
            text = toggle(text, name, me)
    if edit:
        from abireview.reply.editor import edit as edit_text

        text = edit_text(text)
    return text


def _show(desk: Desk, opened: Opened, draft: Draft, queue: bool) -> int:
    from abireview.lore import b4mail
    from abireview.reply.lint import has_errors

    mail = desk.outgoing(opened, draft)
    issues = desk.lint(draft.body)
    write_stdout(safe(b4mail.to_bytes(mail).decode("utf-8")))
    for person in desk.headers(opened, draft).left_out:
        _note(f"not addressed: {person}")
    for issue in issues:
        _note(_issue(issue))
    if not queue:
        _note(f"draft {draft.id} is kept; --queue puts it into the outbox, --edit changes it")
        return 0
    if has_errors(issues):
        raise UsageError("lint found errors: this does not go out", hint="--edit changes the draft")
    entry = desk.post(draft, mail)
    _note(f"mail {entry.id} is in the outbox ({entry.state}); 'abireview send' sends it")
    return 0


def _issue(issue: Issue) -> str:
    where = f"line {issue.line}: " if issue.line else ""
    return f"{issue.severity}: {where}{issue.text}"


def _note(text: str) -> None:
    sys.stderr.write(f"abireview: {safe_line(text)}\n")
