# SPDX-License-Identifier: GPL-2.0-or-later
"""What the bot's verbs share: the policy's place, and the bot put together."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from abireview.errors import ConfigError

if TYPE_CHECKING:
    from abireview.bot.moderate import Moderator
    from abireview.bot.policy import Policy
    from abireview.bot.run import Bot
    from abireview.findings.model import Result
    from abireview.mail.model import Series
    from abireview.reply.transport import Transport
    from abireview.store.db import Store

POLICY_HELP = "The policy (default: bot.toml in the configuration directory)."


class Chosen(msgspec.Struct, frozen=True):
    """What the group's options say."""

    policy: Path | None = None
    rule_dirs: tuple[Path, ...] = ()
    via: str = "smtp"
    dkim: bool = True

    def load(self) -> Policy:
        """The policy. Raises ConfigError."""
        from abireview.bot.policy import default_path, load_policy

        return load_policy(self.policy or default_path())


def policy_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--policy FILE``."""
    return click.option(
        "--policy", type=click.Path(path_type=Path), metavar="FILE", envvar="ABIREVIEW_BOT_POLICY", help=POLICY_HELP
    )(function)


def moderator(chosen: Chosen, store: Store) -> Moderator:
    """What a person says of the drafts in ``store``. Raises ConfigError."""
    from abireview.bot.log import Log, stderr_log
    from abireview.bot.moderate import Moderator, who

    policy = chosen.load()
    log = Log(Path(policy.bot.log).expanduser()) if policy.bot.log else stderr_log()
    return Moderator(store, policy, who(), log=log)


@contextlib.contextmanager
def made(
    chosen: Chosen, store: Store, *, send: bool = False, dry: bool = False, reach: float = 86400.0
) -> Iterator[Bot]:
    """The bot over ``store``; with ``send`` its mail leaves, with ``dry`` nothing else is written either.

    Raises ConfigError.
    """
    from abireview.bot.log import Log, stderr_log
    from abireview.bot.maintainers import Maintainers
    from abireview.bot.run import Bot, Parts
    from abireview.cli.ruleset import load as load_rules
    from abireview.lore.http import Http
    from abireview.store.botmail import BotMail

    policy = chosen.load()
    if dry:
        quiet = msgspec.structs.replace(policy.bot, site="", metrics="", log="")
        policy = msgspec.structs.replace(policy, bot=quiet, patchwork=())
    rules = load_rules(chosen.rule_dirs)
    tree = None
    if policy.bot.tree:
        from abireview.source.tree import open_tree

        tree = open_tree(policy.bot.tree)

    def checker(series: Series) -> Result:
        from abireview.check import check

        return check(series, rules, tree=tree)

    named = policy.bot.maintainers
    with Http(BotMail.of(store), store.path.parent) as http:
        parts = Parts(
            http=http,
            check=checker,
            rules=rules.hash,
            attest=attest_by(chosen.dkim),
            transport=_transport(chosen, policy) if send else None,
            log=Log(Path(policy.bot.log).expanduser()) if policy.bot.log else stderr_log(),
            maintainers=Maintainers.load(Path(named).expanduser()) if named else None,
            reach=reach,
        )
        yield Bot(store, policy, parts)


@contextlib.contextmanager
def alone(store: Store) -> Iterator[bool]:
    """True if no other bot works with this store; nobody else may while the block runs."""
    import fcntl
    import os

    store.connection  # noqa: B018  (makes the directory)
    handle = os.open(store.path.with_name("bot.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def attest_by(dkim: bool) -> Callable[[bytes, str], tuple[str, str]]:
    """b4's attestation; without ``dkim`` everybody is who he says (for tests)."""

    def attest(raw: bytes, sender: str) -> tuple[str, str]:
        if not dkim:
            return "pass", ""
        from abireview.lore.b4attest import attest as by_b4

        return by_b4(raw, sender)

    return attest


def _transport(chosen: Chosen, policy: Policy) -> Transport:
    from abireview.bot.text import me
    from abireview.cli.session import parse_transport
    from abireview.lore import b4mail

    transport = parse_transport(chosen.via)
    if transport.name == "smtp":
        sender = b4mail.identity().email
        if sender.lower() != me(policy).email.lower():
            raise ConfigError(
                f"git would send as {sender}, the policy says {me(policy).email}",
                hint="set sendemail.from (or user.email) for the account that the bot runs as",
            )
    return transport


def note(text: str) -> None:
    """One line on stderr."""
    from abireview.safetext import safe_line

    sys.stderr.write(f"abireview: {safe_line(text)}\n")
