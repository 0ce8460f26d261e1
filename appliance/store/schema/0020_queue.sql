-- The queue's lanes: doubt about an earlier try, holding, correction; what the inbox keeps to be read again.
ALTER TABLE message ADD COLUMN doubt_at TEXT;                       -- end of the last try that may have arrived; NULL: none
ALTER TABLE message ADD COLUMN doubt_boot TEXT NOT NULL DEFAULT ''; -- the same moment by the steady clock: boot and
ALTER TABLE message ADD COLUMN doubt_uptime REAL NOT NULL DEFAULT 0; -- its seconds, which no change of the time moves
ALTER TABLE message ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;    -- times the bus was asked about it since
ALTER TABLE message ADD COLUMN fault TEXT NOT NULL DEFAULT '';      -- rejected: 'package' or 'organ'
ALTER TABLE message ADD COLUMN held_by TEXT NOT NULL DEFAULT '';    -- held: account id, 'console' or 'rule'
ALTER TABLE message ADD COLUMN held_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN supersedes TEXT REFERENCES message(id);    -- a successor: the message it stands for
ALTER TABLE message ADD COLUMN superseded_by TEXT REFERENCES message(id); -- history: its (first) successor
ALTER TABLE message ADD COLUMN proved_by TEXT NOT NULL DEFAULT '';  -- bus_doc_id of a status that proves its arrival
UPDATE message SET doubt_at = queued_at WHERE state = 'uncertain';
-- the sending order, kept sorted: sync.lease.take reads its first due row
CREATE INDEX message_order ON message((kind = 'status') DESC, priority DESC, (due_latest IS NULL), due_latest,
queued_at, id) WHERE state IN ('ready', 'waiting', 'uncertain');
CREATE INDEX message_organ ON message(organ_id, kind, state);
CREATE INDEX message_supersedes ON message(supersedes) WHERE supersedes IS NOT NULL;
DROP INDEX message_status_once;   -- a successor repeats its predecessor's status
CREATE UNIQUE INDEX message_status_once ON message(incoming_id, status_code)
WHERE kind = 'status' AND supersedes IS NULL;
ALTER TABLE inbox ADD COLUMN polls INTEGER NOT NULL DEFAULT 0;      -- quarantined: polls before the bus is told
ALTER TABLE inbox ADD COLUMN again_at TEXT;                         -- quarantined: to be read again, asked for then
CREATE TABLE notice_new (         -- as before; kinds and subjects are open: 'message:<id>', 'link:bus', 'disk:data'
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES account(id), organ_id TEXT NOT NULL REFERENCES organ(id),
  kind TEXT NOT NULL, subject TEXT NOT NULL,
  mark TEXT NOT NULL,             -- expiry: the threshold in days; others: the moment or the step
  text TEXT NOT NULL, created_at TEXT NOT NULL, read_at TEXT,
  UNIQUE (account_id, organ_id, kind, subject, mark)
) STRICT;
INSERT INTO notice_new SELECT id, account_id, organ_id, kind, subject, mark, text, created_at, read_at FROM notice;
DROP TABLE notice;
ALTER TABLE notice_new RENAME TO notice;
CREATE INDEX notice_unread ON notice(account_id, organ_id) WHERE read_at IS NULL;
