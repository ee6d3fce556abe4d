# SPDX-License-Identifier: GPL-2.0-or-later
"""The one tree-sitter C parser of this process, made when it is first needed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from abireview import limits
from abireview.errors import LimitError

if TYPE_CHECKING:
    from tree_sitter import Parser, Tree


@lru_cache(maxsize=1)
def _parser() -> Parser:
    # imported late: what is answered from the cache, and "--version", need no parser
    import tree_sitter
    import tree_sitter_c

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def parse(text: str) -> Tree:
    """The syntax tree of ``text``; what is no C gives ERROR nodes in it. Offsets are of its UTF-8 bytes.

    Raises LimitError if the text is larger than ``limits.MAX_PARSE_BYTES``.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > limits.MAX_PARSE_BYTES:
        raise LimitError(
            f"{len(data)} bytes of C in one scope are more than can be parsed ({limits.MAX_PARSE_BYTES})",
            hint="check the other files of the series; this one must be read by a person",
        )
    return _parser().parse(data)
