# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m abireview`` is ``abireview``."""

from __future__ import annotations

from abireview.cli.main import run

if __name__ == "__main__":
    run()
