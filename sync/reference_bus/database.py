"""One small language over SQLite and PostgreSQL: positional ``?`` marks, rows as dictionaries, one honest transaction.

What is written on it must be SQL that both understand: no ``rowid``, no pragma, no ``INSERT OR``; ``ON CONFLICT``
and ``RETURNING`` are fine. A ``?`` is always a mark, so none may stand inside a literal.
"""

from __future__ import annotations

import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlite_utils

from appliance.errors import N_, ConfigError, Unavailable
from appliance.store.database import open_database, transaction
from sync.reference_bus.bell import Bell
from sync.reference_bus.problems import BadRequest

if TYPE_CHECKING:
    import psycopg

Row = dict[str, Any]
_SCHEMA = Path(__file__).parent / "schema"
_IDLE_CONNECTIONS = 32
"""Connections kept open between uses; a process rarely works on more requests at once."""

_CHANNEL = "tram_bus"
_LISTEN_SECONDS = 2.0
_log = logging.getLogger(__name__)

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


class PostgresDatabase(Database["psycopg.Connection[Row]"]):
    """A server, any number of bus processes. ``passfile``: in PostgreSQL's own form, host:port:database:user:password.

    Raises ConfigError when psycopg is not installed.
    """

    def __init__(self, url: str, passfile: Path | None = None) -> None:
        super().__init__()
        try:
            import psycopg
        except ImportError as error:
            raise ConfigError(
                N_("Trục dùng PostgreSQL cần gói psycopg (nhóm “province” của pyproject.toml)."),
            ) from error
        self._driver = psycopg
        self._url, self._passfile = url, passfile
        self._leaders: dict[str, psycopg.Connection[Row]] = {}

    def lock(self, name: str) -> None:
        """An advisory lock of the transaction."""
        self.query("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [name])

    def lead(self, name: str) -> bool:
        """An advisory lock of a connection that does nothing else: it ends with the process or with the server."""
        holder = self._leaders.pop(name, None)
        try:
            if holder is None:
                holder = self._open()
                taken, _ = self._run(holder, "SELECT pg_try_advisory_lock(hashtextextended(?, 1)) AS got", [name])
                if not taken[0]["got"]:
                    holder.close()
                    return False
            else:
                holder.execute("SELECT 1")
        except (self._driver.OperationalError, Unavailable):
            if holder is not None:
                holder.close()
            return False
        self._leaders[name] = holder
        return True

    def announce(self) -> None:
        """NOTIFY is delivered with the commit."""
        self.execute(f"NOTIFY {_CHANNEL}")

    def listen(self, bell: Bell, closing: threading.Event) -> None:
        """On a connection of its own. Rings once after an outage: what was said meanwhile is not repeated."""
        while not closing.is_set():
            try:
                with self._open() as connection:
                    connection.execute(f"LISTEN {_CHANNEL}".encode())
                    bell.ring()
                    while not closing.is_set():
                        for _ in connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                            bell.ring()
            except (self._driver.OperationalError, Unavailable) as error:
                _log.warning("no news from the database: %s", error)
                closing.wait(_LISTEN_SECONDS)

    def close(self) -> None:
        """Close what is idle, and give up the lead."""
        super().close()
        leaders, self._leaders = self._leaders, {}
        for connection in leaders.values():
            connection.close()

    def _open(self) -> psycopg.Connection[Row]:
        more: dict[str, Any] = {"passfile": str(self._passfile)} if self._passfile else {}
        try:
            connection = self._driver.connect(
                self._url, autocommit=True, row_factory=self._driver.rows.dict_row, connect_timeout=10,
                application_name="tram bus", **more,
            )  # fmt: skip
            connection.execute("SET synchronous_commit TO on")  # a commit is on the disk before it is acknowledged
            found = connection.execute("SHOW fsync").fetchone()
        except self._driver.OperationalError as error:
            raise self._unavailable() from error
        if found is None or found["fsync"] != "on":
            connection.close()
            raise ConfigError(N_("Máy chủ PostgreSQL tắt fsync; trục không dùng được vì có thể mất văn bản."))
        return connection

    def _shut(self, connection: psycopg.Connection[Row]) -> None:
        connection.close()

    def _alive(self, connection: psycopg.Connection[Row]) -> bool:
        return not (connection.closed or connection.broken)

    def _run(self, connection: psycopg.Connection[Row], sql: str, params: Sequence[object]) -> tuple[list[Row], int]:
        text = sql.replace("%", "%%").replace("?", "%s") if params else sql
        try:
            cursor = connection.execute(text.encode(), tuple(params) or None)
        except self._driver.OperationalError as error:
            raise self._unavailable() from error
        return (cursor.fetchall() if cursor.description else []), cursor.rowcount

    def _schema(self, statement: str) -> str:
        plain = re.sub(r"\)\s*STRICT$", ")", statement)
        return re.sub(r"\bBLOB\b", "BYTEA", re.sub(r"\bINTEGER\b", "BIGINT", plain))

    @contextmanager
    def _atomic(self, connection: psycopg.Connection[Row]) -> Iterator[None]:
        try:
            with connection.transaction():
                yield
        except self._driver.OperationalError as error:
            raise self._unavailable() from error

    def _unavailable(self) -> Unavailable:
        return Unavailable(
            N_("Máy chủ cơ sở dữ liệu của trục không trả lời, việc này chưa được ghi."),
            next_step=N_("Đợi một lát rồi làm lại."),
        )


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
