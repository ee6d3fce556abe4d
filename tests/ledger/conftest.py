# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel trees and what was read from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from abireview.findings.model import ToolInfo
from abireview.ledger.compare import compare
from abireview.ledger.load import load_surfaces
from abireview.ledger.model import Ledger, Surface
from abireview.ledger.reading import read_surface
from abireview.ledger.schema import SurfaceSpec
from abireview.source.tree import open_tree
from tests.conftest import VERSIONS

TOOL = ToolInfo("0", "0")


@pytest.fixture(scope="session")
def specs() -> tuple[SurfaceSpec, ...]:
    return load_surfaces()


@pytest.fixture(scope="session")
def surfaces(kernels: Path, specs: tuple[SurfaceSpec, ...]) -> dict[str, Surface]:
    return {version: read_surface(open_tree(kernels / version), specs, version, TOOL) for version in VERSIONS}


@pytest.fixture(scope="session")
def ledgers(surfaces: dict[str, Surface], specs: tuple[SurfaceSpec, ...]) -> dict[tuple[str, str], Ledger]:
    pairs = (("6.1", "6.12"), ("6.12", "7.2"), ("6.1", "7.2"), ("7.2", "6.12"))
    return {pair: compare(surfaces[pair[0]], surfaces[pair[1]], specs, TOOL) for pair in pairs}
