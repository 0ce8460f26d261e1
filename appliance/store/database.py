"""The only opener of SQLite: it sets and asserts every pragma, and gives one honest transaction.

sqlite-utils commits by itself after each write and its own ``atomic()`` opens a deferred transaction, so a
read-then-write can fail at once with "database is locked". Everything that changes state goes through
``transaction`` here instead, which takes the write lock first; sqlite-utils then nests inside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from appliance.errors import N_, Unavailable
from appliance.store.migrations import migrations
from appliance.store.text import fold

BUSY_TIMEOUT_MS = 20_000


def open_database(path: Path, *, create: bool = False, any_thread: bool = False) -> Database:
    """Open the store. Applies missing migrations when ``create``.

    For one thread; with ``any_thread`` the caller sees to it that only one thread at a time uses it (a pool).

    Raises Unavailable when the file is missing, unreadable or damaged.
    """
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode={'rwc' if create else 'rw'}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
        database = Database(connection, recursive_triggers=False)
        _set_pragmas(database)
        connection.create_function("fold", 1, fold, deterministic=True)
        if create:
            migrations.apply(database)
    except sqlite3.Error as error:
        raise Unavailable(
            N_("Không mở được kho dữ liệu: %(error)s"),
            next_step=N_("Báo kỹ thuật viên; không tắt máy, không xóa tệp nào."),
            error=error,
        ) from error
    return database


def _set_pragmas(database: Database) -> None:
    """Durability and integrity settings, read back because SQLite ignores what it does not know."""
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL: a commit is on the disk before it is acknowledged
        "foreign_keys": 1,
        "busy_timeout": BUSY_TIMEOUT_MS,
        "secure_delete": 1,
    }
    for name, value in wanted.items():
        database.execute(f"PRAGMA {name} = {value}").fetchall()
        found = database.execute(f"PRAGMA {name}").fetchone()[0]
        if found != value:
            raise sqlite3.OperationalError(f"PRAGMA {name} is {found!r}, not {value!r}")


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """One all-or-nothing change that takes the write lock at once. Not re-entrant: one change, one place.

    Raises Unavailable when the disk is full or the lock cannot be had.
    """
    connection = database.conn
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise _unavailable(error) from error
    try:
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise _unavailable(error) from error
        raise


def _unavailable(error: sqlite3.OperationalError) -> Unavailable:
    full = "full" in str(error)
    return Unavailable(
        N_("Đĩa của trạm đã đầy, việc này chưa được ghi.")
        if full
        else N_("Kho dữ liệu đang bận, việc này chưa được ghi."),
        next_step=N_("Báo kỹ thuật viên dọn đĩa rồi làm lại.") if full else N_("Đợi một lát rồi làm lại."),
    )
