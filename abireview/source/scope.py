# SPDX-License-Identifier: GPL-2.0-or-later
"""From hunks to fragments: the lines of each side cut at C's scopes, and the scopes of both sides paired.

Without a tree a fragment is what one hunk shows of one scope, and ``Fragment.header`` is rebuilt from the hunk's
section header: for a scope that is open where the hunk begins it is the signature, completed so that header, lines and
a closing brace parse as C (``int f(int a)\n{``, ``static const struct s t[] = {``); where the hunk begins inside the
signature it is the section header as it stands. With whole files (``whole_fragments``) no header is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from abireview.source.cut import Scope, cut
from abireview.source.model import FileDiff, Fragment, FragmentSide, Hunk, Line, ScopeKind
from abireview.source.start import open_scope

C_SUFFIXES = (".c", ".h", ".inc")
_ASM_LABEL = re.compile(r"^(?:SYM_\w*START\w*|ENTRY|GLOBAL)\s*\(\s*(\w+)|^(\w+):")
_EMPTY = FragmentSide((), (), ())
_SLIGHT = frozenset(("", "{", "}", "};", "break;", "return 0;", "return;", "*/", "/*", "*"))


def language(path: str) -> ScopeKind:
    """ "top" for C, "asm" for assembler, "text" for anything else, by the file's name."""
    if path.endswith(C_SUFFIXES):
        return "top"
    return "asm" if path.endswith((".S", ".s")) else "text"


def fragments(
    files: Iterable[FileDiff], patch_index: int, *, surfaces: Callable[[str], bool] | None = None
) -> list[Fragment]:
    """The fragments of one patch's ``files``, cut without a tree, in the order of the diff.

    ``patch_index`` counts from 0. ``surfaces`` limits the work to paths (old or new) for which it is true.
    Files without hunks (renames, modes, binaries) have no fragments.
    """
    out: list[Fragment] = []
    for file in files:
        if surfaces is None or any(surfaces(path) for path in (file.old_path, file.new_path) if path):
            out.extend(file_fragments(file, patch_index))
    return out


def file_fragments(file: FileDiff, patch_index: int) -> list[Fragment]:
    """The fragments of one file, cut without a tree."""
    kind = language(file.path)
    if kind != "top":
        return [_plain(hunk, file.path, patch_index, kind) for hunk in file.hunks]
    renamed: dict[str, str] = {}
    out = []
    complete = file.change in ("added", "deleted")
    for hunk in joined(file.hunks):
        cutter = _Hunk(hunk.lines, file.path, patch_index, complete)
        old, new = cutter.before.texts, cutter.after.texts
        start = None if complete else _start(hunk, old, new)
        found = cutter.fragments(cut(old, _copy(start, {})), cut(new, _copy(start, renamed)))
        for fragment in found:
            if fragment.name and fragment.old_name and fragment.name != fragment.old_name:
                renamed[fragment.old_name] = fragment.name
        out.extend(found)
    return out


def whole_fragments(lines: Sequence[Line], path: str, patch_index: int) -> list[Fragment]:
    """The fragments of a file known in full: ``lines`` are all its lines, unchanged ones as context."""
    kind = language(path)
    if kind != "top":
        return _around(lines, path, patch_index, kind)
    cutter = _Hunk(lines, path, patch_index, True)
    return cutter.fragments(cut(cutter.before.texts), cut(cutter.after.texts))


def joined(hunks: Sequence[Hunk]) -> list[Hunk]:
    """``hunks`` with those that touch (``git diff -U0``, hand-split hunks) made one."""
    out: list[Hunk] = []
    for hunk in hunks:
        last = out[-1] if out else None
        if (
            last
            and last.lines
            and hunk.lines
            and hunk.old_length
            and hunk.new_length
            and last.old_start + last.old_length == hunk.old_start
            and last.new_start + last.new_length == hunk.new_start
        ):
            out[-1] = Hunk(
                last.old_start,
                last.old_length + hunk.old_length,
                last.new_start,
                last.new_length + hunk.new_length,
                last.section,
                last.lines + hunk.lines,
                hunk.old_bare,
                hunk.new_bare,
            )
        else:
            out.append(hunk)
    return out


def _start(hunk: Hunk, old: Sequence[str], new: Sequence[str]) -> Scope | None:
    """The scope open before the hunk, by its old lines, or by the new ones where the old decide nothing."""
    before = open_scope(hunk.section, old, hunk.old_start)
    if (before is None and old and hunk.old_start <= 1) or (before is not None and before.name):
        return before
    after = open_scope(hunk.section, new, hunk.new_start)
    return after if before is None or (after is not None and after.name) else before


def _copy(start: Scope | None, renamed: dict[str, str]) -> Scope | None:
    if start is None:
        return None
    name = renamed.get(start.name, start.name)
    header = start.header
    if name != start.name:
        header = re.sub(rf"\b{re.escape(start.name)}\b", name, header, count=1)
    return Scope(start.kind, name, start.first, start.end, start.body, start.opened, start.closed, header)


def _plain(hunk: Hunk, path: str, patch_index: int, kind: ScopeKind) -> Fragment:
    name = ""
    if kind == "asm" and (match := _ASM_LABEL.match(hunk.section)):
        name = match.group(1) or match.group(2)
    old = _side(hunk.lines, "+")
    new = _side(hunk.lines, "-")
    return Fragment(patch_index, path, kind, name, name, "", old, new)


def _around(lines: Sequence[Line], path: str, patch_index: int, kind: ScopeKind, context: int = 3) -> list[Fragment]:
    """Fragments of a file that is no C: the changed lines with a little context."""
    out = []
    changed = [i for i, line in enumerate(lines) if line.kind != " "]
    at = 0
    while at < len(changed):
        first = last = changed[at]
        while at < len(changed) and changed[at] - last <= 2 * context:
            last = changed[at]
            at += 1
        part = lines[max(0, first - context) : last + context + 1]
        out.append(Fragment(patch_index, path, kind, "", "", "", _side(part, "+"), _side(part, "-"), whole=True))
    return out


def _side(lines: Sequence[Line], without: str) -> FragmentSide:
    """The lines of one side: ``without`` is the marker of the other."""
    return _Shown(lines, without).side(0, None)


class _Shown:
    """What a hunk shows of one side: texts, numbers, which are changed, and where they stand among all its lines."""

    def __init__(self, lines: Sequence[Line], without: str) -> None:
        self._lines, self._without = lines, without
        shown = [line for line in lines if line.kind != without]
        self.texts = [line.text for line in shown]
        self.changed = [line.kind != " " for line in shown]
        self.numbers = [(line.old_no if without == "+" else line.new_no) or 0 for line in shown]

    @cached_property
    def at(self) -> list[int]:
        return [at for at, line in enumerate(self._lines) if line.kind != self._without]

    def side(self, first: int, end: int | None) -> FragmentSide:
        """Those from index ``first`` up to ``end``."""
        lines, numbers, changed = self.texts[first:end], self.numbers[first:end], self.changed[first:end]
        return FragmentSide(tuple(lines), tuple(numbers), tuple(changed))


@dataclass(slots=True)
class _Part:
    """A scope of one side, with where its lines stand in the hunk."""

    scope: Scope
    shown: _Shown
    changed: bool
    partner: int = -1
    telling: int = -1

    @property
    def at(self) -> list[int]:
        return self.shown.at[self.scope.first : self.scope.end]

    @property
    def start(self) -> int:
        return self.shown.at[self.scope.first]


def _parts(scopes: list[Scope], shown: _Shown) -> list[_Part]:
    return [
        _Part(scope, shown, True in shown.changed[scope.first : scope.end])
        for scope in scopes
        if scope.first < min(scope.end, len(shown.texts))
    ]


class _Hunk:
    """Pairs the scopes of both sides of ``lines`` and makes fragments of those that change."""

    def __init__(self, lines: Sequence[Line], path: str, patch_index: int, complete: bool) -> None:
        self.lines = lines
        self.path = path
        self.patch = patch_index
        self.complete = complete
        self.before = _Shown(lines, "+")
        self.after = _Shown(lines, "-")
        self.old: list[_Part] = []
        self.new: list[_Part] = []

    def fragments(self, old: list[Scope], new: list[Scope]) -> list[Fragment]:
        self.old = _parts(old, self.before)
        self.new = _parts(new, self.after)
        self._pair()
        found: list[tuple[_Part, Fragment]] = []
        for part in self.new:
            other = self.old[part.partner] if part.partner >= 0 else None
            if part.changed or (other is not None and other.changed):
                found.append((part, self._fragment(other, part)))
        found.extend((part, self._fragment(part, None)) for part in self.old if part.partner < 0 and part.changed)
        if len(found) > 1:
            found.sort(key=lambda pair: pair[0].start)
        return [fragment for _, fragment in found if not _blank(fragment)]

    def _pair(self) -> None:
        if len(self.old) == len(self.new) == 1:
            old, new = self.old[0].scope, self.new[0].scope
            if old.name and old.name == new.name and old.kind == new.kind:
                self._join(0, 0)
                return
        shared = self._shared()
        ranked = sorted(shared.items(), key=lambda item: (-item[1], item[0]))
        self._match((pair for pair, _ in ranked), lambda a, b: a.kind == b.kind and a.name == b.name)
        names: dict[tuple[ScopeKind, str], list[int]] = {}
        for i, part in reversed(list(enumerate(self.old))):
            if part.partner < 0 and part.scope.name:
                names.setdefault((part.scope.kind, part.scope.name), []).append(i)
        for j, part in enumerate(self.new):
            same = names.get((part.scope.kind, part.scope.name)) if part.partner < 0 else None
            if same:
                self._join(same.pop(), j)
        self._match((pair for pair, _ in ranked if self._alike(pair, shared[pair])), lambda a, b: a.kind == b.kind)
        self._match_top()

    def _shared(self) -> Counter[tuple[int, int]]:
        """How many telling lines each old and new scope have in common."""
        old_owner = {i: at for at, part in enumerate(self.old) for i in part.at}
        shared: Counter[tuple[int, int]] = Counter()
        for at, part in enumerate(self.new):
            for i in part.at:
                line = self.lines[i]
                if line.kind == " ":
                    weight = 1 if line.text.strip() not in _SLIGHT else 0
                    shared[(old_owner[i], at)] += weight
        return shared

    def _join(self, i: int, j: int) -> None:
        self.old[i].partner = j
        self.new[j].partner = i

    def _match(self, pairs: Iterable[tuple[int, int]], fits: Callable[[Scope, Scope], bool]) -> None:
        for i, j in pairs:
            if self.old[i].partner < 0 and self.new[j].partner < 0 and fits(self.old[i].scope, self.new[j].scope):
                self._join(i, j)

    def _alike(self, pair: tuple[int, int], shared: int) -> bool:
        """Whether two scopes of different names are one that was renamed: most of the smaller body is unchanged."""
        old, new = self.old[pair[0]], self.new[pair[1]]
        if old.scope.kind == "top":
            return True
        if not old.scope.name or not new.scope.name:
            return shared > 0
        size = min(self._telling(old), self._telling(new))
        return 2 * shared >= size and (shared > 0 or size == 0)

    def _telling(self, part: _Part) -> int:
        """The number of telling lines in a scope's body."""
        if part.telling < 0:
            head = part.scope.body - part.scope.first if part.scope.opened else 0
            part.telling = sum(self.lines[i].text.strip() not in _SLIGHT for i in part.at[max(0, head) :])
        return part.telling

    def _match_top(self) -> None:
        """Pair file-scope text that was replaced in full with what stands in its place."""
        free = [j for j, part in enumerate(self.new) if part.partner < 0 and part.scope.kind == "top"]
        at = 0
        for i, old in enumerate(self.old):
            if old.partner >= 0 or old.scope.kind != "top":
                continue
            while at < len(free) and self.new[free[at]].at[-1] + 1 < old.at[0]:
                at += 1
            if at < len(free) and self.new[free[at]].at[0] <= old.at[-1] + 1:
                self._join(i, free[at])
                at += 1

    def _fragment(self, old: _Part | None, new: _Part | None) -> Fragment:
        part = new or old
        assert part is not None
        sides = [each for each in (old, new) if each is not None]
        seen = all(each.scope.opened and each.scope.closed for each in sides)
        top = part.scope.kind == "top"
        return Fragment(
            self.patch,
            self.path,
            part.scope.kind,
            new.scope.name if new else "",
            old.scope.name if old else "",
            "" if part.scope.opened else part.scope.header,
            self.before.side(old.scope.first, old.scope.end) if old else _EMPTY,
            self.after.side(new.scope.first, new.scope.end) if new else _EMPTY,
            whole=self.complete if top else seen,
            born=not top and old is None and self._opens(new),
            died=not top and new is None and self._opens(old),
        )

    def _opens(self, part: _Part | None) -> bool:
        """Whether the scope's first line is in the hunk and one of the changed ones."""
        return part is not None and part.scope.opened and part.shown.changed[part.scope.first]


def _blank(fragment: Fragment) -> bool:
    """Whether only blank lines of file-scope text change."""
    if fragment.kind != "top":
        return False
    return not any(
        changed and text.strip()
        for side in (fragment.old, fragment.new)
        for text, changed in zip(side.lines, side.changed, strict=True)
    )
