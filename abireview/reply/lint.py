# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with a reply before it goes out.

b4 reads whole replies for trailers and would put ``Fixes: <hex>`` or ``Link: https://…`` that stands in a sentence of
its own into commits; patchwork files any mail with an unquoted diff as a patch. Both are errors here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Literal

import msgspec

COLUMNS = 78  # RFC 5322 2.1.1, and what the lists expect
OCTETS_MAX = 990  # RFC 5322 2.1.1 allows 998 octets a line; some room for what relays add

Severity = Literal["error", "warning"]
TrailerFinder = Callable[[str], list[str]]

_DIFF = re.compile(r"diff --git |diff -[a-zA-Z]|@@ -\d|Index: \S|GIT binary patch|index [0-9a-f]{7,}\.\.")
_ATTRIBUTION = re.compile(r"On .{4,200} wrote:$|.{1,200} (?:wrote|writes):$")


class Issue(msgspec.Struct, frozen=True):
    """One fault: ``line`` of the body (from 1, 0 for the whole), an error stops the mail, a warning does not."""

    line: int
    severity: Severity
    text: str


def lint(body: str, find_trailers: TrailerFinder, *, allowed: Collection[str] = ()) -> tuple[Issue, ...]:
    """The faults of ``body`` in line order.

    ``find_trailers`` is b4's (``abireview.lore.b4mail.find_trailers``): the ``Name: value`` lines b4 would collect
    from the body. ``allowed`` are trailer lines the reviewer gives on purpose.
    """
    lines = body.split("\n")
    issues: list[Issue] = []
    for number, line in enumerate(lines, 1):
        issues += _line_issues(number, line, lines)
    issues += _trailer_issues(body, lines, find_trailers, allowed)
    issues += _shape_issues(lines)
    return tuple(sorted(set(issues), key=lambda issue: (issue.line, issue.severity, issue.text)))


def has_errors(issues: Collection[Issue]) -> bool:
    """True if one of the issues stops the mail."""
    return any(issue.severity == "error" for issue in issues)


def _line_issues(number: int, line: str, lines: list[str]) -> list[Issue]:
    out: list[Issue] = []
    quoted = line.startswith(">")
    try:
        octets = len(line.encode("utf-8"))
    except UnicodeEncodeError:
        return [Issue(number, "error", "a character that UTF-8 cannot encode")]
    if octets > OCTETS_MAX:
        out.append(Issue(number, "error", f"{octets} bytes: servers cut lines over 998"))
    if not quoted:
        signature = line in {"-- ", "--"}
        if _DIFF.match(line) or (_minus_plus(number, lines) and not signature):
            out.append(Issue(number, "error", "an unquoted diff: patchwork would file this mail as a patch"))
        if len(line) > COLUMNS and not _ATTRIBUTION.match(line) and " " in line.strip()[:COLUMNS]:
            out.append(Issue(number, "warning", f"{len(line)} columns, more than {COLUMNS}"))
        if line.startswith("From "):
            out.append(Issue(number, "warning", "begins with 'From ': some servers turn it into '>From '"))
    bad = next((ch for ch in line if unicodedata.category(ch) in {"Cc", "Cf", "Zl", "Zp"} and ch != "\t"), "")
    if bad:
        name = unicodedata.name(bad, "control character")
        out.append(Issue(number, "warning" if quoted else "error", f"not plain text: U+{ord(bad):04X} {name.lower()}"))
    return out


def _minus_plus(number: int, lines: list[str]) -> bool:
    return lines[number - 1].startswith("--- ") and number < len(lines) and lines[number].startswith("+++ ")


def _trailer_issues(body: str, lines: list[str], find_trailers: TrailerFinder, allowed: Collection[str]) -> list[Issue]:
    wanted = {_squeeze(text) for text in allowed}
    out = []
    for found in find_trailers(body):
        if _squeeze(found) in wanted:
            continue
        name = found.split(":", 1)[0].lower()
        at = next((k for k, text in enumerate(lines, 1) if text.strip().lower().startswith(name + ":")), 0)
        out.append(Issue(at, "error", f"b4 would collect this as a trailer: '{found}'"))
    return out


def _squeeze(text: str) -> str:
    return " ".join(text.split()).lower()


def _shape_issues(lines: list[str]) -> list[Issue]:
    text = lines[: lines.index("-- ")] if "-- " in lines else lines
    own = [k for k, line in enumerate(text, 1) if line.strip() and not line.startswith(">")]
    own = [k for k in own if not _ATTRIBUTION.match(text[k - 1])]
    if not own:
        return [Issue(0, "error", "nothing of your own is in this reply")]
    rest = [k for k, line in enumerate(text, 1) if line.startswith(">") and k > own[-1]]
    if rest:
        return [Issue(rest[0], "warning", f"{len(rest)} quoted lines at the end that nothing is said about")]
    return []
