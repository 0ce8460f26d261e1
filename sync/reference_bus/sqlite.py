"""The bus's store as one SQLite file: a bus of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlite_utils

from appliance.store.database import open_database, transaction
from sync.reference_bus.bell import Bell
from sync.reference_bus.database import Database, Row


class SqliteDatabase(Database[sqlite_utils.Database]):
    """One file, one bus process."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._writer = threading.Lock()
        path.touch()

    def lock(self, name: str) -> None:
        """Nothing to do: a transaction holds the only write lock."""

    def lead(self, name: str) -> bool:
        """Always: the store refuses a second process on the same file."""
        return True

    def announce(self) -> None:
        """Nobody to tell."""

    def listen(self, bell: Bell, closing: threading.Event) -> None:
        """Nobody to hear."""

    def _open(self) -> sqlite_utils.Database:
        return open_database(self._path, any_thread=True)

    def _shut(self, connection: sqlite_utils.Database) -> None:
        connection.close()

    def _alive(self, connection: sqlite_utils.Database) -> bool:
        return not connection.conn.in_transaction

    def _run(self, connection: sqlite_utils.Database, sql: str, params: Sequence[object]) -> tuple[list[Row], int]:
        cursor = connection.conn.execute(sql, tuple(params))
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return rows, cursor.rowcount

    def _schema(self, statement: str) -> str:
        return statement

    @contextmanager
    def _atomic(self, connection: sqlite_utils.Database) -> Iterator[None]:
        # SQLite lets waiting writers sleep up to 0.1 s between looks; this lock wakes the next one at once.
        with self._writer, transaction(connection):
            yield
