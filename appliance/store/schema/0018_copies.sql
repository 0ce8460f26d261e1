-- Electronic copies (SAO Y, SAO LỤC, TRÍCH SAO): outgoing documents that the organ signs and no leader does.
ALTER TABLE outgoing ADD COLUMN kind TEXT NOT NULL DEFAULT 'document' CHECK (kind IN ('document', 'copy'));
CREATE TABLE outgoing_copy (      -- what a copy is a copy of
  outgoing_id TEXT PRIMARY KEY REFERENCES outgoing(id),
  form TEXT NOT NULL CHECK (form IN ('sao-y', 'sao-luc', 'trich-sao')),
  source TEXT NOT NULL CHECK (source IN ('paper', 'incoming', 'outgoing')),
  source_incoming_id TEXT REFERENCES incoming(id),
  source_outgoing_id TEXT REFERENCES outgoing(id),
  source_sha256 TEXT NOT NULL,    -- the original file, or the scan as it was uploaded
  original_code TEXT NOT NULL, original_date TEXT NOT NULL, original_organ TEXT NOT NULL,
  pages TEXT NOT NULL DEFAULT '', -- trích sao: the pages taken, as typed, e.g. '1-3, 5'; '' for all
  keeps_signatures INTEGER NOT NULL CHECK (keeps_signatures IN (0, 1)), -- the original's own are still in the file
  warnings TEXT NOT NULL DEFAULT '[]'   -- JSON list of sentences about the scan or the original's signatures
) STRICT;
