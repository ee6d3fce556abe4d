# SPDX-License-Identifier: GPL-2.0-or-later
"""Replies to real series: every finding of every labelled series is drafted, linted, built and read back by b4."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from abireview.check import check
from abireview.lore import b4mail
from abireview.lore.load import LoadOptions, load
from abireview.reply.draft import draft_for_cover, draft_for_patch
from abireview.reply.lint import has_errors, lint
from abireview.reply.mail import reply_headers
from abireview.reply.quote import find_line
from abireview.reply.template import Templates
from abireview.rules.load import load_rules
from abireview.tui.document import Document
from tests.reply.reply_make import outgoing

pytestmark = [pytest.mark.corpus, pytest.mark.slow]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_finding_of_the_corpus_can_be_asked(shared: Path) -> None:
    from b4.review._review import _extract_comments_from_quoted_reply

    rules, templates = load_rules(), Templates()
    drafted = placed = 0
    for path in sorted((shared / "corpus" / "series").glob("*.mbox")):
        loaded = load(str(path), LoadOptions(offline=True))
        assert loaded.thread is not None
        found = check(loaded.series, rules).findings
        parts = []
        for patch in loaded.series.patches:
            message = loaded.thread.by_id[patch.msgid]
            own = [item for item in found if item.patch == patch.msgid]
            parts.append((message, own))
            document = Document(message, own, 100)
            assert {row.finding for row in document.rows} - {-1} == set(range(len(own))), path.name
            if not own:
                continue
            text = draft_for_patch(message, own, templates, signature="Rita")
            assert not has_errors(lint(text, b4mail.find_trailers)), (path.name, lint(text, b4mail.find_trailers), text)
            headers = reply_headers(message, ["rita@example.com"])
            mail = outgoing(
                to=headers.to,
                cc=headers.cc,
                subject=headers.subject,
                in_reply_to=headers.in_reply_to,
                references=headers.references,
                body=text,
            )
            back = email.message_from_bytes(b4mail.to_bytes(mail), policy=email.policy.default)
            assert back.get_content() == text
            drafted += 1
            comments = _extract_comments_from_quoted_reply(text)
            lines = message.body.split("\n")
            for item in own:
                at = item.at or find_line(message.body, item.evidence, item.file)
                if not at or lines[at - 1][:1] not in {"+", "-"}:
                    continue
                question = squeezed(item.question or item.message)
                assert any(
                    question in squeezed(one["text"]) and squeezed(one.get("content", "")) == squeezed(lines[at - 1])
                    for one in comments
                ), (path.name, item.rule, text)
                placed += 1
        if loaded.series.cover is not None and found:
            text = draft_for_cover(loaded.series.cover, parts, templates, signature="Rita")
            assert not has_errors(lint(text, b4mail.find_trailers)), (path.name, text)
    assert drafted > 50
    assert placed > 50
