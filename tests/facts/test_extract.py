# SPDX-License-Identifier: GPL-2.0-or-later
"""All extractors through their one door."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abireview.errors import LimitError
from abireview.facts import defines, enums, includes, structs, tables
from abireview.facts.extract import EXTRACTORS, extract
from abireview.facts.parser import parse
from abireview.limits import MAX_PARSE_BYTES
from abireview.mail.decode import decode
from abireview.mail.mbox import split_mbox
from abireview.source.diff import parse_diff
from abireview.source.model import Fragment, ScopeKind
from abireview.source.scope import fragments

from .make import fragment


def test_each_kind_is_read_for_what_it_can_hold() -> None:
    text = "struct s {\n\tint a;\n#define FLAG 1\n\tenum { B } c;\n};\n"
    facts = extract(fragment(text, "struct", "s"), "new")
    assert [(fact.kind, fact.key) for fact in facts] == [
        ("member", "a"),
        ("member", "c"),
        ("enumerator", "B"),
        ("define", "FLAG"),
    ]
    kinds = {fact.kind for fact in extract(fragment('#include "x.h"\nSOME_MACRO(x);\nint a = 1;\n'), "new")}
    assert kinds == {"include", "attribute", "row"}
    assert extract(fragment(""), "new") == []


def test_equal_sides_of_other_files_are_read_once_and_keep_their_paths() -> None:
    first = extract(fragment("int a = 1;\n", path="a.c"), "new")
    second = extract(fragment("int a = 1;\n", path="b.c"), "new")
    assert [fact.path for fact in first] == ["a.c"]
    assert [fact.path for fact in second] == ["b.c"]
    first.clear()
    assert extract(fragment("int a = 1;\n", path="a.c"), "new")


def test_the_cache_knows_kind_header_and_changes() -> None:
    body = "\tA,\n"
    asked = [
        fragment(body, "enum", "e", "enum e {"),
        fragment(body, "table", "e", "static int e[] = {"),
        fragment(body, "table", "f", "static int f[] = {"),
    ]
    assert [(fact.kind, fact.scope) for piece in asked for fact in extract(piece, "new")] == [
        ("enumerator", "e"),
        ("row", "e"),
        ("row", "f"),
    ]


WORDS = [
    "int", "struct", "enum", "union", "static", "{", "}", "(", ")", "[", "]", "=", ",", ";", "\n", "\n\t", "\n\t\t",
    "A", "b", "1", '"s"', ".x", "/*", "*/", "\n#ifdef X\n", "\n#else\n", "\n#endif\n", "\n#define M ", "\\\n", "*", ":",
    "return", "if",
]  # fmt: skip
HEADERS = ["", "static struct t t[] = {", "struct s {", "int f(void)\n{"]


@given(st.lists(st.sampled_from(WORDS), max_size=60), st.sampled_from(sorted(EXTRACTORS)), st.sampled_from(HEADERS))
@example(["\n#define M ", "\\\n"], "asm", "")
def test_no_fragment_is_too_strange(words: list[str], kind: ScopeKind, header: str) -> None:
    piece = fragment(" ".join(words), kind, "x", header)
    for fact in extract(piece, "new"):
        assert 0 <= fact.line <= fact.end < len(piece.new.lines)
    assert extract(piece, "new") == extract(piece, "new")


def test_a_text_too_large_for_the_parser_is_refused() -> None:
    with pytest.raises(LimitError, match="more than can be parsed"):
        parse(" " * (MAX_PARSE_BYTES + 1))


@pytest.mark.parametrize(
    "text", ["{", "(", "{ (", "[", "{ A, ", "( A, B ", "struct x { ", "enum { A ", '"', "A B\n", "#if X\n"]
)
@pytest.mark.parametrize("kind", sorted(EXTRACTORS))
def test_cost_does_not_explode(text: str, kind: ScopeKind) -> None:
    """Thirty thousand characters of nesting or rows; a square would take many seconds."""
    piece = fragment(text * (30_000 // len(text)), kind, "x", "static struct t t[] = {" if kind == "table" else "")
    start = time.process_time()
    for extractor in (tables, enums, structs, defines, includes):
        extractor.extract(piece, "new")
    assert time.process_time() - start < 12


@pytest.fixture(scope="module")
def corpus_fragments(shared: Path) -> list[Fragment]:
    """Every fragment of the labelled series."""
    found = []
    for path in sorted((shared / "corpus" / "series").glob("*.mbox")):
        for raw in split_mbox(path.read_bytes()):
            message = decode(raw)
            found += fragments(parse_diff(message.body, message.msgid)[0], 0)
    return found


def _is_code(line: str) -> bool:
    return line[:1].isalnum() or line[:1] in ("_", ".", "[", "&", "~") or (line[:1] == "{" and line != "{")


@pytest.mark.corpus
def test_no_changed_row_enumerator_or_member_of_the_corpus_is_lost(corpus_fragments: list[Fragment]) -> None:
    """Every changed line of a table or enum that holds C is covered by a fact, but for the lines that open or close."""
    lost = []
    covering = 0
    for piece in corpus_fragments:
        if piece.kind not in ("table", "enum"):
            continue
        for side, shown in (("old", piece.old), ("new", piece.new)):
            facts = extract(piece, "old" if side == "old" else "new")
            covered = {line for fact in facts for line in range(fact.line, fact.end + 1)}
            covering += len(covered)
            for number, line in enumerate(shown.lines):
                code = line.strip().rstrip(",;")
                if shown.changed[number] and line[:1].isspace() and number not in covered and _is_code(code):
                    lost.append((piece.path, piece.name, line))
    assert covering > 2000
    assert [item for item in lost if not item[2].lstrip().startswith(("*", "/*", "//"))] == []


@pytest.mark.corpus
def test_all_of_the_corpus_in_two_seconds(corpus_fragments: list[Fragment]) -> None:
    start = time.process_time()
    facts = 0
    for piece in corpus_fragments:
        for side in ("old", "new"):
            if (piece.old if side == "old" else piece.new).lines:
                for extractor in EXTRACTORS[piece.kind]:
                    if "body" not in extractor.__module__:
                        facts += len(extractor(piece, "old" if side == "old" else "new"))
    assert facts > 10_000
    assert time.process_time() - start < 8
