# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual as the command line describes itself: a Markdown page a verb and a rule, and one man page.

``python -m abireview.cli.manual DIRECTORY`` writes them (``make manual``); a test holds docs/ to it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from abireview import __version__
from abireview.cli import rulemanual
from abireview.cli.group import OTHER, SECTIONS, root, verb_names
from abireview.rules.load import load_rules

NOTE = "<!-- Made by 'make manual' from the command line's own help; do not edit. -->"
MORE = {
    "b4-check": "b4.md", "bot": "bot.md", "check": "check.md", "ledger": "ledger.md", "reply": "reply.md",
    "merge": "scan.md", "review": "review.md", "rule": "rules.md", "rules": "rules.md", "scan": "scan.md",
    "send": "reply.md", "surface": "surface.md",
}  # fmt: skip
"""Pages of docs/ that say more about a verb."""

EXIT_CODES = (
    ("0", "nothing at or above --fail-on; formats that other programs read (sarif, b4-review) exit 0 if the check ran"),
    ("1", "findings"),
    ("2", "a wrong option, configuration or rule file"),
    ("3", "no input, or something of it could not be checked"),
    ("4", "an internal error, or a rule failed"),
    ("130", "interrupted"),
)
ENVIRONMENT = (
    ("ABIREVIEW_CACHE", "the directory of the cache, the answers and drafts"),
    ("B4_TRACKING_FILE", "set by b4 review: what it knows of the series (b4-check)"),
    ("NO_COLOR", "no colour, whatever the terminal"),
)


class Parameter:
    """An option or argument as it is shown: how it is written, and what its help says."""

    def __init__(self, parameter: click.Parameter, context: click.Context) -> None:
        if isinstance(parameter, click.Option):
            record = parameter.get_help_record(context)
            self.usage, self.help = record or ("", "")
        else:
            self.usage, self.help = parameter.make_metavar(context), ""
        self.option = isinstance(parameter, click.Option)
        self.hidden = bool(getattr(parameter, "hidden", False)) or not self.usage


class Verb:
    """A command with its subcommands, as the manual shows it."""

    def __init__(self, name: str, command: click.Command, parent: click.Context | None = None) -> None:
        self.name = name
        self.context = _context() if parent is None else click.Context(command, info_name=name, parent=parent)
        self.short = command.get_short_help_str(200)
        self.usage = " ".join([self.context.command_path, *command.collect_usage_pieces(self.context)])
        self.paragraphs = _paragraphs(command.help or "")
        shown = [Parameter(one, self.context) for one in command.get_params(self.context)]
        self.options = [one for one in shown if one.option and not one.hidden]
        self.verbs: list[Verb] = []
        if isinstance(command, click.Group) and command is not root:
            for sub in command.list_commands(self.context):
                found = command.get_command(self.context, sub)
                if found is not None and not found.hidden:
                    self.verbs.append(Verb(sub, found, self.context))


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text on one line each; one that click is told not to wrap keeps its lines."""
    found = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text).split("\f")[0]):
        if paragraph.startswith("\b\n"):
            found.append(paragraph[2:])
        elif paragraph.strip():
            found.append(" ".join(paragraph.split()))
    return found


def _context() -> click.Context:
    return click.Context(root, info_name="abireview", **root.context_settings)


def top() -> Verb:
    """``abireview`` itself."""
    return Verb("abireview", root)


def verbs() -> list[tuple[str, list[Verb]]]:
    """The verbs under the headings of ``abireview --help``."""
    context = _context()
    left = set(verb_names())
    sections = [(title, [name for name in names if name in left]) for title, names in SECTIONS]
    left -= {name for _, names in sections for name in names}
    found = []
    for title, names in [*sections, (OTHER, sorted(left))]:
        commands = [(name, root.get_command(context, name)) for name in names]
        made = [Verb(name, command, context) for name, command in commands if command and not command.hidden]
        if made:
            found.append((title, made))
    return found


# --- Markdown ---------------------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """The files of docs/commands by name."""
    files = {"README.md": _index()}
    for _, made in verbs():
        files |= {f"{verb.name}.md": "\n".join(_page(verb)) + "\n" for verb in made}
    return dict(sorted(files.items()))


def _index() -> str:
    lines = [NOTE, "", "# Commands", "", *top().paragraphs]
    for title, made in verbs():
        lines += ["", f"## {title}", "", "| command | |", "|---|---|"]
        lines += [f"| [{verb.name}]({verb.name}.md) | {_cell(verb.short)} |" for verb in made]
    return "\n".join([*lines, ""])


def _page(verb: Verb) -> Iterator[str]:
    yield NOTE
    yield ""
    yield f"# abireview {verb.name}"
    yield from _body(verb, "##")
    if verb.name in MORE:
        yield ""
        yield f"More: [{MORE[verb.name]}](../{MORE[verb.name]})"


def _body(verb: Verb, heading: str) -> Iterator[str]:
    yield ""
    yield f"    {verb.usage}"
    for paragraph in verb.paragraphs:
        yield ""
        yield "\n".join(f"    {line}" for line in paragraph.split("\n")) if "\n" in paragraph else _text(paragraph)
    if verb.options:
        yield ""
        yield "| option | |"
        yield "|---|---|"
        for option in verb.options:
            yield f"| `{option.usage.replace('|', chr(92) + '|')}` | {_cell(option.help)} |"
    for sub in verb.verbs:
        yield ""
        yield f"{heading} {sub.context.command_path.removeprefix('abireview ')}"
        yield from _body(sub, f"{heading}#")


def _text(text: str) -> str:
    return re.sub(r"([*<>\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", text)


def _cell(text: str) -> str:
    return _text(" ".join(text.split())).replace("|", "\\|")


# --- the man page -----------------------------------------------------------------------------------------------


def man() -> str:
    """``abireview(1)`` in man(7)'s macros."""
    lines = [
        '.\\" SPDX-License-Identifier: GPL-2.0-or-later',
        ".\\\" Made by 'make manual' from the command line's own help; do not edit.",
        f'.TH ABIREVIEW 1 "" "abireview {__version__}" "User Commands"',
        ".SH NAME",
        f"abireview \\- {_roff(_uncapitalised(top().paragraphs[0]))}",
        ".SH SYNOPSIS",
        ".B abireview",
        f"{_roff(top().usage.removeprefix('abireview '))}",
        ".SH DESCRIPTION",
    ]
    for paragraph in top().paragraphs:
        lines += [".PP", _roff(paragraph)]
    lines += _options(top())
    for title, made in verbs():
        lines.append(f".SH {_roff(title.upper())}")
        for verb in made:
            lines += _man_verb(verb)
    lines.append('.SH "EXIT STATUS"')
    lines += _terms(EXIT_CODES)
    lines.append(".SH ENVIRONMENT")
    lines += _terms(ENVIRONMENT)
    lines += ['.SH "SEE ALSO"', ".BR b4 (5),", ".BR git (1),", ".BR checkpatch (1)"]
    return "\n".join(lines) + "\n"


def _man_verb(verb: Verb) -> list[str]:
    lines = [f".SS {_roff(verb.usage)}"]
    for paragraph in verb.paragraphs:
        if "\n" in paragraph:
            lines += [".nf", *(_roff(line) for line in paragraph.split("\n")), ".fi"]
        else:
            lines += [".PP", _roff(paragraph)]
    lines += _options(verb)
    for sub in verb.verbs:
        lines += _man_verb(sub)
    return lines


def _options(verb: Verb) -> list[str]:
    return _terms([(option.usage, option.help) for option in verb.options])


def _terms(pairs: Sequence[tuple[str, str]]) -> list[str]:
    lines = []
    for term, text in pairs:
        lines += [".TP", f".B {_roff(term)}", _roff(" ".join(text.split())) or "\\&"]
    return lines


def _roff(text: str) -> str:
    """TEXT on one line of roff: no escape, request or hyphenation point of it is one."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("…", "...")
    plain = "".join(one if ord(one) < 0x7F else f"\\[u{ord(one):04X}]" for one in plain)
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain


def _uncapitalised(text: str) -> str:
    return (text[:1].lower() + text[1:]).rstrip(".")


def main(directory: Path) -> None:
    """Write commands/*.md, rules/*.md and abireview.1 below ``directory``; pages of what is gone are removed."""
    _write(directory / "commands", pages())
    _write(directory / "rules", rulemanual.pages(load_rules()))
    (directory / "abireview.1").write_text(man(), encoding="utf-8")


def _write(place: Path, made: dict[str, str]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for old in place.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (place / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
