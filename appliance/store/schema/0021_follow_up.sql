-- What is done about an issued document afterwards, each with the messages that carry it. Append only.
CREATE TABLE follow_up (
  id TEXT PRIMARY KEY,
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  kind TEXT NOT NULL CHECK (kind IN ('recall', 'update')),
  reason TEXT NOT NULL, account_id TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL
) STRICT;
CREATE INDEX follow_up_of ON follow_up(outgoing_id);
CREATE TABLE follow_up_message (     -- carried beside the document's own message, which stays what it was
  message_id TEXT PRIMARY KEY REFERENCES message(id), follow_up_id TEXT NOT NULL REFERENCES follow_up(id)
) STRICT;
CREATE TRIGGER follow_up_no_update BEFORE UPDATE ON follow_up BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER follow_up_no_delete BEFORE DELETE ON follow_up BEGIN SELECT RAISE(ABORT, 'append only'); END;
-- What a document answers (ResponseFor) or replaces (ReplacementInfo); chosen while it is a draft.
CREATE TABLE outgoing_link (
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  answers_id TEXT REFERENCES incoming(id), replaces_id TEXT REFERENCES outgoing(id),
  CHECK ((answers_id IS NULL) <> (replaces_id IS NULL)),
  UNIQUE (outgoing_id, answers_id), UNIQUE (outgoing_id, replaces_id)
) STRICT;
CREATE INDEX outgoing_link_answers ON outgoing_link(answers_id);
CREATE INDEX outgoing_link_replaces ON outgoing_link(replaces_id);
CREATE TABLE incoming_answer (       -- an incoming document that says it answers one of ours
  incoming_id TEXT NOT NULL REFERENCES incoming(id), outgoing_id TEXT NOT NULL REFERENCES outgoing(id),
  PRIMARY KEY (incoming_id, outgoing_id)
) STRICT;
-- What came as update (2) or replacement (3), and of which document of the same sender.
CREATE TABLE incoming_business (
  incoming_id TEXT NOT NULL REFERENCES incoming(id), kind INTEGER NOT NULL CHECK (kind IN (2, 3)),
  from_code TEXT NOT NULL, document_code TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (incoming_id, document_code)
) STRICT;
