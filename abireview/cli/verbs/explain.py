# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview explain``: the page of a rule, or what stands behind one finding."""

from __future__ import annotations

from pathlib import Path

import click

from abireview.cli.loading import Source, load_series, open_store, source_options, tree_of
from abireview.cli.output import stdout_style, write_stdout
from abireview.cli.ruleset import complete_rule, load, rules_option
from abireview.errors import NotFoundError


@click.command(short_help="Explain a rule, or why a finding was made.")
@click.argument("subject", metavar="RULE|WHAT", shell_complete=complete_rule)
@click.option("--why", "fingerprint", metavar="FINGERPRINT", help="Show what stands behind this finding of WHAT.")
@source_options
@rules_option
def command(subject: str, fingerprint: str | None, source: Source, rule_dirs: tuple[Path, ...]) -> None:
    """Explain RULE: what it flags and what not, why, bad and good examples, how a finding is settled.

    With --why, show for one finding of the series WHAT which facts changed, under which conditions they stand, and
    which ways back were looked for where. 'abireview check' shows the FINGERPRINT, or how it begins,
    after the name of the rule.
    """
    rules = load(rule_dirs)
    if fingerprint is None:
        from abireview.cli.rulepage import page
        from abireview.cli.ruleset import directories
        from abireview.rules.measured import read_measured

        measured = read_measured(directories(rule_dirs)).get(subject)
        write_stdout(page(rules.rule(subject), rules, stdout_style(), measured))
        return
    from abireview.check import examine
    from abireview.cli import whypage
    from abireview.rules.why import by_fingerprint, why

    loaded = load_series(subject, source, store=open_store(source))
    checked = examine(loaded.series, rules, tree=tree_of(loaded, source))
    if checked.evaluation is None:
        raise NotFoundError("a patch that is not the kernel's has no findings")
    finding = by_fingerprint(checked.result.findings, fingerprint.lower())
    write_stdout(whypage.page(why(checked.evaluation, finding), stdout_style()))
