# SPDX-License-Identifier: GPL-2.0-or-later
"""Which directories abireview uses: a checkout keeps its cache in ``cache/``, an installation follows the XDG rules.

No directory is created here.
"""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "ABIREVIEW_CACHE"


def checkout() -> Path | None:
    """The top of the git checkout this package runs from, None if it is installed."""
    top = Path(__file__).resolve().parent.parent
    return top if (top / "pyproject.toml").is_file() and (top / ".git").exists() else None


def cache_dir() -> Path:
    """Where the store and compiled rules are: $ABIREVIEW_CACHE, else a checkout's ``cache/``, else
    ``abireview`` in the user's cache directory ($XDG_CACHE_HOME, ~/.cache).
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    top = checkout()
    if top:
        return top / "cache"
    import platformdirs

    return platformdirs.user_cache_path("abireview")


def config_dir() -> Path:
    """Where a user's own rules and settings are: ``abireview`` in $XDG_CONFIG_HOME or ~/.config."""
    import platformdirs

    return platformdirs.user_config_path("abireview")
