# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets with a fault each, to see that the fuzzers find it."""

from __future__ import annotations

import time

_held: list[bytes] = []
_count = 0


def crash(data: bytes) -> None:
    if data[:1] == b"A" and data[1:2] == b"B":
        raise ValueError("planted")


def hang(data: bytes) -> None:
    if data[:1] == b"A":
        time.sleep(30)


def growth(data: bytes) -> None:
    global _count
    _count += 1
    if _count > 6_000:
        _held.append(bytes(1 << 18) + data)  # over GROWTH_MIB at the next look, far from RSS_MIB


def nothing(data: bytes) -> None:
    return


TARGETS = {"crash": crash, "hang": hang, "growth": growth, "nothing": nothing}
