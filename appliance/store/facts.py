"""Small durable facts by key: the inbox cursor, the link's state, the clock's floor, a job's last failure."""

from __future__ import annotations

from sqlite_utils import Database


def get(db: Database, key: str) -> str | None:
    """The value kept under ``key``, or None."""
    row = db.execute("SELECT value FROM fact WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def put(db: Database, key: str, value: str) -> None:
    """Keep ``value`` under ``key``; joins the caller's transaction where there is one."""
    db.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [key, value])


def clear(db: Database, key: str) -> None:
    """Forget ``key``."""
    db.execute("DELETE FROM fact WHERE key = ?", [key])


def starting_with(db: Database, prefix: str) -> dict[str, str]:
    """All facts whose key starts with ``prefix``."""
    rows = db.execute("SELECT key, value FROM fact WHERE substr(key, 1, ?) = ? ORDER BY key", [len(prefix), prefix])
    return dict(rows.fetchall())
