# SPDX-License-Identifier: GPL-2.0-or-later
"""Real mails: the labelled corpus, the seeds and the archive (found through ``shared``)."""

from __future__ import annotations

import argparse
import json
import lzma
import time
from pathlib import Path

import pytest

from abireview.errors import InputError, NoPatchesError
from abireview.lore.load import LoadOptions, history, load, projects
from abireview.mail.decode import decode
from abireview.mail.mbox import iter_mbox, read_file
from abireview.mail.model import Message
from abireview.mail.series import Thread, assemble, connected, pick

pytestmark = pytest.mark.corpus

Archive = dict[str, Thread]


@pytest.fixture(scope="session")
def archive(shared: Path) -> Archive:
    """Message-id to thread, for all mails of the archive; decoding and assembling is held to 15 s of CPU."""
    with lzma.open(shared / "archive" / "kvmarm-2019-2022.mbox.xz") as stream:
        raws = list(iter_mbox(stream))
    before = time.process_time()
    messages = [decode(raw) for raw in raws]
    threads = [assemble(group, projects()) for group in connected(messages)]
    assert time.process_time() - before < 15
    assert len(messages) == 10_269
    return {message.msgid: thread for thread in threads for message in thread.messages}


def mboxes(shared: Path) -> list[Path]:
    """The seeds and a third of the series: b4 takes 3 ms a mail."""
    series = sorted((shared / "corpus" / "series").glob("*.mbox"))
    return series[::3] + sorted((shared / "corpus" / "seeds").glob("*.mbox"))


def test_every_labelled_series_is_found(shared: Path) -> None:
    for label in sorted((shared / "corpus" / "labels").glob("*.json")):
        wanted = json.loads(label.read_text())
        loaded = load(str(shared / "corpus" / "series" / f"{label.stem}.mbox"))
        assert loaded.thread is not None
        found = loaded.thread.series_of(wanted["id"])
        assert found is not None, label.stem
        assert found.kernel == wanted["kernel"], label.stem
        assert {change["patch"] for change in wanted["changes"]} <= {patch.msgid for patch in found.patches}
        versions = [series.id for series in history(loaded)]
        assert found.id in versions
        assert loaded.series.id == versions[-1]


def test_stories_over_several_versions(shared: Path) -> None:
    for name, count in (
        ("gicr-ctlr-iidr", 2),
        ("psci-system-off2", 6),
        ("psci-system-suspend", 6),
        ("hypercall-bitmap", 7),
    ):
        loaded = load(str(shared / "corpus" / "seeds" / f"{name}.mbox"))
        found = history(loaded)
        assert [series.version for series in found] == list(range(1, count + 1))
        assert not any(series.missing for series in found)
        assert loaded.series.version == count


def test_a_discussion_is_no_series(shared: Path) -> None:
    file = str(shared / "corpus" / "seeds" / "rollback-safe.mbox")
    msgid = "20210824213450.1206228-1-oupton@google.com"
    with pytest.raises(NoPatchesError, match="checked only when it is named") as caught:
        load(file)
    assert msgid in caught.value.hint
    named = load(file, LoadOptions(msgid=msgid)).series
    assert (named.id, len(named.patches), named.patches[0].skipped) == (msgid, 1, ())


def test_b4_puts_the_same_series_together(shared: Path) -> None:
    """b4's LoreMailbox and ours agree but where b4 mixes series, or takes for a patch what was not posted as one."""
    import b4

    b4.setup_config(argparse.Namespace(config={}))
    agreed, explained = 0, []
    for file in mboxes(shared):
        thread = assemble([decode(raw) for raw in read_file(file)], projects())
        ours = [[p.msgid for p in series.patches] for series in thread.series]
        box = b4.LoreMailbox()
        for message in b4.mailsplit_bytes(file.read_bytes()):
            box.add_message(message)
        for revision in sorted(box.series):
            # get_series would only add the cover and trailers, at one git process a patch
            theirs = [patch.msgid for patch in box.series[revision].patches[1:] if patch is not None]
            if theirs in ours:
                agreed += 1
            else:
                explained.append(why_not(theirs, ours, thread))
    assert agreed > 90
    assert sorted(explained) == ["not posted as a patch", "not posted as a patch", "two series of one version mixed"]


def why_not(theirs: list[str], ours: list[list[str]], thread: Thread) -> str:
    """What b4 saw differently, in words; "" if there is no good reason."""
    if any(thread.posting_of(msgid) is None for msgid in theirs):
        return "not posted as a patch"
    if sum(1 for ids in ours if set(ids) & set(theirs)) > 1:
        return "two series of one version mixed"
    return ""


def test_the_archive_gives_series_or_a_reason(archive: Archive) -> None:
    threads = {id(thread): thread for thread in archive.values()}.values()
    kinds: dict[str, int] = {}
    for thread in threads:
        for lineage in thread.lineages:
            for posting in lineage:
                series = thread.build(posting)
                kinds[series.kind] = kinds.get(series.kind, 0) + 1
                assert series.patches
                for patch in series.patches:
                    assert patch.files or patch.skipped
        try:
            pick(thread)
        except InputError as error:
            assert not thread.lineages
            assert "\n" not in str(error)  # noqa: PT017
    assert kinds.keys() <= {"kernel", "kvm-unit-tests", "kvmtool", "qemu"}
    assert kinds["kernel"] > 600


CASES = {
    # what is odd about the mail: message-id, version, patches found and announced, files
    "base64": ("20190503124427.190206-3-marc.zyngier@arm.com", "v1", 56, 56, 118),
    "format=flowed, intact": ("20200420164132.tjzk5ebx35m66yce@linux-p48b", "v2", 1, 1, 11),
    "x-diff attached to a reply": ("Yjl96UQ7lUovKBWD@google.com", "v6", 1, 1, 2),
    "x-patch attached to a reply": ("32eabe7d270e5a466ba2d9345b4270b8fe27700c.camel@redhat.com", "v2", 1, 1, 3),
    "n/m without In-Reply-To": ("20190726112710.19051-1-anders.roxell@linaro.org", "v1", 2, 2, 2),
    "chained": ("1598621998-20563-2-git-send-email-kernelfans@gmail.com", "v2", 2, 2, 3),
    "reply to a pull request": ("20210305185254.3730990-1-maz@kernel.org", "v1", 8, 8, 19),
    "half version": ("20211104002531.1176691-1-seanjc@google.com", "v5.5", 30, 30, 78),
    "cover with a diff": ("1603711447-11998-1-git-send-email-sashukla@nvidia.com", "v2", 1, 1, 1),
    "renames": ("20200513104034.74741-1-maz@kernel.org", "v1", 1, 1, 36),
    "twice in the archive": (
        "63cf223058e7963891dcfb8cf0c5ccfe31548712.1589784221.git.ananos@nubificus.co.uk",
        "v1",
        2,
        2,
        18,
    ),
    "on two lists": ("20211009021236.4122790-1-seanjc@google.com", "v2", 43, 43, 105),
    "nine patches, v7": ("20220502233853.1233742-1-rananta@google.com", "v7", 9, 9, 29),
    "six patches, v3": ("20221020071209.559062-1-gshan@redhat.com", "v3", 6, 6, 6),
    "windows-1252 reply": ("7aca029b-c2f7-aef9-9fac-b79f5ff5658b@arm.com", "v1", 17, 17, 51),
}


@pytest.mark.parametrize("name", CASES)
def test_odd_real_mails(name: str, archive: Archive) -> None:
    msgid, version, found, announced, files = CASES[name]
    series = pick(archive[msgid], msgid)
    assert series.version_text == version
    assert (len(series.patches), series.expected, series.missing) == (found, announced, ())
    assert sum(len(patch.files) for patch in series.patches) == files
    assert not [item for patch in series.patches for item in patch.skipped]


def test_a_gb2312_reply_is_readable(archive: Archive) -> None:
    msgid = "OS0PR01MB54283E4CF20EF0D2E423E366814E9@OS0PR01MB5428.jpnprd01.prod.outlook.com"
    message: Message = archive[msgid].by_id[msgid]
    assert "\ufffd" not in message.body
    assert message.damaged == ()
