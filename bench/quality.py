# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure every rule on the labelled corpus and the archive, and write what was measured.

    python bench/quality.py [--corpus ../shared] [--check]

Writes ``rules/measured/corpus.json`` (hits and false alarms of each rule, shown by ``abireview rule show``) and
``docs/quality.md``. ``--check`` writes nothing and exits 1 if either is stale. Misses of the third of the series that
is kept aside are counted, never listed.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import importlib.util
import json
import lzma
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from score import series_of

from abireview.check import check
from abireview.findings.model import Finding, Result
from abireview.mail.decode import decode
from abireview.mail.kind import load_projects
from abireview.mail.mbox import iter_mbox
from abireview.mail.series import assemble
from abireview.rules.load import RuleSet, default_dir, load_rules

HERE = Path(__file__).resolve().parent.parent
TABLE = HERE / "rules/measured/corpus.json"
REPORT = HERE / "docs/quality.md"
VERDICTS = ("flag", "note", "ok", "nothing")


def scorer(corpus: Path) -> ModuleType:
    """The corpus' own scoring script, as a module."""
    spec = importlib.util.spec_from_file_location("corpus_score", corpus / "tools/score.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{corpus} has no tools/score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tally:
    """Counts by rule, surface and severity."""

    def __init__(self) -> None:
        self.rules: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self.right: dict[str, set[str]] = collections.defaultdict(set)
        self.labels: collections.Counter[tuple[str, str, bool]] = collections.Counter()
        self.missed: list[tuple[str, str, str, str]] = []

    def series(self, score: ModuleType, corpus: Path, label: dict[str, Any], result: Result) -> None:
        diffs = score.diff_lines(corpus / f"corpus/series/{label['key']}.mbox")
        hit = [False] * len(label["changes"])
        for finding in result.findings:
            best = self._near(score, diffs, label["changes"], finding, hit)
            if finding.level == "flag":
                self.rules[finding.rule][best] += 1
                if best == "flag":
                    self.right[finding.rule].add(label["key"])
            else:
                self.rules[finding.rule]["notes"] += 1
        aside = int(hashlib.sha256(label["id"].encode()).hexdigest(), 16) % 3 == 0
        for change, found in zip(label["changes"], hit, strict=True):
            if change["verdict"] != "flag":
                continue
            self.labels[change["surface"], change["severity"], found] += 1
            if not found and not aside:
                self.missed.append((label["key"], change["severity"], change["surface"], change["file"]))

    def _near(
        self, score: ModuleType, diffs: Any, changes: list[dict[str, Any]], finding: Finding, hit: list[bool]
    ) -> str:
        lines = score.positions(diffs, finding.patch, finding.file, score.keys_of(finding.evidence))
        near = set()
        for index, change in enumerate(changes):
            if change["patch"] != finding.patch:
                continue
            same_file = change["file"] == finding.file
            other = score.positions(diffs, change["patch"], change["file"], score.keys_of(change["lines"]))
            close = same_file and any(abs(x - y) <= score.REACH for x in lines for y in other)
            if close or (lines and finding.surface == change["surface"]):
                near.add(change["verdict"])
                hit[index] |= finding.level == "flag" or change["verdict"] != "flag"
        return next((verdict for verdict in VERDICTS if verdict in near), "nothing")


def measure(corpus: Path, rules: RuleSet) -> tuple[Tally, dict[str, collections.Counter[str]], tuple[int, int]]:
    """The tally over the labels, the archive's counts by rule, and (series with a flag, all series) of the archive."""
    score, tally = scorer(corpus), Tally()
    results = {key: check(series, rules) for key, series in series_of(corpus).items()}
    for path in sorted((corpus / "corpus/labels").glob("*.json")):
        label = json.loads(path.read_text())
        if label["key"] in results:
            tally.series(score, corpus, label, results[label["key"]])
    projects = load_projects((default_dir() / "lists/projects.toml").read_bytes())
    archive: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    flagged = total = 0
    with lzma.open(corpus / "archive/kvmarm-2019-2022.mbox.xz") as stream:
        thread = assemble([decode(raw) for raw in iter_mbox(stream)], projects)
    for series in thread.series:
        total += 1
        flags = {f.rule for f in check(series, rules).findings if f.level == "flag"}
        flagged += bool(flags)
        for rule in flags:
            archive[rule]["series"] += 1
    return tally, archive, (flagged, total)


def table(rules: RuleSet, tally: Tally, archive: dict[str, collections.Counter[str]]) -> bytes:
    """``rules/measured/corpus.json``."""
    rows = {
        rule.id: {
            "level": rule.level,
            "right": tally.rules[rule.id]["flag"],
            "on_note": tally.rules[rule.id]["note"],
            "false": tally.rules[rule.id]["ok"] + tally.rules[rule.id]["nothing"],
            "notes": tally.rules[rule.id]["notes"],
            "series_right": len(tally.right[rule.id]),
            "archive_series": archive[rule.id]["series"],
        }
        for rule in rules.rules
    }
    return msgspec.json.format(msgspec.json.encode({"rules": rules.hash, "measured": rows}), indent=1) + b"\n"


def judged() -> list[dict[str, str]]:
    """The verdicts on findings drawn at random from the archive."""
    path = HERE / "rules/measured/verdicts-sample.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def report(rules: RuleSet, tally: Tally, archive: dict[str, collections.Counter[str]], share: tuple[int, int]) -> str:
    """``docs/quality.md``."""
    out = ["# Quality, as measured", "", f"Generated by `make quality` for rule set {rules.hash}; do not edit.", ""]
    out += ["## By severity", "", "| severity | found | labelled | recall |", "| --- | ---: | ---: | ---: |"]
    for severity in ("high", "medium", "low"):
        out.append(_recall(severity, tally, lambda key, s=severity: key[1] == s))
    out += ["", "## By surface", "", "| surface | found | labelled | recall |", "| --- | ---: | ---: | ---: |"]
    surfaces = collections.Counter(key[0] for key, count in tally.labels.items() for _ in range(count))
    for surface, _ in sorted(surfaces.items(), key=lambda item: (-item[1], item[0])):
        out.append(_recall(surface, tally, lambda key, s=surface: key[0] == s))
    out += ["", "## By rule", "", "A flag is right on a labelled flag; on a labelled note it is too loud, else false."]
    out += ["", "| rule | level | right | too loud | false | series right | archive series |"]
    out += ["| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for rule in sorted(rules.rules, key=lambda r: (-tally.rules[r.id]["flag"], r.id)):
        count = tally.rules[rule.id]
        wrong = count["ok"] + count["nothing"]
        out.append(
            f"| {rule.id} | {rule.level} | {count['flag']} | {count['note']} | {wrong} |"
            f" {len(tally.right[rule.id])} | {archive[rule.id]['series']} |"
        )
    out += ["", "## The archive", ""]
    out.append(f"{share[0]} of {share[1]} series of the archive have a flag ({share[0] / max(1, share[1]):.3f}).")
    out += _sample(judged())
    out += ["", "## What is missed", "", "Labelled flags that nothing finds, outside the third kept aside:", ""]
    out += ["| series | severity | surface | file |", "| --- | --- | --- | --- |"]
    out += [f"| {key} | {severity} | {surface} | {file} |" for key, severity, surface, file in sorted(tally.missed)]
    return "\n".join(out) + "\n"


def _recall(name: str, tally: Tally, wanted: Any) -> str:
    found = sum(count for key, count in tally.labels.items() if wanted(key) and key[2])
    total = sum(count for key, count in tally.labels.items() if wanted(key))
    return f"| {name} | {found} | {total} | {found / total:.2f} |" if total else f"| {name} | 0 | 0 | – |"


def _sample(rows: list[dict[str, str]]) -> list[str]:
    if not rows:
        return []
    counts = collections.Counter(row["verdict"] for row in rows)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("right", "note", "wrong") if counts[verdict])
    return [
        "",
        f"{len(rows)} flags drawn at random from it and judged one by one by the words of the label guide: {said}",
        f"(precision {counts['right'] / len(rows):.2f}). The verdicts are `rules/measured/verdicts-sample.jsonl`.",
        "What was wrong was sharpened afterwards: the figure is of the rules before that.",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(os.environ.get("ABIREVIEW_CORPUS", HERE.parent / "shared")))
    parser.add_argument("--check", action="store_true")
    wanted = parser.parse_args()
    rules = load_rules()
    tally, archive, share = measure(wanted.corpus, rules)
    files = {TABLE: table(rules, tally, archive), REPORT: report(rules, tally, archive, share).encode()}
    stale = [path for path, data in files.items() if not path.exists() or path.read_bytes() != data]
    if wanted.check:
        for path in stale:
            print(f"{path.relative_to(HERE)} is stale: run 'make quality'", file=sys.stderr)
        return 1 if stale else 0
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"share of the archive's series with a flag: {share[0] / share[1]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
