# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview answer``: settle a finding, for this and later versions of the series."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from abireview.cli.loading import Source, source_options
from abireview.cli.output import write_stdout
from abireview.cli.ruleset import load as load_rules
from abireview.cli.ruleset import rules_option
from abireview.cli.session import make_desk, the_tree
from abireview.errors import UsageError
from abireview.findings.answers import GROUNDS, KINDS
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from abireview.findings.answers import Answer
    from abireview.store.db import Store


@click.command(short_help="Settle a finding for this and later versions.")
@click.argument("what", required=False)
@click.argument("finding", required=False)
@click.argument("kind", required=False, type=click.Choice(KINDS))
@click.argument("text", required=False)
@source_options
@rules_option
@click.option("--until", default="", metavar="WHEN", help="When a suppression ends: 2027-03-01, 30d, 6w.")
@click.option("--list", "listed", is_flag=True, help="List the answers, of the series WHAT or all.")
@click.option("--undo", type=int, metavar="N", help="Take answer N of the list back.")
def command(
    what: str | None,
    finding: str | None,
    kind: str | None,
    text: str | None,
    source: Source,
    rule_dirs: tuple[Path, ...],
    until: str,
    listed: bool,
    undo: int | None,
) -> int:
    """Settle FINDING (a fingerprint, or how it begins) of the series WHAT.

    KIND is knob (TEXT says where userspace can keep the old behaviour), arch-fix (TEXT is the reference that forbids
    the old behaviour), false-positive (TEXT says why), or suppress (TEXT is the reason; --until may end it).
    """
    from abireview.store.db import Store

    with Store() as store:
        if undo is not None:
            return _undo(store, undo)
        if listed:
            return _list(store, what, source, rule_dirs)
        if what is None or finding is None or kind is None:
            raise UsageError("answer needs WHAT, FINDING, KIND and TEXT", hint="see 'abireview answer --help'")
        if text is None:
            raise UsageError(f"say {GROUNDS[kind]}", hint=f"abireview answer {what} {finding} {kind} TEXT")
        from abireview.findings.until import parse_until

        ends = parse_until(until, time.time())
        desk = make_desk(source, load_rules(rule_dirs), store, tree=the_tree(source))
        opened = desk.settle(desk.check(what))
        found = opened.finding(finding)
        opened = desk.answer(opened, found, kind, text, until=ends)
        settled = opened.finding(found.fingerprint)
        write_stdout(safe_line(f"{settled.fingerprint} {settled.rule}: {settled.state}, {settled.reason}") + "\n")
    return 0


def _undo(store: Store, number: int) -> int:
    from abireview.store.answers import Answers

    answer = Answers.of(store).undo(number)
    write_stdout(safe_line(f"taken back: {answer.fingerprint} {answer.rule}: {answer.sentence}") + "\n")
    return 0


def _list(store: Store, what: str | None, source: Source, rule_dirs: tuple[Path, ...]) -> int:
    from abireview.store.answers import Answers

    keys = None
    if what is not None:
        desk = make_desk(source, load_rules(rule_dirs), store)
        keys = desk.settle(desk.check(what)).keys
    rows = Answers.of(store).listed(keys)
    write_stdout("".join(f"{safe_line(_line(number, answer))}\n" for number, answer in rows))
    return 0


def _line(number: int, answer: Answer) -> str:
    when = time.strftime("%Y-%m-%d", time.gmtime(answer.when))
    until = f" until {time.strftime('%Y-%m-%d', time.gmtime(answer.until))}" if answer.until is not None else ""
    over = " (over)" if answer.until is not None and answer.until <= time.time() else ""
    return f"{number:>4}  {answer.fingerprint}  {when}  {answer.rule}: {answer.sentence}{until}{over}"
