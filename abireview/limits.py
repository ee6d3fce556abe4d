# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounds on everything that comes from outside, each with its reason. Sizes are in bytes unless the name says else."""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

# --- mail --------------------------------------------------------------------------------------------------------

MAX_MAIL_BYTES: Final = 8 * MIB
"""One mail. The largest of 10 000 on kvmarm has under 1 MiB; this leaves room and stops a mail that never ends."""

MAX_HEADER_BYTES: Final = 256 * 1024
"""The header of one mail; the longest Cc lists of the kernel take about 20 kB."""

MAX_HEADER_LINES: Final = 2_000
"""Header fields of one mail; real ones have under 200."""

MAX_ADDRESSES: Final = 1_000
"""Addresses read from one To or Cc field; tree-wide series have about 200."""

MAX_REFERENCES: Final = 200
"""Message-ids read from one References field, the nearest ones; the deepest real threads have about 100."""

MAX_MSGID_CHARS: Final = 998
"""A message-id: RFC 5322 allows no longer line."""

MAX_SUBJECT_CHARS: Final = 4_000
"""A subject; the rest is cut. Folded subjects of real mails stay under 400."""

MAX_MIME_PARTS: Final = 100
"""MIME parts read of one mail; real ones have under 20."""

MAX_MIME_NESTING: Final = 12
"""Multiparts in one mail; the standard parser's cost is lines times depth, and it recurses."""

MAX_MIME_LINES: Final = 200_000
"""Lines of a MIME mail; the standard parser takes about 0.3 s for them at the deepest nesting."""

MAX_WORDS_CHARS: Final = 4_000
"""A header field in which encoded words are decoded; the standard decoder is quadratic on words without an end."""

MAX_TRAILER_LINES: Final = 500
"""Lines at the end of a commit message in which trailers are looked for; tree-wide patches have about 100."""

# --- mailboxes ---------------------------------------------------------------------------------------------------

MAX_THREAD_BYTES: Final = 50 * MIB
"""A fetched thread, unpacked. The biggest of the archives read for this project (714 mails) is under 10 MiB."""

MAX_THREAD_PACKED_BYTES: Final = 25 * MIB
"""A fetched thread on the wire; mail packs about 4:1."""

MAX_FILE_BYTES: Final = 200 * MIB
"""A mailbox file or maildir given to a check, unpacked. ``scan`` streams larger ones."""

MAX_FILE_MAILS: Final = 50_000
"""Mails of a mailbox file or maildir given to a check; the same reason."""

MAX_SERIES_PATCHES: Final = 999
"""Patch numbers of ``[PATCH n/m]`` beyond this are taken for something else (dates, fractions)."""

MAX_ANCESTORS: Final = 200
"""Mails above one that are walked up; the deepest real threads have about 100."""

MAX_POSTINGS_TRIED: Final = 50
"""Earlier postings of the same author that an unthreaded patch is compared with, the latest first."""

MAX_MISSING_NAMED: Final = 100
"""Missing patch numbers listed one by one: ``[PATCH 1/999]`` alone should not print 998."""

# --- facts -------------------------------------------------------------------------------------------------------

MAX_PARSE_BYTES: Final = 4 * MIB
"""C handed to tree-sitter at once; the largest file under any KVM directory is under 400 kB."""

MAX_EXPRESSION_CHARS: Final = 2_000
"""A constant expression that is computed; the longest of the UAPI headers has under 300 characters."""

MAX_EXPRESSION_DEPTH: Final = 24
"""Nesting of a constant expression (``a | b | c`` is flat); real ones stay under 8. It is recursed into."""

MAX_NAME_DEPTH: Final = 10
"""Names defined by names defined by names; real ones stay under 5. Times the depth above it must fit Python's stack."""

MAX_NESTING: Final = 200
"""Open brackets in one scope; the rest is read flat. Kernel tables nest 4 deep."""

MAX_WORD_MATCHES: Final = 20
"""Places noted for one phrase of a commit message; more say nothing new."""

# --- diffs and trees ---------------------------------------------------------------------------------------------

MAX_DIFF_LINES: Final = 400_000
"""Lines of one mail read as a diff; the largest patches of the kernel lists (generated headers) have about 200 000."""

MAX_DIFF_FILES: Final = 5_000
"""Files of one patch; treewide patches of the kernel touch at most a few thousand."""

MAX_C_LINE: Final = 4_000
"""Characters of a line of C that are looked at for parentheses and braces; the kernel's longest has under 1 000."""

MAX_C_HEADER: Final = 8_000
"""Characters of a declaration that are looked at for its name; the longest parameter lists have under 2 000."""

MAX_TREE_FILE_BYTES: Final = 8 * MIB
"""One file of a kernel tree; the largest headers (generated GPU registers) have 6 MiB, KVM's files under 400 kB."""

MAX_TREE_FILES: Final = 200_000
"""Files listed in a tree; Linux has about 90 000."""

MAX_RANGE_COMMITS: Final = 999
"""Commits of a range A..B checked as one series; as many as a series may have patches."""

MAX_FUZZ: Final = 2
"""Context lines at each end of a hunk that may differ when it is applied, as patch(1) allows."""

MAX_PLACES: Final = 1_000
"""Places tried for a hunk that is not where its header says; the rarest line of a real hunk stands in few places."""

MAX_OFFSET: Final = 100_000
"""Lines that a hunk may have moved; more than any file of the kernel sources has outside generated headers."""

# --- the bot -----------------------------------------------------------------------------------------------------

MAX_QUESTION_CHARS: Final = 700
"""A rule's question in the bot's mail, with names of the patch filled in; the rules' own have under 350."""

MAX_FEED_BYTES: Final = 2 * MIB
"""An Atom feed of 25 entries; with whole patches in them real ones have under 300 kB."""

MAX_FEED_ENTRIES: Final = 1_000
"""Entries read from one feed; public-inbox gives 25."""

MAX_MANIFEST_BYTES: Final = 4 * MIB
"""An archive's list of git repositories, unpacked; that of all of lore has under 1 MiB."""

MAX_JSON_BYTES: Final = 4 * MIB
"""One answer of a patchwork server; a page of 30 patches has about 100 kB."""

MAX_POLL_MAILS: Final = 20_000
"""Mails taken in at once; the busiest list has about 1 500 a day, a fortnight of it fits."""

# --- whole trees -------------------------------------------------------------------------------------------------

MAX_SURFACE_TEXT: Final = 32 * 1024
"""Characters of one fact that a surface looks at; the longest (labels of one switch on 100 extensions) has 3 000."""

MAX_EXPANDED_TOKENS: Final = 20_000
"""Tokens of one table row after its macros are expanded; the longest real ones have 200."""

MAX_ENTRY_COMMITS: Final = 12
"""Commits named for one entry; an entry that gathers a hundred registers of a new mode has about ten."""

MAX_LEDGER_COMMITS: Final = 200_000
"""Commits walked to find who brought a change; two years of Linux have about 150 000."""

MAX_BOT_POSTINGS: Final = 2_000
"""Covers and patches of one thread that the bot assembles; two versions of the longest series fit."""

MAX_BOT_REPLIES: Final = 500
"""Replies of one thread that the bot reads for what was said already, the latest; real threads have under 300."""

MAX_POLICY_BYTES: Final = 262_144
"""The bot's policy; a thousand entries fit."""

MAX_COMMANDS: Final = 20
"""Commands read from one mail: it answers one that asked five questions."""

MAX_COMMAND_CHARS: Final = 1_000
"""Text of one command; what a person means fits a paragraph."""

MAX_SPOKEN_CHARS: Final = 200_000
"""Characters of a reply that are searched for commands, and for what was said already; a long review has 50 000."""

MAX_MAINTAINERS_BYTES: Final = 8 * MIB
"""The MAINTAINERS file; the kernel's has under 1 MiB."""

MAX_DKIM_SIGNATURES: Final = 5
"""Signatures of one mail that are looked at: each costs a question to DNS. Real mails have one or two."""

# --- archives ----------------------------------------------------------------------------------------------------

MAX_SCAN_BYTES: Final = 1024 * 1024 * MIB
"""An archive that is scanned, unpacked: 1 TiB. All of lore has about a quarter of that."""

MAX_PACK_RATIO: Final = 250
"""Unpacked to packed bytes of an archive, beyond the first 64 MiB; mail packs 4:1 to 15:1, a bomb 1000:1."""

MAX_TEAM_MAILS: Final = 5_000
"""Mails that are looked at together because threads, titles or change-ids link them; the biggest thread has 714."""

MAX_TEAM_BYTES: Final = 24 * MIB
"""Bytes of the patches among them. With their decoded forms this is what bounds a worker's memory."""

MAX_SCAN_FILES: Final = 2_000_000
"""Files of a maildir that is scanned; their names are sorted in memory (about 100 bytes each)."""

MAX_SCAN_EPOCHS: Final = 1_000
"""Git epochs of one archive; the oldest lists of lore have under 20."""

MAX_SCAN_SECONDS: Final = 120
"""Seconds for one group of threads in a worker process; the slowest of the archives read takes 2."""

MAX_WORKER_BYTES: Final = 3 * 1024 * MIB
"""Address space of a worker process; with the interpreter's own mappings real archives stay under 0.5 GiB."""

MAX_SCAN_RENDERED: Final = 5_000
"""Series with findings in a document that is made in memory (all formats but JSON lines)."""

MAX_RESULT_BYTES: Final = 64 * MIB
"""One line of a scan's output; the longest of real series have under 1 MiB."""

# --- b4 ----------------------------------------------------------------------------------------------------------

MAX_B4_TRACKING_BYTES: Final = 16 * MIB
"""The tracking data of a review branch; that of a series of 100 patches with reviews has under 1 MiB."""

MAX_B4_CACHED: Final = 40
"""Results of series under review kept between b4's one call a patch; a person reviews fewer at a time."""

# --- replies and screens -----------------------------------------------------------------------------------------

MAX_QUOTED_LINE_CHARS: Final = 500
"""Characters of a line that is quoted. RFC 5322 allows 998 octets a line, and UTF-8 takes up to four a character; the
rest of a line that long is data."""

MAX_REPLY_REFERENCES: Final = 40
"""Message-ids in the References of a reply. RFC 5537 3.4.4 allows to trim; the first and the last ones are what
threading needs."""

MAX_RECIPIENTS: Final = 200
"""Recipients of one mail; a thread with more is a mistake or an attack, kernel threads have under 120."""

MAX_REPLY_SUBJECT_CHARS: Final = 900
"""Characters of a subject that is answered; b4 folds it to lines that RFC 5322 allows."""

MAX_DRAFT_CHARS: Final = 4_000_000
"""Characters of a draft; a reply that quotes a whole series is far below."""

MAX_ANSWER_CHARS: Final = 1_000
"""Characters of an answer's ground: a line for the next reader, not an essay."""

MAX_COMMENT_CHARS: Final = 2_000
"""Characters of somebody's comment that are shown beside a finding; the thread has the rest."""

MAX_COMMENTS: Final = 20
"""Comments on one hunk that are shown beside a finding."""

MAX_SHOWN_LINE_CHARS: Final = 2_000
"""Characters of a line that are shown on a screen; generated files have lines of megabytes."""

MAX_HIGHLIGHTED_CHARS: Final = 400
"""Characters of a line that is coloured as C; a longer one is data, and pygments takes a millisecond a thousand."""

MAX_SHOWN_DEPTH: Final = 30
"""Levels of a thread that are indented; deeper mails stand in the same column."""

MAX_COMPARED_LINES: Final = 20_000
"""Lines of a patch of which two versions are compared; difflib is quadratic where nothing is alike."""

MAX_RANGE_DIFF_LINES: Final = 50_000
"""Lines of git's range-diff that are shown."""

# --- reports -----------------------------------------------------------------------------------------------------

MAX_SHOWN_HUNK_LINES: Final = 400
"""Lines of one hunk that an HTML report shows around its findings; reviewers' hunks stay under 200."""

# --- rules -------------------------------------------------------------------------------------------------------

MAX_RULE_HITS: Final = 300
"""Places that one pattern of a rule is taken to: for each a knob is looked for among all changes. Real series: 49."""

MAX_DELTAS: Final = 20_000
"""Changes of facts that rules look at in one series; the largest of 900 real series has 3 333."""
