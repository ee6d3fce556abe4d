# SPDX-License-Identifier: GPL-2.0-or-later
"""The C compiler as a second opinion: what a header's constants, enums and structs are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

# What the UAPI headers of KVM need from headers that the trees do not have. Written for these tests.
PRELUDE = """
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef unsigned long long __u64;
typedef signed char __s8; typedef short __s16; typedef int __s32; typedef long long __s64;
typedef __u64 __aligned_u64 __attribute__((aligned(8))); typedef __u32 __be32; typedef __u64 __be64;
#define __user
#define __packed __attribute__((packed))
#define __DECLARE_FLEX_ARRAY(T, N) T N[0]
#define _AC(x, y) x##y
#define _BITUL(n) (1UL << (n))
#define _BITULL(n) (1ULL << (n))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(h, l) (((~0UL) >> (63 - (h))) & ((~0UL) << (l)))
#define GENMASK_ULL GENMASK
#define __GENMASK GENMASK
#define __GENMASK_ULL GENMASK
#define SZ_64K 0x10000
#define U8_MAX ((unsigned char)~0U)
#define U64_MAX (~0ULL)
#define SZ_128K 0x20000
#define _IOC(d, t, n, s) (((d) << 30) | ((s) << 16) | ((t) << 8) | (n))
#define _IO(t, n) _IOC(0u, t, n, 0)
#define _IOW(t, n, s) _IOC(1u, t, n, sizeof(s))
#define _IOR(t, n, s) _IOC(2u, t, n, sizeof(s))
#define _IOWR(t, n, s) _IOC(3u, t, n, sizeof(s))
struct user_pt_regs { __u64 r; };
struct user_fpsimd_state { __u64 r; };
struct user_regs_struct { __u64 r; };
"""
OTHER_HEADERS = (
    "linux/types.h", "linux/ioctl.h", "linux/stddef.h", "linux/const.h", "linux/compiler.h", "linux/bits.h",
    "linux/kvm_types.h", "asm/ptrace.h", "asm/vmx.h", "asm/svm.h", "asm/sve_context.h", "asm/sie.h",
    "asm/epapr_hcalls.h", "asm/bitsperlong.h", "asm/kvm.h", "asm/kvm_para.h",
)  # fmt: skip


class Compiler:
    """gcc, with empty headers for what the trees lack."""

    def __init__(self, directory: Path) -> None:
        for tool in ("gcc", "readelf"):
            if shutil.which(tool) is None:
                if os.environ.get("CI"):
                    pytest.fail(f"no {tool}")
                pytest.skip(f"no {tool}")
        self.directory = directory
        for header in OTHER_HEADERS:
            place = directory / "stub" / header
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("")
        (directory / "prelude.h").write_text(PRELUDE)

    def _flags(self, includes: list[Path]) -> list[str]:
        dirs = [str(path) for path in (*includes, self.directory / "stub")]
        return ["-nostdinc", "-include", "prelude.h", *(part for path in dirs for part in ("-isystem", path))]

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:3000]}"
        return done.stdout

    def preprocess(self, source: str, *flags: str) -> str:
        """``gcc -E -P`` of a source."""
        (self.directory / "source.c").write_text(source)
        return self._run("gcc", "-E", "-P", *flags, "source.c")

    def run(self, source: str) -> str:
        """What the compiled program prints; it has <stdio.h> and <string.h>."""
        (self.directory / "program.c").write_text(f"#include <stdio.h>\n#include <string.h>\n{source}")
        self._run("gcc", "-w", "-o", "program", "program.c")
        return self._run("./program")

    def macros(self, source: str, includes: list[Path]) -> set[str]:
        """The names of the macros that are defined after ``source``, those without a value among them."""
        (self.directory / "source.c").write_text(source)
        text = self._run("gcc", "-E", "-dM", *self._flags(includes), "source.c")
        return set(re.findall(r"^#define (\w+)", text, re.MULTILINE))

    def values(self, source: str, includes: list[Path], names: list[str]) -> dict[str, int]:
        """The values of constant expressions after ``source``, as the compiler computes them (64 bits, signed)."""
        table = "\n".join(f"unsigned long long value_{index} = ({name});" for index, name in enumerate(names))
        (self.directory / "values.c").write_text(f"{source}\n{table}\n")
        self._run("gcc", "-w", "-O0", "-c", *self._flags(includes), "-o", "values.o", "values.c")
        prints = "\n".join(f"extern long long value_{i}; " for i in range(len(names)))
        shows = "\n".join(f'printf("%lld\\n", value_{i});' for i in range(len(names)))
        (self.directory / "show.c").write_text(
            f"extern int printf(const char *, ...);\n{prints}\nint main(void) {{ {shows} return 0; }}\n"
        )
        self._run("gcc", "-w", "-o", "show", "show.c", "values.o")
        return dict(zip(names, map(int, self._run("./show").split()), strict=True))

    def debug_info(self, source: str, includes: list[Path]) -> Debug:
        """The enums and structs of ``source``, from the DWARF that the compiler writes for it."""
        (self.directory / "types.c").write_text(source)
        flags = ["-w", "-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-c", *self._flags(includes)]
        self._run("gcc", *flags, "-o", "types.o", "types.c")
        return Debug(self._run("readelf", "--debug-dump=info", "types.o"))


class Debug:
    """DWARF as readelf prints it: enumerators with their values, and structs with their members."""

    _ENTRY = re.compile(r" <(\d+)><([0-9a-f]+)>: Abbrev Number: \d+ \((\w+)\)")
    _NAME = re.compile(r"DW_AT_name\s*:.*?(?:\): )?(\S+)\s*$")
    _VALUE = re.compile(r"DW_AT_const_value\s*:\s*(?:\(\w+\)\s*)?(-?\w+)")
    _TYPE = re.compile(r"DW_AT_type\s*:\s*<0x([0-9a-f]+)>")

    def __init__(self, text: str) -> None:
        self.entries: dict[str, dict[str, str]] = {}
        self.children: dict[str, list[str]] = {}
        parents: list[str] = []
        current = ""
        for line in text.split("\n"):
            found = self._ENTRY.match(line)
            if found:
                depth, current = int(found[1]), found[2]
                self.entries[current] = {"tag": found[3].removeprefix("DW_TAG_")}
                parents[depth:] = [current]
                if depth:
                    self.children.setdefault(parents[depth - 1], []).append(current)
            elif current:
                for key, pattern in (("name", self._NAME), ("value", self._VALUE), ("type", self._TYPE)):
                    match = pattern.search(line)
                    if match:
                        self.entries[current][key] = match[1]

    def enumerators(self) -> dict[str, int]:
        """Every enumerator's value."""
        return {
            entry["name"]: int(entry["value"], 0) for entry in self.entries.values() if entry["tag"] == "enumerator"
        }

    def structs(self) -> dict[str, list[str]]:
        """The paths of the members of each struct or union with a tag; those of named types are not followed."""
        return {
            entry["name"]: self._members(key, "")
            for key, entry in self.entries.items()
            if entry["tag"] in ("structure_type", "union_type") and "name" in entry and key in self.children
        }

    def _members(self, key: str, path: str) -> list[str]:
        paths = []
        for child in self.children.get(key, []):
            entry = self.entries[child]
            if entry["tag"] != "member":
                continue
            here = ".".join(part for part in (path, entry.get("name", "")) if part)
            if "name" in entry:
                paths.append(here)
            of = entry["type"]
            while self.entries[of]["tag"] in ("array_type", "const_type"):
                of = self.entries[of]["type"]
            if self.entries[of]["tag"] in ("structure_type", "union_type") and "name" not in self.entries[of]:
                paths += self._members(of, here)
        return paths
