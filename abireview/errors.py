# SPDX-License-Identifier: GPL-2.0-or-later
"""Every error abireview raises on purpose; each knows its exit code and what the user can do.

    AbireviewError                  4  (an internal error unless a subclass says otherwise)
    ├── UsageError                  2  wrong option or argument
    │   └── ConfigError             2  a configuration, suppression or policy file is wrong
    │       └── RuleError           2  a rule file is wrong (names file and key)
    ├── InputError                  3  there is nothing that can be checked
    │   ├── NoPatchesError          3  the thread has no patches
    │   ├── NotFoundError           3  the message-id, file or revision does not exist
    │   ├── MailFormatError         3  the input is no mail, mbox or maildir
    │   ├── LimitError              3  the input is larger than a named limit
    │   ├── TreeError               3  the kernel tree cannot be read
    │   └── ServerError             3  the archive's server failed
    ├── StoreError                  4  the store (cache, drafts, outbox) cannot be used
    ├── SendError                   4  a mail could not be handed over
    ├── RuleFailure                 4  a rule raised while it ran; the others still report
    └── Interrupted               130  the user stopped the run

A message is one sentence without a trailing newline; ``hint`` says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class AbireviewError(Exception):
    """Base of all errors; ``str(error)`` is one sentence, ``hint`` (may be empty) the way out."""

    exit_code: ClassVar[int] = 4
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.default_hint


class UsageError(AbireviewError):
    """A wrong option or argument."""

    exit_code = 2
    default_hint = "see 'abireview --help'"


class ConfigError(UsageError):
    """A configuration, suppression or policy file is wrong."""

    default_hint = "correct the file, or run without it"


class RuleError(ConfigError):
    """A rule file is wrong; the message names the file and the key."""

    default_hint = "'abireview rule test FILE' checks a rule file; 'abireview schema rule' prints its schema"


class InputError(AbireviewError):
    """There is nothing that can be checked."""

    exit_code = 3


class NoPatchesError(InputError):
    """The thread or file has mails but no patches."""


class NotFoundError(InputError):
    """The message-id, file, maildir or revision does not exist."""


class MailFormatError(InputError):
    """The input is no mail, mbox or maildir."""


class LimitError(InputError):
    """The input is larger than one of the named limits of abireview.limits."""

    default_hint = "docs/security.md lists the limits, each with its reason"


class TreeError(InputError):
    """The kernel tree cannot be read."""


class ServerError(InputError):
    """The archive's server failed, refused or gave something that is no mailbox."""

    default_hint = "try again later, name another server with --server, or use --offline"


class StoreError(AbireviewError):
    """The store (cache, answers, drafts, outbox) cannot be read or written."""

    default_hint = "'abireview doctor' says what is wrong with the store"


class SendError(AbireviewError):
    """A mail could not be handed over; it stays in the outbox."""

    default_hint = "'abireview send --list' shows the outbox"


class RuleFailure(AbireviewError):  # noqa: N818  (the word of the exit-code table)
    """A rule failed while it ran; the other rules still report."""


class Interrupted(AbireviewError):  # noqa: N818
    """The user stopped the run."""

    exit_code = 130
