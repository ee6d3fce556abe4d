# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mail says to the bot: commands at the start of a line, in what the sender wrote himself."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from abireview import limits
from abireview.reply.trailers import SIGNATURE

KINDS: Final = {"ok": "knob", "arch-fix": "arch-fix", "false-positive": "false-positive"}
VERBS: Final = (*KINDS, "mute-series", "recheck", "help")

_COMMAND = re.compile(r"#abireview(?:[ \t]+([A-Za-z-]{1,20}))?(?:[ \t]+([0-9a-fA-F]{1,12}))?[ \t]*(?::[ \t]*(.*))?")
# What stands below these is quoted, with or without marks.
_QUOTED_BELOW = re.compile(
    r"-{2,}\s*(?:Original Message|Forwarded Message|Begin forwarded).{0,80}|_{20,}|From: .{1,200}"
)


class Spoken(msgspec.Struct, frozen=True):
    """One command as it was written. ``target`` is a number, a fingerprint, or "" for all questions."""

    verb: str
    target: str
    text: str


def own_text(body: str) -> list[str]:
    """The lines that the sender wrote: above the signature and any quoted mail, without quoted lines."""
    lines: list[str] = []
    for line in body[: limits.MAX_SPOKEN_CHARS].split(SIGNATURE, 1)[0].split("\n"):
        if _QUOTED_BELOW.fullmatch(line.rstrip()):
            break
        if not line.startswith((">", "|")):
            lines.append(line.rstrip())
    return lines


def parse(body: str) -> list[Spoken]:
    """The commands in ``body``, in order. A text may go on over the following lines, up to a blank one."""
    found: list[Spoken] = []
    going_on = False
    for line in own_text(body):
        match = _COMMAND.fullmatch(line)
        if match is not None:
            if len(found) == limits.MAX_COMMANDS:
                break
            text = (match[3] or "").strip()[: limits.MAX_COMMAND_CHARS]
            found.append(Spoken((match[1] or "help").lower(), (match[2] or "").lower(), text))
            going_on = match[3] is not None
        elif line.startswith("#abireview"):
            found.append(Spoken("?", "", line[:80]))
            going_on = False
        elif going_on and line.strip():
            last = found[-1]
            found[-1] = msgspec.structs.replace(last, text=f"{last.text} {line.strip()}"[: limits.MAX_COMMAND_CHARS])
        else:
            going_on = False
    return found[: limits.MAX_COMMANDS]
