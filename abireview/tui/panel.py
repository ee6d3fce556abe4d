# SPDX-License-Identifier: GPL-2.0-or-later
"""The pane beside the mail: one finding with everything that is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from abireview.findings.model import Finding
from abireview.reply.said import Comment
from abireview.safetext import safe

Part = str | tuple[str, str]

DIRECTIONS = {
    "boot": "a guest booted on the new kernel",
    "forward": "a guest migrated to the new kernel",
    "rollback": "a guest moved back to the old kernel",
    "host": "a guest moved to another host",
}
_LEVELS = {"high": "bold $text-error", "medium": "bold $text-warning", "low": "$text-warning"}


def panel_parts(
    finding: Finding, number: int, total: int, comments: Sequence[Comment], references: Sequence[str] = ()
) -> list[Part]:
    """The text of the panel with its styles; nothing in it is ever parsed as markup."""
    mark = _LEVELS[finding.severity] if finding.level == "flag" else "$text-accent"
    out: list[Part] = [
        (f"{finding.level} {finding.severity}", mark),
        f"  {number} of {total}",
        ("" if finding.state == "new" else f"  {finding.state}", "$text-success"),
        "\n",
        (safe(finding.rule), "bold"),
        "\n",
        safe(finding.message),
        "\n",
    ]
    who = {"guest": "the guest", "vmm": "the VMM"}
    out += _pair("seen by", [" and ".join(who[name] for name in finding.visible_to) or "nobody named"])
    out += _pair("when", [DIRECTIONS[name] for name in finding.direction])
    out += _pair("way back", _knobs(finding))
    if finding.reason:
        out += _section("Settled" if finding.state in {"answered", "suppressed"} else "Reason", [finding.reason])
    if finding.question:
        out += _section("Question", [finding.question])
    if finding.before or finding.after:
        out += [("\nFacts\n", "bold $text-accent")]
        out += [(f"- {safe(text)}\n", "$text-error") for text in finding.before]
        out += [(f"+ {safe(text)}\n", "$text-success") for text in finding.after]
    out += _section("Evidence", finding.evidence)
    if finding.gates:
        out += _section("Only if", finding.gates)
    place = f"{finding.file}:{finding.line}" + (f" in {finding.symbol}" if finding.symbol else "")
    out += _section("Where", [place, f"{finding.klass} · {finding.surface} · {finding.arch}"])
    if finding.confidence != "high" or finding.partial:
        part = " (only part of the function was seen)" if finding.partial else ""
        out += _section("Confidence", [f"{finding.confidence}{part}"])
    out += _section("References", references)
    if comments:
        out.append(("\nSaid in the thread\n", "bold $text-accent"))
        for comment in comments:
            out += [(f"{safe(comment.author.name or comment.author.email)}:\n", "bold"), f"{safe(comment.text)}\n"]
    out += [(f"\n{finding.fingerprint}", "$text-muted")]
    return out


def _pair(name: str, lines: Sequence[str]) -> list[Part]:
    out: list[Part] = []
    for number, line in enumerate(lines):
        out += [(f"{'' if number else name:<9}", "bold $text-accent"), f"{safe(line)}\n"]
    return out


def _section(title: str, lines: Sequence[str]) -> list[Part]:
    if not lines:
        return []
    return [(f"\n{title}\n", "bold $text-accent"), *(f"{safe(line)}\n" for line in lines)]


def _knobs(finding: Finding) -> list[str]:
    if finding.knob is not None:
        return [f"found: {finding.knob.what} ({finding.knob.kind})", *finding.knob.evidence]
    sought = [f"looked for in {knob.where}: {knob.what}" for knob in finding.sought if not knob.found]
    return ["none found", *sought]


class FindingPanel(VerticalScroll, can_focus=True):
    """Shows one finding."""

    DEFAULT_CSS = """
    FindingPanel { background: $panel; padding: 0 1; scrollbar-size-vertical: 1; }
    FindingPanel > Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False),
        Binding("k,up", "scroll_up", "Up", show=False),
        Binding("space,pagedown", "page_down", "A page down", show=False),
        Binding("b,pageup", "page_up", "A page up", show=False),
    ]
    HELP = (
        "One finding: what changes, who sees it and when, which way back was looked for,\n"
        "the facts before and after, and what people said about this hunk in the thread."
    )

    _parts: Sequence[Part] = ()

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    def show(self, parts: Sequence[Part]) -> None:
        """Show other text, from its top."""
        if tuple(parts) == self._parts:
            return
        self._parts = tuple(parts)
        self.query_one(Static).update(Content.assemble(*parts))
        self.scroll_to(0, 0, animate=False, force=True)
