-- The journal in two steps: an entry's own hash, then the link over it and the hash before. One document's entries can
-- so be shown to a stranger with every link of the chain, but without a word of what the entries between them say.
-- The salt is 32 hexadecimal digits by chance, empty for entries made in one step before.
ALTER TABLE audit ADD COLUMN salt TEXT NOT NULL DEFAULT '';
-- When the bus first said so; `changed_at` moves on with the statuses.
ALTER TABLE message_recipient ADD COLUMN delivered_at TEXT;
-- The receiving box's own word that it holds a package (R2), as the bus passed it on.
CREATE TABLE delivery_receipt (
  message_id TEXT NOT NULL, code TEXT NOT NULL,  -- as in message_recipient
  sha256 TEXT NOT NULL,                          -- the statement's exact bytes (JWS) in the blobs
  at TEXT NOT NULL,                              -- when this box got it
  PRIMARY KEY (message_id, code),
  FOREIGN KEY (message_id, code) REFERENCES message_recipient(message_id, code)
) STRICT;
