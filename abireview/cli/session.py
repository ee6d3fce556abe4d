# SPDX-License-Identifier: GPL-2.0-or-later
"""What the verbs of a review share: the desk, and how mail leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abireview.cli.loading import Source, load_options
from abireview.errors import NotFoundError, ServerError, UsageError

if TYPE_CHECKING:
    from abireview.findings.model import Result
    from abireview.lore.load import Loaded
    from abireview.mail.model import Series
    from abireview.reply.desk import Desk
    from abireview.reply.transport import Transport
    from abireview.rules.load import RuleSet
    from abireview.source.tree import Tree
    from abireview.store.db import Store

VIA_HELP = "How mail leaves: smtp (git's sendemail set-up), maildir:PATH, mbox:PATH or stdout."


def parse_transport(text: str) -> Transport:
    """``smtp``, ``maildir:PATH``, ``mbox:PATH`` or ``stdout``. Raises UsageError."""
    from abireview.reply import transport

    kind, _, path = text.partition(":")
    if kind == "smtp" and not path:
        return transport.SmtpTransport()
    if kind == "stdout" and not path:
        return transport.StreamTransport(sys.stdout.buffer)
    if kind in {"maildir", "mbox"} and path:
        place = Path(path).expanduser()
        return transport.MaildirTransport(place) if kind == "maildir" else transport.MboxTransport(place)
    raise UsageError(f"'{text}' is no way to send mail", hint="smtp, maildir:PATH, mbox:PATH or stdout")


def make_desk(source: Source, rules: RuleSet, store: Store, *, tree: Tree | None = None) -> Desk:
    """The desk over ``store``, with the person's own templates before ours."""
    from abireview import places
    from abireview.reply.desk import Desk
    from abireview.reply.template import Templates

    def loader(what: str, *, refresh: bool) -> Loaded:
        from abireview.lore.load import load

        online = not source.offline and not Path(what).exists()
        options = load_options(source, store, history=online)
        return load(what, msgspec.structs.replace(options, refresh=refresh or source.refresh))

    def checker(series: Series) -> Result:
        from abireview.check import check

        return check(series, rules, tree=tree)

    return Desk(store, loader, checker, templates=Templates(places.config_dir() / "templates"))


def the_tree(source: Source) -> Tree | None:
    """The kernel that --tree names."""
    if source.tree is None:
        return None
    from abireview.source.tree import open_tree

    return open_tree(source.tree)


def repository_of(source: Source, tree: Tree | None) -> Path | None:
    """The git repository behind --tree, None if that is a plain directory."""
    if source.tree is None or tree is None or tree.kind != "git":
        return None
    return Path(source.tree.rpartition("@")[0] or source.tree).expanduser()


def archive_look_up(source: Source) -> Callable[[str], bool | None]:
    """Whether the archive has a mail: True, False, or None where it cannot be asked."""

    def look_up(msgid: str) -> bool | None:
        if source.offline:
            return None
        from abireview.lore import b4door
        from abireview.lore.address import server_address

        try:
            server = server_address(source.server) if source.server else b4door.default_server()
            b4door.fetch_thread(msgid, server)
        except NotFoundError:
            return False
        except ServerError:
            return None
        return True

    return look_up


def references_of(rules: RuleSet) -> Callable[[str], Sequence[str]]:
    """The references of a rule, for the finding's panel."""
    known = {rule.id: rule.doc.references for rule in rules.rules}
    return lambda name: known.get(name, ())
