# SPDX-License-Identifier: GPL-2.0-or-later
"""The rule language: files that are refused and why, patterns, knobs, gates, and how findings are graded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.check import check, examine
from abireview.errors import RuleError
from abireview.findings.model import Finding
from abireview.rules import regex
from abireview.rules.gates import Gates
from abireview.rules.load import RuleSet, load_rules
from abireview.rules.why import by_fingerprint, why
from abireview.source.tree import open_tree
from tests.rules.synth import Files, series

PATH = "arch/arm64/kvm/demo.c"
HEADER = "include/uapi/linux/kvm.h"

FACTS = {
    "facts/paths.toml": """
read = ["kvm", "uapi"]
[[path]]
match = '^arch/(?P<arch>arm64)/kvm/'
is = ["kvm"]
arch = '{arch}'
surface = "other"
[[path]]
match = '^include/uapi/linux/kvm'
is = ["uapi", "kernel-side"]
""",
    "facts/gates.toml": """
handlers = ["enable"]
setters = ["set_bit"]
[[gate]]
class = "per-vm"
match = 'vm_has'
[[gate]]
class = "host"
match = 'host_has'
""",
    "facts/scopes.toml": """
[[scope]]
id = "enable"
name = 'demo_enable_cap'
[[scope]]
id = "demo"
name = 'demo_\\w+'
surface = "sysreg"
""",
    "facts/words.toml": """
[[phrase]]
id = "no-change"
match = 'no functional change'
""",
}

RULE = """
id = "demo-store"
title = "A demo"
level = "flag"
severity = "medium"
confidence = "high"
surface = "auto"
class = "needs-opt-out"
visible_to = ["guest"]
direction = ["boot"]
message = "{scope}: {key} is {new}"
question = "Why is {key} {new}?"
%s
[[match]]
kind = ["store"]
op = ["added", "changed"]
where = ["demo"]
born = false
%s
%s
[doc]
what = "what"
why = "why"
not_flagged = "none"
settle = "so"
"""


def rule_set(tmp_path: Path, *, top: str = "", match: str = "", more: str = "", **files: str) -> RuleSet:
    for name, text in {**FACTS, "demo/demo-store.toml": RULE % (top, match, more), **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_rules([tmp_path])


def body(*lines: str, name: str = "demo_run") -> str:
    return f"static int {name}(struct vcpu *vcpu)\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n"


def found(rules: RuleSet, before: Files, after: Files, log: str = "Change it.") -> list[Finding]:
    result = check(series([before, after], log=log), rules)
    assert not result.failed
    return list(result.findings)


CALM = {PATH: body("int r = 0;", "", "first(vcpu);", "return r;")}
STORE = {PATH: body("int r = 0;", "", "first(vcpu);", "vcpu->shown = 1;", "return r;")}


def test_a_match_is_a_finding_with_evidence_place_and_text(tmp_path: Path) -> None:
    (finding,) = found(rule_set(tmp_path), CALM, STORE)
    assert (finding.rule, finding.level, finding.surface, finding.arch) == ("demo-store", "flag", "sysreg", "arm64")
    assert finding.evidence == ("+\tvcpu->shown = 1;",)
    assert (finding.file, finding.line, finding.symbol) == (PATH, 6, "demo_run")
    assert finding.message == "demo_run: vcpu->shown is = 1"
    assert len(finding.fingerprint) == 12


def test_of_a_file_that_is_only_touched_no_code_counts(tmp_path: Path) -> None:
    rules = rule_set(tmp_path)
    text = (tmp_path / "facts/paths.toml").read_text()
    touched = 'touched = ["test"]\n' + text + '\n[[path]]\nmatch = "^arch/arm64/kvm/demo"\nis = ["test"]\n'
    unless = '[[unless]]\npath_class = ["test"]\nkind = ["file"]\n'
    assert found(rules, CALM, STORE)
    assert not found(rule_set(tmp_path / "a", **{"facts/paths.toml": touched}), CALM, STORE)
    other = {PATH.replace(PATH.rsplit("/", 1)[1], "z.c"): text for text in CALM.values()}
    changed = {PATH.replace(PATH.rsplit("/", 1)[1], "z.c"): text for text in STORE.values()}
    assert found(rule_set(tmp_path / "b", more=unless, **{"facts/paths.toml": touched}), other, changed)
    both = rule_set(tmp_path / "c", more=unless, **{"facts/paths.toml": touched})
    assert not found(both, {**other, **CALM}, {**changed, **STORE})


def test_the_fingerprint_survives_other_lines_above(tmp_path: Path) -> None:
    rules = rule_set(tmp_path)
    shift = {PATH: "/* a comment */\n\n" + CALM[PATH]}, {PATH: "/* a comment */\n\n" + STORE[PATH]}
    assert found(rules, CALM, STORE)[0].fingerprint == found(rules, *shift)[0].fingerprint


@pytest.mark.parametrize(
    ("gate", "classes"),
    [
        ("vm_has(vcpu, X)", {"per-vm"}),
        ("host_has(X)", {"host"}),
        ("vcpu->mode == 3", {"none"}),
    ],
)
def test_gates_are_classed_by_data(tmp_path: Path, gate: str, classes: set[str]) -> None:
    gated = {PATH: body("int r = 0;", "", "first(vcpu);", f"if ({gate})", "\tvcpu->shown = 1;", "return r;")}
    examined = examine(series([CALM, gated]), rule_set(tmp_path))
    assert examined.context is not None
    (delta,) = [d for d in examined.context.found.deltas if d.kind == "store"]
    assert Gates(examined.context).of(delta) == classes


def opted(setter: str, test: str, default: str = "") -> tuple[Files, Files]:
    """A series that adds a capability, sets something in its handler, and tests it at the store."""
    enable = ["switch (cap->cap) {", "case KVM_CAP_OLD:", "\tr = 0;", "\tbreak;"]
    new = ["case KVM_CAP_NEW:", "\tr = 0;", f"\t{setter}", "\tbreak;"]
    handler = "demo_enable_cap"
    before = {
        PATH: body(*enable, "}", "return r;", name=handler) + "\n" + CALM[PATH],
        HEADER: "#define KVM_CAP_OLD 1\n",
    }
    store = ["int r = 0;", "", "first(vcpu);", default, f"if ({test})", "\tvcpu->shown = 1;", "return r;"]
    after = {
        PATH: body(*enable, *new, "}", "return r;", name=handler) + "\n" + body(*store),
        HEADER: "#define KVM_CAP_OLD 1\n#define KVM_CAP_NEW 2\n",
    }
    return before, after


@pytest.mark.parametrize(
    ("setter", "test", "count"),
    [
        ("kvm->arch.newly = true;", "vcpu->kvm->arch.newly", 0),
        ("set_bit(FLAG_NEWLY, &kvm->arch.flags);", "test_bit(FLAG_NEWLY, &vcpu->kvm->arch.flags)", 0),
        ("kvm->arch.newly = true;", "!vcpu->kvm->arch.newly", 1),
        ("kvm->arch.newly = true;", "vcpu->kvm->arch.unrelated", 1),
    ],
)
def test_what_the_series_lets_userspace_enable_is_a_gate(tmp_path: Path, setter: str, test: str, count: int) -> None:
    rules = rule_set(tmp_path, match='not_gates = ["opt-in"]\nkey = "vcpu->shown"')
    assert len(found(rules, *opted(setter, test))) == count


def test_an_opt_in_that_is_on_by_default_is_none(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, match='not_gates = ["opt-in"]\nkey = "vcpu->shown"')
    before, after = opted("kvm->arch.newly = true;", "vcpu->kvm->arch.newly", "vcpu->kvm->arch.newly = true;")
    assert len(found(rules, before, after)) == 1


KNOB = """
[[knob]]
id = "demo-knob"
kind = "OPT_OUT"
what = "writing {key} is accepted"
where = "the handler"
[[knob.find]]
kind = ["case"]
op = ["added"]
key = 'KEEP_OLD'
"""


def test_a_knob_makes_a_note_that_names_it(tmp_path: Path) -> None:
    top = 'message_knob = "settled: {knob}"'
    rules = rule_set(tmp_path, top=top, more='[[knob]]\nid = "demo-knob"\n', **{"knobs/demo.toml": KNOB})
    switch = body("switch (n) {", "case OTHER:", "\tr = 1;", "}", "return r;", name="other")
    kept = body("switch (n) {", "case OTHER:", "\tr = 1;", "case KEEP_OLD:", "\tr = 2;", "}", "return r;", name="other")
    (without,) = found(rules, {PATH: CALM[PATH] + "\n" + switch}, {PATH: STORE[PATH] + "\n" + switch})
    assert (without.level, without.knob, without.sought[0].found) == ("flag", None, False)
    (settled,) = found(rules, {PATH: CALM[PATH] + "\n" + switch}, {PATH: STORE[PATH] + "\n" + kept})
    assert settled.level == "note"
    assert settled.knob is not None
    assert settled.knob.evidence == ("+\tcase KEEP_OLD:",)
    assert settled.message == "settled: writing vcpu->shown is accepted"


def test_words_lower_confidence_and_never_raise_it(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, top='lower_on_words = ["no-change"]\nflag_at = "high"')
    assert found(rules, CALM, STORE)[0].level == "flag"
    lowered = found(rules, CALM, STORE, log="No functional change.")[0]
    assert (lowered.level, lowered.confidence) == ("note", "medium")


def test_unless_and_require_bind_what_was_captured(tmp_path: Path) -> None:
    unless = "[[unless]]\nkind = [\"call\"]\nop = [\"added\"]\nkey = 'save'\nvalue = '{key}'\n"
    rules = rule_set(tmp_path, more=unless)
    saved = {PATH: body("int r = 0;", "", "first(vcpu);", "vcpu->shown = 1;", "save(vcpu->shown);", "return r;")}
    other = {PATH: body("int r = 0;", "", "first(vcpu);", "vcpu->shown = 1;", "save(vcpu->hidden);", "return r;")}
    assert found(rules, CALM, saved) == []
    assert len(found(rules, CALM, other)) == 1


SIGN = """
[[sign]]
severity = "low"
message = "{scope} calls {key}"
%s
[[sign.match]]
kind = ["call"]
op = ["added"]
where = ["demo"]
%s
"""
BOTH = {PATH: body("int r = 0;", "", "first(vcpu);", "vcpu->shown = 1;", "", "", "", "", "show(vcpu);", "return r;")}


@pytest.mark.parametrize(
    ("kind", "line", "said"),
    [
        ("call", "show(vcpu);", "show(vcpu)"),
        ("return", "return -EPERM;", "return -EPERM"),
        ("cond", "if (vcpu->hidden)", "if (vcpu->hidden)"),
        ("store", "vcpu->hidden = 2;", "vcpu->hidden = 2"),
    ],
)
def test_a_fact_is_said_as_the_code_has_it(tmp_path: Path, kind: str, line: str, said: str) -> None:
    sign = SIGN.replace("calls {key}", "has {fact}").replace('"call"', f'"{kind}"').replace("low", "high") % ("", "")
    lines = ["int r = 0;", "", "first(vcpu);", line, "\tlast(vcpu);", "return r;"]
    told = [one.message for one in found(rule_set(tmp_path, more=sign), CALM, {PATH: body(*lines)})]
    assert f"demo_run has {said}" in told


def test_a_sign_has_words_grades_and_conditions_of_its_own(tmp_path: Path) -> None:
    unless = "[[unless]]\nkind = ['call']\nop = ['added']\nkey = 'show'\n"
    rules = rule_set(tmp_path, more=unless + SIGN % ("", ""))
    (finding,) = found(rules, CALM, BOTH)  # the rule's unless is not the sign's
    assert (finding.rule, finding.message, finding.severity) == ("demo-store", "demo_run calls show", "low")
    assert (finding.confidence, finding.question) == ("high", "Why is show vcpu?")
    own = "[[sign.unless]]\nkind = ['store']\nop = ['added']\nkey = '.*shown'\n"
    rules = rule_set(tmp_path, more=SIGN % ("", "") + own)
    assert [one.severity for one in found(rules, CALM, BOTH)] == ["medium"]


def test_a_sign_may_yield_to_its_rule(tmp_path: Path) -> None:
    assert len(found(rule_set(tmp_path, more=SIGN % ("", "")), CALM, BOTH)) == 2
    assert len(found(rule_set(tmp_path, more=SIGN % ("yields = true", "")), CALM, BOTH)) == 1


def test_a_rule_may_have_signs_only(tmp_path: Path) -> None:
    signs = RULE.replace("[[match]]", "[[sign]]\n[[sign.match]]") % ("", "", SIGN % ("", ""))
    rules = rule_set(tmp_path, **{"demo/demo-store.toml": signs})
    assert len(found(rules, CALM, BOTH)) == 2


def test_why_shows_facts_gates_and_what_was_matched(tmp_path: Path) -> None:
    gated = {PATH: body("int r = 0;", "", "first(vcpu);", "if (host_has(X))", "\tvcpu->shown = 1;", "return r;")}
    examined = examine(series([CALM, gated]), rule_set(tmp_path))
    assert examined.evaluation is not None
    finding = by_fingerprint(examined.result.findings, examined.result.findings[0].fingerprint[:6])
    told = why(examined.evaluation, finding)
    (matched,) = [delta for delta in told.deltas if delta.matched and delta.kind == "store"]
    assert [(gate.text, gate.klass) for gate in matched.gates] == [("host_has(X)", "host")]
    assert not told.whole


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("demo/bad.toml", "id = ", "not TOML"),
        ("demo/other.toml", RULE % ("", "", ""), "id: is 'demo-store' but the file is called other.toml"),
        (
            "demo/demo-store.toml",
            (RULE % ("", "", "")).replace('level = "flag"', 'level = "loud"'),
            "level: Invalid enum",
        ),
        ("demo/demo-store.toml", RULE % ("", "kindd = 1", ""), "match[0]: Object contains unknown field `kindd`"),
        ("demo/demo-store.toml", RULE % ("", "key = '(a+)+'", ""), "match[0].key: a repetition inside"),
        ("demo/demo-store.toml", RULE % ("", "key = '(ab|a)*c'", ""), "match[0].key: a choice inside an unbounded"),
        (
            "demo/demo-store.toml",
            RULE % ("", "key = '(?i)(ab|AC)*d'", ""),
            "match[0].key: a choice inside an unbounded",
        ),
        (
            "demo/demo-store.toml",
            RULE % ("", "key = '({scope}|b)*c'", ""),
            "choice inside an unbounded repetition: ({}|b)*c",
        ),
        (
            "demo/demo-store.toml",
            RULE % ("", "key = '(a?){1,3}(ab?)*c'", ""),
            "match[0].key: a choice inside an unbounded",
        ),
        ("demo/demo-store.toml", RULE % ("", "key = '(a?){40}'", ""), "match[0].key: 40 bits of choices"),
        ("demo/demo-store.toml", RULE % ("", "key = '('", ""), "match[0].key: missing )"),
        ("demo/demo-store.toml", RULE % ("", 'not_where = ["nowhere"]', ""), "where: there is no scope 'nowhere'"),
        ("demo/demo-store.toml", RULE % ("", "", '[[knob]]\nid = "none"\n'), "knob: there is no knob 'none'"),
        ("demo/demo-store.toml", RULE % ('lower_on_words = ["?"]', "", ""), "lower_on_words: there is no phrase '?'"),
        ("demo/demo-store.toml", RULE % ("", "", SIGN % ("", "key = '('")), "sign[0].match[0].key: missing )"),
        (
            "demo/demo-store.toml",
            RULE % ("", "", SIGN % ("", "") + '[[sign.knob]]\nid = "no"\n'),
            "knob: there is no knob 'no'",
        ),
        (
            "demo/demo-store.toml",
            RULE % ("", "", SIGN.replace('"demo"', '"nowhere"') % ("", "")),
            "where: there is no scope 'nowhere'",
        ),
        ("demo/demo-store.toml", (RULE % ("", "", "")).replace("[[match]]", "[[unless]]"), "needs a match or a sign"),
        ("facts/what.toml", "", "facts files are called"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        rule_set(tmp_path, **{name: text})
    assert says in str(caught.value)
    assert name.rsplit("/", 1)[-1] in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_the_packed_set_is_the_same(tmp_path: Path) -> None:
    rules = rule_set(tmp_path / "rules")
    first = load_rules([tmp_path / "rules"], cache=tmp_path / "cache")
    packed = list((tmp_path / "cache").iterdir())
    assert len(packed) == 1
    assert load_rules([tmp_path / "rules"], cache=tmp_path / "cache") == first == rules
    packed[0].write_bytes(b"rubbish")
    assert load_rules([tmp_path / "rules"], cache=tmp_path / "cache") == rules


def test_selecting_an_unknown_rule_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no rule is called nothing"):
        rule_set(tmp_path).select(["nothing"])


@pytest.mark.parametrize("expression", ["(a*)*", "(a|b*)+", r"(\w+)\1", "((ab)+c?)+", "x" * 3000, "(?:a{1,200})+"])
def test_expressions_that_could_explode_are_refused(expression: str) -> None:
    assert regex.check(expression)


@pytest.mark.parametrize(
    "expression", [r"\w+_\d+", "(a|b)?c+", "(KVM|ARM)_[A-Z_]+", "^(a|b|c)$", "(?!x)y*", "a{2,8}b+"]
)
def test_plain_expressions_are_accepted(expression: str) -> None:
    assert not regex.check(expression)


@given(st.text(alphabet="ab(|)*+?{}1,[]\\w.", max_size=20))
def test_any_expression_is_accepted_or_refused_without_an_error(expression: str) -> None:
    assert isinstance(regex.check(expression), str)


def test_all_shipped_rules_load_and_no_expression_can_explode() -> None:
    assert load_rules().rules


HELPER = "static bool helper_allows(struct vcpu *vcpu)\n{\n\treturn vm_has(vcpu, X);\n}\n\n"


def classes_of(tmp_path: Path, before: Files, after: Files, *, tree: bool) -> set[str]:
    rules = rule_set(tmp_path / "rules")
    kernel = None
    if tree:
        for path, text in before.items():
            (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "tree" / path).write_text(text)
        kernel = open_tree(tmp_path / "tree")
    examined = examine(series([before, after]), rules, tree=kernel)
    assert examined.context is not None
    assert examined.evaluation is not None
    (delta,) = [d for d in examined.context.found.deltas if d.kind == "store"]
    return set(examined.evaluation.gates.of(delta))


def test_a_helper_is_seen_through_one_call_deep(tmp_path: Path) -> None:
    spacer = "\n".join(f"extern int spacer_{n};" for n in range(20)) + "\n\n"
    before = {PATH: HELPER + spacer + body("int r = 0;", "", "if (helper_allows(vcpu))", "\tfirst(vcpu);", "return r;")}
    after = {PATH: before[PATH].replace("\t\tfirst(vcpu);\n", "\t\tvcpu->shown = 1;\n")}
    assert classes_of(tmp_path / "with", before, after, tree=True) == {"per-vm"}
    assert classes_of(tmp_path / "without", before, after, tree=False) == {"none"}


def test_gates_at_every_call_of_a_function_count_with_a_tree(tmp_path: Path) -> None:
    caller = body("if (vm_has(vcpu, X))", "\tdemo_run(vcpu);", "return 0;", name="caller")
    other = body("demo_run(vcpu);", "return 0;", name="other_caller")
    spacer = "\n" + "\n".join(f"extern int spacer_{n};" for n in range(20)) + "\n\n"
    gated = ({PATH: CALM[PATH] + spacer + caller}, {PATH: STORE[PATH] + spacer + caller})
    assert classes_of(tmp_path / "gated", *gated, tree=True) == {"per-vm"}
    assert classes_of(tmp_path / "mail", *gated, tree=False) == {"none"}
    open_ = ({PATH: CALM[PATH] + spacer + caller + "\n" + other}, {PATH: STORE[PATH] + spacer + caller + "\n" + other})
    assert classes_of(tmp_path / "open", *open_, tree=True) == {"none"}
