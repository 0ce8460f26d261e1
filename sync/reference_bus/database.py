"""One small language over SQLite and PostgreSQL: positional ``?`` marks, rows as dictionaries, one honest transaction.

What is written on it must be SQL that both understand: no ``rowid``, no pragma, no ``INSERT OR``; ``ON CONFLICT``
and ``RETURNING`` are fine. A ``?`` is always a mark, so none may stand inside a literal.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from appliance.errors import N_
from sync.reference_bus.bell import Bell
from sync.reference_bus.problems import BadRequest

Row = dict[str, Any]
_SCHEMA = Path(__file__).parent / "schema"
_IDLE_CONNECTIONS = 32
"""Connections kept open between uses; a process rarely works on more requests at once."""

C = TypeVar("C")


class Database(ABC, Generic[C]):
    """A pool of connections of kind ``C``. Each call borrows one; a transaction keeps its own until it ends."""

    def __init__(self) -> None:
        self._idle: list[C] = []
        self._guard = threading.Lock()
        self._mine = threading.local()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run one statement, its own transaction outside ``transaction``; returns the number of rows it touched."""
        with self._connection() as connection:
            return self._run(connection, sql, _storable(params))[1]

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement, also of ``INSERT … RETURNING``."""
        with self._connection() as connection:
            return self._run(connection, sql, _storable(params))[0]

    def one(self, sql: str, params: Sequence[object] = ()) -> Row | None:
        """The first row, or None."""
        return next(iter(self.query(sql, params)), None)

    def insert(self, table: str, row: Row, *, once: bool = False) -> bool:
        """Add a row; with ``once`` a row whose key is taken is left as it stands, and the answer is False."""
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        tail = " ON CONFLICT DO NOTHING" if once else ""
        return self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}){tail}", list(row.values())) > 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when it ends. Not re-entrant. Raises Unavailable when the store cannot."""
        if getattr(self._mine, "connection", None) is not None:
            raise RuntimeError("a transaction is already open in this thread")
        with self._connection() as connection:
            self._mine.connection = connection
            try:
                with self._atomic(connection):
                    yield
            finally:
                self._mine.connection = None

    def apply_schema(self) -> None:
        """Bring the tables up to date; several processes may start at once."""
        with self.transaction():
            self.lock("schema")
            self.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)")
            done = {row["name"] for row in self.query("SELECT name FROM migration")}
            for file in sorted(_SCHEMA.glob("*.sql")):
                if file.name not in done:
                    for statement in _statements(file.read_text("utf-8")):
                        self.execute(self._schema(statement))
                    self.execute("INSERT INTO migration (name) VALUES (?)", [file.name])

    def close(self) -> None:
        """Close what is idle."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            self._shut(connection)

    @contextmanager
    def _connection(self) -> Iterator[C]:
        """The transaction's connection, or one from the pool; a connection that failed is not used again."""
        mine: C | None = getattr(self._mine, "connection", None)
        if mine is not None:
            yield mine
            return
        with self._guard:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            if self._alive(connection):
                self._give_back(connection)
            else:
                self._shut(connection)
            raise
        self._give_back(connection)

    def _give_back(self, connection: C) -> None:
        with self._guard:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        self._shut(connection)

    @abstractmethod
    def lock(self, name: str) -> None:
        """Inside a transaction: until its end nobody else, in whatever process, gets past the same name."""

    @abstractmethod
    def lead(self, name: str) -> bool:
        """Whether this process is the one that does the work called ``name``; ask again before each round."""

    @abstractmethod
    def announce(self) -> None:
        """Inside a transaction: once it is committed, ``listen`` of the other processes rings."""

    @abstractmethod
    def listen(self, bell: Bell, closing: threading.Event) -> None:
        """Ring ``bell`` for what other processes announce, until ``closing``. Ends at once where there are none."""

    @abstractmethod
    def _open(self) -> C: ...

    @abstractmethod
    def _shut(self, connection: C) -> None: ...

    @abstractmethod
    def _alive(self, connection: C) -> bool: ...

    @abstractmethod
    def _run(self, connection: C, sql: str, params: Sequence[object]) -> tuple[list[Row], int]: ...

    @abstractmethod
    def _schema(self, statement: str) -> str: ...

    @abstractmethod
    @contextmanager
    def _atomic(self, connection: C) -> Iterator[None]:
        yield


def _storable(params: Sequence[object]) -> Sequence[object]:
    """``params``. Raises BadRequest for text that is none: PostgreSQL takes no NUL, nobody takes half characters."""
    for text in params:
        if isinstance(text, str) and ("\0" in text or not (text.isascii() or _is_unicode(text))):
            raise BadRequest(N_("Yêu cầu có ký tự không ghi lại được."))
    return params


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _statements(script: str) -> Iterator[str]:
    """The statements of a schema file. Comments go first, because they may hold semicolons."""
    plain = re.sub(r"--[^\n]*", "", script)
    return (statement for part in plain.split(";") if (statement := part.strip()))
