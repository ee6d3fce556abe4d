# SPDX-License-Identifier: GPL-2.0-or-later
"""The wheel: what is in it, and that an installation of it works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as ``make wheel`` does."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment with the wheel and the test environment's libraries, but not its editable."""
    home = tmp_path_factory.mktemp("installation") / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def run(command: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("ABIREVIEW", "XDG_", "PYTHON"))}
    environ |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=120)


def test_the_rules_travel_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    for path in (ROOT / "rules").rglob("*.toml"):
        assert f"abireview/_rules/{path.relative_to(ROOT / 'rules').as_posix()}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "abireview/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "examples/", "cache/"))]


def test_an_installation_checks_a_series(installed: Path, tmp_path: Path) -> None:
    where = run([str(installed / "python"), "-c", "import abireview; print(abireview.__file__)"], tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)

    example = ROOT / "examples" / "no1n-and-system-off2.mbox"
    here = run([str(installed / "abireview"), "check", str(example), "--format", "json"], tmp_path)
    assert here.returncode == 1, here.stderr
    checkout = run(
        [str(Path(sys.executable).parent / "abireview"), "check", str(example), "--format", "json"], tmp_path
    )
    assert here.stdout == checkout.stdout


def test_an_installation_caches_where_xdg_says(installed: Path, tmp_path: Path) -> None:
    code = "from abireview import places; print(places.cache_dir(), places.checkout())"
    assert run([str(installed / "python"), "-c", code], tmp_path).stdout == f"{tmp_path / 'cache' / 'abireview'} None\n"
