# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy (``bot.toml``): what each list has asked for. Everything is off until an entry says otherwise.

A posting that went to several lists is under all their entries at once, and the most restrictive of each setting
counts (``merge``). docs/bot.md describes every key.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from abireview import limits
from abireview.bot import duration
from abireview.errors import ConfigError
from abireview.findings.model import Grade
from abireview.mail.model import Person
from abireview.reply.mail import clean_header, valid_address

Mode = Literal["off", "draft", "author", "list"]
Approval = Literal["person", "automatic"]
Watch = Literal["search", "git", "maildir", "none"]

MODES: tuple[Mode, ...] = get_args(Mode)  # from the most restrictive on
GRADES: tuple[Grade, ...] = ("low", "medium", "high")
MAX_FINDINGS = 5  # of one mail, whatever the policy says
MIN_INTERVAL = 60  # seconds between two requests for news of one list: archives are a commons
MAX_CAP = 100  # mails a day for one list: more is no summary service but an accident

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_LINK = re.compile(r"https?://[^\s<>\"']{4,500}")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """A table of the file: keys with dashes, unknown ones refused."""


class BotEntry(_Table, frozen=True, kw_only=True):
    """``[bot]``: who the bot is, and what holds for every list.

    ``address`` is used for nothing else; ``contact`` is the person who answers for it, ``reply_to`` where answers go
    ("": to the bot). ``page`` is the address of the published site ("" for none), ``archive_list`` the bot's own list,
    ``archive_url`` where that is archived.
    ``commanders`` may answer by mail for any series; ``maintainers`` is a MAINTAINERS file, ``merged`` a git
    repository (``PATH@REV``) whose commits need no mail any more, ``tree`` the kernel to check with.
    """

    name: str
    address: str
    contact: str
    reply_to: str = ""
    page: str = ""
    archive_list: str = ""
    archive_url: str = ""
    commanders: tuple[str, ...] = ()
    leave_subjects: tuple[str, ...] = ()
    leave_authors: tuple[str, ...] = ()
    maintainers: str = ""
    merged: str = ""
    tree: str = ""
    mailbox: str = ""
    metrics: str = ""
    log: str = ""
    site: str = ""


class ListEntry(_Table, frozen=True, kw_only=True):
    """``[[list]]``: one list. ``consent`` is the link to where its maintainers agreed (or asked for silence)."""

    name: str
    addresses: tuple[str, ...]
    consent: str
    mode: Mode = "off"
    approval: Approval = "person"
    tell: tuple[str, ...] = ()
    hold: str = "6h"
    daily_cap: int = 3
    leave_subjects: tuple[str, ...] = ()
    leave_authors: tuple[str, ...] = ()
    only_prefixes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ("*",)
    not_rules: tuple[str, ...] = ()
    confidence: Grade = "high"
    max_findings: int = MAX_FINDINGS
    rfc: bool = False
    archive_only: bool = False
    watch: Watch = "search"
    archive: str = ""
    query: str = ""
    maildir: str = ""
    interval: str = "5m"
    overlap: str = "2h"
    settle: str = "30m"

    @property
    def hold_seconds(self) -> int:
        return duration.seconds(self.hold)

    @property
    def interval_seconds(self) -> int:
        return duration.seconds(self.interval)

    @property
    def overlap_seconds(self) -> int:
        return duration.seconds(self.overlap)

    @property
    def settle_seconds(self) -> int:
        return duration.seconds(self.settle)


class PatchworkEntry(_Table, frozen=True, kw_only=True):
    """``[[patchwork]]``: results as checks. The token is in the environment variable ``token_from``."""

    url: str
    lists: tuple[str, ...]
    token_from: str = "ABIREVIEW_PATCHWORK_TOKEN"  # noqa: S105  (the name of a variable)


class Policy(_Table, frozen=True, kw_only=True):
    """The whole file."""

    schema: int
    bot: BotEntry
    list: tuple[ListEntry, ...] = ()
    patchwork: tuple[PatchworkEntry, ...] = ()

    def entry(self, name: str) -> ListEntry:
        """The entry called ``name``. Raises ConfigError."""
        for entry in self.list:
            if entry.name == name:
                return entry
        raise ConfigError(f"the policy has no list '{clean_header(name)[:80]}'")

    def entries_for(self, addresses: Collection[str], seen_on: Collection[str] = ()) -> tuple[ListEntry, ...]:
        """The entries of the lists among ``addresses`` (of a posting's To and Cc) or named in ``seen_on``."""
        known = {address.lower() for address in addresses}
        return tuple(
            entry
            for entry in self.list
            if entry.name in seen_on or not known.isdisjoint(address.lower() for address in entry.addresses)
        )


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one posting: its entries merged. ``lists`` are the addresses that may be written to."""

    names: tuple[str, ...]
    mode: Mode
    approval: Approval
    tell: tuple[str, ...]
    lists: tuple[str, ...]
    hold: int
    caps: dict[str, int]
    leave_subjects: tuple[str, ...]
    leave_authors: tuple[str, ...]
    only_prefixes: tuple[tuple[str, ...], ...]
    rules: tuple[tuple[str, ...], ...]
    not_rules: tuple[str, ...]
    confidence: Grade
    max_findings: int
    rfc: bool
    archive_only: bool
    settle: int

    def allows_rule(self, rule: str) -> bool:
        """True if every entry lets findings of ``rule`` out."""
        named = all(any(fits(rule, glob) for glob in globs) for globs in self.rules)
        return named and not any(fits(rule, glob) for glob in self.not_rules)

    def allows_confidence(self, confidence: Grade) -> bool:
        """True if a finding of this confidence may go out."""
        return GRADES.index(confidence) >= GRADES.index(self.confidence)


def merge(policy: Policy, entries: Sequence[ListEntry]) -> Terms:
    """The most restrictive of every setting of ``entries``; without entries nothing may go out.

    ``tell`` alone adds up: each list names its own people. Who is told is cut down later, to those the posting went to.
    """
    return Terms(
        names=tuple(entry.name for entry in entries),
        mode=min((entry.mode for entry in entries), key=MODES.index, default="off"),
        approval="automatic" if entries and all(entry.approval == "automatic" for entry in entries) else "person",
        tell=_union(entry.tell for entry in entries),
        lists=_union(entry.addresses for entry in entries),
        hold=max((entry.hold_seconds for entry in entries), default=0),
        caps={entry.name: entry.daily_cap for entry in entries},
        leave_subjects=_union([policy.bot.leave_subjects, *(entry.leave_subjects for entry in entries)]),
        leave_authors=_union([policy.bot.leave_authors, *(entry.leave_authors for entry in entries)]),
        only_prefixes=tuple(entry.only_prefixes for entry in entries if entry.only_prefixes),
        rules=tuple(entry.rules for entry in entries),
        not_rules=_union(entry.not_rules for entry in entries),
        confidence=max((entry.confidence for entry in entries), key=GRADES.index, default="high"),
        max_findings=min((entry.max_findings for entry in entries), default=0),
        rfc=bool(entries) and all(entry.rfc for entry in entries),
        archive_only=any(entry.archive_only for entry in entries),
        settle=max((entry.settle_seconds for entry in entries), default=0),
    )


def _union(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))


def fits(text: str, glob: str) -> bool:
    """True if ``text`` matches ``glob`` (``*`` and ``?``), upper and lower case alike."""
    return fnmatch.fnmatchcase(text.lower(), glob.lower())


def person(text: str) -> Person:
    """``Name <address>`` or an address. Raises ConfigError if it could not stand in a header."""
    from email.utils import parseaddr

    name, address = parseaddr(clean_header(text))
    if not valid_address(address):
        raise ConfigError(f"'{clean_header(text)[:80]}' is no mail address")
    return Person(clean_header(name), address)


def default_path() -> Path:
    """``bot.toml`` in the user's configuration directory."""
    from abireview import places

    return places.config_dir() / "bot.toml"


def load_policy(path: Path) -> Policy:
    """The policy in ``path``. Raises ConfigError that names the file, the table and the key."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "docs/bot.md has one to begin with" if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"the policy {path} cannot be read: {error.strerror}", hint=hint) from error
    return read_policy(data, str(path))


def read_policy(data: bytes, name: str = "bot.toml") -> Policy:
    """The policy in ``data``. Raises ConfigError that names ``name``, the table and the key."""
    if len(data) > limits.MAX_POLICY_BYTES:
        raise ConfigError(f"{name}: larger than {limits.MAX_POLICY_BYTES} bytes")
    try:
        policy = msgspec.toml.decode(data, type=Policy)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: {error}", hint="docs/bot.md describes every key") from error
    problems = list(_problems(policy))
    if problems:
        raise ConfigError(f"{name}: {problems[0]}", hint="; ".join(problems[1:5]) or "docs/bot.md describes every key")
    return policy


def _problems(policy: Policy) -> Iterable[str]:
    if policy.schema != 1:
        yield f"schema {policy.schema} is not known, only 1"
    bot = policy.bot
    if not bot.name.strip():
        yield "[bot] name is empty"
    for key, text in (("address", bot.address), ("contact", bot.contact)):
        yield from _address(f"[bot] {key}", text)
    for key, text in (("reply-to", bot.reply_to), ("archive-list", bot.archive_list)):
        if text:
            yield from _address(f"[bot] {key}", text)
    for text in bot.commanders:
        yield from _address("[bot] commanders", text)
    for key, text in (("page", bot.page), ("archive-url", bot.archive_url)):
        if text and not _LINK.fullmatch(text):
            yield f"[bot] {key} is no http address"
    seen: set[str] = set()
    for entry in policy.list:
        where = f"[[list]] {clean_header(entry.name)[:80]}"
        for key in (entry.name, *map(str.lower, entry.addresses)):
            if key in seen:
                yield f"{where}: '{key}' stands in another entry, too"
            seen.add(key)
        yield from (f"{where}: {problem}" for problem in _entry_problems(entry))
    names = {entry.name for entry in policy.list}
    for patchwork in policy.patchwork:
        if not _LINK.fullmatch(patchwork.url):
            yield "[[patchwork]] url is no http address"
        for name in patchwork.lists:
            if name not in names:
                yield f"[[patchwork]] lists: there is no list '{clean_header(name)[:80]}'"


def _entry_problems(entry: ListEntry) -> Iterable[str]:
    if not _NAME.fullmatch(entry.name):
        yield "a name is letters, digits, dots, dashes and underscores"
    if not entry.addresses:
        yield "addresses is empty"
    for text in (*entry.addresses, *entry.tell):
        yield from _address("addresses and tell", text)
    if not _LINK.fullmatch(entry.consent):
        yield "consent must be the link to the mail in which the list's maintainers agreed"
    for key in ("hold", "interval", "overlap", "settle"):
        try:
            length = duration.seconds(getattr(entry, key))
        except ConfigError as error:
            yield f"{key}: {error}"
        else:
            if key == "interval" and length < MIN_INTERVAL:
                yield f"interval is shorter than {MIN_INTERVAL} s"
    if not 0 <= entry.daily_cap <= MAX_CAP:
        yield f"daily-cap is not between 0 and {MAX_CAP}"
    if not 1 <= entry.max_findings <= MAX_FINDINGS:
        yield f"max-findings is not between 1 and {MAX_FINDINGS}"
    if entry.confidence == "low":
        yield "confidence: findings of low confidence do not go out"
    if entry.watch in {"search", "git"} and entry.archive and not _LINK.fullmatch(entry.archive):
        yield "archive is no http address"
    if entry.watch == "maildir" and not entry.maildir:
        yield "watch = 'maildir' needs maildir"
    if entry.mode == "off" and entry.approval == "automatic":
        yield "approval = 'automatic' makes no sense while mode is 'off'"
    if entry.mode == "draft" and entry.approval == "automatic":
        yield "mode = 'draft' means that a person decides: approval = 'automatic' contradicts it"


def _address(where: str, text: str) -> Iterable[str]:
    try:
        person(text)
    except ConfigError as error:
        yield f"{where}: {error}"
    if text != clean_header(text):
        yield f"{where}: a control character"
