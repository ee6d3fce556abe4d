# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading surfaces from small trees: items, sets, macros, columns, gates, and what data can say wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from abireview.errors import RuleError, TreeError
from abireview.facts.model import Fact
from abireview.ledger.expand import Macros
from abireview.ledger.load import load_surfaces
from abireview.ledger.model import Item, Surface
from abireview.ledger.reading import matches, read_surface
from abireview.ledger.template import fill, wrong
from abireview.source.tree import open_tree
from tests.ledger.conftest import TOOL

TABLE = """\
#define WRITABLE(name, mask) {	\\
	DESC(NR_##name),		\\
	.set = set_reg,			\\
	.val = mask,			\\
}
#define PAIR(name) { DESC(NR_##name##LO), undef }, { DESC(NR_##name##HI), undef }

static const struct desc descs[] = {
	{ DESC(NR_A), access_a, NULL, REG_A },
	WRITABLE(B, ~(B_X | B_Y)),
	PAIR(C),
	{ DESC(NR_D), .access = access_d, .val = 3 },
};

static int accepts(int n)
{
	switch (n) {
	case REV_2:
	case REV_3:
		return 0;
	default:
		return -EINVAL;
	}
}
"""
RULES = """
[[surface]]
id = "regs"
title = "Registers"
area = "sysreg"
arch = "x"
about = "Rows."
files = ["arch/x/kvm/*.c"]
normal = [['^NULL$', '']]
[[surface.read]]
kind = ["row"]
scope = 'descs'
expand = true
columns = { 0 = 'DESC\\((?:NR_)?+(?P<id>\\w+)\\)' }
name = "{id}"
set = { access = "{access|1|'none'}", value = "{val|4}" }
[[surface.read]]
kind = ["row"]
scope = 'descs'
expand = true
columns = { 0 = 'DESC\\((?:NR_)?+(?P<id>\\w+)\\)', val = '~\\((?P<mask>.*)\\)' }
each = '\\w+_(?P<f>\\w+)'
each_of = "{mask}"
name = "{id}"
add = { but = "{f}" }

[[surface]]
id = "revs"
title = "Revisions"
area = "vgic"
arch = "x"
about = "Cases."
files = ["arch/x/kvm/a.c"]
[[surface.read]]
kind = ["case"]
scope = 'accepts'
key = 'REV_(?P<n>\\d+)'
name = "rev"
add = { accepted = "{n}" }
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    place = tmp_path / "rules"
    (place / "surface").mkdir(parents=True)
    (place / "surface" / "x.toml").write_text(RULES)
    return place


def tree(tmp_path: Path, name: str = "tree", table: str = TABLE) -> Path:
    place = tmp_path / name / "arch" / "x" / "kvm"
    place.mkdir(parents=True)
    (place / "a.c").write_text(table)
    return tmp_path / name


def read(place: Path, rules: Path) -> Surface:
    return read_surface(open_tree(place), load_surfaces([rules]), place.name, TOOL)


def items(surface: Surface, group: str) -> dict[str, Item]:
    return {item.name: item for one in surface.groups if one.id == group for item in one.items}


def test_rows_are_seen_through_the_macros_of_their_file(tmp_path: Path, rules: Path) -> None:
    found = items(read(tree(tmp_path), rules), "regs")
    assert {name: item.facts["access"] for name, item in found.items()} == {
        "A": "access_a", "B": "none", "CLO": "undef", "CHI": "undef", "D": "access_d",
    }  # fmt: skip
    assert found["B"].facts["value"] == "~(B_X | B_Y)"
    assert found["B"].sets == {"but": ("X", "Y")}
    assert found["D"].facts["value"] == "3"
    assert found["D"].place
    assert (found["D"].place.path, found["D"].place.line) == ("arch/x/kvm/a.c", 12)


def test_the_labels_of_cases_make_a_set(tmp_path: Path, rules: Path) -> None:
    assert items(read(tree(tmp_path), rules), "revs")["rev"].sets == {"accepted": ("2", "3")}


def test_a_tree_without_any_of_the_files_is_an_error(tmp_path: Path, rules: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TreeError, match="none of the files"):
        read(tmp_path / "empty", rules)


def test_a_surface_without_items_is_named(tmp_path: Path, rules: Path) -> None:
    surface = read(tree(tmp_path, table="static const struct desc descs[] = {\n\t{ DESC(NR_A), a },\n};\n"), rules)
    assert surface.missing == ("revs",)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("a/b/*.c", "a/b/c.c", True),
        ("a/b/*.c", "a/b/d/c.c", False),
        ("a/b/c.c", "a/b/c.c", True),
        ("*.c", "c.c", True),
        ("a/b/*.c", "a/b/c.h", False),
    ],
)
def test_patterns_of_files(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) is fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a} and {b}", "1 and two"),
        ("{none|b}", "two"),
        ("{none|'a word'}", "a word"),
        ("{b:upper}{none}", "TWO"),
        ("{a:hex}", "0x1"),
        ("{with space}", "s"),
        ("no place", "no place"),
    ],
)
def test_templates(text: str, expected: str) -> None:
    assert fill(text, {"a": "1", "b": "two", "with space": "s"}) == expected


def test_a_form_that_does_not_exist_is_named() -> None:
    assert "loud" in wrong("{a:loud}")
    assert not wrong("{a:upper}")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('kind = ["case"]', 'kind = "case"', "kind"),
        ("key = 'REV_(?P<n>\\\\d+)'", "key = '(?:a+)+'", "repetition"),
        ('name = "rev"', 'name = "{a:loud}"', "loud"),
        ('id = "revs"', 'id = "revs"\nspeed = 1', "speed"),
        ("[[surface]]", "[[surface", "surface"),
    ],
)
def test_wrong_files_are_refused_with_the_place(rules: Path, old: str, new: str, says: str) -> None:
    file = rules / "surface" / "x.toml"
    text = file.read_text()
    changed = text.replace(old.replace("\\\\", "\\"), new)
    assert changed != text
    file.write_text(changed)
    with pytest.raises(RuleError, match=says) as error:
        load_surfaces([rules])
    assert "x.toml" in str(error.value)


def test_a_later_directory_replaces_a_surface(rules: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "surface"
    other.mkdir(parents=True)
    (other / "y.toml").write_text(RULES.replace('title = "Revisions"', 'title = "Other"'))
    titles = {spec.id: spec.title for spec in load_surfaces([rules, tmp_path / "other"])}
    assert titles == {"regs": "Registers", "revs": "Other"}


# --- macros -----------------------------------------------------------------------------------------------------


def macros(*pairs: tuple[str, str, str]) -> Macros:
    facts = [
        Fact("define", "", name, body, columns=(("params", params),) if params != "-" else ())
        for name, params, body in pairs
    ]
    return Macros(facts)


def test_arguments_are_pasted_quoted_and_passed_on() -> None:
    found = macros(("ROW", "n, m", "{ .name = #n, .id = ID_##n, .val = m }"), ("TWO", "n", "ROW(n, 1), ROW(n##2, ~0)"))
    assert found.rows("TWO(A)") == [
        {"name": '"A"', "id": "ID_A", "val": "1"},
        {"name": '"A2"', "id": "ID_A2", "val": "~0"},
    ]


def test_variable_arguments_and_plain_macros() -> None:
    found = macros(("LIST", "a, ...", "{ a, f(__VA_ARGS__), DEFAULT }"), ("DEFAULT", "-", ".reset = none"))
    assert found.rows("LIST(x, y, z)") == [{"0": "x", "1": "f(y, z)", "reset": "none"}]


def test_a_macro_defined_twice_or_by_itself_stays_as_it_is() -> None:
    twice = macros(("ROW", "n", "{ n }"), ("ROW", "n", "{ 2, n }"))
    assert twice.rows("ROW(A)") == [{"0": "ROW(A)"}]
    assert macros(("ROW", "n", "{ ROW(n) }")).rows("ROW(A)") == [{"0": "ROW(A)"}]


def test_macros_that_call_each_other_end() -> None:
    found = macros(("A", "x", "{ B(x), B(x) }"), ("B", "x", "A(x), A(x)"))
    assert len(str(found.rows("A(1)"))) < 2_000_000


def test_a_later_designator_counts() -> None:
    found = macros(("BASE", "n", "DESC(n), .show = always"))
    assert found.rows("{ BASE(A), .show = never, }") == [{"0": "DESC(A)", "show": "never"}]
