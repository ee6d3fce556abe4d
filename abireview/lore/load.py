# SPDX-License-Identifier: GPL-2.0-or-later
"""From what a person names to a series: message-id, URL, file, maildir, stdin or commits.

A check from the cache or a file imports neither b4 nor an HTTP library.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from abireview.errors import NotFoundError, ServerError, StoreError, UsageError
from abireview.lore.address import Address, parse_address, server_address
from abireview.mail.decode import decode
from abireview.mail.kind import Projects, load_projects
from abireview.mail.mbox import read_file, read_stream, split_mbox
from abireview.mail.model import Message, Series
from abireview.mail.series import Thread, assemble, pick
from abireview.rules.load import default_dir

if TYPE_CHECKING:
    from abireview.store.db import Store

MAX_AGE: Final = 600.0
"""Seconds a cached thread is used without asking the server again; b4's ``cache-expire`` is the same."""


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to load.

    ``revision`` is a version (5, "v5" or "v5.5"), ``msgid`` names one mail of a file (a diff inside a reply, another
    series of the thread), ``server`` a base URL (default: the user's b4 configuration), ``no_parent`` leaves out what
    stands above the mail named. ``store`` is the cache, None for none; ``max_age`` (seconds) how old a cached thread
    may be, ``refresh`` asks the server in any case, ``offline`` never. ``history`` looks for the other versions on the
    server. ``git_dir`` is the repository of ``A..B``, ``stdin`` what ``-`` reads.
    """

    revision: int | str | None = None
    msgid: str | None = None
    server: str | None = None
    offline: bool = False
    no_parent: bool = False
    store: Store | None = None
    max_age: float = MAX_AGE
    refresh: bool = False
    history: bool = False
    git_dir: Path | None = None
    stdin: IO[bytes] | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A series and where it came from.

    ``thread`` is None for commits. ``source`` is a server's address, a path, "stdin" or a repository; ``age`` the
    seconds since a cached thread was fetched, None if it is fresh. ``warnings`` are sentences for stderr.
    """

    series: Series
    thread: Thread | None
    source: str
    age: float | None = None
    warnings: tuple[str, ...] = ()


@cache
def projects() -> Projects:
    """The table of projects that shipped with this version (``rules/lists/projects.toml``)."""
    return load_projects((default_dir() / "lists" / "projects.toml").read_bytes())


def load(what: str, options: LoadOptions | None = None) -> Loaded:
    """The series that ``what`` names, and its thread.

    ``what``: a message-id with or without brackets, a lore, patchwork or msgid.link URL, a path (mbox, also .gz and
    .xz, one mail, maildir), ``-``, or ``A..B``. The same mails give the same series, whichever way they came.

    Raises ``NotFoundError``, ``NoPatchesError``, ``MailFormatError``, ``LimitError``, ``ServerError``, ``TreeError``,
    and ``UsageError`` if ``what`` is none of these.
    """
    options = options or LoadOptions()
    if what == "-":
        stream = options.stdin or sys.stdin.buffer
        return _from_mails(read_stream(stream, "stdin"), "stdin", options)
    if what and not what.startswith("<") and _is_path(what):
        return _from_mails(read_file(Path(what)), what, options)
    address = parse_address(what)
    if address is not None:
        return _from_archive(address, options)
    if ".." in what and "://" not in what and not what.startswith((".", "/")):
        return _from_git(what, options)
    raise _not_understood(what)


def history(loaded: Loaded) -> tuple[Series, ...]:
    """All versions of the loaded series that its thread has, from old to new, the loaded one among them.

    With ``LoadOptions.history`` the thread holds those that the server knows, too.
    """
    if loaded.thread is None:
        return (loaded.series,)
    for lineage in loaded.thread.lineages:
        versions = tuple(loaded.thread.build(posting) for posting in lineage)
        if any(series.id == loaded.series.id for series in versions):
            return versions
    return (loaded.series,)


def _is_path(what: str) -> bool:
    try:
        return Path(what).exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return False


def _not_understood(what: str) -> Exception:
    shown = what if len(what) <= 200 else f"{what[:200]}…"
    if (
        what.startswith(("/", ".", "~"))
        or "/" in what
        or Path(what).suffix in {".mbox", ".gz", ".xz", ".eml", ".patch"}
    ):
        if "://" in what:
            return UsageError(f"no message-id is in the address {shown}", hint="open it and copy the mail's Message-ID")
        return NotFoundError(f"there is no file {shown}")
    return UsageError(f"{shown!r} is no message-id, URL, file, maildir or A..B", hint="see 'abireview check --help'")


def _from_mails(raws: list[bytes], source: str, options: LoadOptions) -> Loaded:
    messages = [decode(raw) for raw in raws]
    if options.history and not options.offline:
        messages, warnings = _with_history(messages, options)
    else:
        warnings = ()
    thread = assemble(messages, projects())
    if options.no_parent and options.msgid:
        thread = assemble(thread.below(options.msgid), projects())
    series = pick(thread, _plain_msgid(options.msgid), options.revision)
    return Loaded(series=series, thread=thread, source=source, warnings=warnings)


def _plain_msgid(text: str | None) -> str | None:
    if text is None:
        return None
    address = parse_address(text)
    if address is None:
        raise UsageError(f"{text[:200]!r} is no message-id")
    return address.msgid


def _from_git(what: str, options: LoadOptions) -> Loaded:
    from abireview.source.gitrange import series_from_range

    first, _, last = what.partition("..")
    last = last.lstrip(".") or "HEAD"
    directory = options.git_dir or Path.cwd()
    series = series_from_range(directory, first, last, projects=projects())
    return Loaded(series=series, thread=None, source=str(directory))


def _from_archive(address: Address, options: LoadOptions) -> Loaded:
    raw, source, age, warnings = _thread_bytes(address, options)
    messages = [decode(mail) for mail in split_mbox(raw)]
    thread = assemble(messages, projects())
    if options.no_parent:
        thread = assemble(thread.below(address.msgid), projects())
    elsewhere = options.history or not _has_revision(thread, address.msgid, options.revision)
    if elsewhere and not options.offline:
        messages, more = _with_history(list(thread.messages), options, source)
        thread = assemble(messages, projects())
        warnings += more
    series = pick(thread, options.msgid or address.msgid, options.revision)
    return Loaded(series=series, thread=thread, source=source, age=age, warnings=warnings)


def _has_revision(thread: Thread, msgid: str, revision: int | str | None) -> bool:
    if revision is None or not thread.lineages:
        return True
    try:
        pick(thread, msgid, revision)
    except NotFoundError:
        return False
    return True


def _thread_bytes(address: Address, options: LoadOptions) -> tuple[bytes, str, float | None, tuple[str, ...]]:
    """The thread's mailbox: (bytes, server, age if from the cache, warnings)."""
    server = server_address(options.server or address.server) if options.server or address.server else None
    warnings: tuple[str, ...] = ()
    cached = None
    if options.store is not None:
        from abireview.store.threads import Threads

        try:
            cached = Threads.of(options.store).get(address.msgid, source=None if options.offline else server)
        except StoreError as error:
            if options.offline:
                raise
            warnings = (str(error),)
    if cached is not None:
        age = cached.info.age()
        if options.offline or (age <= options.max_age and not options.refresh):
            return cached.raw, cached.info.source, age, warnings
    if options.offline:
        raise NotFoundError(f"the cache does not have {address.msgid}", hint="without --offline it is fetched")
    return _fetched(address.msgid, server, options, warnings, cached is not None)


def _fetched(
    msgid: str, server: str | None, options: LoadOptions, warnings: tuple[str, ...], have_old: bool
) -> tuple[bytes, str, None, tuple[str, ...]]:
    from abireview.lore import b4door

    server = server or b4door.default_server()
    try:
        raw = b4door.fetch_thread(msgid, server)
    except ServerError as error:
        if have_old:
            raise ServerError(str(error), hint="an older copy is in the cache: use --offline") from error
        raise
    if options.store is not None and not warnings:
        from abireview.store.threads import Threads

        try:
            Threads.of(options.store).put(raw, server, time.time())
        except StoreError as error:
            warnings = (f"the thread was not kept: {error}",)
    return raw, server, None, warnings


def _with_history(
    messages: list[Message], options: LoadOptions, server: str | None = None
) -> tuple[list[Message], tuple[str, ...]]:
    """``messages`` and those of the other versions that a search finds; a failed search is a warning."""
    from abireview.lore import b4door
    from abireview.lore.history import version_query

    query = version_query(assemble(messages, projects()))
    if not query:
        return messages, ()
    base = server or (server_address(options.server) if options.server else b4door.default_server())
    try:
        raw = b4door.search(query, base)
    except ServerError as error:
        return messages, (f"other versions were not looked for: {error}",)
    return messages + [decode(mail) for mail in split_mbox(raw)], ()
