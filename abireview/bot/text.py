# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot's templates, and what all its mails have in common: who it is, and the headers of the etiquette."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from abireview import __version__
from abireview.bot.decide import OWN_HEADER
from abireview.bot.policy import Policy, person
from abireview.errors import ConfigError
from abireview.mail.model import Message, Person
from abireview.reply.mail import Headers, Outgoing, clean_header, reply_headers
from abireview.reply.template import wrap
from abireview.safetext import safe_line

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

WIDTH = 78
HEADER_PRINTS = 20  # fingerprints in the header; a mail asks five questions


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.PackageLoader("abireview.bot", "templates"),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["wrap"] = lambda text: wrap(text, WIDTH)
    return environment


def render(name: str, policy: Policy, values: Mapping[str, Any]) -> str:
    """The text of a mail from the template ``name``; mail text is only ever a value. One newline at its end."""
    common = {
        "name": clean_header(policy.bot.name),
        "version": f"abireview {__version__}",
        "contact": contact(policy),
        "answers_to": answers_to(policy).email,
    }
    text: str = _environment().get_template(name).render({**common, **values})
    return text.strip("\n") + "\n"


def contact(policy: Policy) -> str:
    """The person who answers for the bot, on a line of its own: ``Name <address>``."""
    return str(person(policy.bot.contact))


def me(policy: Policy) -> Person:
    """The bot as a sender."""
    return Person(clean_header(policy.bot.name), person(policy.bot.address).email)


def answers_to(policy: Policy) -> Person:
    """Where an answer goes that need not go to the list."""
    return person(policy.bot.reply_to or policy.bot.address)


def own_msgid(policy: Policy, kind: str, *parts: str) -> str:
    """The message-id of a mail of ours: the same for the same mail, so that the archive can be asked for it.

    A bot that lost its store finds its own mail before it writes it again.
    """
    address = me(policy).email
    text = "\0".join([kind, address.lower(), *parts])
    return (
        f"{kind}.{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}.abireview@{address.split('@')[1]}"
    )


def reply(
    policy: Policy,
    message: Message,
    body: str,
    *,
    kind: str,
    parts: Sequence[str],
    to: Sequence[Person],
    cc: Sequence[Person] = (),
    fingerprints: Sequence[str] = (),
    date: int,
    auto: str = "auto-generated",
) -> Outgoing:
    """A mail that answers ``message``, with the headers of the etiquette: the subject unchanged but for ``Re:``.

    ``kind`` and ``parts`` make its message-id (``own_msgid``); ``auto`` is the value of Auto-Submitted (RFC 3834).
    """
    thread: Headers = reply_headers(message, ())
    if not thread.in_reply_to:
        raise ConfigError("the mail to answer has no message-id that could stand in a header")
    prints = " ".join(fingerprints[:HEADER_PRINTS])
    return Outgoing(
        sender=me(policy),
        to=tuple(to),
        cc=tuple(cc),
        subject=thread.subject,
        in_reply_to=thread.in_reply_to,
        references=thread.references,
        date=date,
        msgid=own_msgid(policy, kind, *parts),
        body=body,
        extra=(
            ("Reply-To", str(answers_to(policy))),
            ("Auto-Submitted", auto),
            (OWN_HEADER, f"{__version__} {kind} {prints}".rstrip()),
        ),
    )


def shown(text: str, most: int = 200) -> str:
    """A piece of a mail in a mail: one line, nothing invisible, not too long."""
    line = safe_line(text)
    return line if len(line) <= most else f"{line[:most]}..."
