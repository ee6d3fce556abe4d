# SPDX-License-Identifier: GPL-2.0-or-later
"""The person's own editor, as git would call it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from abireview.errors import UsageError


def edit(text: str) -> str:
    """``text`` as the person's editor left it (git's choice of editor). Raises UsageError if it cannot be run."""
    editor = _editor()
    with tempfile.TemporaryDirectory(prefix="abireview-") as folder:
        path = Path(folder) / "reply.b4-review.eml"  # the name b4's vim and emacs modes look for
        path.write_text(text, encoding="utf-8", errors="replace")
        try:
            done = subprocess.run([*editor, str(path)], check=False)
        except OSError as error:
            raise UsageError(f"the editor '{editor[0]}' cannot be run: {error.strerror}") from error
        if done.returncode:
            raise UsageError(f"the editor ended with {done.returncode}; the draft is as it was")
        return path.read_text(encoding="utf-8", errors="replace")


def _editor() -> list[str]:
    asked = subprocess.run(["git", "var", "GIT_EDITOR"], capture_output=True, text=True, check=False)
    command = asked.stdout.strip() or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        return shlex.split(command) or ["vi"]
    except ValueError as error:
        raise UsageError(f"the editor '{command}' is not quoted right") from error
