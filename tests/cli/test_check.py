# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview check``, whole: what goes in, what comes out where, and every exit code of docs/exit-codes.md."""

from __future__ import annotations

import gzip
import json
import lzma
import mailbox
import subprocess
from pathlib import Path

import jsonschema
import msgspec
import pytest

from abireview.findings.model import Result

from .conftest import Run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "no1n-and-system-off2.mbox"
COVER = "20300103100000.1-1-ada@example.org"


def patch(subject: str, path: str, old: str, new: str, msgid: str = "one@example.org") -> str:
    return (
        f"From: A Developer <dev@example.org>\nSubject: {subject}\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n"
        f"Message-ID: <{msgid}>\n\nText.\n\nSigned-off-by: A Developer <dev@example.org>\n---\n"
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -1,3 +1,3 @@\n before\n-{old}\n+{new}\n after\n-- \n2.39.5\n"
    )


SILENT = patch("[PATCH] KVM: x86: Fix a typo", "arch/x86/kvm/x86.c", "/* teh */", "/* the */")
FOREIGN = patch("[kvm-unit-tests PATCH] x86: Add a test", "x86/apic.c", "int a;", "int b;")
PARTIAL = patch("[PATCH 1/2] KVM: x86: Fix a typo", "arch/x86/kvm/x86.c", "/* teh */", "/* the */")
TALK = "From: a@example.org\nSubject: Re: lunch\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <t@x.org>\n\nYes.\n"


@pytest.fixture
def silent(tmp_path: Path) -> str:
    (tmp_path / "silent.patch").write_text(SILENT)
    return "silent.patch"


def found(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [one["rule"] for one in json.loads(done.stdout)["findings"]]


def test_findings_are_1(run_process: Run) -> None:
    done = run_process("check", str(EXAMPLE))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("[PATCH 0/4] KVM: arm64: vgic: No1N, and PSCI 1.3 with SYSTEM_OFF2\n")
    assert " flags, " in done.stdout.splitlines()[-1]


def test_nothing_is_0(run: Run, silent: str) -> None:
    done = run("check", silent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "nothing found in 1 patch: [PATCH] KVM: x86: Fix a typo\n"


def test_another_projects_patch_is_0_and_said(run: Run) -> None:
    done = run("check", "-", input=FOREIGN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("not a kernel patch (kvm-unit-tests), nothing checked")


def test_a_missing_patch_is_3_and_said(run: Run) -> None:
    done = run("check", "-", input=PARTIAL)
    assert done.returncode == 3
    assert "2" in done.stdout
    assert "missing" in done.stdout
    assert run("check", "-", "--allow-partial", input=PARTIAL).returncode == 0
    assert run("check", "-", "--exit-zero", input=PARTIAL).returncode == 0


def test_findings_in_a_part_are_3_too(run: Run, tmp_path: Path) -> None:
    mails = EXAMPLE.read_text().split("From mboxrd@z")
    (tmp_path / "part.mbox").write_text("From mboxrd@z".join(mails[:4]))  # the cover and patches 1 and 2
    done = run("check", "part.mbox", "--format", "json")
    assert done.returncode == 3
    assert found(done)
    assert run("check", "part.mbox", "--allow-partial").returncode == 1


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["no/such.mbox"], "there is no file no/such.mbox"),
        (["empty"], "empty"),
        (["-"], "no patches"),
        (["silent.patch", "--revision", "7"], "7"),
        (["unknown@example.org", "--offline"], "the cache does not have unknown@example.org"),
        (["unknown@example.org", "--server", "http://127.0.0.1:1/x"], "127.0.0.1:1"),
        (["silent.patch", "--tree", "no/such/tree"], "there is no tree at no/such/tree"),
    ],
)
def test_no_input_is_3(run: Run, silent: str, tmp_path: Path, args: list[str], text: str) -> None:
    (tmp_path / "empty").write_bytes(b"")
    done = run("check", *args, input=TALK)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("abireview: ")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "missing argument"),
        (["what is this"], "is no message-id"),
        (["silent.patch", "--format", "yaml"], "no such format 'yaml'"),
        (["silent.patch", "--fail-on", "never"], "never"),
        (["silent.patch", "--select", "no-such-rule"], "no rule is called no-such-rule"),
        (["silent.patch", "--rules", "no/dir"], "no/dir is no directory of rules"),
        (["silent.patch", "-o", "no/dir/out.txt"], "cannot write 'no/dir/out.txt'"),
        (["silent.patch", "-o", "a", "-o", "json:a"], "--output names 'a' twice"),
        (["silent.patch", "silent.patch", "--format", "json"], "holds one series and there are 2"),
        (["x@example.org", "--server", "gopher://x"], "is no server address"),
    ],
)
def test_usage_is_2(run: Run, silent: str, args: list[str], text: str) -> None:
    done = run("check", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert "hint: " in done.stderr


def test_a_rule_that_fails_is_4_and_the_others_report(run: Run, tmp_path: Path) -> None:
    assert run("rule", "new", "example/breaks", "--into", "mine").returncode == 0
    rule = tmp_path / "mine" / "example" / "breaks.toml"
    breaks = "'KVM_ARM_PSCI_LATEST'\nvalue = '[{key}-{file}]'"  # a range that runs backwards, once it is filled
    rule.write_text(rule.read_text().replace("'EXAMPLE_LATEST'", breaks, 1))
    done = run("check", str(EXAMPLE), "--rules", "mine", "--format", "json")
    assert done.returncode == 4
    document = json.loads(done.stdout)
    assert "breaks" in document["failed"][0]
    assert document["findings"]
    assert "a rule failed: " in run("check", str(EXAMPLE), "--rules", "mine").stdout


def test_an_unusable_store_is_4_where_it_is_needed(run: Run, tmp_path: Path, silent: str) -> None:
    (tmp_path / "cache" / "abireview.db").write_bytes(b"this is no database" * 100)
    done = run("cache", "list")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the store" in done.stderr
    assert run("check", silent).returncode == 0
    with_findings = run("check", str(EXAMPLE))
    assert with_findings.returncode == 1
    assert with_findings.stderr.startswith("abireview: warning: known answers were not read")
    assert run("check", str(EXAMPLE), "--no-cache").stderr == ""


@pytest.mark.parametrize(("level", "code"), [("note", 1), ("flag", 0), ("medium", 0), ("high", 0)])
def test_fail_on_note(run: Run, level: str, code: int) -> None:
    done = run("check", str(EXAMPLE), "--select", "psci-default-version", "--fail-on", level, "--format", "json")
    assert found(done) == ["psci-default-version"]
    assert done.returncode == code


@pytest.mark.parametrize(("level", "code"), [("note", 1), ("flag", 1), ("medium", 1), ("high", 0)])
def test_fail_on_severity(run: Run, level: str, code: int) -> None:
    done = run("check", str(EXAMPLE), "--select", "psci-function-ungated", "--fail-on", level, "--format", "json")
    assert [one["severity"] for one in json.loads(done.stdout)["findings"]] == ["medium"]
    assert done.returncode == code


def test_exit_zero(run: Run) -> None:
    assert run("check", str(EXAMPLE), "--exit-zero").returncode == 0
    assert run("check", "no/such.mbox", "--exit-zero").returncode == 3


def test_the_same_mails_give_the_same_bytes_whatever_they_come_in(run: Run, tmp_path: Path) -> None:
    data = EXAMPLE.read_bytes()
    (tmp_path / "x.mbox.gz").write_bytes(gzip.compress(data))
    (tmp_path / "x.mbox.xz").write_bytes(lzma.compress(data))
    folder = mailbox.Maildir(tmp_path / "dir", create=True)
    for message in data.split(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n")[1:]:
        folder.add(message)
    plain = run("check", str(EXAMPLE), "--format", "json")
    for what in ("x.mbox.gz", "x.mbox.xz", "dir"):
        assert run("check", what, "--format", "json").stdout == plain.stdout
    assert run("check", "-", "--format", "json", input=data.decode()).stdout == plain.stdout
    assert json.loads(plain.stdout)["series"]["id"] == COVER


def test_every_document_follows_the_schema(run: Run, silent: str) -> None:
    schema = msgspec.json.schema(Result)
    done = run("check", str(EXAMPLE), silent, "--format", "jsonl")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(documents) == 2
    for document in documents:
        jsonschema.validate(document, schema)


def test_one_bad_series_of_several_fails_the_run(run: Run, silent: str) -> None:
    assert run("check", silent, str(EXAMPLE)).returncode == 1
    done = run("check", silent, "no/such.mbox")
    assert (done.returncode, done.stdout) == (3, "")


def test_output_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    (tmp_path / "out.txt").chmod(0o640)
    done = run("check", str(EXAMPLE), "-o", "out.txt", "-o", "json:out.json", "-o", "concise:out.concise")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert (tmp_path / "out.txt").read_text() == run("check", str(EXAMPLE)).stdout
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == 0o640
    assert json.loads((tmp_path / "out.json").read_text())["series"]["id"] == COVER
    assert (tmp_path / "out.concise").read_text() == run("check", str(EXAMPLE), "--format", "concise").stdout
    assert {path.name for path in tmp_path.iterdir()} <= {"out.txt", "out.json", "out.concise", "cache", "home"}


def test_an_extra_document_leaves_stdout_alone(run: Run, tmp_path: Path) -> None:
    done = run("check", str(EXAMPLE), "-o", "json:out.json")
    assert done.stdout == run("check", str(EXAMPLE)).stdout
    assert (tmp_path / "out.json").exists()


def test_output_may_be_a_device(run: Run, run_process: Run) -> None:
    done = run_process("check", str(EXAMPLE), "-o", "concise:/dev/stdout", "-o", "/dev/null")
    assert done.stdout == run("check", str(EXAMPLE), "--format", "concise").stdout


def test_colour_is_for_terminals(run: Run) -> None:
    assert "\x1b" not in run("check", str(EXAMPLE)).stdout
    assert "\x1b[1;31mflag" in run("check", str(EXAMPLE), "--color", "always").stdout


@pytest.mark.parametrize(("env", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_no_color(environ: dict[str, str], env: dict[str, str], colored: bool) -> None:
    assert ("\x1b[1;31mflag" in on_a_terminal(["check", str(EXAMPLE)], environ | {"TERM": "xterm"} | env)) == colored


def on_a_terminal(args: list[str], environ: dict[str, str]) -> str:
    """What ``abireview`` shows on a terminal, stdout and stderr together."""
    import os
    import pty

    from .conftest import ABIREVIEW

    ours, theirs = pty.openpty()
    process = subprocess.Popen([ABIREVIEW, *args], stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux' way to say that the other side closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    process.wait(60)
    return shown.decode()


def test_hostile_text_moves_no_cursor(run: Run, tmp_path: Path) -> None:
    hostile = SILENT.replace("Fix a typo", "Fix \x1b[2J\x9b31m \u202e a typo")
    (tmp_path / "hostile.patch").write_text(hostile)
    for name in ("text", "concise", "json"):
        out = run("check", "hostile.patch", "--format", name).stdout
        assert not {"\x1b", "\x9b", "\u202e"} & set(out)


def test_a_locale_without_utf8_still_shows_everything(run_process: Run, tmp_path: Path) -> None:
    (tmp_path / "x.patch").write_text(SILENT.replace("a typo", "un accent é"))
    done = run_process("check", "x.patch", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert done.returncode == 0
    assert "un accent \\xe9" in done.stdout


def test_arch_keeps_only_its_own(run: Run) -> None:
    assert json.loads(run("check", str(EXAMPLE), "--arch", "arm64", "--format", "json").stdout)["findings"]
    kept = json.loads(run("check", str(EXAMPLE), "--arch", "s390", "--format", "json").stdout)["findings"]
    assert {one["arch"] for one in kept} <= {"s390", "generic"}


def test_ignore(run: Run) -> None:
    everything = set(found(run("check", str(EXAMPLE), "--format", "json")))
    rest = set(found(run("check", str(EXAMPLE), "--ignore", "psci-", "--format", "json")))
    assert any(rule.startswith("psci-") for rule in everything)
    assert not any(rule.startswith("psci-") for rule in rest)
    assert rest >= {rule for rule in everything if not rule.startswith("psci-")}


def test_commits_of_a_repository(run: Run, tmp_path: Path) -> None:
    def git(*args: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path / "linux"), *identity, *args], check=True, capture_output=True)

    header = tmp_path / "linux" / "include" / "kvm" / "arm_psci.h"
    header.parent.mkdir(parents=True)
    git("init", "-q")
    text = "#define KVM_ARM_PSCI_1_0 1\n#define KVM_ARM_PSCI_1_1 2\n\n#define KVM_ARM_PSCI_LATEST\tKVM_ARM_PSCI_1_0\n"
    header.write_text(text)
    git("add", "-A")
    git("commit", "-qm", "base")
    git("tag", "base")
    header.write_text(text.replace("LATEST\tKVM_ARM_PSCI_1_0", "LATEST\tKVM_ARM_PSCI_1_1"))
    git("commit", "-qam", "KVM: arm64: Raise the PSCI version")
    done = run("check", "base..HEAD", "--tree", "linux", "--format", "json")
    assert done.returncode == 1, done.stderr
    assert "psci-default-version" in found(done)
    assert json.loads(done.stdout)["series"]["tree"]
    assert run("check", "base..nowhere", "--tree", "linux").returncode == 3


def test_history_lists_versions(run: Run, tmp_path: Path) -> None:
    old = patch("[PATCH] KVM: x86: Fix a typo", "arch/x86/kvm/x86.c", "/* teh */", "/* the */", "v1@example.org")
    new = patch("[PATCH v2] KVM: x86: Fix a typo", "arch/x86/kvm/x86.c", "/* tEh */", "/* the */", "v2@example.org")
    start = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    (tmp_path / "both.mbox").write_text(start + old + "\n" + start + new.replace("Mon, 5", "Tue, 6") + "\n")
    done = run("check", "both.mbox", "--history", "--offline")
    assert done.stdout.splitlines() == [
        "  v1    2026-01-05      1  <v1@example.org>  [PATCH] KVM: x86: Fix a typo",
        "* v2    2026-01-06      1  <v2@example.org>  [PATCH v2] KVM: x86: Fix a typo",
    ]
    assert done.returncode == 0
    assert json.loads(run("check", "both.mbox", "--revision", "1", "--format", "json").stdout)["series"]["version"] == 1


def test_facts(run: Run) -> None:
    done = run("facts", str(EXAMPLE))
    assert (done.returncode, done.stderr) == (0, "")
    latest = "2/4 include/kvm/arm_vgic.h:14: ~ define KVM_VGIC_IMP_REV_LATEST KVM_VGIC_IMP_REV_4"
    assert any(line.startswith(latest) for line in done.stdout.splitlines())
    before = run("facts", str(EXAMPLE), "--before", "--kind", "define").stdout
    assert "KVM_VGIC_IMP_REV_LATEST KVM_VGIC_IMP_REV_3" in before
    assert "KVM_VGIC_IMP_REV_4" not in before
    assert " case " not in before
    assert "KVM_VGIC_IMP_REV_LATEST KVM_VGIC_IMP_REV_4" in run("facts", str(EXAMPLE), "--after").stdout
    assert run("facts", "-", input=FOREIGN).stdout == "not a kernel patch (kvm-unit-tests)\n"


def test_facts_say_what_was_returned_before(run: Run) -> None:
    patch = """Subject: [PATCH] KVM: arm64: Another line of an example
Message-ID: <example@example.org>

Signed-off-by: A Developer <dev@example.org>
---
diff --git a/arch/arm64/kvm/vgic/vgic.c b/arch/arm64/kvm/vgic/vgic.c
--- a/arch/arm64/kvm/vgic/vgic.c
+++ b/arch/arm64/kvm/vgic/vgic.c
@@ -150,1 +150,1 @@ static bool example_is_pending(struct vgic_irq *irq)
-	return irq->pending_latch;
+	return irq->line_level;
"""
    assert (
        "~ return example_is_pending: irq->line_level (was: irq->pending_latch)\n"
        in run("facts", "-", input=patch).stdout
    )
