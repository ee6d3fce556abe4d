# SPDX-License-Identifier: GPL-2.0-or-later
"""abireview: what a KVM series changes for guests and VMMs, and whether there is a way back."""

__version__ = "0.1.0"
