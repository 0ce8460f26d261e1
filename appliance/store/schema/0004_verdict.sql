-- What each check of a file's signatures said: kept for the document's whole life beside the ones before it
-- (TT 41/2017/TT-BTTTT: the result of the check is stored with the file). A row is added when a file is first checked
-- and whenever a later check, with newer revocation lists or other anchors, says something else.
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,          -- incoming:<id>, outgoing:<id> or annex:<id>
  sha256 TEXT NOT NULL,
  at TEXT NOT NULL,               -- when it was checked
  as_of TEXT NOT NULL,            -- the moment it was judged for: when this box first held the file
  verdict TEXT NOT NULL CHECK (verdict IN ('valid', 'invalid', 'unknown', 'unsigned')),
  report TEXT NOT NULL,           -- JSON: reason and signatures, as appliance.signing.report has them
  trust TEXT NOT NULL,            -- SHA-256 over the anchors and lists used, '' when not known any more
  reason TEXT NOT NULL CHECK (reason IN ('arrival', 'own', 'trust'))
) STRICT;
CREATE INDEX verdict_of ON verdict (subject, sha256, id);
CREATE TRIGGER verdict_no_update BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'verdict is append only'); END;
CREATE TRIGGER verdict_no_delete BEFORE DELETE ON verdict BEGIN SELECT RAISE(ABORT, 'verdict is append only'); END;
-- which verdict holds now, and the last check that found nothing else
CREATE TABLE verdict_now (
  subject TEXT NOT NULL, sha256 TEXT NOT NULL, verdict_id INTEGER NOT NULL REFERENCES verdict(id),
  trust TEXT NOT NULL, checked_at TEXT NOT NULL,
  PRIMARY KEY (subject, sha256)
) STRICT;
CREATE INDEX verdict_due ON verdict_now (trust, checked_at);
-- a verdict that became worse, until the clerk has seen it
CREATE TABLE verdict_notice (
  verdict_id INTEGER PRIMARY KEY REFERENCES verdict(id), subject TEXT NOT NULL, was TEXT NOT NULL,
  seen_by TEXT REFERENCES account(id), seen_at TEXT
) STRICT;
CREATE INDEX verdict_unseen ON verdict_notice (subject) WHERE seen_at IS NULL;
