# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of issue 5, by Pilot: from a series that came in to a reply that was sent, with a crash in between."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

from textual.widgets import TextArea

from abireview.store.drafts import Drafts
from abireview.store.outbox import Outbox
from abireview.tui.mailview import MailView
from abireview.tui.queuetable import QueueTable
from tests.reply.reply_smtp import Server
from tests.tui.conftest import MakeApp
from tests.tui.pilot import on, press, text_of, until, write
from tests.tui.tui_make import mbox, series


async def test_from_what_came_in_to_reply_sent(make_app: MakeApp, smtp: Server, home: Path, widgets: str) -> None:
    # add a series, go to its second finding, settle it as false positive, draft a reply to patch 3, edit
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "A")
        await write(pilot, widgets)
        await press(pilot, "enter")
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows and table.rows[0].medium == 3)
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        await press(pilot, "full_stop full_stop")
        view = app.screen.query_one(MailView)
        assert view.document is not None
        assert view.document.message.msgid == "v1-2@example.org"
        assert "WIDGET_LIMIT goes from 1 to 20" in text_of(app)
        await press(pilot, "a f")
        await write(pilot, "only the tests read it")
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        assert view.document.findings[0].state == "answered"
        await press(pilot, "n")
        assert view.document.message.msgid == "v1-3@example.org"
        await press(pilot, "r")
        await on(pilot, "EditorScreen")
        area = app.screen.query_one(TextArea)
        assert "> +#define WIDGET_BASE\t200" in area.text
        await write(pilot, "Hello Ada.\n\n")
        expected = area.text
        # here the power goes: nothing is closed, saved or said
    assert "Hello Ada." in expected

    # start again: the draft is there, send it
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows)
        assert (table.rows[0].medium, table.rows[0].answered) == (2, 1)
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        assert "✎" in text_of(app)
        await press(pilot, "n n n r")
        await on(pilot, "EditorScreen")
        assert app.screen.query_one(TextArea).text == expected
        await press(pilot, "ctrl+y")
        await on(pilot, "PreviewScreen")
        assert "nothing has left yet" in text_of(app)
        assert smtp.mails == []
        await press(pilot, "ctrl+y ctrl+y ctrl+y")
        await on(pilot, "SeriesScreen")
        (entry,) = Outbox.of(app.desk.store).entries()
        assert entry.state == "sent"
        assert Drafts.of(app.desk.store).listed() == []

    # the mail as the server took it
    ((sender, recipients, raw),) = smtp.mails
    assert sender == "rita@example.com"
    assert recipients == ["ada@example.org", "kvm@lists.example", "max@example.net"]
    mail = email.message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=email.policy.default)
    assert mail["In-Reply-To"] == "<v1-3@example.org>"
    assert mail["References"] == "<v1-0@example.org> <v1-3@example.org>"
    assert mail["Subject"] == "Re: [PATCH 3/3] KVM: arm64: Correct WIDGET_BASE"
    body = mail.get_content()
    assert body.startswith("On Tue, 3 May 2022 10:03:00 +0000, Ada Author wrote:\n> [...]\n> diff --git ")
    assert "> +#define WIDGET_BASE\t200\n\nHello Ada.\n\nA guest that counted on WIDGET_BASE" in body

    # then v2 arrives: what was settled is not asked again, the rest is carried
    (home / "widgets.mbox").write_bytes(mbox(series(1) + series(2, values=(2, 20, 201))))
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.queue_screen.query_one(QueueTable)
        await until(pilot, lambda: table.rows)
        assert table.rows[0].state == "replied"
        await press(pilot, "u")
        await until(pilot, lambda: table.rows[0].tag == "v2 3/3" and not app.queue_screen.busy)
        row = table.rows[0]
        assert (len(table.rows), row.state, row.new, row.carried, row.answered) == (1, "new", 1, 1, 1)
        await press(pilot, "enter")
        await on(pilot, "SeriesScreen")
        states = {item.n: item.state for item in app.screen.opened.result.findings}  # type: ignore[attr-defined]
        assert states == {1: "carried", 2: "answered", 3: "new"}
        await press(pilot, "D")
        await on(pilot, "VersionsScreen")
        shown = text_of(app)
        for word in ("New since v1 (1)", "Carried (1)", "Gone (1)", "Settled (1)", "only the tests read it"):
            assert word in shown
        await press(pilot, "D")
        await until(pilot, lambda: "from the mails" in text_of(app))
        shown = " ".join(text_of(app).split())
        for line in ("1 = 1", "2 = 2", "3 ! 3", "-+#define WIDGET_BASE 200", "++#define WIDGET_BASE 201"):
            assert line in shown
    assert len(smtp.mails) == 1
