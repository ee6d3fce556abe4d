# SPDX-License-Identifier: GPL-2.0-or-later
"""The check commands and the comments, run and read by b4 0.16 itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.b4.conftest import ABIREVIEW, Kernel

RULE = "psci-default-version"


def details(result: dict[str, str]) -> list[dict[str, str]]:
    return json.loads(result["details"]) if result["details"] else []


def test_b4_runs_both_commands_and_keeps_the_results(kernel: Kernel) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    done = kernel.b4("checks", str(kernel.mbox), branch)
    assert done["commands"] == [[f"{ABIREVIEW} b4-check"], [f"{ABIREVIEW} b4-check --series"]]
    patches = list(done["patches"].values())
    assert [[one["tool"] for one in results] for results in patches] == [["abireview"]] * 3
    assert [results[0]["status"] for results in patches] == ["pass", "warn", "pass"]
    flagged = details(patches[1][0])
    assert [one["context"] for one in flagged if one["state"] == "flag"] == [RULE]
    assert any("LATEST" in one["srcline"] for one in flagged)
    (series,) = done["series"]
    assert (series["tool"], series["status"]) == ("abireview-series", "warn")
    assert any(one["description"].startswith("2/3 ") for one in details(series))
    assert sum(len(results) for results in done["kept"].values()) == 4


def test_without_a_review_branch_each_patch_is_checked_alone(kernel: Kernel) -> None:
    done = kernel.b4("checks", str(kernel.mbox))
    assert [results[0]["status"] for results in done["patches"].values()] == ["pass", "warn", "pass"]
    (series,) = done["series"]
    assert series["status"] == "fail"  # offline, and nobody has the thread
    assert "thread" in series["summary"]


def test_one_patch_of_a_series_is_checked_and_the_others_are_looked_up(kernel: Kernel, mails: list[str]) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    kernel.b4("checks", str(kernel.mbox), branch)
    kept = list((kernel.mbox.parent / "abi" / "b4").iterdir())
    assert len(kept) == 1
    text = kept[0].read_text(encoding="utf-8")
    assert '"tree":true' in text  # the repository is the kernel that the series is for
    kept[0].write_text(text.replace(f'"rule":"{RULE}"', '"rule":"was-looked-up"'), encoding="utf-8")
    done = kernel.b4("checks", str(kernel.mbox), branch)
    assert [one["context"] for one in details(list(done["patches"].values())[1][0]) if one["state"] == "flag"] == [
        "was-looked-up"
    ]


def comments(shown: dict[str, object], number: int) -> list[dict[str, object]]:
    review = shown["patches"][number - 1].get("reviews", {}).get("noreply@abireview.invalid", {})  # type: ignore[index]
    return review.get("comments", [])  # type: ignore[no-any-return]


def test_findings_stand_as_comments_at_their_lines_once(kernel: Kernel) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    done = kernel.abireview("check", str(kernel.mbox), "--format", "b4-review", "--tree", f"{kernel.top}@main")
    assert done.stdout == f"{branch}: comments on 1 patch, b4 review shows them\n"
    assert done.returncode == 0
    shown = kernel.b4("integrate", branch)
    found = comments(shown, 2)
    assert not comments(shown, 1)
    assert not comments(shown, 3)
    (flagged,) = [one for one in found if RULE in str(one["text"])]
    line = (kernel.git("show", "topic~1:include/kvm/arm_psci.h").split("\n")).index(
        "#define KVM_ARM_PSCI_LATEST	KVM_ARM_PSCI_1_2"
    )
    assert str(flagged["path"]).endswith("include/kvm/arm_psci.h")
    assert flagged["line"] == line + 1
    assert "abireview: 1 flag" in shown["series"]["noreply@abireview.invalid"]["note"]
    again = kernel.abireview("check", str(kernel.mbox), "--format", "b4-review", "--tree", f"{kernel.top}@main")
    assert again.stdout == f"{branch}: nothing new\n"
    assert kernel.b4("integrate", branch) == shown


def test_twice_before_b4_looks_is_as_good_as_once(kernel: Kernel) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    kernel.abireview("check", str(kernel.mbox), "--format", "b4-review")
    assert "nothing new" in kernel.abireview("check", str(kernel.mbox), "--format", "b4-review").stdout
    assert len(comments(kernel.b4("integrate", branch), 2)) == len(
        {str(one) for one in comments(kernel.b4("integrate", branch), 2)}
    )


def test_the_agent_command_annotates_the_branch_that_is_checked_out(kernel: Kernel) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    kernel.git("checkout", "-q", branch)
    done = kernel.abireview("b4-check", "--annotate", "Read and execute the prompt from /nowhere")
    assert "comments on 1 patch" in done.stdout
    kernel.git("checkout", "-q", "main")
    assert comments(kernel.b4("integrate", branch), 2)


def test_comments_of_another_reviewer_are_not_touched(kernel: Kernel) -> None:
    branch = kernel.b4("branch", str(kernel.mbox))["branch"]
    place = kernel.top / ".git" / "b4-review" / kernel.git("rev-parse", branch)
    place.mkdir(parents=True)
    (place / "identity.txt").write_text("Other <other@example.org>\n")
    done = kernel.abireview("check", str(kernel.mbox), "--format", "b4-review")
    assert done.returncode == 2
    assert "another reviewer" in done.stderr
    assert [path.name for path in place.iterdir()] == ["identity.txt"]


def test_b4_takes_no_trailer_from_a_comment(kernel: Kernel) -> None:
    kernel.b4("branch", str(kernel.mbox))
    kernel.abireview("check", str(kernel.mbox), "--format", "b4-review")
    (place,) = (kernel.top / ".git" / "b4-review").iterdir()
    for path in place.glob("0*.txt"):
        text = "\n".join(line for line in path.read_text(encoding="utf-8").split("\n") if not line.startswith(">"))
        assert kernel.b4("trailers", input=text) == {"trailers": []}


@pytest.mark.parametrize("where", ["nowhere", "worktree"])
def test_a_place_that_b4_would_not_read_is_refused(kernel: Kernel, where: str) -> None:
    if where == "worktree":
        kernel.b4("branch", str(kernel.mbox))
        kernel.git("checkout", "-q", "main")
        kernel.git("worktree", "add", "-q", str(kernel.mbox.parent / "linked"), "b4/review/20260101-test")
        target = str(kernel.mbox.parent / "linked")
    else:
        target = str(kernel.top)
    done = kernel.abireview("check", str(kernel.mbox), "-o", f"b4-review:{target}", "-o", str(kernel.mbox.parent / "x"))
    assert done.returncode == 3
    assert "hint:" in done.stderr


def test_the_fast_path_imports_nothing_heavy(kernel: Kernel, mails: list[str]) -> None:
    code = (
        "import sys\n"
        "from abireview.cli.main import main\n"
        "main(['b4-check'])\n"
        "heavy = {'b4', 'liblore', 'httpx', 'textual', 'rich', 'sqlite3', 'sqlite_utils', 'requests', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = kernel.run([sys.executable, "-c", code], mails[2])
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)[0]["tool"] == "abireview"


def test_the_installed_b4_is_the_one_this_was_written_for() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "show", "b4"], capture_output=True, text=True, check=False)
    assert "Version: 0.16" in done.stdout
