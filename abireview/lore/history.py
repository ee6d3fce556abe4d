# SPDX-License-Identifier: GPL-2.0-or-later
"""The search for other versions of a series, as b4 phrases it (b4 0.16, ``b4.mbox.get_extra_series``).

b4's function itself is not used: it parses every hit again, reads v5.5 as v1, and drops what does not fit its own idea
of a revision; here the hits are assembled like any other mails.
"""

from __future__ import annotations

import re
import time

from abireview.mail.commit import change_id
from abireview.mail.series import Thread

REACH_DAYS = 365  # b4's: identically named series repeat over the years
_UNSAFE = re.compile(r'["\\*:(){}\[\]^~]+')


def version_query(thread: Thread) -> str:
    """A public-inbox query for all versions of the thread's first series, "" if there is none.

    By change-id where the cover or first patch has one, else by title and sender; a year to both sides.
    """
    if not thread.lineages:
        return ""
    terms: list[str] = []
    dates: list[int] = []
    for posting in thread.lineages[0]:
        head = posting.head
        if head.date:
            dates.append(head.date)
        changed = change_id(head.message)
        title = " ".join(_UNSAFE.sub(" ", head.subject.title).split())
        if changed:
            terms.append(f'nq:"change-id: {changed}"')
        elif title and head.author:
            terms.append(f'(s:"{title}" AND f:"{_UNSAFE.sub(" ", head.author).strip()}")')
    if not terms or not dates:
        return ""
    first, last = (_day(min(dates) - REACH_DAYS * 86400), _day(max(dates) + REACH_DAYS * 86400))
    return f"({' OR '.join(dict.fromkeys(terms))}) AND d:{first}..{last}"


def _day(seconds: int) -> str:
    return time.strftime("%Y%m%d", time.gmtime(max(0, seconds)))
