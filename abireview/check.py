# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole way from a series to its findings: pure, deterministic, without network or database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from abireview import __version__
from abireview.facts.delta import compare
from abireview.facts.extract import extract
from abireview.facts.model import Fact
from abireview.findings.model import Finding, PatchInfo, Result, SeriesInfo, SkippedInfo, ToolInfo
from abireview.limits import MAX_DELTAS, MAX_RULE_HITS
from abireview.mail.model import Series
from abireview.rules.context import Context, Paths, WholeFiles, tables_of
from abireview.rules.evaluate import Evaluation
from abireview.rules.load import RuleSet
from abireview.source.changeset import ChangeSet, changeset
from abireview.source.model import Fragment, FragmentSide, Skipped
from abireview.source.tree import Tree


class Checked:
    """A result together with what it was made from, for those who want to see why."""

    __slots__ = ("context", "evaluation", "result")

    def __init__(self, result: Result, context: Context | None, evaluation: Evaluation | None) -> None:
        self.result, self.context, self.evaluation = result, context, evaluation


def check(series: Series, rules: RuleSet, *, tree: Tree | None = None, arch: Sequence[str] = ()) -> Result:
    """What SERIES changes for guests and VMMs, as RULES see it; ``arch`` keeps only findings of those architectures.

    Patches of other projects give a result without findings. What could not be read stands in ``skipped``.
    """
    return examine(series, rules, tree=tree, arch=arch).result


def examine(series: Series, rules: RuleSet, *, tree: Tree | None = None, arch: Sequence[str] = ()) -> Checked:
    """As ``check``, and keeps facts, deltas and gates."""
    skipped = [item for patch in series.patches for item in patch.skipped]
    if not series.kernel:
        return Checked(_result(series, rules, [], skipped, tree), None, None)
    paths = tables_of(rules).paths
    changes = changeset(series, tree, wanted=paths.parsed)
    skipped += changes.skipped
    context = prepare(series, rules, (*changes.fragments, *_files(series, paths)))
    if changes.tree is not None:
        context.whole = WholeFiles(context, _reader(changes))
    evaluation = Evaluation(context)
    findings = [f for f in evaluation.findings() if not arch or f.arch in arch or f.arch == "generic"]
    failed = tuple(str(failure) for failure in evaluation.failures)
    skipped += [
        Skipped(series.id, "", f"{rule} met more than {MAX_RULE_HITS} places; the others were not looked at")
        for rule in dict.fromkeys(evaluation.cut)
    ]
    if len(context.found.deltas) > MAX_DELTAS:
        skipped.append(Skipped(series.id, "", f"there are more than {MAX_DELTAS} changes; the rest was not checked"))
    return Checked(_result(series, rules, findings, skipped, tree, failed), context, evaluation)


def prepare(series: Series, rules: RuleSet, fragments: Sequence[Fragment]) -> Context:
    """Facts of both sides of every fragment, compared over the series."""
    tables = tables_of(rules)
    paths = tables.paths
    kept = [fragment for fragment in fragments if paths.wanted(fragment.path)]
    sides = [_sides(fragment) for fragment in kept]
    public = ["uapi" in paths.info(fragment.path).classes for fragment in kept]
    return Context(series, rules, kept, compare(kept, sides, public=public), tables)


def _reader(changes: ChangeSet) -> Callable[[str], str | None]:
    tree = changes.tree

    def read(path: str) -> str | None:
        after = changes.files_after.get(path)
        return after if after is not None or tree is None else tree.read(path)

    return read


FILE = "(file)"  # the name of a fragment that stands for a file's coming, going or being touched
SHOWN = 3  # lines of such a file that its fact has as evidence


def _files(series: Series, paths: Paths) -> Iterator[Fragment]:
    """A fragment for every file that a patch adds, deletes or renames, and for one of which only counts that it is
    changed, with the first changed lines."""
    for index, patch in enumerate(series.patches):
        for diff in patch.files:
            comes_or_goes = diff.change in ("added", "deleted", "renamed")
            touched = bool(diff.hunks) and not paths.parsed(diff.path)
            if not paths.wanted(diff.path) or not (comes_or_goes or touched):
                continue
            lines = [line for hunk in diff.hunks[:1] for line in hunk.lines if line.kind != " " and line.text][:SHOWN]
            side = FragmentSide(
                tuple(line.text for line in lines),
                tuple((line.new_no or line.old_no or 0) for line in lines),
                tuple(True for _ in lines),
            )
            none = FragmentSide((), (), ())
            gone = diff.change == "deleted"
            yield Fragment(
                index, diff.path, "text", FILE, FILE, diff.change, side if gone else none, none if gone else side
            )


def _sides(fragment: Fragment) -> tuple[list[Fact], list[Fact]]:
    if fragment.name != FILE:
        return extract(fragment, "old"), extract(fragment, "new")
    gone = fragment.header == "deleted"
    end = len((fragment.old if gone else fragment.new).lines) - 1
    fact = Fact("file", "", fragment.path, fragment.header, path=fragment.path, end=max(end, 0), changed=True)
    return ([fact], []) if gone else ([], [fact])


def _result(
    series: Series,
    rules: RuleSet,
    findings: Sequence[Finding],
    skipped: Sequence[Skipped],
    tree: Tree | None,
    failed: tuple[str, ...] = (),
) -> Result:
    return Result(
        tool=ToolInfo(__version__, rules.hash),
        series=SeriesInfo(
            id=series.id,
            subject=series.subject,
            version=series.version,
            sender=str(series.author),
            kernel=series.kernel,
            patches=tuple(PatchInfo(p.msgid, p.n, p.subject) for p in series.patches),
            base=series.base_commit,
            tree=tree is not None,
            date=series.date,
            kind=series.kind,
            expected=series.expected,
            missing=series.missing,
            rfc=series.rfc,
            notes=series.notes,
        ),
        findings=tuple(findings),
        skipped=tuple(SkippedInfo(s.patch, s.file, s.why) for s in skipped),
        failed=failed,
    )
