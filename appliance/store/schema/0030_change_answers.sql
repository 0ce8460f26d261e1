-- What the clerk answers (15 agrees, 16 refuses) to a package that came as update or replacement of an earlier
-- document: once for each record that it made. Append only.
CREATE TABLE change_answer (
  incoming_id TEXT PRIMARY KEY REFERENCES incoming(id),
  status_code TEXT NOT NULL CHECK (status_code IN ('15', '16')),
  reason TEXT NOT NULL, answered_by TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL
) STRICT;
CREATE TRIGGER change_answer_no_update BEFORE UPDATE ON change_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER change_answer_no_delete BEFORE DELETE ON change_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
