# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a mail is from whom it says: DKIM (RFC 6376) by b4's attestation.

With b4door and b4mail the only module that imports b4.

b4 finds the signatures, asks DNS for the keys and compares the signing domain with From. What a command needs beyond
that is done here before b4 looks: a signature counts only if it covers the whole body (no ``l=``) and the fields that
say who speaks and to what; a mail that has such a field twice is refused, for readers disagree on which one counts.
"""

from __future__ import annotations

import email
import email.policy
import logging
import re
from email.message import Message as RawMessage
from functools import cache
from types import ModuleType
from typing import Literal

from abireview import limits
from abireview.errors import SendError

Verdict = Literal["pass", "fail", "later"]

SINGLE = ("from", "date", "subject", "message-id", "in-reply-to", "references", "content-type", "reply-to")
SIGNED = ("from", "subject", "date")  # always; those below where the mail has them
SIGNED_IF_THERE = ("in-reply-to", "references")


class _Heard(logging.Handler):
    """Hears from dkimpy that DNS gave no answer (as opposed to: that there is no key)."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.trouble = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "DnsTimeoutError" in text:
            self.trouble = text[:200]


@cache
def _b4() -> ModuleType:
    import argparse

    import b4

    logger = logging.getLogger("b4")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    try:
        b4.setup_config(argparse.Namespace(config={"b4.attestation-policy": "softfail"}))
    except FileNotFoundError as error:
        raise SendError("git is not installed", hint="b4 reads its set-up from git's configuration") from error
    return b4  # type: ignore[no-any-return]


def attest(raw: bytes, sender: str) -> tuple[Verdict, str]:
    """Whether the domain of ``sender`` (the address in From) vouches for the mail ``raw``, and why not.

    "later" means that the key could not be asked for. Does DNS.
    """
    message = email.message_from_bytes(raw[: limits.MAX_MAIL_BYTES], policy=email.policy.compat32)
    problem = _unfit(message)
    if problem:
        return "fail", problem
    b4 = _b4()
    config = b4.get_main_config()
    heard = _Heard()
    b4.dkimlogger.addHandler(heard)
    before = {name: config.get(name) for name in ("attestation-policy", "attestation-check-dkim")}
    config.update({"attestation-policy": "softfail", "attestation-check-dkim": "yes"})
    try:
        found = b4.LoreMessage(message)
        attestors = found.attestors
    except Exception as error:  # b4 and dkimpy raise anything for a damaged mail
        return "fail", f"it cannot be read: {type(error).__name__}"
    finally:
        config.update(before)
        b4.dkimlogger.removeHandler(heard)
    if str(found.fromemail).lower() != sender.lower():
        return "fail", "b4 reads another sender"
    for attestor in attestors:
        if attestor.mode == "DKIM" and attestor.passing and attestor.check_identity(sender):
            return "pass", ""
    if heard.trouble and not any(attestor.passing for attestor in attestors):
        return "later", heard.trouble
    passing = sorted({str(attestor.identity) for attestor in attestors if attestor.passing})
    return "fail", f"signed by {', '.join(passing)[:200]}" if passing else "no signature is valid"


def _unfit(message: RawMessage) -> str:
    """Why no signature of this mail can count ("" if one may). Drops those that cannot, and other kinds of them."""
    names = [name.lower() for name in message]
    double = [name for name in SINGLE if names.count(name) > 1]
    if double:
        return f"it has more than one {double[0]}"
    signatures = [str(value) for value in message.get_all("DKIM-Signature", [])]
    if not signatures:
        return "it has no DKIM signature"
    needed = {*SIGNED, *(name for name in SIGNED_IF_THERE if name in names)}
    good = [value for value in signatures[: limits.MAX_DKIM_SIGNATURES] if _covers(value, needed)]
    del message["DKIM-Signature"]
    del message["X-Developer-Signature"]
    del message["X-Original-From"]
    for value in good:
        message["DKIM-Signature"] = value
    return "" if good else "its signatures leave out who speaks, to what, or part of the text"


def _covers(value: str, needed: set[str]) -> bool:
    tags = dict(re.findall(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)", value))
    signed = {name.strip().lower() for name in tags.get("h", "").split(":")}
    return "l" not in tags and needed <= signed
