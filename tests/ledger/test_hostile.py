# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees that are cut off, mangled, linked out of or made to take long: read as far as they go, in bounded time."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from abireview.errors import TreeError
from abireview.ledger.compare import compare
from abireview.ledger.reading import read_file, read_surface
from abireview.ledger.schema import SurfaceSpec
from abireview.source.tree import open_tree
from tests.ledger.conftest import TOOL

SYS_REGS = "arch/arm64/kvm/sys_regs.c"
TEXT = """\
#define ID_WRITABLE(name, mask) { ID_DESC(name), .val = mask, }
#define ID_DESC(name) SYS_DESC(SYS_##name), .set_user = set_id_reg
static const struct sys_reg_desc sys_reg_descs[] = {
	{ SYS_DESC(SYS_ACTLR_EL1), access_actlr, reset_actlr, ACTLR_EL1 },
	ID_WRITABLE(ID_AA64ISAR0_EL1, ~ID_AA64ISAR0_EL1_RES0),
};
static u64 read_id_reg(int id)
{
	switch (id) {
	case SYS_ID_AA64PFR0_EL1:
		val &= ~ID_AA64PFR0_EL1_AMU;
		break;
	}
	return val;
}
"""


def mangled() -> list[str]:
    """Every prefix of the text by line, and seeded changes of its characters."""
    lines = TEXT.split("\n")
    found = ["\n".join(lines[:n]) for n in range(len(lines))] + ["\n".join(lines[n:]) for n in range(len(lines))]
    chance = random.Random(20261121)
    for _ in range(150):
        characters = list(TEXT)
        for _ in range(chance.randint(1, 12)):
            characters[chance.randrange(len(characters))] = chance.choice("{}()[],;#\\\"'/*\n\x00\u202e=~|")
        found.append("".join(characters))
    return found


def test_mangled_c_never_raises(specs: tuple[SurfaceSpec, ...]) -> None:
    about = [spec for spec in specs if SYS_REGS in spec.files]
    for text in mangled():
        for piece in read_file(text, SYS_REGS, about):
            assert piece.name
            assert piece.place.line >= 1


@pytest.mark.parametrize(
    "text",
    [
        "#define A(x) { B(x), B(x) }\n#define B(x) C(x), C(x)\n#define C(x) D(x), D(x)\n#define D(x) E(x), E(x)\n"
        "#define E(x) F(x), F(x)\n#define F(x) G(x), G(x)\n#define G(x) H(x), H(x)\n#define H(x) x, x, x, x, x, x\n"
        "static struct x sys_reg_descs[] = {\n" + "\tA(1),\n" * 50 + "};\n",
        "static struct x sys_reg_descs[] = {\n" + "\t{ SYS_DESC(SYS_X), " + "(" * 5000 + " },\n" + "};\n",
        "static struct x sys_reg_descs[] = {\n"
        + "\t{ SYS_DESC(SYS_ID_A), .val = ~("
        + "ID_A_EL1_B | " * 20_000
        + "0) },\n};\n",
        "static u64 read_id_reg(void)\n{\n" + "\tval &= ~ID_AA64PFR0_EL1_AMU;\n" * 20_000 + "}\n",
        "".join(f"#define KVM_CAP_{n} (KVM_CAP_{n + 1})\n" for n in range(20_000)),
    ],
    ids=["macros", "brackets", "mask", "stores", "chain"],
)
def test_made_to_take_long(text: str, specs: tuple[SurfaceSpec, ...]) -> None:
    start = time.process_time()
    read_file(text, SYS_REGS, specs)
    assert time.process_time() - start < 10


def test_links_out_of_the_tree_are_no_files(tmp_path: Path, specs: tuple[SurfaceSpec, ...]) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("#define KVM_CAP_SECRET 7\n")
    place = tmp_path / "tree" / "include" / "uapi" / "linux"
    place.mkdir(parents=True)
    (place / "kvm.h").symlink_to(secret)
    with pytest.raises(TreeError):
        read_surface(open_tree(tmp_path / "tree"), specs, "tree", TOOL)


def test_an_empty_ledger_of_a_tree_with_itself(tmp_path: Path, specs: tuple[SurfaceSpec, ...]) -> None:
    path = tmp_path / SYS_REGS
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    surface = read_surface(open_tree(tmp_path), specs, "tree", TOOL)
    assert compare(surface, surface, specs, TOOL).entries == ()
