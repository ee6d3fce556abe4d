# SPDX-License-Identifier: GPL-2.0-or-later
"""What a subject says: ``Re: [kvm-unit-tests PATCH v2 1/3] title`` taken apart.

b4 reads ``v5.5`` and ``[ver #2]`` as version 1; here they are what they say.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from abireview import limits

# Reply and forward marks of the mail clients seen on the kernel lists.
_REPLY = re.compile(
    r"(?:re|aw|sv|vs|antw|odp|ynt|ref|fwd?|wg|回复|答复|回覆|转发)\s*(?:\[\d{1,3}\])?\s*[:：]\s*", re.IGNORECASE
)
_SPAM_MARK = re.compile(r"\*{3,}\s*SPAM\s*\*{3,}\s*", re.IGNORECASE)
_BRACKET = re.compile(r"\[([^\[\]]{0,300})\]\s*")
_TRAILING_VERSION = re.compile(r"\s*\[ver(?:sion)?\s*#?\s*(\d{1,4})\]\s*$", re.IGNORECASE)
_NUMBERS = re.compile(r"(\d{1,4})(?:/| of )(\d{1,4})")
_NUMBERS_OF = re.compile(r"\b(\d{1,4}) of (\d{1,4})\b", re.IGNORECASE)
_VERSION = re.compile(r"v\.?(\d{1,4}(?:\.\d{1,4}){0,2})", re.IGNORECASE)
_GLUED_VERSION = re.compile(r"(patch|rfc|rft|resend)[-_]?v(\d{1,4}(?:\.\d{1,4}){0,2})", re.IGNORECASE)
_VER_WORD = re.compile(r"\bver(?:sion)?\s*#?\s*(\d{1,4})\b", re.IGNORECASE)
_KERNEL_RELEASE = re.compile(
    r"(?:for-)?(?:linux-)?(?:stable-)?v?\d\.\d{1,2}(?:\.\d+)?(?:\.y|-stable|-y)?", re.IGNORECASE
)
_STABLE_WORDS = frozenset({"stable", "stable-rc", "autosel", "backport", "for-stable"})
_RESEND_WORDS = frozenset({"resend", "repost", "resent", "reposted"})
_CACHED = 4096  # subjects kept: a mail's is asked for when it is read, when it is grouped, and in its thread
_SPLIT = re.compile(r"[\s,()|]+")


class Subject(msgspec.Struct, frozen=True, gc=False):
    """A subject taken apart.

    ``prefixes`` are the words in the brackets without numbers and version, as posted; ``title`` what follows them.
    ``version`` is the whole number before a dot (``v5.5`` is 5, ``version_text`` "v5.5"); 1 and "v1" without any.
    ``n``/``m`` are those of ``n/m``, 1/1 without (``has_numbers`` tells). ``reply`` is True for "Re:", "Fwd:" and
    their translations. ``patch`` is True if a bracket holds the word PATCH, ``pull`` for PULL.
    """

    text: str
    title: str
    prefixes: tuple[str, ...] = ()
    version: int = 1
    version_text: str = "v1"
    has_version: bool = False
    n: int = 1
    m: int = 1
    has_numbers: bool = False
    reply: bool = False
    patch: bool = False
    rfc: bool = False
    rft: bool = False
    resend: bool = False
    pull: bool = False
    stable: bool = False

    @property
    def order(self) -> tuple[int, ...]:
        """The version as numbers that sort right: v5 < v5.5 < v6 < v10."""
        return tuple(int(part) for part in self.version_text[1:].split("."))

    @property
    def posted_as_patch(self) -> bool:
        """True if the brackets say that the mail is (part of) a posting: PATCH, RFC or RFT, no pull request."""
        return (self.patch or self.rfc or self.rft) and not self.pull and not self.reply


@lru_cache(maxsize=_CACHED)
def parse_subject(subject: str) -> Subject:
    """Take ``subject`` apart (decoded text, any white space). Never raises."""
    text = " ".join(subject[: limits.MAX_SUBJECT_CHARS].split())
    rest, brackets, reply = _leading(text)
    trailing = _TRAILING_VERSION.search(rest)
    if trailing:
        rest = rest[: trailing.start()]
        brackets.append(f"ver #{trailing.group(1)}")
    words, numbers, versions = _words(brackets)
    low = {word.lower() for word in words}
    flags = {part for word in low for part in word.split("/")}
    stable = any(_is_stable(word) for word in low)
    version = _choose_version(versions, stable)
    stable = stable or any(_looks_like_release(v) for v in versions if v != version)
    n, m = numbers or (1, 1)
    return Subject(
        text=text,
        title=rest.strip(),
        prefixes=tuple(words),
        version=int(version.split(".")[0]) if version else 1,
        version_text=f"v{version}" if version else "v1",
        has_version=bool(version),
        n=n,
        m=m,
        has_numbers=numbers is not None,
        reply=reply,
        patch=any(word.startswith("patch") for word in flags),
        rfc="rfc" in flags,
        rft="rft" in flags,
        resend=bool(flags & _RESEND_WORDS),
        pull="pull" in flags,
        stable=stable,
    )


def normal_title(title: str) -> str:
    """A title for comparing: lower case, white space and a full stop at the end do not count."""
    return " ".join(title.lower().split()).rstrip(".")


def _leading(text: str) -> tuple[str, list[str], bool]:
    """Cut reply marks and brackets off the front: (rest, contents of the brackets, whether it is a reply)."""
    reply = False
    brackets: list[str] = []
    position = 0
    while position < len(text):
        if mark := _REPLY.match(text, position):
            # "ref: x" as a title after [PATCH] is no reply: a real mark stands in front or between brackets
            if brackets and not _BRACKET.match(text, mark.end()):
                break
            reply = True
            position = mark.end()
        elif mark := _SPAM_MARK.match(text, position):
            position = mark.end()
        elif mark := _BRACKET.match(text, position):
            brackets.append(mark.group(1))
            position = mark.end()
        else:
            break
    return text[position:], brackets, reply


def _words(brackets: list[str]) -> tuple[list[str], tuple[int, int] | None, list[str]]:
    """The words of the brackets: (other words, n and m, version numbers as written)."""
    words: list[str] = []
    versions: list[str] = []
    numbers: tuple[int, int] | None = None
    for content in brackets:
        versions += _VER_WORD.findall(content)
        content = _VER_WORD.sub(" ", content)
        content = _NUMBERS_OF.sub(r"\1/\2", content)
        for word in filter(None, _SPLIT.split(content)):
            if (counted := _NUMBERS.fullmatch(word)) and _plausible(counted):
                numbers = numbers or (int(counted.group(1)), int(counted.group(2)))
            elif version := _VERSION.fullmatch(word):
                versions.append(version.group(1))
            elif glued := _GLUED_VERSION.fullmatch(word):
                words.append(glued.group(1))
                versions.append(glued.group(2))
            else:
                words.append(word)
    return words, numbers, versions


def _plausible(match: re.Match[str]) -> bool:
    n, m = int(match.group(1)), int(match.group(2))
    return n <= limits.MAX_SERIES_PATCHES and 1 <= m <= limits.MAX_SERIES_PATCHES


def _is_stable(word: str) -> bool:
    return word in _STABLE_WORDS or (_KERNEL_RELEASE.fullmatch(word) is not None and "/" not in word)


def _looks_like_release(version: str) -> bool:
    """``4.9`` or ``5.10``: a kernel release; nobody posts the ninth minor re-roll of a version."""
    parts = version.split(".")
    return len(parts) > 1 and int(parts[1]) >= 9


def _choose_version(versions: list[str], stable: bool) -> str:
    """Of the versions in the brackets the one that is a revision, "" for none.

    ``[PATCH stable v4.9 v2]``: a dotted version is the kernel's if the posting is for stable, if it looks like a
    release, or if a plain ``vN`` stands beside it. Else the last one counts.
    """
    plain = [v for v in versions if "." not in v]
    if plain:
        return plain[-1]
    dotted = [v for v in versions if not stable and not _looks_like_release(v)]
    return dotted[-1] if dotted else ""
