# SPDX-License-Identifier: GPL-2.0-or-later
"""Text from mails and trees made safe for HTML, XML and Markdown, and HTML pages that need nothing but themselves."""

from __future__ import annotations

import html
import re
from typing import Any

from abireview.safetext import safe, safe_line

# XML 1.0 section 2.2: what may stand in a document at all; safe() has replaced most of the rest before.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What can begin markup inside a line of CommonMark or GitHub's Markdown: also _ at the edge of a word, the two places
# where a bare address becomes a link, and @ where it would call somebody.
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&$#{}]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=//)|(?<=www)\.|@")


def xml(text: str) -> str:
    """``text`` for XML 1.0 or HTML, in elements and quoted attributes: escaped, control characters made visible."""
    return html.escape(_NOT_XML.sub("\ufffd", safe(text)), quote=True)


def md(text: str) -> str:
    """``text`` on one line of Markdown, as text: no markup, link, mention, HTML or table cell can come of it."""
    return _MARKDOWN.sub(_escaped, " ".join(safe_line(text).split()))


def _escaped(match: re.Match[str]) -> str:
    return "@<!-- -->" if match.group() == "@" else f"\\{match.group()}"


def page(template: str, **values: Any) -> str:
    """The page that ``abireview/render/templates/TEMPLATE`` gives; every value is escaped where it is put in.

    A value that is HTML already must be a ``markupsafe.Markup``.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("abireview.render", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template(template).render(**values)


def _visible(value: Any) -> Any:
    """A string with its control characters made visible; HTML and numbers as they are."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return _NOT_XML.sub("\ufffd", safe(value))
    return value
