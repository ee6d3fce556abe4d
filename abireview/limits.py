# SPDX-License-Identifier: GPL-2.0-or-later
"""Every bound on untrusted input, each with the reason for its size.

Sizes are in bytes unless the name says otherwise.
"""

from __future__ import annotations

from typing import Final

# --- source: diffs and trees -----------------------------------------------------------------------------------------

#: Lines of one mail that are read as a diff. The largest patch of the kernel lists (generated register headers) has
#: about 200 000.
MAX_DIFF_LINES: Final = 400_000

#: Files of one patch. A treewide patch of the kernel touches at most a few thousand.
MAX_DIFF_FILES: Final = 5_000
