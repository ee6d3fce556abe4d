# SPDX-License-Identifier: GPL-2.0-or-later
"""One way to write to the store: a transaction that holds the write lock from its start."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from abireview.errors import StoreError


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, what: str) -> Iterator[None]:
    """Everything inside is written or nothing. Raises StoreError that says ``what`` could not be written.

    Inside another one it is a part of that: what is outside is written together with it, or not.
    """
    try:
        if db.in_transaction:
            db.execute("SAVEPOINT part")
            try:
                yield
            except BaseException:
                db.execute("ROLLBACK TO part")
                db.execute("RELEASE part")
                raise
            db.execute("RELEASE part")
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.rollback()
            raise
        db.commit()
    except sqlite3.Error as error:
        raise StoreError(f"{what} cannot be written: {error}") from error
