# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the limits in docs/security.md: value and reason from the code, what happens beyond and the test from here.

    python docs/limits.py

tests/project/test_security.py holds the table to the code, and every named test to its constant.
"""

from __future__ import annotations

import ast
import importlib
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- limits: python docs/limits.py -->\n", "<!-- end of limits -->\n"
CUT, SAID = "the rest is left out", "the rest is left out, and said"
REFUSED, FLAT = "refused with the limit in the message", "the rest is taken for plain text"
INPUT, SESSION, SCAN = (
    "tests/fuzz/test_limits_input.py::",
    "tests/fuzz/test_limits_session.py::",
    "tests/scan/test_hostile.py::",
)
LIMITS: dict[str, tuple[str, str]] = {
    "MAX_MAIL_BYTES": (SAID, "tests/mail/test_decode.py::test_a_huge_mail_is_cut"),
    "MAX_HEADER_BYTES": (SAID, f"{INPUT}test_header_bytes"),
    "MAX_HEADER_LINES": (CUT, "tests/mail/test_decode.py::test_a_huge_header_is_cut"),
    "MAX_ADDRESSES": (CUT, f"{INPUT}test_addresses"),
    "MAX_REFERENCES": ("the far ones are left out", f"{INPUT}test_references"),
    "MAX_MSGID_CHARS": ("it is no message-id; one is made from the mail's bytes", f"{INPUT}test_msgid_chars"),
    "MAX_SUBJECT_CHARS": (CUT, f"{INPUT}test_subject_chars"),
    "MAX_MIME_PARTS": (SAID, f"{INPUT}test_mime_parts"),
    "MAX_MIME_NESTING": ("read as plain text, and said", f"{INPUT}test_mime_nesting"),
    "MAX_MIME_LINES": ("read as plain text, and said", f"{INPUT}test_mime_lines"),
    "MAX_WORDS_CHARS": ("the rest stays encoded", f"{INPUT}test_words_chars"),
    "MAX_TRAILER_LINES": ("the ones further up are text", f"{INPUT}test_trailer_lines"),
    "MAX_THREAD_BYTES": (REFUSED, f"{INPUT}test_thread_bytes"),
    "MAX_THREAD_PACKED_BYTES": (REFUSED, f"{INPUT}test_thread_packed_bytes"),
    "MAX_FILE_BYTES": (REFUSED, "tests/mail/test_mbox.py::test_endless_input_is_refused"),
    "MAX_FILE_MAILS": (REFUSED, "tests/mail/test_mbox.py::test_too_many_mails_are_refused"),
    "MAX_SERIES_PATCHES": ("the numbers are part of the title", f"{INPUT}test_series_patches"),
    "MAX_ANCESTORS": ("the mails further up are not looked at", f"{INPUT}test_ancestors"),
    "MAX_POSTINGS_TRIED": ("the older ones are not compared", f"{INPUT}test_postings_tried"),
    "MAX_MISSING_NAMED": ("“and more”", f"{INPUT}test_missing_named"),
    "MAX_PARSE_BYTES": (
        "the check ends, exit code 3",
        "tests/facts/test_extract.py::test_a_text_too_large_for_the_parser_is_refused",
    ),
    "MAX_EXPRESSION_CHARS": ("its value is unknown", f"{INPUT}test_expression_chars"),
    "MAX_EXPRESSION_DEPTH": ("its value is unknown", f"{INPUT}test_expression_depth"),
    "MAX_NAME_DEPTH": ("its value is unknown", f"{INPUT}test_name_depth"),
    "MAX_NESTING": (FLAT, f"{INPUT}test_nesting"),
    "MAX_WORD_MATCHES": (CUT, "tests/facts/test_documents.py::test_words_are_bounded"),
    "MAX_DIFF_LINES": (SAID, f"{INPUT}test_diff_lines"),
    "MAX_DIFF_FILES": (SAID, f"{INPUT}test_diff_files"),
    "MAX_C_LINE": (CUT, f"{INPUT}test_c_line"),
    "MAX_C_HEADER": ("it has no name", f"{INPUT}test_c_header"),
    "MAX_TREE_FILE_BYTES": ("taken for absent", "tests/source/test_tree.py::test_binary_and_large_files"),
    "MAX_TREE_FILES": (REFUSED, "tests/source/test_tree.py::test_too_many_files"),
    "MAX_RANGE_COMMITS": (REFUSED, "tests/source/test_gitrange.py::test_what_is_no_range"),
    "MAX_FUZZ": ("the hunk does not apply, and that is said", f"{INPUT}test_fuzz"),
    "MAX_PLACES": ("the hunk does not apply, and that is said", f"{INPUT}test_places"),
    "MAX_OFFSET": ("the hunk does not apply, and that is said", f"{INPUT}test_offset"),
    "MAX_QUESTION_CHARS": ("cut with “...”", f"{SESSION}test_question_chars"),
    "MAX_FEED_BYTES": (
        "the feed is refused, the search used",
        "tests/bot/test_http.py::test_what_is_no_feed_or_a_bomb_is_refused",
    ),
    "MAX_FEED_ENTRIES": (
        "the feed is refused, the search used",
        "tests/bot/test_http.py::test_what_is_no_feed_or_a_bomb_is_refused",
    ),
    "MAX_MANIFEST_BYTES": (REFUSED, f"{SESSION}test_manifest_bytes"),
    "MAX_JSON_BYTES": ("logged, tried again later, given up", f"{SESSION}test_json_bytes"),
    "MAX_POLL_MAILS": ("the next look goes on there", f"{SESSION}test_poll_mails"),
    "MAX_SURFACE_TEXT": (CUT, f"{SESSION}test_surface_text"),
    "MAX_EXPANDED_TOKENS": (CUT, f"{SESSION}test_expanded_tokens"),
    "MAX_ENTRY_COMMITS": ("the older ones are not named", f"{SESSION}test_entry_commits"),
    "MAX_LEDGER_COMMITS": ("entries brought by older ones name no commit", f"{SESSION}test_ledger_commits"),
    "MAX_BOT_POSTINGS": ("the latest count", f"{SESSION}test_bot_postings_and_replies"),
    "MAX_BOT_REPLIES": ("the latest count", f"{SESSION}test_bot_postings_and_replies"),
    "MAX_POLICY_BYTES": (REFUSED, f"{SESSION}test_policy_bytes"),
    "MAX_COMMANDS": (
        "the rest is ignored",
        "tests/bot/test_commands.py::test_only_so_many_commands_and_only_so_long_texts",
    ),
    "MAX_COMMAND_CHARS": (CUT, f"{SESSION}test_command_chars"),
    "MAX_SPOKEN_CHARS": (CUT, f"{SESSION}test_spoken_chars"),
    "MAX_MAINTAINERS_BYTES": (REFUSED, f"{SESSION}test_maintainers_bytes"),
    "MAX_DKIM_SIGNATURES": ("the others do not count", f"{SESSION}test_dkim_signatures"),
    "MAX_SCAN_BYTES": ("the scan ends there, and says so", f"{SCAN}test_the_whole_of_an_archive_is_bounded"),
    "MAX_PACK_RATIO": ("the scan ends there, and says so", f"{SCAN}test_a_packed_bomb_ends_early"),
    "MAX_TEAM_MAILS": (
        "looked at as several groups",
        f"{SCAN}test_mails_that_all_answer_each_other_are_cut_into_teams",
    ),
    "MAX_TEAM_BYTES": ("looked at as several groups", f"{SCAN}test_the_bytes_of_a_team_are_bounded"),
    "MAX_SCAN_FILES": (REFUSED, f"{SCAN}test_the_files_of_a_maildir_are_bounded"),
    "MAX_SCAN_EPOCHS": (REFUSED, f"{SCAN}test_the_epochs_of_an_inbox_are_bounded"),
    "MAX_SCAN_SECONDS": (
        "the group is given up, and counted as failed",
        f"{SCAN}test_a_series_that_takes_too_long_is_given_up",
    ),
    "MAX_WORKER_BYTES": ("the group is given up, and counted as failed", f"{SCAN}test_a_worker_has_bounded_memory"),
    "MAX_SCAN_RENDERED": (REFUSED, "tests/scan/test_verb.py::test_a_document_in_memory_is_bounded"),
    "MAX_RESULT_BYTES": (REFUSED, "tests/scan/test_merge.py::test_the_length_of_a_line_is_bounded"),
    "MAX_B4_TRACKING_BYTES": ("as if there were none", f"{SESSION}test_b4_tracking_bytes"),
    "MAX_B4_CACHED": ("the oldest are dropped", f"{SESSION}test_b4_cached"),
    "MAX_QUOTED_LINE_CHARS": (
        "cut with “[...]”",
        "tests/reply/test_reply_quote.py::test_escapes_and_endless_lines_do_not_get_into_the_quote",
    ),
    "MAX_REPLY_REFERENCES": (
        "those in the middle are left out",
        "tests/reply/test_reply_mail.py::test_references_fall_back_to_in_reply_to_and_stay_bounded",
    ),
    "MAX_RECIPIENTS": ("no reply-all beyond; refused when sent", f"{SESSION}test_recipients"),
    "MAX_REPLY_SUBJECT_CHARS": (CUT, f"{SESSION}test_reply_subject_chars"),
    "MAX_DRAFT_CHARS": (REFUSED, "tests/reply/test_reply_store.py::test_a_draft_has_its_limit"),
    "MAX_ANSWER_CHARS": (REFUSED, f"{SESSION}test_answer_chars"),
    "MAX_COMMENT_CHARS": (CUT, f"{SESSION}test_comments"),
    "MAX_COMMENTS": (CUT, f"{SESSION}test_comments"),
    "MAX_SHOWN_LINE_CHARS": ("cut with “[...]”", f"{SESSION}test_shown_line_chars"),
    "MAX_HIGHLIGHTED_CHARS": ("shown without colours", f"{SESSION}test_highlighted_chars"),
    "MAX_SHOWN_DEPTH": ("not indented further", f"{SESSION}test_shown_depth"),
    "MAX_COMPARED_LINES": (CUT, f"{SESSION}test_compared_lines"),
    "MAX_RANGE_DIFF_LINES": (CUT, f"{SESSION}test_range_diff_lines"),
    "MAX_SHOWN_HUNK_LINES": (
        "cut around the findings",
        "tests/render/test_html.py::test_a_very_long_hunk_is_cut_around_its_findings",
    ),
    "MAX_RULE_HITS": (
        "left out, and said; the series counts as checked in part",
        "tests/scan/test_bounds.py::test_many_places_are_cut_and_said",
    ),
    "MAX_DELTAS": (
        "left out, and said; the series counts as checked in part",
        "tests/scan/test_bounds.py::test_many_changes_are_cut_and_said",
    ),
}
# Those that one module has for itself: name, what it is, what happens beyond, the test.
OWN: dict[str, tuple[str, str, str]] = {
    "abireview.rules.regex.MAX_SUBJECT": (
        "characters of a text that an expression of a rule meets",
        CUT,
        f"{INPUT}test_rule_expression",
    ),
    "abireview.rules.regex.MAX_EXPRESSION": (
        "characters of an expression in a rule file",
        "the file is refused",
        f"{INPUT}test_rule_expression",
    ),
    "abireview.rules.regex.MAX_REPEATS": (
        "unbounded repetitions one after the other",
        "the file is refused",
        f"{INPUT}test_rule_expression",
    ),
    "abireview.rules.regex.MAX_CHOICES": (
        "bits of choices in an expression",
        "the file is refused",
        f"{INPUT}test_rule_expression",
    ),
    "abireview.rules.load.MAX_FILE": ("bytes of a rule file", "refused", f"{INPUT}test_rule_file_bytes"),
    "abireview.findings.suppressions.MAX_FILE": (
        "bytes of abireview.toml",
        "refused",
        f"{INPUT}test_suppressions_bytes",
    ),
    "abireview.lore.http.OVERALL_SECONDS": (
        "seconds for one answer of a server, however slowly it drips",
        "given up, tried again later",
        f"{SESSION}test_http_overall_seconds",
    ),
    "abireview.lore.http.MAX_REDIRECTS": (
        "redirects followed, on the same server only",
        "refused",
        "tests/bot/test_http.py::test_a_redirect_on_the_same_server_is_followed_and_circles_end",
    ),
    "abireview.lore.http.MAX_RETRY_AFTER": (
        "seconds that a server may ask for",
        "asked again then",
        f"{SESSION}test_http_retry_after",
    ),
    "abireview.lore.b4door.OVERALL_SECONDS": (
        "seconds for a thread fetched through b4",
        "given up",
        "tests/lore/test_trouble.py::test_the_whole_fetch_has_a_limit",
    ),
    "abireview.bot.summary.MAX_LINES": (
        "lines of the bot's mail",
        "questions are left out, and counted",
        "tests/bot/test_summary.py::test_the_text_is_plain_short_and_no_patch",
    ),
}


def value_of(name: str) -> object:
    module, _, constant = name.rpartition(".")
    return getattr(importlib.import_module(module or "abireview.limits"), constant)


def reasons() -> dict[str, str]:
    """The text below each constant of abireview/limits.py."""
    body = ast.parse((ROOT / "abireview" / "limits.py").read_text(encoding="utf-8")).body
    found = {}
    for node, text in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(text, ast.Expr):
            found[node.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def shown(value: object, name: str) -> str:
    """The value in words: bytes in MiB or KiB where they are whole."""
    number = int(str(value).removesuffix(".0"))
    if name.endswith(("_BYTES", "MAX_FILE", "MAX_SURFACE_TEXT")):
        for size, unit in ((1 << 40, "TiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
            if number % size == 0:
                return f"{number // size} {unit}"
    return f"{number:,}".replace(",", " ")


def table() -> str:
    """Both tables."""
    why = reasons()
    rows = ["| limit | value | beyond it | what it bounds, and why so | test |", "| --- | --- | --- | --- | --- |"]
    for name, (beyond, test) in LIMITS.items():
        rows.append(f"| `{name}` | {shown(value_of(name), name)} | {beyond} | {why[name]} | {_test(test)} |")
    rows += ["", "Bounds that one module has for itself:", ""]
    rows += ["| bound | value | beyond it | what it bounds | test |", "| --- | --- | --- | --- | --- |"]
    for name, (what, beyond, test) in OWN.items():
        short = name.removeprefix("abireview.")
        rows.append(f"| `{short}` | {shown(value_of(name), name)} | {beyond} | {what} | {_test(test)} |")
    return "\n".join(rows) + "\n"


def _test(name: str) -> str:
    path, _, function = name.partition("::")
    return f"[{function}](../{path})"


def main() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
