# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads to series: what belongs together, what is newest, what is missing."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abireview.errors import NoPatchesError, NotFoundError
from abireview.lore.load import projects
from abireview.mail.decode import decode, decode_head
from abireview.mail.model import Series
from abireview.mail.series import Thread, assemble, connected, pick
from tests.mails import diff, mail, patch_body, series


def thread(mails: Sequence[bytes]) -> Thread:
    return assemble([decode(raw) for raw in mails], projects())


def numbers(found: Series) -> list[int]:
    return [patch.n for patch in found.patches]


def test_cover_and_patches_in_order() -> None:
    found = pick(thread(series()[::-1]))
    assert (found.id, found.subject, found.version) == ("v1-0@example.org", "[PATCH 0/3] Do things", 1)
    assert found.cover is not None
    assert numbers(found) == [1, 2, 3]
    assert [file.path for patch in found.patches for file in patch.files] == [
        f"arch/arm64/kvm/file{n}.c" for n in (1, 2, 3)
    ]
    assert (found.expected, found.missing, found.notes, found.kernel) == (3, (), (), True)


def test_a_commit_message_taken_apart() -> None:
    log = (
        "From: Bob Other <bob@example.org>\nSubject: kept elsewhere\n\nFirst.\n\nNote: second.\n\n"
        'Fixes: 0123456789ab ("x")\nLink: https://example.org/y\nReviewed-by: C <c@x>\n[ann: mended]\n'
        "Signed-off-by: Ann Author <ann@example.org>"
    )
    patch = pick(thread([mail("[PATCH] x", "a@b", patch_body(log))])).patches[0]
    assert patch.log == "First.\n\nNote: second."
    assert [t.name for t in patch.trailers] == ["Fixes", "Link", "Reviewed-by", "Signed-off-by"]
    assert patch.author.email == "bob@example.org"


def test_newest_is_by_number_not_by_date() -> None:
    mails = series(3, at=0) + series(10, at=-500) + series(9, at=900)
    found = thread(mails)
    assert pick(found).version == 10
    assert [s.version for s in found.series] == [3, 9, 10]


def test_half_versions_stand_between() -> None:
    mails = [mail("[PATCH v5] KVM: a thing", "5@x", at=1), mail("[PATCH v5.5] KVM: a thing", "55@x", at=2)]
    found = thread([*mails, mail("[PATCH v4] KVM: a thing", "4@x", at=3)])
    assert (pick(found).version_text, pick(found).version) == ("v5.5", 5)
    assert pick(found, revision=5).version_text == "v5"
    assert pick(found, revision="v5.5").version_text == "v5.5"
    assert pick(found, revision=4).id == "4@x"


def test_stgit_versions() -> None:
    found = thread(
        [mail("[PATCH] KVM: a thing", "1@x"), mail("[PATCH] KVM: a thing [ver #2]", "2@x", at=5)],
    )
    assert pick(found).id == "2@x"
    assert pick(found).version == 2


def test_any_mail_names_the_newest_version() -> None:
    mails = [*series(1), *series(2, at=100, parent="v1-0@example.org")]
    mails.append(mail("Re: [PATCH 1/3] Part 1", "r@x", "> diff\nNo.\n", parent="v1-1@example.org"))
    found = thread(mails)
    assert {pick(found, message.msgid).id for message in found.messages} == {"v2-0@example.org"}
    assert pick(found, "r@x", 1).id == "v1-0@example.org"


def test_unknown_names() -> None:
    found = thread(series())
    with pytest.raises(NotFoundError, match="no version 7 here, only v1"):
        pick(found, revision=7)
    with pytest.raises(NotFoundError, match="not among"):
        pick(found, "nobody@x")


def test_missing_patches_are_named() -> None:
    found = pick(thread([raw for i, raw in enumerate(series(count=5)) if i not in (2, 4)]))
    assert (numbers(found), found.missing, found.expected) == ([1, 3, 5], (2, 4), 5)
    assert any("missing of 5 patches: 2, 4" in note for note in found.notes)


def test_a_patch_of_another_author_is_kept_out() -> None:
    foreign = mail("[PATCH 2/3] Better", "f@x", sender="Eve <eve@example.org>", parent="v1-0@example.org", at=50)
    found = thread([*series(), foreign])
    main = pick(found)
    assert [patch.msgid for patch in main.patches] == [f"v1-{n}@example.org" for n in (1, 2, 3)]
    assert any("another author" in note and "f@x" in note for note in main.notes)
    assert [patch.msgid for patch in pick(found, "f@x").patches] == ["f@x"]


def test_a_resent_patch_replaces_the_first() -> None:
    again = mail("[PATCH RESEND 2/3] Part 2", "again@x", parent="v1-0@example.org", at=60)
    found = pick(thread([*series(), again]))
    assert [patch.msgid for patch in found.patches] == ["v1-1@example.org", "again@x", "v1-3@example.org"]
    assert any("sent twice" in note for note in found.notes)


def test_two_patches_with_one_number_are_both_kept() -> None:
    other = mail("[PATCH 2/3] Another", "20200101-2-ann@x", parent="20200101-0-ann@x", at=2)
    mails = [mail("[PATCH 0/3] T", "20200101-0-ann@x", "Hi.\n")]
    mails += [
        mail(f"[PATCH {n}/3] P{n}", f"20200101-{n + 2}-ann@x", parent="20200101-0-ann@x", at=n) for n in (1, 2, 3)
    ]
    found = pick(thread([*mails, other]))
    assert numbers(found) == [1, 2, 2, 3]
    assert any("number 2 was given to 2" in note for note in found.notes)


def test_an_added_patch_belongs_to_the_posting() -> None:
    extra = mail("[PATCH 4/3] Part 4", "extra@x", parent="v1-0@example.org", at=60)
    found = pick(thread([*series(), extra]))
    assert numbers(found) == [1, 2, 3, 4]
    assert (found.missing, found.expected) == ((), 4)
    assert any("was added" in note for note in found.notes)


def test_an_unthreaded_series_is_put_together() -> None:
    mails = [mail(f"[PATCH {n}/3] P{n}", f"u{n}@x", at=n) for n in (1, 2, 3)]
    found = thread(mails)
    assert numbers(pick(found)) == [1, 2, 3]
    assert len(found.lineages) == 1
    assert [len(group) for group in connected([decode(raw) for raw in mails])] == [3]
    assert [len(group) for group in connected([decode_head(raw) for raw in mails])] == [3]


def test_unthreaded_series_of_one_author_stay_apart() -> None:
    mails = [mail(f"[PATCH {n}/2] A{n}", f"a{n}@x", at=n) for n in (1, 2)]
    mails += [mail(f"[PATCH {n}/2] B{n}", f"b{n}@x", at=10 + n) for n in (1, 2)]
    mails += [mail(f"[PATCH {n}/2] C{n}", f"c{n}@x", at=5 * 1440 + n) for n in (1, 2)]
    found = thread(mails)
    assert [[p.msgid for p in s.patches] for s in found.series] == [
        ["a1@x", "a2@x"],
        ["b1@x", "b2@x"],
        ["c1@x", "c2@x"],
    ]


def test_patches_chained_to_each_other() -> None:
    mails = [mail(f"[PATCHv2 {n}/3] P{n}", f"c{n}@x", at=n, parent=f"c{n - 1}@x" if n > 1 else "") for n in (1, 2, 3)]
    assert numbers(pick(thread(mails))) == [1, 2, 3]


def test_a_partial_reroll_is_completed() -> None:
    new = mail("[PATCH v2 2/3] Part 2", "new@x", parent="v1-2@example.org", at=90)
    found = pick(thread([*series(), new]))
    assert [patch.msgid for patch in found.patches] == ["v1-1@example.org", "new@x", "v1-3@example.org"]
    assert (found.id, found.version, found.missing) == ("new@x", 2, ())
    assert any("partial re-roll" in note for note in found.notes)


def test_a_lone_new_version_of_one_patch_is_a_partial_reroll() -> None:
    new = mail("[PATCH v2] Part 2", "new@x", parent="v1-2@example.org", at=90)
    found = pick(thread([*series(), new]))
    assert [patch.msgid for patch in found.patches] == ["v1-1@example.org", "new@x", "v1-3@example.org"]


def test_a_partial_posting_with_other_counts_is_incomplete() -> None:
    new = mail("[PATCH v2 2/5] Part 2", "new@x", parent="v1-2@example.org", at=90)
    found = pick(thread([*series(), new]))
    assert (numbers(found), found.missing) == ([2], (1, 3, 4, 5))


def test_a_series_posted_into_a_discussion() -> None:
    root = mail("A question", "q@x", "How?\n")
    found = pick(thread([root, *series(at=5, parent="q@x")]))
    assert found.id == "v1-0@example.org"


def test_a_thread_without_patches() -> None:
    with pytest.raises(NoPatchesError, match="no patches among 2 mails"):
        pick(thread([mail("A question", "q@x", "How?\n"), mail("Re: A question", "a@x", "So.\n", parent="q@x")]))


def test_a_diff_in_a_reply_is_checked_only_when_named() -> None:
    mails = [
        mail("A question", "q@x", "How?\n"),
        mail("Re: A question", "a@x", f"Like this:\n\n{diff()}", parent="q@x"),
        mail("Re: A question", "b@x", "".join(f"> {line}\n" for line in diff().split("\n")), parent="a@x"),
    ]
    found = thread(mails)
    with pytest.raises(NoPatchesError, match="one of them has a diff") as caught:
        pick(found)
    assert "a@x" in caught.value.hint
    with pytest.raises(NoPatchesError):
        pick(found, "b@x")
    named = pick(found, "a@x")
    assert (named.id, len(named.patches), len(named.patches[0].files)) == ("a@x", 1, 1)
    assert "stands in a reply" in named.notes[0]


def test_a_lone_rfc_in_a_discussion_is_checked_only_when_named() -> None:
    found = thread([mail("A question", "q@x", "How?\n"), mail("[RFC PATCH] So", "rfc@x", parent="q@x")])
    with pytest.raises(NoPatchesError):
        pick(found)
    assert pick(found, "rfc@x").rfc


def test_an_rfc_alone_is_a_series() -> None:
    assert pick(thread([mail("[RFC PATCH] So", "rfc@x", parent="elsewhere@x")])).rfc


def test_a_reply_with_a_diff_is_no_patch_of_the_series() -> None:
    reply = mail("Re: [PATCH 2/3] Part 2", "r@x", f"Rather:\n{diff('virt/kvm/other.c')}", parent="v1-2@example.org")
    found = thread([*series(), reply])
    assert numbers(pick(found)) == [1, 2, 3]
    assert pick(found, "r@x").patches[0].files[0].path == "virt/kvm/other.c"


def test_a_pull_request_is_no_series() -> None:
    mails = [mail("[GIT PULL] KVM: fixes", "p@x", "Please pull.\n")]
    mails += [mail(f"[GIT PULL {n}/2] P{n}", f"p{n}@x", parent="p@x") for n in (1, 2)]
    with pytest.raises(NoPatchesError):
        pick(thread(mails))


def test_a_lone_mail_with_a_diff_is_checked() -> None:
    found = pick(thread([mail("an idea", "i@x")]))
    assert (found.id, found.kernel) == ("i@x", True)


def test_other_series_in_the_thread_are_named() -> None:
    fixup = mail("[PATCH] Something else", "e@x", parent="v1-2@example.org", at=70)
    found = thread([*series(), fixup])
    assert any("not checked, another series here" in note and "e@x" in note for note in pick(found).notes)
    assert pick(found, "e@x").id == "e@x"


def test_copies_with_list_footers_count_once() -> None:
    copies = [raw + b"_____\nlist footer\n" for raw in series()]
    found = thread(copies + series())
    assert len(found.messages) == 4
    assert all("footer" not in message.body for message in found.messages)
    assert msgspec.json.encode(thread(series() + copies).series) == msgspec.json.encode(found.series)


def test_what_decoding_lost_is_skipped() -> None:
    damaged = mail("[PATCH] x", "d@x").replace(b"return 2", b"return '\xe9'")
    skipped = pick(thread([damaged])).patches[0].skipped
    assert any("cannot be read" in item.why for item in skipped)


def test_a_patch_without_its_diff_is_skipped() -> None:
    found = pick(
        thread(
            [
                raw
                if b"2/3" not in raw
                else mail("[PATCH 2/3] Part 2", "v1-2@example.org", "lost\n", parent="v1-0@example.org")
                for raw in series()
            ]
        )
    )
    assert numbers(found) == [1, 2, 3]
    assert [item.why for item in found.patches[1].skipped] == ["the mail has no diff"]


def test_base_commit_and_change_id() -> None:
    base = "0123456789abcdef0123456789abcdef01234567"
    cover = mail("[PATCH 0/1] T", "c@x", f"Hi.\n---\nbase-commit: {base}\nchange-id: 20200101-x-1\n")
    found = pick(thread([cover, mail("[PATCH 1/1] P", "p@x", parent="c@x")]))
    assert (found.base_commit, found.change_id) == (base, "20200101-x-1")


def test_a_change_id_links_versions_with_other_titles() -> None:
    def version(n: int) -> list[bytes]:
        body = "Hi.\n\nchange-id: 20200101-x-1\n"
        tag = f" v{n}" if n > 1 else ""
        return [
            mail(f"[PATCH{tag} 0/1] Title number {n}", f"c{n}@x", body, at=n * 99),
            mail(f"[PATCH{tag} 1/1] Patch number {n}", f"p{n}@x", parent=f"c{n}@x", at=n * 99 + 1),
        ]

    found = thread(version(1) + version(2))
    assert (len(found.lineages), pick(found).version) == (1, 2)


def test_backports_are_stable() -> None:
    log = f"commit {'a' * 40} upstream.\n\nText.\n\nSigned-off-by: a <a@b>"
    assert pick(thread([mail("[PATCH] x", "s@x", patch_body(log))])).stable
    assert pick(thread([mail("[PATCH 5.10 1/1] x", "s@x")])).stable


def test_threads_of_loops_end() -> None:
    mails = [mail("[PATCH] a", "a@x", parent="b@x"), mail("[PATCH v2] b", "b@x", parent="a@x", at=3)]
    assert len(thread(mails).series) == 2
    assert len(thread(mails).below("a@x")) == 2


def test_direct_replies() -> None:
    mails = [*series(), mail("Re: [PATCH 1/3] Part 1", "r@x", "Hm.\n", parent="v1-1@example.org", at=80)]
    found = thread(mails)
    assert [m.msgid for m in found.replies_to("v1-1@example.org")] == ["r@x"]
    assert [m.msgid for m in found.below("v1-1@example.org")] == ["v1-1@example.org", "r@x"]


def test_missing_numbers_are_bounded() -> None:
    note = pick(thread([mail("[PATCH 1/999] x", "a@x")])).notes[0]
    assert note.endswith("and more")
    assert len(note) < 1000


@settings(max_examples=40)
@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    seed=st.integers(0, 10_000),
    lost=st.sets(st.integers(0, 8)),
)
def test_no_patch_is_lost_and_order_does_not_matter(counts: list[int], seed: int, lost: set[int]) -> None:
    mails = [raw for v, count in enumerate(counts, 1) for raw in series(v, count, at=v * 100)]
    kept = [raw for i, raw in enumerate(mails) if i not in lost]
    wanted = sorted(m.msgid for m in map(decode, kept) if " 0/" not in m.subject)
    first = thread(kept)
    random.Random(seed).shuffle(kept)
    again = thread(kept)
    assert sorted(patch.msgid for s in first.series for patch in s.patches) == wanted
    assert msgspec.json.encode(first.series) == msgspec.json.encode(again.series)
