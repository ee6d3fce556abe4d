# SPDX-License-Identifier: GPL-2.0-or-later
"""One verb a module: module ``rule_show`` would be the verb ``rule-show``; its ``command`` is a click command.

A command returns its exit code (None is 0) and raises only subclasses of abireview.errors.AbireviewError. A module
whose name begins with an underscore is no verb.
"""
