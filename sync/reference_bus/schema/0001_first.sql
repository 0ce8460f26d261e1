-- Written for SQLite; on PostgreSQL every INTEGER becomes BIGINT, BLOB becomes BYTEA and STRICT falls away.

CREATE TABLE IF NOT EXISTS message (  -- one package accepted from a sender; bytes in blobs/ under sha256
  id TEXT PRIMARY KEY,                -- the sender's UUID, for life
  kind TEXT NOT NULL CHECK (kind IN ('edoc', 'status')),
  priority INTEGER NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,  -- recipients as the sender wrote them
  sha256 TEXT NOT NULL, size INTEGER NOT NULL, doc_id TEXT NOT NULL UNIQUE,
  header TEXT NOT NULL,               -- JSON of peek.Header: what the package says of itself
  document_id TEXT NOT NULL,          -- edXML DocumentId; statuses name it
  receipt TEXT NOT NULL, accepted_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS message_document ON message(document_id, kind);
CREATE INDEX IF NOT EXISTS message_sender ON message(sender, accepted_at);

CREATE TABLE IF NOT EXISTS delivery ( -- one inbox entry per recipient organ; seq from counter 'delivery', only grows
  seq INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL REFERENCES message(id), organ TEXT NOT NULL, addressed_as TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
  at TEXT, reason TEXT NOT NULL DEFAULT '', status_code TEXT,
  UNIQUE (message_id, organ)
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_organ ON delivery(organ, seq);

CREATE TABLE IF NOT EXISTS status (   -- every business status that could be tied to a delivery, append only
  message_id TEXT PRIMARY KEY REFERENCES message(id), delivery_doc_id TEXT NOT NULL REFERENCES delivery(doc_id),
  code TEXT NOT NULL, description TEXT NOT NULL, staff TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS status_delivery ON status(delivery_doc_id);

CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
