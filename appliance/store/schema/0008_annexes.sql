-- Files that go with an outgoing document beside its own PDF.
CREATE TABLE outgoing_file (      -- phụ lục in a file of its own, sealed by the organ's key (article 6.2b)
  id TEXT PRIMARY KEY,
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  position INTEGER NOT NULL,      -- from 1, the order people gave
  name TEXT NOT NULL,             -- as people see it, always '.pdf', once per document
  page_count INTEGER NOT NULL,
  size INTEGER NOT NULL,          -- bytes of the draft
  draft_sha256 TEXT NOT NULL,
  sealed_sha256 TEXT,             -- set for all files of a document in the transaction that seals it
  UNIQUE (outgoing_id, name)
) STRICT;
CREATE INDEX outgoing_file_of ON outgoing_file(outgoing_id, position);
