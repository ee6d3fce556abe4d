# SPDX-License-Identifier: GPL-2.0-or-later
"""A series that changes very many things is checked in bounded time, and what was left out is said."""

from __future__ import annotations

import gc
import time
import weakref

import pytest

from abireview import check as checking
from abireview import limits
from abireview.lore.load import projects
from abireview.mail.decode import decode
from abireview.mail.model import Series
from abireview.mail.series import Thread
from abireview.rules import context, evaluate
from abireview.rules.load import load_rules
from tests.mails import mail


def rows(count: int) -> str:
    """A patch that adds ``count`` rows to a table."""
    path = "arch/arm64/kvm/sys_regs.c"
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    lines = "".join(f"+\t{{ SYS_DESC(SYS_A{n}_EL1), access_a }},\n" for n in range(count))
    return f"{head}@@ -9,1 +9,{count + 1} @@ static const struct sys_reg_desc sys_reg_descs[] = {{\n \n{lines}"


def series(text: str) -> Series:
    message = decode(mail("[PATCH] KVM: arm64: Rows", "rows@example.org", f"Add rows.\n---\n{text}-- \n2.40.0\n"))
    return Thread([message], projects()).series[0]


def checked(text: str) -> checking.Result:
    return checking.check(series(text), load_rules())


def test_many_places_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (checking, evaluate):
        monkeypatch.setattr(module, "MAX_RULE_HITS", 5)
    assert not checked(rows(5)).skipped
    result = checked(rows(6))
    assert result.findings
    assert {one.why.split(" ", 1)[1] for one in result.skipped} == {
        "met more than 5 places; the others were not looked at"
    }


def test_many_changes_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (checking, context):
        monkeypatch.setattr(module, "MAX_DELTAS", 50)
    assert not checked(rows(20)).skipped
    assert "more than 50 changes" in checked(rows(60)).skipped[0].why


def test_the_time_grows_with_the_size_and_not_faster() -> None:
    began = time.process_time()
    checked(rows(limits.MAX_RULE_HITS))
    few = time.process_time() - began
    began = time.process_time()
    result = checked(rows(4 * limits.MAX_RULE_HITS))
    assert time.process_time() - began < 12 * few + 1.0
    assert result.findings


def test_what_was_looked_at_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        seen = checking.examine(series(rows(3)), load_rules())
        assert seen.result.findings
        context, evaluation = weakref.ref(seen.context), weakref.ref(seen.evaluation)
        del seen
        assert context() is None
        assert evaluation() is None
    finally:
        gc.enable()
