# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from abireview.errors import ConfigError
from abireview.lore.b4mail import find_trailers
from abireview.reply.draft import draft_for_cover, draft_for_patch
from abireview.reply.lint import has_errors, lint
from abireview.reply.template import Templates, mail_date, wrap
from tests.reply.reply_make import BODY, finding, line_of, message

GADGET = finding(file="virt/gadget.c", at=line_of("+#define GADGET_MAX 4"), question="Why four?", n=2)


def test_a_reply_to_a_patch_is_what_a_reviewer_would_write() -> None:
    text = draft_for_patch(message(), [GADGET, finding()], Templates(), signature="Rita", context=2)
    assert text == (
        "On Tue, 3 May 2022 10:00:00 +0000, Ada Author wrote:\n"
        "> [...]\n"
        "> diff --git a/virt/widget.c b/virt/widget.c\n"
        "> --- a/virt/widget.c\n"
        "> +++ b/virt/widget.c\n"
        "> @@ -10,12 +10,12 @@ static int widget_count(struct widget *w)\n"
        "> [...]\n"
        ">\n"
        "> -\treturn w->count;\n"
        "> +\treturn w->count + 1;\n"
        "\n"
        "A guest that was started on the old kernel sees another count after\n"
        "this. Can userspace keep the old one?\n"
        "\n"
        "> [...]\n"
        "> diff --git a/virt/gadget.c b/virt/gadget.c\n"
        "> --- a/virt/gadget.c\n"
        "> +++ b/virt/gadget.c\n"
        "> @@ -1,3 +1,3 @@\n"
        ">  #define GADGETS 1\n"
        "> -#define GADGET_MAX 3\n"
        "> +#define GADGET_MAX 4\n"
        "\n"
        "Why four?\n"
        "\n"
        "-- \n"
        "Rita\n"
    )
    assert lint(text, find_trailers) == ()


def test_a_finding_without_line_is_found_by_its_evidence() -> None:
    assert draft_for_patch(message(), [finding(at=0)], Templates()) == draft_for_patch(
        message(), [finding()], Templates()
    )


def test_a_finding_that_is_nowhere_names_its_place() -> None:
    text = draft_for_patch(message(), [finding(at=0, evidence=("+gone",))], Templates())
    assert "virt/widget.c, widget_count:\n\nA guest" in text


def test_without_findings_the_first_lines_are_quoted_and_lint_wants_words() -> None:
    text = draft_for_patch(message(), [], Templates())
    assert "> Widgets are counted from one now.\n" in text
    assert "diff --git" not in text
    assert has_errors(lint(text, find_trailers))


def test_a_reply_to_the_cover_names_each_patch() -> None:
    cover = message(msgid="cover@example.org", body="Hello,\n\nthis series counts widgets.\n\nAda\n")
    text = draft_for_cover(cover, [(message(), [finding()]), (message(), []), (message(), [GADGET])], Templates())
    assert text.index("> this series counts") < text.index("In patch 1/3:") < text.index("In patch 2/3:")
    assert text.count("In patch") == 2
    assert text.index("In patch 2/3:") < text.index("Why four?")
    assert lint(text, find_trailers) == ()


def test_a_user_overrides_one_template(tmp_path: Path) -> None:
    (tmp_path / "question.j2").write_text("{{ finding.rule }}: {{ finding.question }}")
    text = draft_for_patch(message(), [GADGET], Templates(tmp_path))
    assert "widget-count: Why four?" in text
    assert text.startswith("On Tue")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ finding.question", "question.j2, line 1"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ finding.__class__.__mro__ }}", "unsafe"),
        ("{{ ''.__class__.__base__.__subclasses__() }}", "unsafe"),
        ("{% include 'other.j2' %}", "no template other.j2"),
        ("{{ 1 // 0 }}", "question.j2"),
        ("{{ finding.line.append(1) }}", "question.j2"),
    ],
)
def test_a_wrong_template_is_a_sentence(tmp_path: Path, source: str, says: str) -> None:
    (tmp_path / "question.j2").write_text(source)
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        draft_for_patch(message(), [GADGET], Templates(tmp_path))


def test_mail_text_is_never_a_template() -> None:
    body = BODY.replace("+#define GADGET_MAX 4", "+{{ 7 * 7 }}{% include 'x' %}")
    odd = finding(at=line_of("+{{ 7 * 7 }}{% include 'x' %}", body), question="{{ 7 * 7 }}?")
    text = draft_for_patch(message(body=body, subject="{{ 1 }}"), [odd], Templates())
    assert "> +{{ 7 * 7 }}{% include 'x' %}\n\n{{ 7 * 7 }}?\n" in text


def test_wrapping_does_not_look_like_a_quote() -> None:
    assert wrap("aa > b\n\n> c", 3) == "aa\n > b\n\n > c"


@pytest.mark.parametrize(
    ("date", "text"), [(0, "Thu, 1 Jan 1970 00:00:00 +0000"), (None, ""), (10**30, ""), (-(10**15), "")]
)
def test_dates(date: int | None, text: str) -> None:
    assert mail_date(date) == text
