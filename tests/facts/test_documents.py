# SPDX-License-Identifier: GPL-2.0-or-later
"""Changed lines of documents, and words of a log."""

from __future__ import annotations

import re

from abireview import limits
from abireview.facts.documents import extract
from abireview.facts.files import files
from abireview.facts.words import words
from abireview.source.model import FileDiff, Fragment

from .make import side

RST = """some text

4.1 THE_IOCTL
-------------

:Returns: 0

=======  ====
-EINVAL  no
=======  ====

4.2 THE_OTHER_IOCTL
-----------
more text
"""


def lines(text: str, path: str, changed: list[int]) -> list[tuple[str, str, int]]:
    piece = Fragment(0, path, "text", "", "", "", side(""), side(text, changed))
    assert extract(piece, "old") == []
    return [(fact.key, fact.value, fact.line) for fact in extract(piece, "new")]


def test_documentation_under_its_titles() -> None:
    assert lines(RST, "Documentation/x.rst", [0, 3, 4, 5, 7, 8, 11, 12, 13]) == [
        ("", "some text", 0),
        ("4.1 THE_IOCTL", ":Returns: 0", 5),
        ("4.1 THE_IOCTL", "-EINVAL  no", 8),
        ("4.2 THE_OTHER_IOCTL", "4.2 THE_OTHER_IOCTL", 11),
        ("4.2 THE_OTHER_IOCTL", "more text", 13),
    ]


def test_markdown() -> None:
    assert lines("# One\ntext\n## Two ##\n- list\n", "a.md", [1, 3]) == [("One", "text", 1), ("Two", "- list", 3)]


def test_kconfig() -> None:
    text = '\tselect A\nconfig B\n\tbool "b"\n\n\tdepends on C\nmenuconfig D\n\ttristate\nendmenu\n'
    assert lines(text, "arch/x/Kconfig.y", [0, 1, 2, 3, 4, 6]) == [
        ("", "select A", 0),
        ("B", "config B", 1),
        ("B", 'bool "b"', 2),
        ("B", "depends on C", 4),
        ("D", "tristate", 6),
    ]


def test_makefile() -> None:
    text = "obj-y += a.o \\\n\tb.o\nTESTS := one\nall: x\n\tdo something\nifdef X\n"
    assert lines(text, "tools/Makefile", [0, 1, 2, 4, 5]) == [
        ("obj-y", "obj-y += a.o \\", 0),
        ("obj-y", "b.o", 1),
        ("TESTS", "TESTS := one", 2),
        ("all", "do something", 4),
        ("", "ifdef X", 5),
    ]


def test_lines_of_other_files_stand_under_nothing() -> None:
    assert lines("#!/bin/sh\necho\n", "a.sh", [1]) == [("", "echo", 1)]


PHRASES = {
    "none": re.compile(r"no functional change"),
    "fix": re.compile(r"\bfix(es)?\b"),
    "empty": re.compile(r"x*"),
}


def test_words_across_lines_and_in_any_case() -> None:
    log = "This fixes it,\nand fixes more.\n\nNo functional\n  change intended.\n"
    facts = words(log, "KVM: Fix it", PHRASES)
    assert [(fact.key, fact.value, fact.scope, fact.line, fact.end) for fact in facts] == [
        ("none", "no functional change", "log", 3, 4),
        ("fix", "fix", "subject", 0, 0),
        ("fix", "fixes", "log", 0, 1),
    ]


def test_words_are_bounded() -> None:
    assert len(words("fix it\n\n" * 500, "", PHRASES)) == limits.MAX_WORD_MATCHES
    assert words("", "", PHRASES) == []


def test_files_that_come_go_and_move() -> None:
    diffs = [
        FileDiff(None, "new.c", "added", ()),
        FileDiff("gone.c", None, "deleted", ()),
        FileDiff("old.c", "moved.c", "renamed", ()),
        FileDiff("same.c", "same.c", "modified", ()),
    ]
    assert [(fact.key, fact.value, fact.columns) for fact in files(diffs)] == [
        ("new.c", "added", ()),
        ("gone.c", "deleted", ()),
        ("moved.c", "renamed", (("from", "old.c"),)),
    ]
