# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of a patch: looked for when a rule asks, those of the cover letter and of the posting for every patch."""

from __future__ import annotations

import msgspec
import pytest

from abireview.mail.decode import decode
from abireview.mail.model import Trailer
from abireview.rules import regex
from abireview.rules.schema import Phrase
from abireview.rules.words import Words, by_id, words_of
from tests.rules import synth

PHRASES = by_id(
    [
        Phrase(id="clean-up", match="clean ?up"),
        Phrase(id="unreleased", match="not yet merged", cover=True),
        Phrase(id="unreleased", match="only in next", cover=True),
        Phrase(id="speed", match="faster"),
    ]
)
STATES = [{"a.c": "int a;\n"}, {"a.c": "int b;\n"}]


def words(log: str, *, cover: str = "", knob: bool = False, fixes: bool = False, **posting: object) -> Words:
    made = synth.series(STATES, log=log)
    letter = decode(f"Message-ID: <c@example.org>\nSubject: [PATCH 0/1] x\n\n{cover}\n".encode()) if cover else None
    trailers = (Trailer("Fixes", '0123456789ab ("x")'),) if fixes else ()
    patches = tuple(msgspec.structs.replace(patch, trailers=trailers) for patch in made.patches)
    made = msgspec.structs.replace(made, cover=letter, patches=patches, **posting)
    (found,) = words_of(made, PHRASES, lambda: knob)
    return found


def test_phrases_of_the_log_count_for_their_patch() -> None:
    found = words("Clean\n  UP the locks.")
    assert "clean-up" in found
    assert "speed" not in found
    assert found.any_of(["speed", "clean-up"])
    assert not found.any_of([])
    assert found.all() == {"clean-up"}


def test_of_the_cover_letter_only_phrases_that_are_marked_count() -> None:
    found = words("A change.", cover="This clean-up is faster, and only in next.\nIt is a cleanup.")
    assert found.all() == {"unreleased"}


def test_another_directory_adds_to_the_phrases_of_an_id() -> None:
    assert "unreleased" in words("It is not yet merged.")
    assert "unreleased" in words("It is only in next.")


def test_the_title_of_another_commit_says_nothing() -> None:
    assert "clean-up" not in words('Since 0123456789ab ("KVM: clean up the locks") it is wrong.')


@pytest.mark.parametrize(
    ("posting", "word"),
    [
        ({"stable": True}, "is-backport"),
        ({"prefixes": ("AUTOSEL", "6.1")}, "is-autosel"),
        ({"rfc": True}, "is-rfc"),
        ({"pull": True}, "is-pull"),
    ],
)
def test_what_kind_of_posting_it_is(posting: dict[str, object], word: str) -> None:
    assert words("A change.", **posting).all() == {word}


def test_a_choice_of_userspace_is_a_word_except_of_a_fix() -> None:
    assert "series-adds-knob" in words("A change.", knob=True)
    assert "series-adds-knob" not in words("A change.")
    assert words("A change.", knob=True, fixes=True).all() == {"fixes-trailer"}


def test_a_phrase_is_looked_for_when_it_is_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    occurs = regex.occurs
    monkeypatch.setattr(regex, "occurs", lambda expression, text: looked.append(expression) or occurs(expression, text))
    found = words("It is faster.")
    assert not looked
    assert "speed" in found
    assert "speed" in found
    assert looked == ["faster"]
