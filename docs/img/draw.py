# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws docs/img/check.svg: what ``abireview check`` prints for the example series, as a terminal shows it.

make picture
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ["check", "examples/no1n-and-system-off2.mbox", "--select", "vgic-revision,psci-"]
WIDTH = 84
# Rich's picture asks a server on the network for its font; the reader's own monospace font does as well.
TEMPLATE = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main() -> int:
    tool = Path(sys.executable).parent / "abireview"
    done = subprocess.run(
        [tool, *COMMAND, "--color", "always"], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 1:
        sys.exit(f"the example should have findings, but: {done.returncode}\n{done.stderr}")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="standard")
        console.print(Text(f"$ abireview {' '.join(COMMAND)}"))
        console.print(Text.from_ansi(done.stdout))
        picture = console.export_svg(title="abireview", code_format=TEMPLATE, unique_id="abireview")
    (ROOT / "docs" / "img" / "check.svg").write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
