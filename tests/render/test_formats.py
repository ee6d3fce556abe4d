# SPDX-License-Identifier: GPL-2.0-or-later
"""Every format: listed, pure, deterministic, safe against hostile text, valid where there is a schema."""

from __future__ import annotations

import itertools
import json

import jsonschema
import msgspec
import pytest

from abireview.errors import UsageError
from abireview.findings.model import Finding, Result
from abireview.render import Style, format_names, get_format

HOSTILE = "\x1b[2Jmoved\x9b31m \u202eback\x07\r"


def test_the_basic_formats_are_there() -> None:
    assert {"text", "concise", "json", "jsonl"} <= set(format_names())


def test_an_unknown_format_says_which_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        get_format("yaml")
    assert "jsonl" in caught.value.hint


@pytest.mark.parametrize("name", format_names())
def test_the_same_result_gives_the_same_bytes(name: str, result: Result) -> None:
    render = get_format(name).render
    again = msgspec.json.decode(msgspec.json.encode(result), type=Result)
    assert render([result], Style()) == render([again], Style())


@pytest.mark.parametrize("name", format_names())
def test_no_escape_from_a_mail_reaches_the_output(name: str, result: Result, flag: Finding) -> None:
    hostile = msgspec.structs.replace(
        flag, message=HOSTILE, file=HOSTILE, evidence=("+" + HOSTILE,), question=HOSTILE, symbol=HOSTILE, reason=HOSTILE
    )
    series = msgspec.structs.replace(result.series, subject=HOSTILE, notes=(HOSTILE,), sender=HOSTILE)
    changed = msgspec.structs.replace(result, series=series, findings=(hostile,))
    out = get_format(name).render([changed], Style(color=False, width=80))
    assert not set(out) & set(map(chr, itertools.chain(range(9), range(11, 32), range(0x7F, 0xA0))))
    assert "\u202e" not in out


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_follows_its_own_schema(name: str, result: Result, silent: Result) -> None:
    schema = msgspec.json.schema(Result)
    for one in (result, silent):
        line = get_format(name).render([one], Style())
        assert line.endswith("\n")
        assert line.count("\n") == 1
        jsonschema.validate(json.loads(line), schema)


def test_json_has_the_words_of_the_contract(result: Result) -> None:
    document = json.loads(get_format("json").render([result], Style()))
    assert document["schema"] == 1
    assert document["series"]["from"] == "A Developer <dev@example.org>"
    assert document["findings"][0]["class"] == "needs-opt-out"
    assert document["findings"][0]["knob"] is None
    assert document["findings"][1]["knob"]["kind"] == "OPT_IN"
    assert document["skipped"][0] == {"patch": "p1@example.org", "file": "logo.png", "why": "a binary file"}


def test_jsonl_has_a_line_a_series(result: Result, silent: Result) -> None:
    lines = get_format("jsonl").render([result, silent], Style()).splitlines()
    assert [len(json.loads(line)["findings"]) for line in lines] == [2, 0]


def test_json_is_one_document() -> None:
    assert get_format("json").one
    assert not get_format("jsonl").one
