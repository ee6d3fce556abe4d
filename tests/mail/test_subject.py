# SPDX-License-Identifier: GPL-2.0-or-later
"""Subjects, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abireview.mail.subject import normal_title, parse_subject

CASES = [
    # subject, title, version, n, m, flags
    ("[PATCH] KVM: x", "KVM: x", "v1", 1, 1, "patch"),
    ("[PATCH v5.5 1/3] a", "a", "v5.5", 1, 3, "patch"),
    ("[PATCHv3] x", "x", "v3", 1, 1, "patch"),
    ("[PATCHv2 2/2] x", "x", "v2", 2, 2, "patch"),
    ("[PATCH V7 01/18] x", "x", "v7", 1, 18, "patch"),
    ("[RFC v2] [PATCH 1/2] y", "y", "v2", 1, 2, "patch rfc"),
    ("[RFCv2 PATCH 1/2] y", "y", "v2", 1, 2, "patch rfc"),
    ("[PATCH 00/12] rx [ver #2]", "rx", "v2", 0, 12, "patch"),
    ("[PATCH 3/4] [ver #11] rx", "rx", "v11", 3, 4, "patch"),
    ("[kvm-unit-tests PATCH v2 1/3] t", "t", "v2", 1, 3, "patch"),
    ("[PATCH v3 kvmtool 02/11] t", "t", "v3", 2, 11, "patch"),
    ("[PATCH 12/11] t", "t", "v1", 12, 11, "patch"),
    ("[v2,1/3] t", "t", "v2", 1, 3, ""),
    ("[PATCH 5.10 03/20] t", "t", "v1", 3, 20, "patch stable"),
    ("[PATCH stable v4.9 v2] t", "t", "v2", 1, 1, "patch stable"),
    ("[PATCH v4.9 1/3] t", "t", "v1", 1, 3, "patch stable"),
    ("[PATCH][stable-5.4] KVM", "KVM", "v1", 1, 1, "patch stable"),
    ("[PATCH for-stable-5.10 1/2] z", "z", "v1", 1, 2, "patch stable"),
    ("[PATCH AUTOSEL 4.19 020/209] t", "t", "v1", 20, 209, "patch stable"),
    ("[PATCH V5 (RESEND) 1/2] z", "z", "v5", 1, 2, "patch resend"),
    ("[RESEND RFC PATCH v2] z", "z", "v2", 1, 1, "patch rfc resend"),
    ("[RFC/RFT PATCH 1/2] z", "z", "v1", 1, 2, "patch rfc rft"),
    ("[PATCH v2 17/18, KVMTOOL] z", "z", "v2", 17, 18, "patch"),
    ("[RFC PATCH v2 1/2] [DONOTMERGE] z", "z", "v2", 1, 2, "patch rfc"),
    ("[GIT PULL 1/7] x", "x", "v1", 1, 7, "pull"),
    ("[PATCH 1 of 3] hg", "hg", "v1", 1, 3, "patch"),
    ("Re: [PATCH v2 1/3] x", "x", "v2", 1, 3, "reply patch"),
    ("RE: Re: [PATCH] x", "x", "v1", 1, 1, "reply patch"),
    ("AW: [Kvmarm] Re: [PATCH 2/2] x", "x", "v1", 2, 2, "reply patch"),
    ("回复: [PATCH] x", "x", "v1", 1, 1, "reply patch"),
    ("[PATCH] ref: count it", "ref: count it", "v1", 1, 1, "patch"),
    ("[PATCH 2020/13/45] x", "x", "v1", 1, 1, "patch"),
    ("a question about 1/2 of it", "a question about 1/2 of it", "v1", 1, 1, ""),
    ("", "", "v1", 1, 1, ""),
]


@pytest.mark.parametrize(("text", "title", "version", "n", "m", "flags"), CASES, ids=[case[0] for case in CASES])
def test_subjects(text: str, title: str, version: str, n: int, m: int, flags: str) -> None:
    subject = parse_subject(text)
    names = ("reply", "patch", "rfc", "rft", "resend", "pull", "stable")
    assert (subject.title, subject.version_text, subject.n, subject.m) == (title, version, n, m)
    assert " ".join(name for name in names if getattr(subject, name)) == flags
    assert subject.version == int(version[1:].split(".", maxsplit=1)[0])


def test_folded_subjects_have_single_blanks() -> None:
    assert parse_subject("[PATCH\n 1/2]  KVM:\t take the\n  path").text == "[PATCH 1/2] KVM: take the path"


def test_versions_sort_by_number() -> None:
    texts = ["[PATCH v10] x", "[PATCH v5.5] x", "[PATCH] x", "[PATCH v6] x", "[PATCH v5] x"]
    found = [s.version_text for s in sorted(map(parse_subject, texts), key=lambda s: s.order)]
    assert found == ["v1", "v5", "v5.5", "v6", "v10"]


def test_a_pull_request_is_no_patch() -> None:
    assert not parse_subject("[GIT PULL 1/7] KVM: x").posted_as_patch
    assert not parse_subject("[PULL kvm-unit-tests 1/7] x").posted_as_patch


def test_titles_compare_without_case_and_blanks() -> None:
    assert normal_title("KVM:  Do it. ") == normal_title("kvm: do it")


@given(st.text(max_size=300))
def test_any_text_is_a_subject(text: str) -> None:
    subject = parse_subject(text)
    assert 0 <= subject.n <= 999
    assert 1 <= subject.m <= 999
    assert subject.order[0] == subject.version


_words = st.sampled_from(["PATCH", "RFC", "RESEND", "kvm-unit-tests", "net-next", "RFT"])


@given(
    words=st.lists(_words, max_size=3),
    version=st.integers(1, 30),
    m=st.integers(1, 200),
    n=st.integers(0, 200),
    title=st.from_regex(r"KVM: [a-z]{1,20}", fullmatch=True),
)
def test_what_git_writes_is_read_back(words: list[str], version: int, m: int, n: int, title: str) -> None:
    tag = f"v{version} " if version > 1 else ""
    subject = parse_subject(f"[{' '.join([*words, 'PATCH'])} {tag}{n:0{len(str(m))}}/{m}] {title}")
    assert (subject.version, subject.n, subject.m, subject.title) == (version, n, m, title)
    assert subject.patch
