# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs about rules: rules, explain, rule show, new and test, schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from abireview.rules.load import default_dir, load_rules

from .conftest import Run

RULES = load_rules()
HIT = """\
Subject: [PATCH] KVM: Raise the limit

Signed-off-by: A Developer <dev@example.org>
---
diff --git a/virt/kvm/example.h b/virt/kvm/example.h
--- a/virt/kvm/example.h
+++ b/virt/kvm/example.h
@@ -1,3 +1,3 @@
 #define EXAMPLE_FIRST 1
-#define EXAMPLE_LATEST 1
+#define EXAMPLE_LATEST 2
 #define EXAMPLE_OTHER 3
"""


@pytest.fixture
def own_rule(run: Run, tmp_path: Path) -> Path:
    """A rule of one's own, as ``rule new`` writes it."""
    done = run("rule", "new", "example/latest-raised", "--into", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mine/example/latest-raised.toml\n"
    return tmp_path / "mine" / "example" / "latest-raised.toml"


def test_rules_lists_them_all(run: Run) -> None:
    rules = load_rules()
    done = run("rules")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()] == [rule.id for rule in rules.rules]
    assert rules.hash in done.stdout.splitlines()[-1]


def test_rules_as_json(run: Run) -> None:
    done = run("rules", "--json", "--select", RULES.rules[0].id)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [RULES.rules[0].id]


def test_select_and_ignore_take_beginnings_and_lists(run: Run) -> None:
    first, second = RULES.rules[0].id, RULES.rules[1].id
    done = run("rules", "--select", f"{first},{second}", "--ignore", second[:-1])
    assert [line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()] == [first]


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_a_rule_that_is_not_there_is_a_usage_error(run: Run, option: str) -> None:
    done = run("rules", option, "no-such-rule")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("abireview: no rule is called no-such-rule\nhint: 'abireview rules'")


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.rules])
def test_every_rule_has_a_page(rule: str) -> None:
    from abireview.cli.rulepage import page
    from abireview.render import Style

    text = page(RULES.rule(rule), RULES, Style())
    assert text.startswith(f"{rule}: ")
    assert "\nWhat it does not flag\n" in text
    assert "\nHow to settle it\n" in text
    fits = [line for line in text.splitlines() if not line.startswith("      ") and "http" not in line]
    assert max(map(len, fits)) <= 100


def test_explain(run: Run) -> None:
    rule = RULES.rules[0]
    done = run("explain", rule.id)
    assert done.returncode == 0
    assert " ".join(done.stdout.split()).startswith(f"{rule.id}: {rule.title}")
    assert run("explain", "no-such-rule").returncode == 2


def test_a_page_keeps_lists_and_code() -> None:
    from abireview.cli.rulepage import _blocks

    text = "One\nparagraph.\n\n- an item\n  that goes on\n- another\n\n```\nif (x)\n\treturn;\n```\nThe end."
    assert _blocks(text) == [
        "One paragraph.",
        "",
        "- an item that goes on",
        "- another",
        "",
        "    if (x)",
        "    \treturn;",
        "The end.",
    ]


def test_show_prints_the_file(run: Run) -> None:
    rule = RULES.rules[0].id
    (path,) = default_dir().glob(f"*/{rule}.toml")
    shown = run("rule", "show", rule).stdout
    assert shown.startswith(path.read_text(encoding="utf-8"))
    assert "\n# Measured: " in shown
    tomllib.loads(shown)


def test_a_new_rule_is_valid_and_follows_the_schema(run: Run, own_rule: Path) -> None:
    schema = json.loads(run("schema", "rule").stdout)
    jsonschema.validate(tomllib.loads(own_rule.read_text(encoding="utf-8")), schema)
    assert run("rule", "test", str(own_rule)).stdout == "latest-raised: valid, no cases\n"
    assert "latest-raised" in run("rules", "--rules", "mine").stdout


@pytest.mark.parametrize("name", ["plain", "a/B", "../x/y", "a/b/c", "a/", "/a", "a/b_c"])
def test_new_refuses_names_that_are_no_names(run: Run, name: str, tmp_path: Path) -> None:
    done = run("rule", "new", name, "--into", "mine")
    assert done.returncode == 2
    assert not (tmp_path / "mine").exists()


def test_new_overwrites_nothing(run: Run, own_rule: Path) -> None:
    own_rule.write_text("mine")
    assert run("rule", "new", "example/latest-raised", "--into", "mine").returncode == 2
    assert own_rule.read_text() == "mine"


def test_a_wrong_rule_file_is_named_with_its_key(run: Run, own_rule: Path) -> None:
    own_rule.write_text(own_rule.read_text().replace('severity = "medium"', 'severity = "dire"'))
    done = run("rule", "test", str(own_rule))
    assert done.returncode == 2
    assert done.stderr.startswith(f"abireview: {own_rule}: severity: ")


@pytest.mark.parametrize(
    ("kind", "level", "code"), [("hit", "note", 0), ("near-miss", "note", 1), ("near-miss", "flag", 1)]
)
def test_cases_are_run(run: Run, own_rule: Path, tmp_path: Path, kind: str, level: str, code: int) -> None:
    own_rule.write_text(own_rule.read_text().replace('level = "note"', f'level = "{level}"'))
    case = tmp_path / "cases" / "latest-raised" / kind / "raised.patch"
    case.parent.mkdir(parents=True)
    case.write_text(HIT)
    done = run("rule", "test", str(own_rule), "--cases", "cases")
    assert done.stdout.splitlines()[0] == "latest-raised: 1 cases" + (", 1 wrong" if code else "")
    assert done.returncode == code
    assert ("raised.patch: " + level in done.stdout) == bool(code)


@pytest.mark.parametrize("what", ["result", "rule", "knobs", "scopes", "gates", "paths", "words"])
def test_schemas_are_schemas(run: Run, what: str) -> None:
    done = run("schema", what)
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))


def test_our_rule_files_follow_the_printed_schema(run: Run) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(run("schema", "rule").stdout))
    for rule in RULES.rules:
        (path,) = default_dir().glob(f"*/{rule.id}.toml")
        validator.validate(tomllib.loads(path.read_text(encoding="utf-8")))
