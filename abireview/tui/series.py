# SPDX-License-Identifier: GPL-2.0-or-later
"""The series screen: patches left, the mail in the middle, the finding right."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal

from abireview.errors import UsageError
from abireview.findings.model import Finding
from abireview.reply.desk import Opened
from abireview.reply.said import said_about
from abireview.reply.trailers import TRAILERS, given, toggle, trailer_line
from abireview.store.drafts import Drafts
from abireview.tui.base import BaseScreen, StatusBar, TitleBar
from abireview.tui.footer import Keys
from abireview.tui.lines import Lines
from abireview.tui.mailview import MailView
from abireview.tui.panel import FindingPanel, Part, panel_parts
from abireview.tui.patches import PatchList
from abireview.tui.prompt import ChoicePrompt
from abireview.tui.settle import Settlement, SettleScreen


class SeriesScreen(BaseScreen):
    """One version of a series."""

    CSS = """
    SeriesScreen #body { height: 1fr; }
    SeriesScreen #patches { width: 28; height: 100%; border-right: vkey $primary 40%; display: none; }
    SeriesScreen #right { width: 1fr; height: 100%; layout: vertical; }
    SeriesScreen #mail { width: 1fr; height: 1fr; }
    SeriesScreen #panel { width: 100%; height: 7; }
    SeriesScreen #status { display: none; }
    SeriesScreen.noted #status { display: block; }
    SeriesScreen.-normal #patches { display: block; }
    SeriesScreen.-normal #panel { height: 12; }
    SeriesScreen.-wide #patches { display: block; width: 40; }
    SeriesScreen.-wide #right { layout: horizontal; }
    SeriesScreen.-wide #panel { width: 52; height: 100%; border-left: vkey $primary 40%; }
    SeriesScreen.-wide.split #right { layout: vertical; }
    SeriesScreen.-wide.split #panel { width: 100%; height: 10; border-left: none; }
    SeriesScreen.split #patches { width: 28; }
    SeriesScreen.toggled #patches { display: block; }
    SeriesScreen.-normal.toggled #patches, SeriesScreen.-wide.toggled #patches { display: none; }
    SeriesScreen.no-findings #panel { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (112, "-normal"), (160, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("full_stop", "finding(1)", "Finding", key_display=".", tooltip="The next finding"),
        Binding("comma", "finding(-1)", "Finding before", key_display=",", show=False),
        Binding("n,right_square_bracket", "mail(1)", "Patch", key_display="n", tooltip="The next patch"),
        Binding("p,left_square_bracket", "mail(-1)", "Patch before", key_display="p", show=False),
        Binding("a", "answer", "Answer", tooltip="Settle the finding: knob, architecture, false positive, suppress"),
        Binding("u", "undo", "Undo", show=False, tooltip="Take the answer to the finding back"),
        Binding("r", "reply", "Reply", tooltip="Draft a reply to this mail"),
        Binding("B", "bot_draft", "Bot's draft", show=False, tooltip="What the bot wants to say: approve or reject"),
        Binding("R", "reply_cover", "Reply to cover", show=False),
        Binding("t", "trailers", "Trailers", show=False, tooltip="Reviewed-by, Acked-by, Tested-by in the draft"),
        Binding("e", "preview", "Preview", tooltip="The mail exactly as it will go out"),
        Binding("ctrl+y", "preview", "Send", key_display="^y", tooltip="Preview, then Ctrl-y once more sends"),
        Binding("f", "thread", "Thread", show=False, tooltip="The thread: what people answered"),
        Binding("D", "versions", "Versions", tooltip="v1 … vN: findings new, carried, gone; range-diff"),
        Binding("c", "cover", "Cover", show=False, tooltip="Jump to the cover letter"),
        Binding("w", "whole", "Whole function", show=False, tooltip="The whole function (needs --tree)"),
        Binding("P", "toggle_patches", "Patch list", show=False, tooltip="Show or hide the list of patches"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
        Binding("d", "done", "Done", show=False, tooltip="Mark the series as done and go back"),
        Binding("O", "app.outbox", "Outbox", show=False),
    ]

    def __init__(self, opened: Opened, row: int = 0) -> None:
        super().__init__()
        self.opened = opened
        self.row = row
        self.msgid = ""
        self._finding = -1

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        with Horizontal(id="body"):
            yield PatchList(id="patches")
            with Container(id="right"):
                yield MailView(id="mail")
                yield FindingPanel(id="panel")
        yield StatusBar(id="status")
        yield Keys()

    def on_mount(self) -> None:
        self._list()
        series = self.opened.series
        first = series.cover.msgid if series.cover is not None else (series.patches[0].msgid if series.patches else "")
        if first:
            self.go_to(first)
        self.query_one(MailView).focus()

    def on_screen_resume(self) -> None:
        if self.msgid:
            self._list()

    # showing

    def refresh_opened(self, opened: Opened) -> None:
        """The series again, with other states or another version looked at."""
        self.opened = opened
        if opened.thread.by_id.get(self.msgid) is None or self.msgid not in self._order():
            self.msgid = next(iter(self._order()), "")
        self._list()
        self._show(keep=True)

    def _order(self) -> list[str]:
        series = self.opened.series
        cover = [series.cover.msgid] if series.cover is not None else []
        return [*cover, *(patch.msgid for patch in series.patches)]

    def _list(self) -> None:
        series, result = self.opened.series, self.opened.result
        drafted = {draft.msgid for draft in Drafts.of(self.desk.store).listed()}
        patches = self.query_one(PatchList)
        patches.show(series, list(result.findings), drafted)
        if self.msgid:
            patches.set_reactive(Lines.cursor, max(0, patches.index_of(self.msgid)))
            patches.show_cursor()
        open_flags = sum(item.level == "flag" and item.state in {"new", "carried"} for item in result.findings)
        notes = sum(item.level == "note" and item.state in {"new", "carried"} for item in result.findings)
        count = f"{open_flags} flag{'' if open_flags == 1 else 's'}, {notes} note{'' if notes == 1 else 's'}"
        title = f"{series.subject or '(no subject)'} · {series.author.name or series.author.email} · {count}"
        self.query_one("#title", TitleBar).show(title)
        self._status()

    def _status(self) -> None:
        series, result = self.opened.series, self.opened.result
        parts = [f"v{version.series.version}" for version in self.opened.versions]
        parts[self.opened.at] = f"({parts[self.opened.at]})"
        said = [f"versions {' '.join(parts)}"] if len(parts) > 1 else []
        if series.missing:
            said.append(f"patches missing: {', '.join(map(str, series.missing[:8]))}")
        if result.skipped:
            said.append(f"{len(result.skipped)} not checked: {result.skipped[0].why}")
        said += [*self.opened.warnings, *series.notes[:2]]
        style = "$text-warning" if series.missing or result.skipped or self.opened.warnings else ""
        self.set_class(bool(said), "noted")
        self.query_one(StatusBar).show(" · ".join(said), style)

    def go_to(self, msgid: str) -> None:
        """Show another mail of the series."""
        self.msgid = msgid
        patches = self.query_one(PatchList)
        index = patches.index_of(msgid)
        if index >= 0 and patches.cursor != index:
            patches.cursor = index
        self._show()

    def _show(self, *, keep: bool = False) -> None:
        if not self.msgid:
            return
        with self.told():
            message = self.opened.message(self.msgid)
            self.query_one(MailView).show(message, self.opened.findings(self.msgid), keep=keep)
            self._panel()

    def _current(self) -> Finding | None:
        document = self.query_one(MailView).document
        if document is None or not 0 <= self._finding < len(document.findings):
            return None
        return document.findings[self._finding]

    def _panel(self) -> None:
        view = self.query_one(MailView)
        document = view.document
        self._finding = -1 if document is None else document.finding_near(view.cursor)
        finding = self._current()
        self.set_class(not self.opened.result.findings, "no-findings")
        panel = self.query_one(FindingPanel)
        if finding is None or document is None:
            panel.show(self._nothing_here())
            return
        row = document.row_of(self._finding)
        first, last = document.hunk_around(row)
        body = document.message.body.split("\n")
        hunk = body[first:last] if first else list(finding.evidence)
        comments = said_about(hunk, self.opened.thread.below(self.msgid)[1:])
        findings = self.opened.result.findings
        number = next((k for k, known in enumerate(findings, 1) if known is finding or known == finding), 0)
        panel.show(panel_parts(finding, number, len(findings), comments, self.review.references(finding.rule)))

    def _nothing_here(self) -> list[Part]:
        count = len(self.opened.result.findings)
        return [("No finding in this mail.", "$text-muted"), f"\n{count} in the series; . goes to the next."]

    @on(Lines.Moved, "#patches")
    def patch_chosen(self, event: Lines.Moved) -> None:
        items = self.query_one(PatchList).items
        if event.index < len(items) and items[event.index].msgid != self.msgid:
            self.msgid = items[event.index].msgid
            self._show()

    @on(Lines.Chosen, "#patches")
    def patch_opened(self) -> None:
        self.query_one(MailView).focus()

    @on(MailView.NearFinding)
    def near_finding(self) -> None:
        self._panel()

    # moving

    def action_mail(self, by: int) -> None:
        order = self._order()
        at = order.index(self.msgid) + by if self.msgid in order else 0
        if 0 <= at < len(order):
            self.go_to(order[at])
        else:
            self.say("that was the last patch" if by > 0 else "this is the first mail")

    def action_cover(self) -> None:
        if self.opened.series.cover is None:
            self.say("the series has no cover letter")
        else:
            self.go_to(self.opened.series.cover.msgid)

    def action_finding(self, by: int) -> None:
        """The next or previous finding, in this mail or another."""
        view = self.query_one(MailView)
        document = view.document
        if document is not None and document.findings:
            rows = [document.row_of(index) for index in range(len(document.findings))]
            ahead = [index for index, row in enumerate(rows) if (row > view.cursor if by > 0 else row < view.cursor)]
            if ahead:
                view.go_to_finding(ahead[0] if by > 0 else ahead[-1])
                return
        order = self._order()
        at = order.index(self.msgid) if self.msgid in order else 0
        rest = order[at + 1 :] if by > 0 else list(reversed(order[:at]))
        for msgid in rest:
            found = self.opened.findings(msgid)
            if found:
                self.go_to(msgid)
                view.go_to_finding(0 if by > 0 else len(found) - 1)
                return
        self.say("no more findings" if self.opened.result.findings else "no findings in this series")

    def action_toggle_patches(self) -> None:
        self.toggle_class("toggled")

    # settling

    def action_answer(self) -> None:
        finding = self._current()
        if finding is None:
            self.say("no finding here")
            return

        def settle(answer: Settlement | None) -> None:
            if answer is None:
                return
            with self.told():
                opened = self.desk.answer(self.opened, finding, answer.kind, answer.text, until=answer.until)
                self.refresh_opened(opened)
                self.say(f"{finding.rule}: {answer.kind}")

        self.app.push_screen(SettleScreen(finding, self.review.now()), settle)

    def action_undo(self) -> None:
        finding = self._current()
        if finding is None:
            self.say("no finding here")
            return
        with self.told():
            answer, opened = self.desk.undo(self.opened, finding)
            self.refresh_opened(opened)
            self.say(f"taken back: {answer.sentence}")

    # replying

    def action_reply(self) -> None:
        self._reply(self.msgid)

    def action_reply_cover(self) -> None:
        self._reply(self.opened.series.id)

    def _reply(self, msgid: str) -> None:
        from abireview.tui.editor import EditorScreen

        with self.told():
            draft = self.desk.draft(self.opened, msgid)
            self.app.push_screen(EditorScreen(self.opened, draft, self.row))

    def action_trailers(self) -> None:
        from abireview.lore import b4mail

        with self.told():
            me = b4mail.identity()
            draft = self.desk.draft(self.opened, self.msgid)
            have = given(draft.body, me)
            choices = [
                (name[0].lower(), name, f"{'remove' if name in have else 'add'} {trailer_line(name, me)}")
                for name in TRAILERS
            ]

            def chosen(name: str | None) -> None:
                if name is not None:
                    with self.told():
                        Drafts.of(self.desk.store).save(draft.id, toggle(draft.body, name, me))
                        self._list()
                        self.say(f"{name} {'removed from' if name in have else 'added to'} the draft")

            self.app.push_screen(ChoicePrompt("Trailers of your reply to this mail", choices), chosen)

    def action_bot_draft(self) -> None:
        with self.told():
            here = [version.series.id for version in self.opened.versions]
            self.review.open_draft([*here, *(known.series.id for known in self.opened.memory)])

    def action_preview(self) -> None:
        from abireview.tui.preview import PreviewScreen

        with self.told():
            drafts = Drafts.of(self.desk.store)
            own = drafts.find(self.msgid)
            others = [draft for draft in drafts.listed() if draft.msgid in set(self._order())]
            draft = own or (others[0] if others else None)
            if draft is None:
                raise UsageError("there is no draft for this series", hint="r drafts a reply to this mail")
            self.app.push_screen(PreviewScreen(self.opened, draft, self.row))

    # other screens

    def action_thread(self) -> None:
        from abireview.tui.threadview import ThreadScreen

        self.app.push_screen(ThreadScreen(self.opened, self.msgid, self.row))

    def action_versions(self) -> None:
        from abireview.tui.versions import VersionsScreen

        def look_at(at: int | None) -> None:
            if at is not None:
                self.review.look_at(self, at)

        self.app.push_screen(VersionsScreen(self.opened, self.msgid, self.review.repository), look_at)

    def action_whole(self) -> None:
        from abireview.tui.whole import WholeScreen

        document = self.query_one(MailView).document
        view = self.query_one(MailView)
        if document is None or not document.rows or not document.rows[view.cursor].path:
            self.say("the cursor is not in a diff")
            return
        with self.told():
            shown = self.review.whole_function(self.opened, self.msgid, document, view.cursor)
            self.app.push_screen(WholeScreen(*shown))

    def action_done(self) -> None:
        from abireview.store.queue import Queue

        if self.row:
            with self.told():
                Queue.of(self.desk.store).set_state(self.row, "done")
        self.action_back()
