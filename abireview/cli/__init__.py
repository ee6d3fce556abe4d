# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: one verb a module in abireview.cli.verbs, imported when it is asked for."""
