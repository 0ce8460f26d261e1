-- Evidence that lasts: longer-lived forms of our own sealed files, and revocation data kept with every document.
CREATE TABLE extension (          -- a sealed file with validation data (DSS) and a time stamp over the whole
  id INTEGER PRIMARY KEY,
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  source_sha256 TEXT NOT NULL,    -- the sealed file as it was made; its bytes are kept too
  sha256 TEXT NOT NULL UNIQUE,    -- the extended file
  level TEXT NOT NULL,            -- the lowest of its signatures' levels (appliance.signing.report.LEVELS)
  stamped_at TEXT NOT NULL,       -- by the newest time stamp
  lasts_until TEXT NOT NULL,      -- the time stamp's service or algorithm ends then: renewed before
  sent INTEGER NOT NULL CHECK (sent IN (0, 1)),  -- 1: this form went out; never changed afterwards
  made_at TEXT NOT NULL
) STRICT;
CREATE INDEX extension_of ON extension (source_sha256, id);
-- TT 41/2017/TT-BTTTT item 3: certificate, revocation list and status as they were, deletable after the retention time
CREATE TABLE document_evidence (
  subject TEXT NOT NULL,          -- outgoing:<id> or incoming:<id>
  occasion TEXT NOT NULL CHECK (occasion IN ('signed', 'sealed', 'extended', 'received')),
  kind TEXT NOT NULL CHECK (kind IN ('certificate', 'crl', 'ocsp')),
  sha256 TEXT NOT NULL,           -- DER bytes in the blobs
  at TEXT NOT NULL,
  PRIMARY KEY (subject, occasion, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_evidence_kind ON document_evidence (kind, sha256);
-- why a file could not be extended yet, until it could; a signature that does not hold is not tried again and again
CREATE TABLE extension_failure (
  source_sha256 TEXT PRIMARY KEY, outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  reason TEXT NOT NULL, tries INTEGER NOT NULL, next_at TEXT NOT NULL
) STRICT;
