"""The bus's store in PostgreSQL: a bus of any number of processes."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.errors import N_, ConfigError, Unavailable
from sync.reference_bus.bell import Bell
from sync.reference_bus.database import Database, Row

if TYPE_CHECKING:
    import psycopg

_CHANNEL = "tram_bus"
_LISTEN_SECONDS = 2.0
_log = logging.getLogger(__name__)


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
