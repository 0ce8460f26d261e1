-- Deliveries whose receiver said "processing" over VXP: the entry stays in the inbox, only its word changes.
CREATE TABLE processing (
  doc_id TEXT PRIMARY KEY,
  at TEXT NOT NULL
) STRICT;
