# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview merge``: the shards of a scan put together."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Put the outputs of 'abireview scan --shard' together.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--format", "format_name", default="jsonl", metavar="FORMAT", help="jsonl (default), html, text, …")
@click.option("-o", "--output", multiple=True, metavar="[FORMAT:]FILE", help="Write to FILE instead of stdout.")
def command(files: tuple[Path, ...], format_name: str, output: tuple[str, ...]) -> int:
    """Put the JSON lines of all shards of a scan together: the bytes that one scan would have written."""
    from abireview.cli import output as documents
    from abireview.cli.scanwriting import check_targets, emit
    from abireview.scan.merge import merge

    targets = documents.targets(format_name, output)
    check_targets(targets)
    emit(targets, lambda: merge(files))
    return 0
