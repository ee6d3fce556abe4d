# SPDX-License-Identifier: GPL-2.0-or-later
"""Draw flags at random from all series of the archive, to be judged by hand one by one.

    python bench/sample.py [--corpus ../shared] [--count 60] [--seed 1]

Prints one JSON object a line: series, patch, rule, file, fingerprint, message, evidence. The same rules, archive and
seed give the same sample. Verdicts are kept in ``rules/measured/verdicts-sample.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import sys
from pathlib import Path

from abireview.check import check
from abireview.mail.decode import decode
from abireview.mail.kind import load_projects
from abireview.mail.mbox import iter_mbox
from abireview.mail.series import assemble
from abireview.rules.load import default_dir, load_rules

HERE = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(os.environ.get("ABIREVIEW_CORPUS", HERE.parent / "shared")))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    rules = load_rules()
    projects = load_projects((default_dir() / "lists/projects.toml").read_bytes())
    with lzma.open(wanted.corpus / "archive/kvmarm-2019-2022.mbox.xz") as stream:
        thread = assemble([decode(raw) for raw in iter_mbox(stream)], projects)
    found = []
    for series in thread.series:
        found += [
            {
                "rule": f.rule, "series": series.id, "patch": f.patch, "file": f.file, "symbol": f.symbol,
                "fingerprint": f.fingerprint, "message": f.message, "evidence": f.evidence[:6],
            }
            for f in check(series, rules).findings
            if f.level == "flag"
        ]  # fmt: skip
    found.sort(key=lambda row: (row["series"], row["patch"], row["fingerprint"]))
    for row in random.Random(wanted.seed).sample(found, min(wanted.count, len(found))):
        print(json.dumps(row, ensure_ascii=False))
    print(f"{len(found)} flags in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
