# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview surface`` and ``abireview ledger`` as a user runs them."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abireview.cli.group import root

HEADER = "include/uapi/linux/kvm.h"


def write(place: Path, name: str, text: str) -> None:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """Two small trees, the newer with a hostile comment, a capability more, and another PSCI default."""
    for name, latest, caps in (("old", "1_1", 2), ("new", "1_2", 3)):
        place = tmp_path / name
        write(place, HEADER, "".join(f"#define KVM_CAP_T{n} {n}\n" for n in range(1, caps + 1)))
        write(place, "include/kvm/arm_psci.h", f"#define KVM_ARM_PSCI_LATEST KVM_ARM_PSCI_{latest}\n")
        labels = "".join(f"\tcase KVM_ARM_PSCI_{v}:\n" for v in ("1_1", "1_2")[: caps - 1])
        write(
            place, "arch/arm64/kvm/hypercalls.c",
            f"int kvm_arm_set_fw_reg(int v)\n{{\n\tswitch (v) {{\n{labels}\t\treturn 0;\n\t}}\n\treturn 1;\n}}\n",
        )  # fmt: skip
    return str(tmp_path / "old"), str(tmp_path / "new")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(root, list(arguments), catch_exceptions=True)


def test_the_surface_is_a_table_and_json(two: tuple[str, str]) -> None:
    text = invoke("surface", two[1]).output
    assert "arm64 · psci · PSCI (1)" in text
    assert re.search(r"PSCI version +latest: 1\.2; selectable: 1\.1, 1\.2", text)
    document = json.loads(invoke("surface", two[1], "--format", "json").output)
    groups = {(group["id"], group["arch"]): group for group in document["groups"]}
    assert groups["arm64-psci", "arm64"]["items"][0]["facts"] == {"latest": "1.2"}
    assert groups["arm64-psci", "arm64"]["items"][0]["at"]["latest"] == {"path": "include/kvm/arm_psci.h", "line": 1}


def test_the_ledger_in_words(two: tuple[str, str]) -> None:
    done = invoke("ledger", *two)
    assert done.exit_code == 0
    assert "What to set on new to stay as on old" in done.output
    assert "KVM_REG_ARM_PSCI_VERSION = PSCI 1.1" in done.output
    assert "A VM gets PSCI 1.2 unless the VMM selects another version" in done.output
    assert "KVM_CAP_T3 is number 3." in done.output


def test_all_formats_at_once_and_the_same_bytes_again(two: tuple[str, str], tmp_path: Path) -> None:
    names = {"json": "l.json", "html": "l.html", "markdown": "l.md"}
    options = [part for name, file in names.items() for part in ("-o", f"{name}:{tmp_path / file}")]
    first = invoke("ledger", *two, *options).output
    kept = {file: (tmp_path / file).read_bytes() for file in names.values()}
    assert invoke("ledger", *two, *options).output == first
    assert {file: (tmp_path / file).read_bytes() for file in names.values()} == kept
    document = json.loads(kept["l.json"])
    assert (document["schema"], document["old"], document["new"]) == (1, "old", "new")
    assert {entry["group"] for entry in document["entries"]} == {"arm64-psci", "uapi-cap"}
    assert "| arm64 | KVM_REG_ARM_PSCI_VERSION | PSCI 1.1 |" in kept["l.md"].decode()


def test_one_architecture_or_area(two: tuple[str, str]) -> None:
    assert "PSCI" not in invoke("ledger", *two, "--arch", "generic").output
    assert "KVM_CAP" not in invoke("ledger", *two, "--area", "psci").output
    for option in ("--arch", "--area"):
        done = invoke("ledger", *two, option, "moon")
        assert done.exit_code == 1
        assert "moon" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ledger", "OLD", "NEW", "--format", "sarif"), "no such format"),
        (("surface", "OLD", "--format", "html"), "no such format"),
        (("ledger", "OLD", "NEW", "-o", "x", "-o", "json:x"), "twice"),
        (("surface", "nowhere"), "no tree"),
    ],
)
def test_mistakes_are_one_sentence(two: tuple[str, str], arguments: tuple[str, ...], says: str) -> None:
    done = invoke(*[{"OLD": two[0], "NEW": two[1]}.get(one, one) for one in arguments])
    assert says in str(done.exception)


class Page(html.parser.HTMLParser):
    """The tags and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_from_elsewhere_and_escapes(tmp_path: Path) -> None:
    hostile = 'x"><script>alert(1)</script>\x1b[31m'
    for name in ("old", "new"):
        write(tmp_path / name, HEADER, "#define KVM_CAP_A 1\n" + ("#define KVM_CAP_B 2\n" if name == "new" else ""))
    (tmp_path / "new").rename(tmp_path / hostile.replace("/", "_"))
    page = tmp_path / "l.html"
    done = invoke("ledger", str(tmp_path / "old"), str(tmp_path / hostile.replace("/", "_")), "-o", f"html:{page}")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "\x1b" not in text
    read = Page()
    read.feed(text)
    assert "KVM_CAP_B is number 2." in read.text
    assert [tag for tag, _ in read.tags].count("script") == 1
    assert not [attrs for _, attrs in read.tags if {"src", "href"} & set(attrs)]


def test_commits_are_named_where_there_is_a_repository(two: tuple[str, str], tmp_path: Path) -> None:
    place = tmp_path / "git"
    place.mkdir()

    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        subprocess.run(command, cwd=place, check=True, capture_output=True)

    git("init", "-q")
    for tree in two:
        subprocess.run(["cp", "-r", f"{tree}/.", str(place)], check=True)
        git("add", "-A")
        git("commit", "-q", "-m", f"KVM: {Path(tree).name} *state*")
        git("tag", Path(tree).name)
    done = invoke("ledger", f"{place}@old", f"{place}@new")
    assert '("KVM: new *state*")' in done.output
    assert "old → new" in done.output
    assert "*state*" not in invoke("ledger", f"{place}@old", f"{place}@new", "--no-commits").output
    assert r"KVM: new \*state\*" in invoke("ledger", f"{place}@old", f"{place}@new", "--format", "markdown").output


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("pair", [("6.1", "6.12"), ("6.12", "7.2")], ids="→".join)
def test_real_kernels_take_less_than_ten_seconds(pair: tuple[str, str], kernels: Path) -> None:
    start = time.process_time()
    done = invoke("ledger", str(kernels / pair[0]), str(kernels / pair[1]), "--format", "json")
    assert done.exit_code == 0
    assert len(json.loads(done.output)["entries"]) > 200
    assert time.process_time() - start < 10
