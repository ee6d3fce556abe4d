# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fuzzers found, each as a small case. (Line ends of mails stand in tests/mail/test_decode.py.)"""

from __future__ import annotations

from pathlib import Path

import msgspec

from abireview.check import check
from abireview.facts import tokens
from abireview.rules import load
from abireview.rules.context import Paths
from abireview.rules.evaluate import fill
from abireview.rules.load import RuleSet, load_rules
from abireview.rules.schema import PathFile, Rule
from fuzz.rulefiles import FILES, SERIES, TEMPLATES
from fuzz.targets import c

RULES = load_rules()


def with_value(expression: str) -> RuleSet:
    """The rules, with one whose first pattern has that expression for values."""
    raw = FILES[0]
    match = [{**raw["match"][0], "value": expression}, *raw["match"][1:]]
    rule = load._typed(Path("a.toml"), {**raw, "match": match}, Rule)
    return msgspec.structs.replace(RULES, rules=(rule,))


def test_a_store_to_something_without_a_name() -> None:
    for left in ("->", ".", "*(0)->", "0."):
        new = f"int g(void)\n{{\n\t{left} = 2;\n\tif (a)\n\t\t{left} = 1;\n}}\n"
        c(b"\0int g(void)\n{\n\ta = 1;\n}\n\0" + new.encode())


def test_an_architecture_that_is_no_template() -> None:
    paths = FILES[TEMPLATES.index("facts/paths.toml")]
    raw = {**paths, "path": [{"match": "^arch/", "is": ["kvm"], "arch": "a\\{arch}\\g<none>\\"}, *paths["path"]]}
    table = load._typed(Path("paths.toml"), raw, PathFile)
    assert Paths(table.path, table.read, table.touched).info("arch/arm64/kvm/a.c").arch == "a\\\\g<none>\\"


def test_an_expression_that_breaks_when_it_is_filled() -> None:
    """The rule is said to have failed, the others are right."""
    (failed,) = check(SERIES[0], with_value("[{key}-{scope}]")).failed
    assert "bad character range" in failed


def test_long_texts_are_not_kept() -> None:
    """What is remembered from series to series is bounded in bytes, not only in number."""
    tokens._normalise.cache_clear()
    assert tokens.normalise("a+" * tokens._CACHED_CHARS + "b").endswith("a + b")
    assert tokens._normalise.cache_info().currsize == 0
    tokens.normalise("a_text_that_is_seen_here_first+b")
    assert tokens._normalise.cache_info().currsize == 1


def test_places_of_a_text_are_names_and_nothing_else() -> None:
    """No attribute, index or conversion of a text is reached: a rule may be a stranger's."""
    texts = {"key": "x", "scope": "f"}
    for template in ("{key.__class__}", "{key[a]}", "{key!r}", "{key:>9}", "{}", "{0}", "{", "}", "{{key}"):
        assert fill(template, texts) == template.replace("{key}", "x")
    assert fill("{scope}: {key} {none}", texts) == "f: x …"
