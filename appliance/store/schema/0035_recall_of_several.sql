-- One package or status may ask several organs of this box: a request is one organ's, not one inbox entry's.
CREATE TABLE recall_request_of_each (
  id TEXT PRIMARY KEY,
  bus_doc_id TEXT NOT NULL REFERENCES inbox(bus_doc_id),
  organ_id TEXT NOT NULL REFERENCES organ(id),   -- whom it asks
  from_code TEXT NOT NULL,
  document_code TEXT NOT NULL,                   -- tied to its incoming document by this and any code of the sender,
  reason TEXT NOT NULL,                          -- so that it may also come before the document
  received_at TEXT NOT NULL,
  UNIQUE (bus_doc_id, organ_id)
) STRICT;
INSERT INTO recall_request_of_each SELECT bus_doc_id, * FROM recall_request;
CREATE TABLE recall_answer_of_each (
  request_id TEXT PRIMARY KEY REFERENCES recall_request_of_each(id),
  incoming_id TEXT NOT NULL REFERENCES incoming(id),
  status_code TEXT NOT NULL CHECK (status_code IN ('15', '16')),
  reason TEXT NOT NULL, answered_by TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL
) STRICT;
INSERT INTO recall_answer_of_each SELECT request_id, incoming_id, status_code, reason, answered_by, at FROM recall_answer;
DROP TABLE recall_answer;
DROP TABLE recall_request;
ALTER TABLE recall_request_of_each RENAME TO recall_request;
ALTER TABLE recall_answer_of_each RENAME TO recall_answer;
CREATE INDEX recall_request_of ON recall_request(organ_id, document_code);
CREATE TRIGGER recall_request_no_update BEFORE UPDATE ON recall_request BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_request_no_delete BEFORE DELETE ON recall_request BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_answer_no_update BEFORE UPDATE ON recall_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_answer_no_delete BEFORE DELETE ON recall_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
