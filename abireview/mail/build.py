# SPDX-License-Identifier: GPL-2.0-or-later
"""A posting to a ``Series``: diffs read, commit messages taken apart, oddities put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from abireview import limits
from abireview.mail.commit import base_commit, change_id, is_backport, read_commit
from abireview.mail.kind import KERNEL, Projects, classify
from abireview.mail.model import Message, Patch, Series
from abireview.mail.posting import Item, Posting, make_item
from abireview.source.diff import parse_diff
from abireview.source.model import Skipped

_NAMED = 5  # mails named one by one in a note


def build_series(
    posting: Posting, others: Sequence[Item], projects: Projects, wanted: Callable[[str], bool] | None = None
) -> Series:
    """The series of ``posting``; ``others`` are the heads of the thread's other series, for the notes.

    Files of which ``wanted`` says no are named in it without their hunks.
    """
    items = sorted(posting.patches + posting.filled, key=lambda i: (i.subject.n, i.date, i.msgid))
    patches = tuple(build_patch(item, wanted) for item in items)
    cover = posting.cover or (posting.base.cover if posting.base else None)
    head = posting.head
    count = posting.m
    have = {patch.n for patch in patches}
    missing = tuple(n for n in range(1, count + 1) if n not in have)
    prefixes = tuple(dict.fromkeys(word for item in posting.members for word in item.subject.prefixes))
    paths = [path for patch in patches for file in patch.files for path in (file.path,) if path]
    kind = classify(head.subject.prefixes, paths, projects)
    messages = ([cover.message] if cover else []) + [item.message for item in items]
    named = (cover or head).subject
    return Series(
        id=head.msgid,
        subject=named.text,
        version=head.subject.version,
        version_text=head.subject.version_text,
        author=head.message.author,
        date=head.message.date,
        kernel=kind == KERNEL,
        kind=kind,
        cover=cover.message if cover else None,
        patches=patches,
        expected=max(count, len(patches)),
        missing=missing,
        rfc=any(item.subject.rfc for item in posting.members),
        stable=any(item.subject.stable for item in posting.members) or is_backport(items[0].message.body),
        base_commit=next((base for m in messages if (base := base_commit(m))), None),
        change_id=next((changed for m in messages if (changed := change_id(m))), None),
        prefixes=prefixes,
        notes=tuple(_notes(posting, missing) + _left_out(posting, others)),
    )


def build_patch(item: Item, wanted: Callable[[str], bool] | None = None) -> Patch:
    """The patch of one mail; what could not be decoded or found is in ``skipped``."""
    message = item.message
    files, skipped = parse_diff(message.body, message.msgid, wanted)
    lost = [Skipped(message.msgid, "", why) for why in message.damaged]
    if not files and not skipped and not lost:
        lost.append(Skipped(message.msgid, "", "the mail has no diff"))
    commit = read_commit(message.body)
    return Patch(
        msgid=message.msgid,
        n=item.subject.n,
        m=item.subject.m,
        subject=item.subject.text,
        log=commit.log,
        trailers=commit.trailers,
        files=files,
        skipped=(*lost, *skipped),
        author=commit.author or message.author,
        date=message.date,
    )


def lone_patch(message: Message, projects: Projects) -> Series:
    """A diff that stands in a reply or discussion, as a series of one patch (asked for by its message-id)."""
    item = make_item(message)
    patch = msgspec.structs.replace(build_patch(item), n=1, m=1)
    kind = classify(item.subject.prefixes, [file.path for file in patch.files], projects)
    why = "stands in a reply" if item.subject.reply or message.in_reply_to else "was not posted as a patch"
    return Series(
        id=message.msgid,
        subject=item.subject.text,
        version=item.subject.version,
        version_text=item.subject.version_text,
        author=message.author,
        date=message.date,
        kernel=kind == KERNEL,
        kind=kind,
        cover=None,
        patches=(patch,),
        expected=1,
        rfc=item.subject.rfc,
        stable=item.subject.stable or is_backport(message.body),
        base_commit=base_commit(message),
        change_id=change_id(message),
        prefixes=item.subject.prefixes,
        notes=(f"this diff {why}",),
    )


def _notes(posting: Posting, missing: Sequence[int]) -> list[str]:
    notes = list(posting.notes)
    if missing:
        some = ", ".join(str(n) for n in missing[: limits.MAX_MISSING_NAMED])
        more = " and more" if len(missing) > limits.MAX_MISSING_NAMED else ""
        notes.append(f"missing of {posting.m} patches: {some}{more}")
    for item in posting.resent[:_NAMED]:
        newest = next((p for p in posting.patches if p.subject.n == item.subject.n and p.title == item.title), item)
        notes.append(f"patch {item.subject.n} was sent twice; {newest.msgid} counts, {item.msgid} does not")
    if len(posting.resent) > _NAMED:
        notes.append(f"{len(posting.resent) - _NAMED} more patches were sent twice; the latest mail counts")
    for item in posting.patches:
        if item.subject.has_numbers and item.subject.n > posting.m:
            notes.append(f"patch {item.subject.n} of {posting.m} was added to the posting")
        if item.author != posting.author:
            notes.append(f"patch {item.subject.n} was sent by {item.message.author}")
    counted = Counter(item.subject.n for item in posting.patches)
    notes += [f"number {n} was given to {c} different patches; all are checked" for n, c in counted.items() if c > 1]
    return notes


def _left_out(posting: Posting, others: Sequence[Item]) -> list[str]:
    """Notes on the patches and series of the thread that are not part of this one."""
    notes = [
        f"a patch of another author was left out: {item.subject.text} <{item.msgid}>"
        for item in posting.foreign[:_NAMED]
    ]
    named = {item.msgid for item in posting.foreign}
    rest = (item for item in others if item.msgid not in named)
    notes += [f"not checked, another series here: {item.subject.text} <{item.msgid}>" for item in islice(rest, _NAMED)]
    if next(rest, None):
        notes.append("not checked: still more series here")
    return notes
