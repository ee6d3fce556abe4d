# SPDX-License-Identifier: GPL-2.0-or-later
"""What the bot did, as a text file for Prometheus' node exporter (exposition format 0.0.4). All from the store."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from abireview.errors import ConfigError
from abireview.store.botdrafts import BotDrafts
from abireview.store.botmail import BotMail
from abireview.store.botseries import BotSeries
from abireview.store.db import Store
from abireview.store.outbox import Outbox


def metrics(store: Store, now: float) -> str:
    """The text. Names begin with ``abireview_bot_``; docs/bot.md lists them."""
    mail, series, drafts = BotMail.of(store), BotSeries.of(store), BotDrafts.of(store)
    entries = [entry for entry in Outbox.of(store).entries() if entry.origin == "bot"]
    parts = [
        _family("mails_kept", "gauge", "Mails of the lists in the store.", [({}, mail.count())]),
        _labelled("series", "gauge", "Postings by state.", "state", series.counts()),
        _labelled("drafts", "gauge", "Drafts by state.", "state", Counter(one.state for one in drafts.drafts())),
        _labelled("outbox", "gauge", "Mails of the bot by state.", "state", Counter(one.state for one in entries)),
        _labelled(
            "commands_total", "counter", "Commands by mail.", "verb", Counter(one.verb for one in drafts.commands())
        ),
        _family("retractions_total", "counter", "Mails taken back.", [({}, len(drafts.retractions()))]),
        _labelled(
            "server_failures",
            "gauge",
            "Failures in a row of each server.",
            "server",
            {host: failures for host, _, failures, _ in mail.servers()},
        ),
        _family("run_timestamp_seconds", "gauge", "When the bot last worked.", [({}, int(now))]),
    ]
    return "".join(parts)


def write_metrics(store: Store, path: Path, now: float) -> None:
    """Write them to ``path``, whole or not at all. Raises ConfigError."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        partial.write_text(metrics(store, now), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"the metrics {path} cannot be written: {error.strerror}") from error


def _labelled(name: str, kind: str, text: str, label: str, counts: dict[str, int]) -> str:
    return _family(name, kind, text, [({label: value}, counts[value]) for value in sorted(counts)])


def _family(name: str, kind: str, text: str, samples: list[tuple[dict[str, str], int]]) -> str:
    full = f"abireview_bot_{name}"
    lines = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        lines.append(f"{full}{{{inner}}} {value}" if inner else f"{full} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
