# SPDX-License-Identifier: GPL-2.0-or-later
"""The extractors against the C compiler, on the KVM parts of three kernels (trees/ beside the corpus)."""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from abireview.facts.constants import resolve
from abireview.facts.extract import FILE_WIDE, extract, extract_file_wide
from abireview.facts.model import Fact
from abireview.facts.parser import parse
from abireview.source.model import Line
from abireview.source.scope import whole_fragments
from abireview.source.whole import file_scopes
from tests.conftest import VERSIONS

from .compiler import Compiler

ARCHES = ("arm64", "loongarch", "mips", "powerpc", "riscv", "s390", "x86")
HEADERS = "#include <linux/kvm.h>\n#include <linux/kvm_para.h>\n#include <linux/psci.h>\n"
UAPI = ("include/uapi/linux/kvm.h", "include/uapi/linux/kvm_para.h", "include/uapi/linux/psci.h")
ASM = ("kvm.h", "kvm_para.h")

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="session")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return Compiler(tmp_path_factory.mktemp("gcc"))


@cache
def facts_of(path: Path) -> tuple[Fact, ...]:
    """Every fact of a file, read as the tool reads a file that it knows in full."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [Line("+", line, None, number) for number, line in enumerate(text.split("\n"), 1)]
    fragments = whole_fragments(lines, str(path), 0)
    return tuple(fact for fragment in fragments for fact in extract(fragment, "new"))


def facts_of_uapi(tree: Path, arch: str) -> list[Fact]:
    asm = [tree / "arch" / arch / "include/uapi/asm" / name for name in ASM]
    paths = [*asm, *(tree / path for path in UAPI)]
    return [fact for path in paths if path.is_file() for fact in facts_of(path)]


def compiled(facts: list[Fact], macros: set[str]) -> list[Fact]:
    """The facts whose ``#ifdef`` conditions hold where these macros are defined."""
    return [fact for fact in facts if all(_holds(gate, macros) for gate in fact.gates)]


def _holds(gate: str, macros: set[str]) -> bool:
    *turned, word, condition = gate.removeprefix("#").replace(" #", " ").split()
    assert word in ("ifdef", "ifndef"), gate
    return (condition in macros) == ((word == "ifdef") == (len(turned) % 2 == 0))


def includes(tree: Path, arch: str) -> list[Path]:
    return [tree / "arch" / arch / "include/uapi", tree / "include/uapi"]


def arches(tree: Path) -> list[str]:
    return [arch for arch in ARCHES if (tree / "arch" / arch / "include/uapi/asm/kvm.h").is_file()]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_uapi_enumerator_has_the_value_that_the_compiler_gives_it(
    kernels: Path, compiler: Compiler, version: str
) -> None:
    """Counted by gcc: the headers are compiled for each architecture with ``-g``, and the enumerators are those of the
    DWARF (readelf). Names and values must be the same in both directions, so neither side can miss one.
    """
    tree = kernels / version
    total = 0
    for arch in arches(tree):
        truth = compiler.debug_info(HEADERS, includes(tree, arch)).enumerators()
        macros = compiler.macros(HEADERS, includes(tree, arch))
        facts = compiled(resolve(facts_of_uapi(tree, arch)), macros)
        found = {fact.key: fact.number for fact in facts if fact.kind == "enumerator"}
        assert found == truth, arch
        total += len(truth)
    assert total > 100


@pytest.mark.parametrize("version", VERSIONS)
def test_every_capability_has_the_number_that_the_compiler_gives_it(
    kernels: Path, compiler: Compiler, version: str
) -> None:
    """Counted by gcc: the ``KVM_CAP_*`` names are those that ``gcc -E -dM`` knows after the headers of x86, the
    numbers those of a compiled table of them.
    """
    tree = kernels / version
    macros = compiler.macros(HEADERS, includes(tree, "x86"))
    names = sorted(name for name in macros if name.startswith("KVM_CAP_"))
    truth = compiler.values(HEADERS, includes(tree, "x86"), names)
    facts = compiled(resolve(facts_of(tree / UAPI[0])), macros)
    found = {f.key: f.number for f in facts if f.kind == "define" and f.key.startswith("KVM_CAP_") and f.value}
    assert len(truth) > 200
    assert found == truth


@pytest.mark.parametrize("version", VERSIONS)
def test_every_constant_of_a_uapi_header_is_computed_as_the_compiler_does(
    kernels: Path, compiler: Compiler, version: str
) -> None:
    """Each ``#define`` that gets a number is compiled too (ioctl numbers and names of other headers get none)."""
    tree = kernels / version
    for arch in arches(tree):
        known = compiler.macros(HEADERS, includes(tree, arch))
        facts = compiled(resolve(facts_of_uapi(tree, arch)), known)
        # the architecture's header comes first, and "#ifndef X" of the generic one yields to it
        found = {f.key: f.number for f in reversed(facts) if f.kind == "define" and f.number is not None}
        truth = compiler.values(HEADERS, includes(tree, arch), list(found))
        assert len(found) > 100
        assert {name: (number or 0) & (1 << 64) - 1 for name, number in found.items()} == {
            name: number & (1 << 64) - 1 for name, number in truth.items()
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_uapi_structs_have_the_members_that_the_compiler_sees(kernels: Path, compiler: Compiler, version: str) -> None:
    """Counted by gcc: the member names of each struct and union with a tag, in order, are those of the DWARF."""
    tree = kernels / version
    for arch in arches(tree):
        truth = compiler.debug_info(HEADERS, includes(tree, arch)).structs()
        found: dict[str, list[str]] = {}
        tagged: dict[str, set[str]] = {}
        macros = compiler.macros(HEADERS, includes(tree, arch))
        for fact in compiled(facts_of_uapi(tree, arch), macros):
            if fact.kind != "member" or fact.key.startswith(":"):
                continue
            parent = fact.key.rpartition(".")[0]
            if parent in tagged.get(fact.scope, ()):
                tagged[fact.scope].add(fact.key)  # DWARF has a nested struct with a tag for itself
                continue
            if re.match(r"(struct|union) \w", fact.value):
                tagged.setdefault(fact.scope, set()).add(fact.key)
            found.setdefault(fact.scope, []).append(fact.key.partition("#")[0])
        missing = {
            name: members for name, members in truth.items() if name not in found and not name.startswith("user_")
        }
        assert {name: found.get(name) for name in truth if name in found} == {
            name: truth[name] for name in truth if name in found
        }
        assert all(any(name in str(f.value) for f in facts_of_uapi(tree, arch)) for name in missing), missing
        assert len(found) > 40


class _Numbers:
    """Each name of a table as a number of its own, so that the compiler can compare rows it knows nothing of."""

    _WORD = re.compile(r'"[^"]*"|\.\s*\w+(?=\s*=)|\b[A-Za-z_]\w*(\s*\()?|\b0[xX]\w+')

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.fresh = count(1)

    def replace(self, text: str) -> str:
        return self._WORD.sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        word = match[0]
        if word[0] in '".0':
            return word
        name = word.rstrip("( \t")
        number = self.numbers.setdefault(name, next(self.fresh))
        return f"CALL({number}, " if match[1] else str(number)


FIELDS = (
    "aarch32_map", "Op0", "Op1", "CRn", "CRm", "Op2", "access", "reset", "reg", "val", "get_user", "set_user",
    "visibility",
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_sys_reg_descs_has_the_rows_that_the_compiler_counts(kernels: Path, compiler: Compiler, version: str) -> None:
    """Counted by gcc: the source's table, and a table made of the values of the extracted rows, are both preprocessed
    with the source's own macros and compiled (every other name is a number, ``sizeof`` gives the rows). The two arrays
    must have as many rows and be equal byte for byte: no row lost, none invented, no column changed.
    """
    kvm = kernels / version / "arch/arm64/kvm"
    source = "\n".join(
        line
        for name in ("sys_regs.h", "sys_regs.c")
        for line in (kvm / name).read_text().split("\n")
        if not re.match(r"\s*#\s*include", line)
    )
    rows = [f for f in facts_of(kvm / "sys_regs.c") if f.kind == "row" and f.scope == "sys_reg_descs"]
    again = ",\n".join(row.value for row in rows)
    text = compiler.preprocess(f"{source}\nAGAIN {{\n{again}\n}}; END\n", "-undef")
    table = re.search(r"struct sys_reg_desc sys_reg_descs\[\] = (\{.*?\n\});", text, re.DOTALL)
    mine = re.search(r"AGAIN (\{.*\}); END", text, re.DOTALL)
    assert table is not None
    assert mine is not None
    numbers = _Numbers()
    fields = " ".join(f"long {field};" for field in FIELDS)
    printed = compiler.run(
        f"""#define CALL(number, ...) number
struct row {{ const char *name; {fields} }};
static const struct row theirs[] = {numbers.replace(table[1])};
static const struct row mine[] = {numbers.replace(mine[1])};
int main(void) {{
    unsigned long i, equal = 0;
    for (i = 0; i < sizeof(theirs) / sizeof(*theirs) && i < sizeof(mine) / sizeof(*mine); i++)
        equal += !strcmp(theirs[i].name ? theirs[i].name : "", mine[i].name ? mine[i].name : "") &&
                 !memcmp(&theirs[i].aarch32_map, &mine[i].aarch32_map, sizeof(struct row) - sizeof(char *));
    printf("%lu %lu %lu", sizeof(theirs) / sizeof(*theirs), sizeof(mine) / sizeof(*mine), equal);
    return 0;
}}
"""
    )
    theirs, ours, equal = map(int, printed.split())
    assert theirs == ours == equal
    assert theirs > 300
    assert len({row.key for row in rows}) == len(rows)
    assert not [row.key for row in rows if "#" in row.key or not row.key]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_table_of_kvm_has_the_rows_that_tree_sitter_counts(kernels: Path, version: str) -> None:
    """Counted by tree-sitter: the elements of the initializer_list of each table that it parses without an error node.

    It has errors where an ``#ifdef`` or a macro call without a comma stands in a table. The rows that a list of
    constants inside a row gives are left out of the comparison.
    """
    counted = failed = 0
    wrong = []
    for path in sorted((kernels / version).glob("arch/*/kvm/**/*.c")):
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        for piece in whole_fragments([Line("+", line, None, n) for n, line in enumerate(lines, 1)], path.name, 0):
            if piece.kind != "table":
                continue
            rows = [row for row in extract(piece, "new") if row.kind == "row"]
            outer = [row for row in rows if not any(_holds_lines(other, row) for other in rows)]
            elements = _elements(piece.new.text)
            if elements is None:
                failed += 1
            elif elements != len(outer):
                wrong.append((path.name, piece.name, elements, len(outer)))
            else:
                counted += len(outer)
    assert wrong == []
    assert counted > 2000
    assert failed < 40


def _holds_lines(outer: Fact, inner: Fact) -> bool:
    return outer is not inner and outer.line < inner.line and inner.end < outer.end


def _elements(text: str) -> int | None:
    """How many elements the first initializer_list has, None if tree-sitter does not understand the text."""
    root = parse(text).root_node
    if root.has_error:
        return None
    open_ = [root]
    while open_:
        node = open_.pop(0)
        if node.type == "initializer_list":
            return sum(child.type != "comment" for child in node.named_children)
        open_ = [*node.children, *open_]
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_file_wide_is_the_same_read_alone(kernels: Path, version: str) -> None:
    seen = 0
    for path in sorted((kernels / version).glob("arch/arm64/kvm/**/*.[ch]")):
        for fragment in file_scopes(path.read_text(encoding="utf-8", errors="replace"), str(path)):
            wanted = [fact for fact in extract(fragment, "new") if fact.kind in FILE_WIDE]
            assert extract_file_wide(fragment, "new") == wanted, (path, fragment.name)
            seen += len(wanted)
    assert seen > 500
