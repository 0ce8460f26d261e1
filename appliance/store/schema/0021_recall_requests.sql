-- A sender asks for a document back (status 13), and what the clerk answers (15 agrees, 16 refuses). Both append only.
CREATE TABLE recall_request (
  bus_doc_id TEXT PRIMARY KEY REFERENCES inbox(bus_doc_id),
  organ_id TEXT NOT NULL REFERENCES organ(id),   -- whom it asks
  from_code TEXT NOT NULL,
  document_code TEXT NOT NULL,                   -- tied to its incoming document by this and any code of the sender,
  reason TEXT NOT NULL,                          -- so that it may also come before the document
  received_at TEXT NOT NULL
) STRICT;
CREATE INDEX recall_request_of ON recall_request(organ_id, document_code);
CREATE TABLE recall_answer (
  request_id TEXT PRIMARY KEY REFERENCES recall_request(bus_doc_id),
  incoming_id TEXT NOT NULL REFERENCES incoming(id),
  status_code TEXT NOT NULL CHECK (status_code IN ('15', '16')),
  reason TEXT NOT NULL, answered_by TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL
) STRICT;
CREATE TRIGGER recall_request_no_update BEFORE UPDATE ON recall_request BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_request_no_delete BEFORE DELETE ON recall_request BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_answer_no_update BEFORE UPDATE ON recall_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER recall_answer_no_delete BEFORE DELETE ON recall_answer BEGIN SELECT RAISE(ABORT, 'append only'); END;
-- each request has its own answer: only the other statuses are said once for a document
DROP INDEX message_status_once;
CREATE UNIQUE INDEX message_status_once ON message(incoming_id, status_code)
  WHERE kind = 'status' AND supersedes IS NULL AND status_code NOT IN ('15', '16');
