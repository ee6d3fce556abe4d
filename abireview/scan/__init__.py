# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole archives: every series of a list checked once, by several processes, with a journal that survives a kill."""
