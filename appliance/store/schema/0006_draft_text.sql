-- What drafters typed for documents that the box typesets itself; every saved state is kept.
CREATE TABLE draft_text (
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  version INTEGER NOT NULL,       -- from 1
  text TEXT NOT NULL,             -- JSON of the form (appliance.drafting.DraftText)
  pdf_sha256 TEXT NOT NULL,       -- what was typeset from it; the document is still this text while it is its draft
  made_by TEXT NOT NULL REFERENCES account(id),
  made_at TEXT NOT NULL,
  PRIMARY KEY (outgoing_id, version)
) STRICT;
