# SPDX-License-Identifier: GPL-2.0-or-later
"""Markdown reports, read back by a CommonMark parser with GitHub's tables and links."""

from __future__ import annotations

import html
import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from abireview.findings.model import Finding, Result
from abireview.markup import md, xml
from abireview.render import Style, get_format

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def render(*results: Result) -> str:
    return get_format("markdown").render(results, Style())


def words(document: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", document))


def test_the_parts_of_a_report(result: Result) -> None:
    document = PARSER.render(render(result))
    assert "<h1>[PATCH v2 0/3] KVM: example: newer things</h1>" in document
    assert document.count("<h2>") == 3  # two findings, and what was not checked
    assert document.count("<tr>") == 3
    assert (
        '<pre><code class="language-diff">-#define EXAMPLE_LATEST\t1\n+#define EXAMPLE_LATEST\t2\n</code></pre>'
        in document
    )
    text = words(document)
    assert "question: Can userspace still ask for version 1?" in text
    assert "way back: a per-VM version (example-gate, OPT_IN)" in text
    assert "looked for a register that selects the version" in text
    assert "logo.png: a binary file" in text


def test_a_silent_series_and_another_project(silent: Result) -> None:
    assert "Nothing found." in render(silent)
    other = msgspec.structs.replace(silent, series=msgspec.structs.replace(silent.series, kernel=False, kind="qemu"))
    assert "Not a kernel patch (qemu), nothing checked." in render(other)


def test_what_is_settled_is_listed_with_its_reason(result: Result, flag: Finding) -> None:
    settled = msgspec.structs.replace(flag, state="answered", reason="selectable since 5.2")
    document = words(PARSER.render(render(msgspec.structs.replace(result, findings=(settled,)))))
    assert "answered 2/3 include/example.h:42 (example-latest-bumped): selectable since 5.2" in document


HOSTILE = (
    "<script>alert(1)</script>", "![x](http://example.org/x.png)", "[a](javascript:x)", "`code`", "**bold** _it_ __x__",
    "a|b|c", "https://example.org/x www.example.org", "<http://example.org>", "&lt;&#60;", "~~gone~~", "$x^2$",
    "# head", "\\", "\\*", "{{ x }}", "[ref]: http://example.org", "x\n\n# heading\n\n- item", "~~~\n```",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_mail_becomes_markup(text: str, result: Result, flag: Finding) -> None:
    plain = msgspec.structs.replace(flag, message="M", question="Q", file="F", rule="R", reason="", fingerprint="P")
    shape = PARSER.render(render(msgspec.structs.replace(result, findings=(plain,))))
    hostile = msgspec.structs.replace(plain, message=text, question=text, file=text, rule=text, fingerprint=text)
    document = PARSER.render(render(msgspec.structs.replace(result, findings=(hostile,))))
    assert re.findall(r"</?\w+", document) == re.findall(r"</?\w+", shape)
    assert " ".join(text.split()) in words(document)


@pytest.mark.parametrize("line", ["+```", "+````x", "+~~~", "-</code></pre>", "+\x1b[2J", "+a\n```\n# b"])
def test_evidence_cannot_leave_its_block(line: str, result: Result, flag: Finding) -> None:
    hostile = msgspec.structs.replace(flag, evidence=(line, "+last"))
    document = PARSER.render(render(msgspec.structs.replace(result, findings=(hostile,))))
    (block,) = re.findall(r"<pre>.*?</pre>", document, re.DOTALL)
    assert "+last" in block
    assert "\x1b" not in document


@pytest.mark.parametrize("text", ["@user", "see @org/team", "a@example.org"])
def test_nobody_is_called(text: str) -> None:
    assert not re.search(r"@\w", md(text))
    assert words(PARSER.render(md(text))).strip() == text


@pytest.mark.parametrize("text", ["plain words, 1.5 (x): y-z = a_b", "KVM_CAP_X is number 3."])
def test_harmless_text_stays_readable(text: str) -> None:
    assert md(text) == text


def test_xml_text_is_escaped_and_printable() -> None:
    assert xml('<a b="c">&\'\x00\x1b\ud800\uffff') == "&lt;a b=&quot;c&quot;&gt;&amp;&#x27;␀␛\\ud800\ufffd"
