# SPDX-License-Identifier: GPL-2.0-or-later
"""The normal form, and comments."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.facts.tokens import blank_comments, normalise, tokenise, words

TOKENS = st.sampled_from(
    ["foo", "x1", "0x1f", "1UL", '"a b"', '"\\""', "'c'", "->", "++", "<<=", "==", "(", ")", "{", "}", "[", "]", ",",
     ";", "+", "*", "&", "|", "~", "=", ".", "...", "?", ":", "#", "##", "<<", "!"]
)  # fmt: skip
GAPS = st.sampled_from([" ", "\n", "\t", " /* c */ ", "\n\t\t", " // c\n", "/* two\n * lines */"])


@given(st.lists(st.tuples(TOKENS, GAPS), max_size=40))
def test_how_code_is_set_does_not_count(parts: list[tuple[str, str]]) -> None:
    loose = "".join(token + gap for token, gap in parts)
    tokens = [token for token, _ in parts]
    assert words(loose) == tokens
    assert normalise(loose) == normalise(" ".join(tokens))


@given(st.lists(st.tuples(TOKENS, GAPS), max_size=40))
def test_blanked_comments_keep_every_place(parts: list[tuple[str, str]]) -> None:
    loose = "int " + "".join(token + gap for token, gap in parts)
    clean = blank_comments(loose)
    assert len(clean) == len(loose)
    assert [i for i, c in enumerate(clean) if c == "\n"] == [i for i, c in enumerate(loose) if c == "\n"]
    assert words(clean) == words(loose)
    for token in tokenise(loose):
        assert loose[token.start : token.end] == token.text
        assert token.line == loose[: token.start].count("\n")


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    assert len(blank_comments(text)) == len(text)
    assert [token.text for token in tokenise(text)] == words(text)
    normalise(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("foo ( a,b )", "foo(a, b)"),
        ("~(A|B)", "~(A | B)"),
        ("a\n\t= b ;", "a = b;"),
        ("x = - 1", "x = -1"),
        ('"a"\n\t"b"', '"a" "b"'),
        (" * the end of a comment */ int x; /* and a start", "int x;"),
        ("#define X \\\n\t1", "# define X 1"),
        ("char */* x */p", "char * p"),
        ('f("no /* comment */ here")', 'f("no /* comment */ here")'),
        ('"not closed\nfoo', '"not closed foo'),
        ("it's", "it ' s"),
    ],
)
def test_normal_form(text: str, form: str) -> None:
    assert normalise(text) == form


def test_lines_of_a_comment_whose_start_is_cut_off_are_comment() -> None:
    assert blank_comments(" * foo, bar\n * baz\n\tA,\n").split() == ["A,"]
    assert blank_comments(" *\n * foo, bar */ A,\n").split() == ["A,"]
    assert blank_comments("words of it */ A, /* x */ B,").split() == ["A,", "B,"]
    assert blank_comments("*p = 1;") == "*p = 1;"
    assert blank_comments('x = "*/"; y') == 'x = "*/"; y'


@pytest.mark.parametrize("text", ["/*", '"', "'", "\\", "*/", " * ", "//\\\n", "'\\", '"\\', "a/*b*/", "\n"])
def test_cost_is_linear(text: str) -> None:
    """Two hundred thousand characters of each trap take well under the seconds that a square would."""
    many = text * (200_000 // len(text))
    start = time.process_time()
    normalise(many)
    blank_comments(many)
    list(tokenise(many))
    assert time.process_time() - start < 20
