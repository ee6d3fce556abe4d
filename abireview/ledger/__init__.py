# SPDX-License-Identifier: GPL-2.0-or-later
"""What a whole kernel tree shows to guests and VMMs, and what differs between two of them."""
