# SPDX-License-Identifier: GPL-2.0-or-later
"""The identity of a finding over rebases and versions: rule, path, symbol and normalised evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def fingerprint(rule: str, path: str, symbol: str, evidence: Iterable[str]) -> str:
    """12 hex digits; neither line numbers nor patch numbers go in, blanks do not count, nor does the lines' order."""
    lines = sorted({" ".join(line.split()) for line in evidence})
    text = "\0".join([rule, path, symbol, *lines])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
