"""The bus's own store: SQLite or PostgreSQL, and content-addressed packages in a folder.

Files are durable before the rows that name them, and rows are committed to the disk before a receipt is given.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from appliance.errors import N_, ConfigError
from sync.reference_bus.bell import Bell
from sync.reference_bus.clock import BusClock
from sync.reference_bus.config import BusConfig
from sync.reference_bus.database import Database
from sync.reference_bus.postgresql import PostgresDatabase
from sync.reference_bus.room import Room, RoomyBlobs
from sync.reference_bus.sqlite import SqliteDatabase

_TORN_AFTER_SECONDS = 86_400
"""Age at which an unfinished file surely belongs to nobody when several processes write to one folder."""


class BusStore:
    """``db`` speaks SQL, ``blobs`` holds the packages and the attachments taken out of them."""

    def __init__(self, config: BusConfig) -> None:
        config.data.mkdir(parents=True, exist_ok=True)
        self.clock, self.room = BusClock(), Room()
        self.blobs = RoomyBlobs(config.blobs or config.data / "blobs", self.room)
        self.db: Database[Any]
        self._sole: IO[str] | None = None
        if config.database:
            self.db = PostgresDatabase(config.database, config.database_passfile)
            self.clear_torn(time.time() - _TORN_AFTER_SECONDS)
        else:
            self._sole = _only_process(config)
            self.db = SqliteDatabase(config.data / "bus.db")
            self.clear_torn(time.time())
        self.db.apply_schema()
        self.bell = Bell()
        self._closing = threading.Event()
        threading.Thread(target=self.db.listen, args=(self.bell, self._closing), name="news", daemon=True).start()

    @contextmanager
    def transaction(self, *, news: bool = False) -> Iterator[None]:
        """All or nothing, on the disk when it ends. Not re-entrant. Raises Unavailable when the store cannot.

        ``news``: whoever waits for the bell, in this process or another, is woken once it is committed.
        """
        with self.db.transaction():
            yield
            if news:
                self.db.announce()
            self.room.commit()
        if news:
            self.bell.ring()

    def numbers(self, name: str, count: int) -> range:
        """The next ``count`` numbers of the counter ``name``, inside a transaction; nobody else gets any until it ends.

        So numbers appear to readers in their order, and whoever has read up to n never misses a smaller one, however
        many processes write. Take them as late as possible: everybody waits.
        """
        query = (
            "INSERT INTO counter (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value RETURNING value"
        )
        last = int(self.db.query(query, [name, count])[0]["value"])
        return range(last - count + 1, last + 1)

    def clear_torn(self, before: float) -> None:
        """Delete files that a kill cut short, last written before the time ``before`` (seconds since 1970)."""
        for torn in (self.blobs.root / "tmp").glob("*"):
            if torn.stat().st_mtime <= before:
                torn.unlink(missing_ok=True)

    def setting(self, key: str, default: str) -> str:
        """A switch that outlives the process."""
        row = self.db.one("SELECT value FROM setting WHERE key = ?", [key])
        return str(row["value"]) if row else default

    def set_setting(self, key: str, value: str) -> None:
        """Keep a switch."""
        self.db.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [key, value]
        )

    def close(self) -> None:
        """Give back connections and locks."""
        self._closing.set()
        self.db.close()
        if self._sole is not None:
            self._sole.close()


def _only_process(config: BusConfig) -> IO[str]:
    """The lock of the folder, held until the process ends. Raises ConfigError when another bus holds it."""
    lock = (config.data / "bus.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ConfigError(
            N_("Một trục khác đang dùng thư mục %(path)s; nhiều tiến trình cần PostgreSQL."), path=config.data
        ) from error
    return lock
