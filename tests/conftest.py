# SPDX-License-Identifier: GPL-2.0-or-later
"""What several parts of the test suite share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from abireview.rules.load import load_rules
from tests import pinbox

# what is measured is what a property says, not how busy the machine is
settings.register_profile("abireview", deadline=None)
settings.load_profile("abireview")

VERSIONS = ("6.1", "6.12", "7.2")  # of the kernel trees

ROOT = Path(__file__).resolve().parent.parent
ServeMails = Callable[[Sequence[bytes]], str]
Warm = Callable[[Path], None]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory with corpus/, archive/ and trees/: ABIREVIEW_CORPUS, else ../shared beside the checkout.

    Its absence skips the test, and fails it where CI is set.
    """
    found = Path(os.environ.get("ABIREVIEW_CORPUS") or ROOT.parent / "shared")
    if (found / "corpus").is_dir():
        return found
    text = f"no corpus at {found}: set ABIREVIEW_CORPUS to the directory that has corpus/"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Warm:
    """``warm(directory)`` makes it a cache that has our rules as kept: to read them takes longer than most tests."""
    packed = tmp_path_factory.mktemp("rules")
    load_rules(cache=packed)

    def copy(directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for file in packed.iterdir():
            shutil.copy(file, directory)

    return copy


@pytest.fixture(scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Path:
    home = tmp_path_factory.mktemp("home")
    warm(home / "cache")
    (home / "gitconfig").write_text("[user]\n\tname = Rita Reviewer\n\temail = rita@example.com\n")
    return home


@pytest.fixture(autouse=True)
def private_home(_own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees, or writes to, the home, cache and git configuration of the person who runs it."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(_own_home / name.lower()) if name != "HOME" else str(_own_home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(_own_home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("ABIREVIEW_CACHE", str(_own_home / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked ``server`` need Debian's public-inbox: without it they fail under CI and skip elsewhere."""
    if item.get_closest_marker("server") and shutil.which("public-inbox-httpd") is None:
        text = "public-inbox-httpd is missing: apt-get install --no-install-recommends public-inbox"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)


@pytest.fixture(scope="session")
def serve_mails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeMails]:
    """``serve_mails([raw, …])``: the base URL of a real public-inbox on loopback that has these mails.

    The same mails are served by the same process for the whole session. Mark the test ``server``.
    """
    known: dict[tuple[bytes, ...], str] = {}
    with contextlib.ExitStack() as stack:

        def serve(mails: Sequence[bytes]) -> str:
            key = tuple(mails)
            if key not in known:
                top = tmp_path_factory.mktemp("inbox")
                pinbox.make_inbox(top / "list", mails)
                config = pinbox.write_config(top, ["list"])
                url = stack.enter_context(pinbox.serve(config))
                known[key] = f"{url}/list"
            return known[key]

        yield serve


@pytest.fixture(scope="session")
def kernels(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The KVM parts of three kernels, unpacked: directories 6.1, 6.12 and 7.2."""
    place = tmp_path_factory.mktemp("kernels")
    for version in VERSIONS:
        packed = shared / "trees" / f"kvm-{version}.tar.xz"
        if not packed.is_file():
            if os.environ.get("CI"):
                pytest.fail(f"no {packed}")
            pytest.skip(f"no {packed}")
        with tarfile.open(packed) as archive:
            wanted = [m for m in archive if m.isfile() and m.name.split("/")[1] in ("arch", "include", "virt")]
            if hasattr(tarfile, "data_filter"):  # from 3.11.4 on; Debian 12 has 3.11.2
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(place / version, members=wanted)
    return place
