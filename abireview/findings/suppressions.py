# SPDX-License-Identifier: GPL-2.0-or-later
"""``abireview.toml``: findings that a tree or a person has settled for good, each with its reason.

[[suppress]]
fingerprint = "0123456789ab"      # or: rule = "…" with path = "arch/arm64/kvm/*"
reason = "the architecture forbids the old value (DDI 0487, D19.2.64)"
link = "https://lore.kernel.org/r/…"
by = "A Reviewer <reviewer@example.org>"
until = 2027-01-31
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from abireview.errors import ConfigError
from abireview.findings.model import Finding, Result

MAX_FILE = 1 << 20  # bytes; a suppression is five lines


class Suppression(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry. Either ``fingerprint`` (12 hex digits) or ``rule``, the latter with an optional glob ``path``."""

    reason: str
    fingerprint: str = ""
    rule: str = ""
    path: str = "*"
    link: str = ""
    by: str = ""
    until: datetime.date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether the entry is about FINDING, whatever the date."""
        if self.fingerprint:
            return finding.fingerprint == self.fingerprint
        return finding.rule == self.rule and fnmatchcase(finding.file, self.path)

    @property
    def name(self) -> str:
        """How the entry is called in a warning."""
        return self.fingerprint or f"{self.rule} in {self.path}"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    suppress: tuple[Suppression, ...] = ()


class Suppressed(msgspec.Struct, frozen=True):
    """A result with its suppressed findings marked; ``unused`` and ``expired`` entries by name."""

    result: Result
    unused: tuple[str, ...]
    expired: tuple[str, ...]


def read(data: bytes, name: str) -> tuple[Suppression, ...]:
    """The entries of a file called NAME. Raises ConfigError that names file and key."""
    if len(data) > MAX_FILE:
        raise ConfigError(f"{name}: larger than {MAX_FILE} bytes")
    try:
        settings = msgspec.convert(tomllib.loads(data.decode()), Settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}") from error
    for number, entry in enumerate(settings.suppress, 1):
        if not entry.reason.strip():
            raise ConfigError(f"{name}: suppress {number}: reason is empty", hint="say why, for the next reader")
        if bool(entry.fingerprint) == bool(entry.rule):
            raise ConfigError(f"{name}: suppress {number}: give either fingerprint or rule")
    return settings.suppress


def suppress(result: Result, entries: Sequence[Suppression], today: datetime.date) -> Suppressed:
    """RESULT with the state ``suppressed`` and the reason on every finding that a current entry covers."""
    expired = [entry for entry in entries if entry.until is not None and entry.until < today]
    current = [entry for entry in entries if entry not in expired]
    used: set[int] = set()
    findings = []
    for finding in result.findings:
        number = next((n for n, entry in enumerate(current) if entry.covers(finding)), None)
        if number is None:
            findings.append(finding)
            continue
        used.add(number)
        said = current[number].reason + (f" ({current[number].link})" if current[number].link else "")
        findings.append(msgspec.structs.replace(finding, state="suppressed", reason=said))
    return Suppressed(
        msgspec.structs.replace(result, findings=tuple(findings)),
        tuple(entry.name for number, entry in enumerate(current) if number not in used),
        tuple(entry.name for entry in expired),
    )
