# SPDX-License-Identifier: GPL-2.0-or-later
"""The templates of replies: Jinja2 in its sandbox, each can be overridden by a file of the same name.

Names: ``patch.j2`` (reply to one patch), ``cover.j2`` (reply to the cover letter), ``question.j2`` (what stands below
one quoted line). Mail text is only ever a value of a template, never a template.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abireview.errors import ConfigError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

NAMES = ("patch.j2", "cover.j2", "question.j2")
WIDTH = 72


def wrap(text: str, width: int = WIDTH) -> str:
    """The paragraphs of ``text`` (split at blank lines), filled to ``width`` columns; long words are not broken."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    fill = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False).fill
    return "\n\n".join(_guard(fill(paragraph)) for paragraph in paragraphs if paragraph)


def _guard(text: str) -> str:
    """Lines that begin with ``>`` would look quoted: move them by one blank."""
    return "\n".join(f" {line}" if line.startswith(">") else line for line in text.split("\n"))


def mail_date(seconds: int | None) -> str:
    """``Tue, 3 May 2022 10:00:00 +0000``, "" for None or a date out of range."""
    if seconds is None:
        return ""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    day = f"{days[moment.weekday()]}, {moment.day} {months[moment.month - 1]} {moment.year:04d}"
    return f"{day} {moment:%H:%M:%S} +0000"


class Templates:
    """The templates, those in ``folder`` (may be None or missing) before the built-in ones."""

    def __init__(self, folder: Path | None = None) -> None:
        self._environment = _environment(folder)

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of template ``name``. Raises ConfigError that names the template and its line."""
        import jinja2

        try:
            return self._environment.get_template(name).render(values)
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(f"template {name}, line {error.lineno}: {error.message}") from error
        except jinja2.TemplateNotFound as error:
            raise ConfigError(f"there is no template {error.name}") from error
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise ConfigError(f"template {name}: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"template {name} cannot be read: {error}") from error


def _environment(folder: Path | None) -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    loaders: list[jinja2.BaseLoader] = [jinja2.PackageLoader("abireview.reply", "templates")]
    if folder is not None:
        loaders.insert(0, jinja2.FileSystemLoader(folder))
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=False,  # plain text
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["wrap"] = wrap
    environment.filters["maildate"] = mail_date
    return environment
