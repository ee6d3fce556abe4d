# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview schema``: the JSON Schema of what abireview prints and of what it reads."""

from __future__ import annotations

import click

from abireview.cli.output import write_stdout

DOCUMENTS = {
    "result": ("abireview.findings.model", "Result"),
    "rule": ("abireview.rules.schema", "Rule"),
    "knobs": ("abireview.rules.schema", "KnobFile"),
    "scopes": ("abireview.rules.schema", "ScopeFile"),
    "gates": ("abireview.rules.schema", "GateFile"),
    "paths": ("abireview.rules.schema", "PathFile"),
    "words": ("abireview.rules.schema", "WordFile"),
    "surface": ("abireview.ledger.schema", "SurfaceFile"),
}


@click.command(short_help="Print the JSON Schema of results or of rule files.")
@click.argument("what", type=click.Choice(list(DOCUMENTS)), default="result", metavar="WHAT")
def command(what: str) -> None:
    """Print a JSON Schema (draft 2020-12) of WHAT: result (the document of --format json, the default), or one of the
    files of a rule directory: rule, knobs, scopes, gates, paths, words, surface.
    """
    import importlib
    import json

    import msgspec

    module, name = DOCUMENTS[what]
    schema = msgspec.json.schema(getattr(importlib.import_module(module), name))
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    write_stdout(json.dumps(schema, indent=2) + "\n")
