# SPDX-License-Identifier: GPL-2.0-or-later
"""b4's check protocol (b4 0.16, ``b4.review.checks``): a mail on stdin, one JSON result on stdout.

b4 runs the command in the top directory of the repository, once a patch, one after the other, and caches by message
and tool: one result a message, and another tool name for the whole series. Nothing here imports b4.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from abireview.errors import AbireviewError, NoPatchesError
from abireview.findings.model import Finding, Result
from abireview.limits import MAX_B4_CACHED, MAX_B4_TRACKING_BYTES, MAX_THREAD_BYTES
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from abireview.rules.load import RuleSet

TRACKING = "B4_TRACKING_FILE"
STORE_NAME = "abireview.db"  # abireview.store.db.FILE_NAME, which cannot be asked without importing the database
TOOL, SERIES_TOOL = "abireview", "abireview-series"

Status = Literal["pass", "warn", "fail"]

_DIFF = re.compile(rb"^(?:diff --git a/|--- [^\n]+\n\+\+\+ )", re.MULTILINE)
_ENCODING = re.compile(rb"^content-transfer-encoding:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*multipart/[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_NOT_QUOTED = re.compile(rb"=(?![0-9A-F]{2}|[ \t]*\r?(?:\n|\Z))")


class Detail(msgspec.Struct, frozen=True):
    """A line of a result's details: b4 shows ``state``, then ``context`` — ``description``, and ``srcline`` below."""

    status: Status
    context: str
    state: str
    description: str
    srcline: str = ""


class CheckResult(msgspec.Struct, frozen=True):
    """What b4 wants: every value a string (a list or number breaks its store), ``details`` a JSON list in a string."""

    tool: str
    status: Status
    summary: str
    url: str
    details: str


class Known(msgspec.Struct, frozen=True):
    """The result of a whole series as it is kept between the patches, and the keys its answers are stored under."""

    result: Result
    lineage: tuple[str, ...]


class Tracking(msgspec.Struct, frozen=True):
    """What the review branch says of the series: the blob with its thread, and the commit of its first patch."""

    blob: str = ""
    first: str = ""
    base: str = ""


def as_sent(data: bytes) -> bytes:
    """The mail with headers that tell the truth about its body.

    b4 gives the original headers and a body that is decoded already: a base64 or quoted-printable patch would be
    decoded twice, a multipart one has lost its parts. Where the body shows a diff, it is taken as it stands.
    """
    end = re.search(rb"\r?\n\r?\n", data)
    if end is None:
        return data
    head, body = data[: end.start()].replace(b"\r\n", b"\n") + b"\n", data[end.end() :]
    multipart = _TYPE.search(head) is not None
    encoding = _ENCODING.search(head)
    if not _DIFF.search(body) or not (multipart or encoding):
        return data
    if encoding and b"printable" in encoding.group().lower() and b"=" in body and not _NOT_QUOTED.search(body):
        return data  # quoted-printable as it was sent shows its diff, too; code has an = that is none of its codes
    head = _ENCODING.sub(b"", head)
    if multipart:
        head = _TYPE.sub(b"Content-Type: text/plain; charset=utf-8\n", head)
    return head + b"Content-Transfer-Encoding: 8bit\n\n" + body


def read_tracking(environ: dict[str, str] | os._Environ[str] = os.environ) -> Tracking:
    """What ``B4_TRACKING_FILE`` names; empty if there is none or it is not what it should be."""
    name = environ.get(TRACKING, "")
    if not name:
        return Tracking()
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_B4_TRACKING_BYTES + 1)
        return tracking_of(json.loads(data)) if len(data) <= MAX_B4_TRACKING_BYTES else Tracking()
    except (OSError, ValueError, RecursionError):
        return Tracking()


def tracking_of(data: Any) -> Tracking:
    """The same from the tracking data of a review branch; what is missing or odd is empty."""
    series = data.get("series") if isinstance(data, dict) else None
    if not isinstance(series, dict):
        return Tracking()
    return Tracking(_hex(series, "thread-blob"), _hex(series, "first-patch-commit"), _hex(series, "base-commit"))


def _hex(series: dict[str, Any], key: str) -> str:
    value = series.get(key)
    return value if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", value) else ""


def check_patch(data: bytes, rules: RuleSet, tracking: Tracking) -> tuple[Known, str]:
    """The result that has the patch ``data``, and the patch's message-id.

    Of the whole series if b4 has its thread (knobs stand in other patches), else of the patch alone.
    """
    from abireview.mail.decode import decode

    mail = as_sent(data)
    msgid = decode(mail).msgid
    known = check_thread(msgid, rules, tracking)
    if known is not None and any(patch.msgid == msgid for patch in known.result.series.patches):
        return known, msgid
    return _checked(mail, rules, None), msgid


def check_series(data: bytes, rules: RuleSet, tracking: Tracking) -> Known:
    """The result of the series whose cover letter (or first patch) ``data`` is.

    Its thread is the one that b4 kept, else the archive's.
    """
    from abireview.mail.decode import decode

    mail = as_sent(data)
    msgid = decode(mail).msgid
    known = check_thread(msgid, rules, tracking)
    if known is not None:
        return known
    from abireview.lore.load import LoadOptions, load
    from abireview.store.db import Store

    try:
        series = load(f"<{msgid}>", LoadOptions(store=Store())).series
    except AbireviewError as error:
        raise NoPatchesError(f"the rest of the thread is not at hand: {error}", hint=error.hint) from error
    return _result(series, rules, None)


def check_thread(msgid: str, rules: RuleSet, tracking: Tracking) -> Known | None:
    """The result of the series of ``msgid`` in the thread that b4 keeps as a blob; None if there is none.

    It is kept under the blob's id, so that of a series of thirty patches one is checked and the others are looked up.
    """
    if not tracking.blob:
        return None
    from abireview import __version__, places

    name = hashlib.sha256(f"{tracking.blob} {tracking.first} {msgid} {rules.hash} {__version__}".encode()).hexdigest()
    index = hashlib.sha256(f"{tracking.blob} {tracking.first} {rules.hash} {__version__}".encode()).hexdigest()
    folder = places.cache_dir() / "b4"
    for kept in (folder / f"{index[:40]}.json", folder / f"{name[:40]}.json"):
        known = _kept(kept)
        if known is not None and any(patch.msgid == msgid for patch in known.result.series.patches):
            return known
        if known is not None and known.result.series.id == msgid:
            return known
    blob = _blob(tracking.blob)
    if blob is None:
        return None
    try:
        known = _checked(blob, rules, msgid, tracking)
    except AbireviewError:
        return None
    first = not (folder / f"{index[:40]}.json").exists()
    _keep(folder / f"{(index if first else name)[:40]}.json", known)
    return known


def _blob(oid: str) -> bytes | None:
    """The thread's blob of the repository in the current directory."""
    from abireview.source.tree import open_repository

    try:
        entry: Any = open_repository(Path.cwd()).get(oid)
    except (AbireviewError, KeyError, ValueError):
        return None
    if entry is None or entry.type_str != "blob" or entry.size > MAX_THREAD_BYTES:
        return None
    return bytes(entry.data)


def _checked(data: bytes, rules: RuleSet, msgid: str | None, tracking: Tracking | None = None) -> Known:
    from abireview.lore.load import LoadOptions, load

    loaded = load("-", LoadOptions(stdin=io.BytesIO(data), msgid=msgid, offline=True))
    return _result(loaded.series, rules, tracking)


def _result(series: Any, rules: RuleSet, tracking: Tracking | None) -> Known:
    from abireview.check import check
    from abireview.findings.answers import lineage

    return Known(check(series, rules, tree=_tree(tracking)), tuple(lineage(series)))


def _tree(tracking: Tracking | None) -> Any:
    """The kernel in the current directory, at what the series was applied to."""
    if tracking is None or not (tracking.first or tracking.base):
        return None
    from abireview.source.tree import open_tree

    revision = f"{tracking.first}~1" if tracking.first else tracking.base
    try:
        return open_tree(f"{Path.cwd()}@{revision}")
    except AbireviewError:
        return None


def _kept(path: Path) -> Known | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known)
    except (OSError, msgspec.MsgspecError):
        return None


def _keep(path: Path, known: Known) -> None:
    """Keep a result, and no more than a few of them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_bytes(msgspec.json.encode(known))
        partial.replace(path)
        kept = sorted(path.parent.iterdir(), key=lambda one: (one.stat().st_mtime, one.name), reverse=True)
        for old in kept[MAX_B4_CACHED:]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def settled(known: Known) -> Result:
    """The result with what ``abireview.toml`` suppresses and what was answered before."""
    from abireview.cli.settled import Suppressions

    result = Suppressions().apply(known.result, None)
    if not result.findings or not _has_store():
        return result
    import time

    from abireview.findings.answers import apply_answers
    from abireview.store.answers import Answers
    from abireview.store.db import Store

    answers = Answers.of(Store()).for_lineage(known.lineage)
    return apply_answers(result, answers, lineage=known.lineage, now=int(time.time())) if answers else result


def _has_store() -> bool:
    """Whether there are answers to ask for; asked without the database's module, which a first run does not need."""
    from abireview import places

    return (places.cache_dir() / STORE_NAME).is_file()


def report(result: Result, msgid: str | None, flag: Status) -> CheckResult:
    """What b4 shows for a patch (``msgid``) or, with None, for the whole series; ``flag``: the status of a flag."""
    tool = SERIES_TOOL if msgid is None else TOOL
    findings = [one for one in result.findings if msgid is None or one.patch == msgid]
    details = [_detail(one, flag, numbered=msgid is None) for one in findings]
    skipped = [f"{one.file} {one.why}" for one in result.skipped if msgid is None or one.patch in ("", msgid)]
    if msgid is None:
        skipped += [f"patch {number} of {result.series.expected} is missing" for number in result.series.missing]
    details += [Detail("warn", "not checked", "skip", _flat(text)) for text in skipped]
    details += [Detail("fail", "rule failed", "error", _flat(one)) for one in result.failed]
    statuses = [one.status for one in details]
    status: Status = "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"
    summary = f"{_summary(result, findings, len(skipped))} (rules {result.tool.rules})"
    return CheckResult(tool, status, summary, "", msgspec.json.encode(details).decode() if details else "")


def failure(error: AbireviewError, *, series: bool) -> CheckResult:
    """What b4 shows when the mail could not be checked."""
    return CheckResult(SERIES_TOOL if series else TOOL, "fail", _flat(str(error)), "", _flat(error.hint))


def _detail(finding: Finding, flag: Status, *, numbered: bool) -> Detail:
    open_ = finding.state in ("new", "carried")
    status: Status = flag if finding.level == "flag" and open_ else "pass"
    state = finding.level if open_ else finding.state
    text = [finding.message]
    if finding.knob:
        text.append(f"Way back: {finding.knob.what}.")
    elif open_ and finding.level == "flag":
        text.append(finding.question)
    elif finding.reason:
        text.append(finding.reason)
    place = f"{finding.n}/{finding.m} " if numbered else ""
    line = finding.evidence[-1] if finding.evidence else ""
    srcline = f"{finding.file}:{finding.line}: {line}" if finding.line else line
    return Detail(status, finding.rule, state, _flat(place + " ".join(text)), _flat(srcline))


def _summary(result: Result, findings: list[Finding], skipped: int) -> str:
    if not result.series.kernel:
        return f"not a kernel patch ({result.series.kind})"
    parts = []
    for level in ("flag", "note"):
        number = sum(one.level == level and one.state in ("new", "carried") for one in findings)
        parts += [f"{number} {level}{'s' * (number != 1)}"] if number else []
    number = sum(one.state in ("answered", "suppressed") for one in findings)
    parts += [f"{number} settled"] if number else []
    parts += [f"{skipped} not checked"] if skipped else []
    return _flat(", ".join(parts) or "nothing found")


def _flat(text: str) -> str:
    return " ".join(safe_line(text).split())


def answer(data: bytes, rules: RuleSet, *, series: bool, flag: str) -> CheckResult:
    """The result for the mail ``data``: of its patch, or with ``series`` of its whole series. Raises AbireviewError."""
    status: Status = "fail" if flag == "fail" else "warn"
    tracking = read_tracking()
    if series:
        return report(settled(check_series(data, rules, tracking)), None, status)
    known, msgid = check_patch(data, rules, tracking)
    return report(settled(known), msgid, status)


def encode(result: CheckResult) -> str:
    """The JSON array that b4 reads, on one line."""
    return msgspec.json.encode([result]).decode() + "\n"
