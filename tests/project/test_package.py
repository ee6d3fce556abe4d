# SPDX-License-Identifier: GPL-2.0-or-later
"""What holds for every file of the project."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "abireview"
MODULE_LINES = 500
FUNCTION_LINES = 50

# Words that only a KVM architecture's code knows; the Python package may know none of them (DESIGN.md section 4).
KVM_SYMBOL = re.compile(
    r"\b(?:KVM_(?:ARM|VGIC|CAP|REG|X86|S390|PPC|RISCV|LOONGARCH|EXIT|PSCI|DEV|VM)_\w+|PSCI_\w+|GIC[DRHVS]_\w+"
    r"|SYS_\w+_EL\d|ID_AA64\w+|HCR_EL2\w*|MSR_IA32_\w+|X86_FEATURE_\w+|sys_reg_descs|kvm_(?:vcpu|arm|vgic|psci)_\w+"
    r"|vgic_\w+|vcpu_has_feature|kvm_has_feat\w*|kvm_check_has_quirk|cpus_have_\w+)\b"
)


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def text_files() -> list[Path]:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def test_the_package_names_no_symbol_of_kvm() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in PACKAGE.rglob("*")
        if path.suffix in (".py", ".j2", ".txt", ".tcss") and path.is_file() and "_rules" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in KVM_SYMBOL.finditer(line)
    ]
    assert not found


@pytest.mark.parametrize(
    "symbol", ["KVM_CAP_FOO", "GICD_IIDR", "sys_reg_descs", "KVM_ARM_PSCI_1_1", "kvm_has_feat", "MSR_IA32_TSC"]
)
def test_the_search_knows_a_symbol_when_it_sees_one(symbol: str) -> None:
    assert KVM_SYMBOL.search(f'    if name == "{symbol}":')


def test_modules_and_functions_are_short() -> None:
    long: list[str] = []
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > MODULE_LINES:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        if PACKAGE not in path.parents:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert not long


def test_every_source_file_names_its_licence() -> None:
    missing = [
        str(path.relative_to(ROOT))
        for path in python_files()
        if "SPDX-License-Identifier: GPL-2.0-or-later" not in path.read_text(encoding="utf-8")[:200]
    ]
    assert not missing


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    place = re.compile(r"(?<![\w.])/(?:work|root|farm|opt/(?:wheels|pypi)|tmp/v)/\S")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if place.search(line)
    ]
    assert not found


def test_the_lock_names_hashes_and_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert not re.search(r"^\s*--(?:find-links|index-url|extra-index-url|trusted-host)", lock, re.MULTILINE)
    requirements = re.findall(
        r"^([a-z0-9][\w.-]*)==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        lock,
        re.MULTILINE,
    )
    assert len(requirements) == len(re.findall(r"^[A-Za-z0-9][^#\n]*==", lock, re.MULTILINE))
    assert len(requirements) > 50


def test_the_lock_has_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.split(r"[\[<>=!;\s]", requirement)[0].lower().replace("_", "-") for requirement in wanted]
    assert [name for name in names if f"\n{name}==" not in lock] == []


def test_the_import_contracts_hold() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(tool), "--config", "pyproject.toml", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_core_imports_nothing_heavy() -> None:
    code = (
        "import sys, abireview.cli.group, abireview.cli.verbs.check, abireview.findings.model, abireview.rules.load\n"
        "heavy = {'b4', 'liblore', 'httpx', 'textual', 'rich', 'sqlite_utils', 'requests', 'jinja2', 'tree_sitter'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
