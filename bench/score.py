# SPDX-License-Identifier: GPL-2.0-or-later
"""Check every series of the labelled corpus and score the results with the corpus' own script.

    python bench/score.py [--corpus ../shared] [--tree DIR] [--out results.jsonl] [-- score.py's options]

Without a kernel tree unless one is given. Prints the figures for all labels, for the third that is kept aside, and for
the rest; the CPU time is that of the engine alone (mails already decoded).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from abireview.check import check
from abireview.errors import NoPatchesError
from abireview.findings.model import encode
from abireview.mail.decode import decode
from abireview.mail.kind import load_projects
from abireview.mail.mbox import read_file
from abireview.mail.model import Series
from abireview.mail.series import assemble, pick
from abireview.rules.load import default_dir, load_rules
from abireview.source.tree import open_tree


def series_of(corpus: Path) -> dict[str, Series]:
    """The series of every mbox of the corpus by the mbox's name; of several versions the one that is labelled."""
    labels = {path.stem: json.loads(path.read_text())["id"] for path in (corpus / "corpus/labels").glob("*.json")}
    projects = load_projects((default_dir() / "lists/projects.toml").read_bytes())
    found = {}
    for path in sorted((corpus / "corpus/series").glob("*.mbox")):
        thread = assemble([decode(raw) for raw in read_file(path)], projects)
        try:
            found[path.stem] = thread.series_of(labels.get(path.stem, "")) or pick(thread, None, None)
        except NoPatchesError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
    return found


def main() -> int:
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(os.environ.get("ABIREVIEW_CORPUS", here.parent / "shared")))
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--out", type=Path, default=here / "cache/score.jsonl")
    parser.add_argument("options", nargs="*", help="passed on to score.py")
    wanted = parser.parse_args()
    rules = load_rules()
    tree = open_tree(wanted.tree) if wanted.tree else None
    series = series_of(wanted.corpus)
    start = time.process_time()
    lines = [encode(check(one, rules, tree=tree)) for one in series.values()]
    print(f"engine: {time.process_time() - start:.2f} s of CPU for {len(lines)} series")
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_bytes(b"\n".join(lines) + b"\n")
    command = [sys.executable, str(wanted.corpus / "tools/score.py"), "--labels", str(wanted.corpus / "corpus/labels")]
    command += ["--series", str(wanted.corpus / "corpus/series"), str(wanted.out), *wanted.options]
    for third in ([], ["--third", "aside"], ["--third", "rest"]):
        if third and "--third" in wanted.options:
            break
        print(f"\n== {third[-1] if third else 'all'}")
        subprocess.run([*command, *third], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
