# SPDX-License-Identifier: GPL-2.0-or-later
"""What the interface headers declare and what is answered, found a second time (see oracle.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.ledger.ctext import Items, cases, function, inside, split, text

# --- the interface headers --------------------------------------------------------------------------------------


def _headers(tree: Path, arch: str, names: tuple[str, ...] = ("kvm.h",)) -> str:
    folder = "include/uapi/linux" if arch == "generic" else f"arch/{arch}/include/uapi/asm"
    return "\n".join(text(tree / folder / name) for name in names)


ALL = ("kvm.h", "kvm_para.h", "psci.h")


def _all_defines(code: str) -> dict[str, str]:
    return {
        name: " ".join(value.split())
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?![\w(])([^\n]*)", code, re.MULTILINE)
    }


def _number(value: str, known: dict[str, str], depth: int = 0) -> str:
    """The value of a constant expression, by Python's own arithmetic; "" if it is none."""
    value = re.sub(r"\b(?:_AC|__AC)\((\w+), ?\w+\)", r"\1", value)
    value = re.sub(r"\b_BITULL?\((\w+)\)", r"(1 << \1)", value)
    value = re.sub(r"\b((?:0[xX])?[0-9a-fA-F]+)[uUlL]+\b", r"\1", value)
    for name in set(re.findall(r"\b[A-Za-z_]\w*\b", value)):
        if name not in known or depth > 5:
            return ""
        value = re.sub(rf"\b{name}\b", f"({_number(known[name], known, depth + 1) or 'x'})", value)
    if not re.fullmatch(r"[\dxXa-fA-F\s()<>|&~+*-]+", value):
        return ""
    try:
        return str(eval(value, {"__builtins__": {}}))  # digits and operators only: see above
    except (SyntaxError, NameError, TypeError):
        return ""


def _define_items(tree: Path, arch: str, pattern: str, names: tuple[str, ...] = ("kvm.h",)) -> Items:
    known = _all_defines(_headers(tree, arch, names))
    return {
        name: {"value": value, "number": _number(value, known)}
        for name, value in known.items()
        if re.fullmatch(pattern, name) and value
    }


def cap(tree: Path, arch: str) -> Items:
    items: Items = {
        name: {"number": value}
        for name, value in _all_defines(_headers(tree, "generic")).items()
        if name.startswith("KVM_CAP_") and value.isdigit()
    }
    items["highest capability"] = {"number": str(max(int(str(item["number"])) for item in items.values()))}
    return items


ANSWERING = {
    "generic": ("virt/kvm/kvm_main.c",), "arm64": ("arm.c",), "x86": ("x86.c",), "riscv": ("vm.c", "vcpu.c"),
    "s390": ("kvm-s390.c",), "powerpc": ("powerpc.c",), "loongarch": ("vm.c", "vcpu.c"), "mips": ("mips.c",),
}  # fmt: skip


def answer(tree: Path, arch: str) -> Items:
    folder = tree if arch == "generic" else tree / "arch" / arch / "kvm"
    code = "".join(text(folder / file) for file in ANSWERING[arch])
    items: Items = {}
    for attr, name in (("check", r"\w*check_extension\w*"), ("enable", r"\w*enable_cap\w*")):
        for label in cases(function(code, name)):
            if label.startswith("KVM_CAP_"):
                items.setdefault(label, {})[attr] = "yes"
    return items


def ioctl(tree: Path, arch: str) -> Items:
    items: Items = {}
    for name, value in _all_defines(_headers(tree, arch)).items():
        if match := re.match(r"_IO\w*\(\s*KVMIO,\s*(\w+)", value):
            items[name] = {"nr": match[1]}
    return items


def exits(tree: Path, arch: str) -> Items:
    return _define_items(tree, arch, r"KVM_(?:EXIT|SYSTEM_EVENT|INTERNAL_ERROR|NOTIFY|HYPERCALL_EXIT)_\w+")


def any_define(tree: Path, arch: str) -> Items:
    functions = re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(", _headers(tree, arch, ALL), re.MULTILINE)
    return _define_items(tree, arch, r"\w+", ALL) | {name: {} for name in functions}


def enum(tree: Path, arch: str) -> Items:
    code = _headers(tree, arch)
    known = _all_defines(code)
    items: Items = {}
    for match in re.finditer(r"\benum\b[\w\s]*\{", code):
        value = "-1"
        for one in split(re.sub(r"^\s*#.*$", "", inside(code, match.end() - 1), flags=re.MULTILINE)):
            name, _, given = (part.strip() for part in one.partition("="))
            value = _number(given, known) if given else (str(int(value) + 1) if value else "")
            known[name] = value
            items[name] = {"number": value}
    return items


def struct(tree: Path, arch: str) -> Items:
    code = _headers(tree, arch, ("kvm.h", "kvm_para.h"))
    items: Items = {}
    for match in re.finditer(r"^(?:struct|union) (\w+)\s*\{", code, re.MULTILINE):
        items[match[1]] = {"members": set(_members(inside(code, match.end() - 1), ""))}
    return {name: item for name, item in items.items() if item["members"]}


def _members(body: str, prefix: str) -> Iterator[str]:
    """Each member of a structure's body as ``type path``, the members of its inner structures too."""
    body = re.sub(r"^\s*#.*$", "", body, flags=re.MULTILINE)
    at = 0
    while match := re.compile(r"\s*((?:struct|union)\s*(\w*\s*)\{|[^;{]+;)").match(body, at):
        if "{" in match[1]:
            within = inside(body, match.end() - 1)
            end = match.end() + len(within) + 1
            name = re.compile(r"\s*(?:__attribute__\s*\(\(.*?\)\)|__\w+)?\s*(\w*)\s*((?:\[[^\]]*\])*)[^;]*;").match(
                body, end
            )
            assert name
            path = f"{prefix}{name[1]}." if name[1] else prefix
            if name[1]:
                yield f"{match[1].split()[0].rstrip('{')}{name[2]} {prefix}{name[1]}"
            yield from _members(within, path)
            at = name.end()
            continue
        at = match.end()
        text = " ".join(match[1].rstrip("; ").split())
        if flexible := re.match(r"__DECLARE_FLEX_ARRAY\((.*), ?(\w+)\)", text):
            yield f"{flexible[1]}[0] {prefix}{flexible[2]}"
            continue
        if hinted := re.match(r"(.*) HINT_UNSAFE_IN_KVM\((\w+)\)", text):
            text = f"{hinted[1]} {hinted[2]}"
        first, *others = [part.strip() for part in text.split(",")]
        single = re.match(r"(.*?)\s*\b(\w+)\s*((?:\[[^\]]*\]\s*)*)(?::.*)?$", first)
        if not single:
            continue
        for name_, size in [(single[2], single[3]), *((re.sub(r"\[.*", "", o), "") for o in others)]:
            yield " ".join(f"{single[1]}{size.replace(' ', '')} {prefix}{name_}".split())
