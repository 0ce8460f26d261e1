"""Number series: one run per organ, kind, book and year, without a gap and without a double (NĐ 30/2020, article 15).

A number is taken in the transaction that gives it to its document; nothing else changes a series.
"""

from __future__ import annotations

from sqlite_utils import Database

COMMON_BOOK = "chung"
"""The one book of administrative documents; copies and normative documents get books of their own later."""


def take(db: Database, *, organ_id: str, kind: str, year: int, book: str = COMMON_BOOK) -> int:
    """The next number, from 1. Call it inside the transaction that stores it."""
    if not db.conn.in_transaction:
        raise RuntimeError("a number is taken in the transaction of its document")
    db.execute(
        "INSERT INTO number_series VALUES (?, ?, ?, ?, 1)"
        " ON CONFLICT (organ_id, kind, book, year) DO UPDATE SET last = last + 1",
        [organ_id, kind, book, year],
    )
    number: int = db.execute(
        "SELECT last FROM number_series WHERE organ_id = ? AND kind = ? AND book = ? AND year = ?",
        [organ_id, kind, book, year],
    ).fetchone()[0]
    return number
