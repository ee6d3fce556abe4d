# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails as b4 gives them, and what is answered to odd ones."""

from __future__ import annotations

import base64
import json
import quopri
from pathlib import Path

import pytest

from abireview.cli.b4protocol import Tracking, as_sent, read_tracking, tracking_of
from abireview.mail.decode import decode
from tests.b4.conftest import Kernel

BODY = """\
Raise it – because.

---
 x.h | 2 +-

diff --git a/x.h b/x.h
--- a/x.h
+++ b/x.h
@@ -1 +1 @@
-#define A 1
+#define A	2 /* é= */
"""
HEAD = "From: A <a@example.org>\nSubject: [PATCH] x\nMessage-ID: <m@example.org>\nMIME-Version: 1.0\n"


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding:\n quoted-printable\n",
        "content-transfer-encoding: BASE64\ncontent-type: text/plain;\n\tcharset=utf-8\n",
        'Content-Type: multipart/mixed;\n boundary="x"\n',
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
        "Content-Type: text/plain; charset=utf-8\n",
    ],
    ids=["base64", "folded", "lower", "multipart", "8bit", "none"],
)
def test_a_body_that_is_decoded_already_is_not_decoded_again(fields: str) -> None:
    message = decode(as_sent((HEAD + fields + "\n" + BODY).encode()))
    assert message.body.rstrip("\n") == BODY.rstrip("\n")
    assert message.msgid == "m@example.org"


@pytest.mark.parametrize("coding", ["base64", "quoted-printable"])
def test_a_mail_as_it_was_sent_is_decoded(coding: str) -> None:
    body = base64.encodebytes(BODY.encode()) if coding == "base64" else quopri.encodestring(BODY.encode())
    head = f"{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {coding}\n\n"
    assert decode(as_sent(head.encode() + body)).body.rstrip("\n") == BODY.rstrip("\n")


def test_a_latin_body_keeps_its_charset() -> None:
    fields = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n"
    text = BODY.replace("–", "-")
    assert decode(as_sent((HEAD + fields).encode() + text.encode("latin-1"))).body.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "none"])
def test_the_same_finding_whatever_the_coding(coding: str, kernel: Kernel, mails: list[str]) -> None:
    head, _, body = mails[2].partition("\n\n")
    head = "\n".join(line for line in head.split("\n") if not line.lower().startswith("content-transfer"))
    extra = "" if coding == "none" else f"\nContent-Transfer-Encoding: {coding}"
    (result,) = json.loads(kernel.abireview("b4-check", input=f"{head}{extra}\n\n{body}").stdout)
    assert result["status"] == "warn"
    assert "psci-default-version" in result["details"]


def test_flags_can_be_failures(kernel: Kernel, mails: list[str]) -> None:
    (result,) = json.loads(kernel.abireview("b4-check", "--flag-as", "fail", input=mails[2]).stdout)
    assert result["status"] == "fail"
    (result,) = json.loads(kernel.abireview("b4-check", "--flag-as", "fail", input=mails[1]).stdout)
    assert result["status"] == "pass"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"hello", b"From: a\n\nno patch\n", b"\x00\xff" * 100,
        b"Subject: [PATCH] x\nContent-Type: \n\n" + b"diff --git a/x b/x\n" * 50,
    ],
    ids=["empty", "newline", "words", "talk", "bytes", "broken"],
)  # fmt: skip
def test_odd_mails_give_one_result_and_no_traceback(data: bytes, kernel: Kernel) -> None:
    for options in ((), ("--series",)):
        done = kernel.abireview("b4-check", *options, input=data)
        (result,) = json.loads(done.stdout)
        assert result["status"] in ("pass", "fail", "warn")
        assert all(isinstance(value, str) for value in result.values())
        assert "Traceback" not in done.stderr
        assert done.returncode == 0


def test_another_project_passes(kernel: Kernel) -> None:
    mail = f"{HEAD.replace('[PATCH]', '[PATCH kvmtool]')}\n{BODY}"
    (result,) = json.loads(kernel.abireview("b4-check", input=mail).stdout)
    assert result["status"] == "pass"
    assert "not a kernel patch" in result["summary"]


def test_escapes_of_a_mail_do_not_reach_the_screen(kernel: Kernel, mails: list[str]) -> None:
    hostile = mails[2].replace(
        "KVM_ARM_PSCI_LATEST\tKVM_ARM_PSCI_1_2", "KVM_ARM_PSCI_LATEST\tKVM_ARM_PSCI_1_2 /* \x1b[2J */"
    )
    done = kernel.abireview("b4-check", input=hostile)
    assert "\x1b" not in done.stdout
    assert "\\u001b" not in done.stdout


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"series": {"thread-blob": SHA, "first-patch-commit": SHA}}, Tracking(SHA, SHA, "")),
        ({"series": {"thread-blob": "--upload-pack=x", "first-patch-commit": 3}}, Tracking()),
        ({"series": {"thread-blob": SHA[:20]}}, Tracking()),
        ({"series": []}, Tracking()),
        ({}, Tracking()),
        ([], Tracking()),
        (None, Tracking()),
    ],
)
def test_tracking_data_is_checked(data: object, expected: Tracking, tmp_path: Path) -> None:
    assert tracking_of(data) == expected
    file = tmp_path / "t.json"
    file.write_text(json.dumps(data))
    assert read_tracking({"B4_TRACKING_FILE": str(file)}) == expected


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00"])
def test_broken_tracking_files_are_as_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(text)
    assert read_tracking({"B4_TRACKING_FILE": str(file)}) == Tracking()
    assert read_tracking({"B4_TRACKING_FILE": str(tmp_path / "none")}) == Tracking()
    assert read_tracking({}) == Tracking()


def test_a_blob_that_is_not_there_falls_back_to_the_patch(kernel: Kernel, mails: list[str], tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"series": {"thread-blob": SHA, "first-patch-commit": SHA}}))
    done = kernel.abireview("b4-check", input=mails[2], B4_TRACKING_FILE=str(file))
    (result,) = json.loads(done.stdout)
    assert result["status"] == "warn"


def test_only_a_few_results_are_kept(kernel: Kernel, mails: list[str], tmp_path: Path) -> None:
    folder = kernel.mbox.parent / "abi" / "b4"
    folder.mkdir(parents=True)
    for number in range(60):
        (folder / f"{number}.json").write_text("{}")
    blob = kernel.git("hash-object", "-w", str(kernel.mbox))
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"series": {"thread-blob": blob}}))
    kernel.abireview("b4-check", input=mails[2], B4_TRACKING_FILE=str(file))
    assert len(list(folder.iterdir())) == 40


def test_what_was_answered_is_settled(kernel: Kernel, mails: list[str], tmp_path: Path) -> None:
    from abireview.cli.b4protocol import STORE_NAME
    from abireview.store.db import FILE_NAME

    assert STORE_NAME == FILE_NAME
    checked = json.loads(kernel.abireview("check", str(kernel.mbox), "--format", "json").stdout)
    (flag,) = [one for one in checked["findings"] if one["rule"] == "psci-default-version"]
    done = kernel.abireview("answer", str(kernel.mbox), flag["fingerprint"], "knob", "the VMM selects 1.1")
    assert done.returncode == 0, done.stderr
    blob = kernel.git("hash-object", "-w", str(kernel.mbox))
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"series": {"thread-blob": blob}}))
    (result,) = json.loads(kernel.abireview("b4-check", input=mails[2], B4_TRACKING_FILE=str(file)).stdout)
    assert result["status"] == "pass"
    assert "1 settled" in result["summary"]


def test_what_is_suppressed_is_settled(kernel: Kernel, mails: list[str]) -> None:
    (kernel.top / "abireview.toml").write_text('[[suppress]]\nrule = "psci-default-version"\nreason = "policy"\n')
    (result,) = json.loads(kernel.abireview("b4-check", input=mails[2]).stdout)
    assert result["status"] == "pass"
    assert '"state":"suppressed"' in result["details"]
