-- Encryption when asked (article 15): whom content may be encrypted to, which documents were, what was opened.
CREATE TABLE organ_certificate (
  sha256 TEXT NOT NULL, organ_id TEXT NOT NULL REFERENCES organ(id), certificate BLOB NOT NULL,  -- DER
  added_by TEXT NOT NULL REFERENCES account(id), added_at TEXT NOT NULL,
  PRIMARY KEY (organ_id, sha256)
) STRICT;
ALTER TABLE outgoing ADD COLUMN encrypted INTEGER NOT NULL DEFAULT 0 CHECK (encrypted IN (0, 1));
ALTER TABLE incoming_file ADD COLUMN opened_of INTEGER;  -- the position of the encrypted file that this was taken out of
