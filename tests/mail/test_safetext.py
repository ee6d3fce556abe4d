# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing in a mail may move the cursor."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from abireview.safetext import safe, safe_line


def test_escapes_become_visible() -> None:
    assert safe("\x1b[31mred\x07") == "␛[31mred␇"
    assert safe("a\x9b2Jb\x7f") == "a\\x9b2Jb␡"
    assert safe("x\u202ey\u2066z\u200b\ufeff") == "x\\u202ey\\u2066z\\u200b\\ufeff"


def test_text_stays() -> None:
    assert safe("Grüße\t[red] 中文 👍\n") == "Grüße\t[red] 中文 👍\n"
    assert safe_line("a\nb\tc") == "a b c"


@given(st.text(alphabet=st.characters(), max_size=200))
def test_only_newline_and_tab_control_anything(text: str) -> None:
    for char in safe(text):
        assert char in "\n\t" or unicodedata.category(char) != "Cc"
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
