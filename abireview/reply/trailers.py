# SPDX-License-Identifier: GPL-2.0-or-later
"""Trailers that a reviewer gives by key: Reviewed-by, Acked-by, Tested-by."""

from __future__ import annotations

from abireview.mail.model import Person
from abireview.reply.mail import clean_header

TRAILERS = ("Reviewed-by", "Acked-by", "Tested-by")
SIGNATURE = "\n-- \n"


def trailer_line(name: str, person: Person) -> str:
    """``Reviewed-by: Name <address>``; ``name`` is one of ``TRAILERS``."""
    if name not in TRAILERS:
        raise ValueError(f"{name} is not a trailer that a reply gives")
    return f"{name}: {clean_header(person.name)} <{person.email}>".replace(":  ", ": ")


def given(body: str, person: Person) -> tuple[str, ...]:
    """The trailers of ``person`` that stand unquoted in ``body`` above the signature, in the order of ``TRAILERS``."""
    lines = set(body.split(SIGNATURE, 1)[0].split("\n"))
    return tuple(name for name in TRAILERS if trailer_line(name, person) in lines)


def toggle(body: str, name: str, person: Person) -> str:
    """``body`` with the trailer added at its end (above the signature), or without it if it was there."""
    line = trailer_line(name, person)
    text, mark, signature = body.partition(SIGNATURE)
    lines = text.split("\n")
    if line in lines:
        lines = [known for known in lines if known != line]
        return "\n".join(lines).rstrip("\n") + "\n" + (mark + signature if mark else "")
    text = text.rstrip("\n")
    own = {trailer_line(known, person) for known in TRAILERS}
    gap = "\n" if text.rsplit("\n", 1)[-1] in own else "\n\n"
    joined = f"{text}{gap}{line}\n" if text else f"{line}\n"
    return joined + (mark + signature if mark else "")
