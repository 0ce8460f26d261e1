"""The bus's own store: an SQLite file and content-addressed packages below one folder."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlite_utils import Database, Migrations

from appliance.store.blobs import BlobStore
from appliance.store.database import open_database, transaction

migrations = Migrations("reference_bus")

_FIRST = (
    """
    CREATE TABLE message (            -- one package accepted from a sender; bytes in blobs/ under sha256
      id TEXT PRIMARY KEY,            -- the sender's UUID, for life
      kind TEXT NOT NULL CHECK (kind IN ('edoc', 'status')),
      priority INTEGER NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,  -- recipients as the sender wrote them
      sha256 TEXT NOT NULL, size INTEGER NOT NULL, doc_id TEXT NOT NULL UNIQUE,
      header TEXT NOT NULL,           -- JSON of peek.Header: what the package says of itself
      document_id TEXT NOT NULL,      -- edXML DocumentId; statuses name it
      receipt TEXT NOT NULL, accepted_at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX message_document ON message(document_id, kind)",
    "CREATE INDEX message_sender ON message(sender, accepted_at)",
    """
    CREATE TABLE delivery (           -- one inbox entry per recipient organ; seq only grows
      seq INTEGER PRIMARY KEY AUTOINCREMENT, doc_id TEXT NOT NULL UNIQUE,
      message_id TEXT NOT NULL REFERENCES message(id), organ TEXT NOT NULL, addressed_as TEXT NOT NULL,
      state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
      at TEXT, reason TEXT NOT NULL DEFAULT '', status_code TEXT,
      UNIQUE (message_id, organ)
    ) STRICT
    """,
    "CREATE INDEX delivery_organ ON delivery(organ, seq)",
    """
    CREATE TABLE status (             -- every business status that could be tied to a delivery, append only
      message_id TEXT PRIMARY KEY REFERENCES message(id), delivery_doc_id TEXT NOT NULL REFERENCES delivery(doc_id),
      code TEXT NOT NULL, description TEXT NOT NULL, staff TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX status_delivery ON status(delivery_doc_id)",
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)


@migrations()
def first(db: Database) -> None:
    """Messages, deliveries, statuses, switches."""
    for statement in _FIRST:
        db.execute(statement)


class BusStore:
    """Opens one connection per thread. ``blobs`` holds the packages and the attachments taken out of them."""

    def __init__(self, data: Path) -> None:
        self._path = data / "bus.db"
        self._local = threading.local()
        self.blobs = BlobStore(data / "blobs")
        data.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        for torn in (self.blobs.root / "tmp").glob("*"):
            torn.unlink()  # uploads that a kill cut short; nobody else is writing yet
        migrations.apply(self.db)

    @property
    def db(self) -> Database:
        """This thread's connection."""
        found: Database | None = getattr(self._local, "db", None)
        if found is None:
            found = self._local.db = open_database(self._path)
        return found

    def setting(self, key: str, default: str) -> str:
        """A switch that outlives the process."""
        row = self.db.execute("SELECT value FROM setting WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else default

    def set_setting(self, key: str, value: str) -> None:
        """Keep a switch."""
        with transaction(self.db):
            self.db.execute(
                "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", [key, value]
            )
