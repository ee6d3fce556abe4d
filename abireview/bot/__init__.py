# SPDX-License-Identifier: GPL-2.0-or-later
"""The bot: watches lists, checks what is new, and says what a list has asked to be told, once and quietly."""
