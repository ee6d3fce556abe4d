# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview schema``: the JSON Schema of what abireview prints and of what it reads."""

from __future__ import annotations

import click

from abireview.cli.output import write_stdout


@click.command(short_help="Print the JSON Schema of results or of rule files.")
@click.argument("what", type=click.Choice(["result", "rule"]), default="result")
def command(what: str) -> None:
    """Print a JSON Schema (draft 2020-12): of one result document, or of a rule file for editors."""
    import json

    import msgspec

    if what == "rule":
        from abireview.rules.schema import RuleFile as Document
    else:
        from abireview.findings.model import Result as Document
    schema = msgspec.json.schema(Document)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    write_stdout(json.dumps(schema, indent=2) + "\n")
