-- The custody of tokens (article 5; article 26.8): who keeps each device, how it changed hands, what was warned about.
ALTER TABLE device ADD COLUMN state TEXT NOT NULL DEFAULT 'in_use'
  CHECK (state IN ('in_use', 'locked', 'lost', 'revoked', 'returned', 'replaced'));
ALTER TABLE device ADD COLUMN keeper_id TEXT REFERENCES account(id);     -- who keeps it; NULL: nobody on record
ALTER TABLE device ADD COLUMN token_model TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN keeping_rule TEXT NOT NULL DEFAULT '';     -- article 5.3: what gives it to văn thư
ALTER TABLE device ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';     -- why it is locked, lost, revoked, returned
ALTER TABLE device ADD COLUMN updated_at TEXT NOT NULL DEFAULT '';
UPDATE device SET updated_at = created_at;
UPDATE device SET state = 'replaced' WHERE active = 0;
UPDATE device SET keeper_id = holder_id WHERE purpose = 'personal';
-- an organ's only clerk has had its device all along
UPDATE device SET keeper_id =
  (SELECT account_id FROM membership WHERE membership.organ_id = device.organ_id AND role = 'clerk')
  WHERE purpose = 'organ' AND 1 =
  (SELECT count(*) FROM membership WHERE membership.organ_id = device.organ_id AND role = 'clerk');
ALTER TABLE device DROP COLUMN active;
CREATE INDEX device_organ ON device(organ_id, state);
CREATE TABLE handover (           -- bàn giao; the first of a device comes from the authority (from_id NULL)
  id TEXT PRIMARY KEY, device_id TEXT NOT NULL REFERENCES device(id),
  from_id TEXT REFERENCES account(id), to_id TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL,
  minutes_number TEXT NOT NULL DEFAULT '',                -- as people write it: '03/BB-UBND'
  reason TEXT NOT NULL DEFAULT '', condition TEXT NOT NULL DEFAULT '', accessories TEXT NOT NULL DEFAULT '',
  witness TEXT NOT NULL DEFAULT '', keeping_rule TEXT NOT NULL DEFAULT '',
  recorded_by TEXT NOT NULL,                              -- account id or 'system'
  minutes_sha256 TEXT,                                    -- the minutes to be signed by hand, PDF
  signed_sha256 TEXT, signed_type TEXT                    -- the signed copy brought back and its media type
) STRICT;
CREATE INDEX handover_device ON handover(device_id, at);
CREATE TABLE revocation_request ( -- đề nghị thu hồi chứng thư số
  id TEXT PRIMARY KEY, device_id TEXT NOT NULL REFERENCES device(id), reason_code TEXT NOT NULL,
  detail TEXT NOT NULL, discovered_at TEXT NOT NULL, contact TEXT NOT NULL,
  requested_by TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL,
  outgoing_id TEXT REFERENCES outgoing(id),               -- the document on its way, or
  paper_sha256 TEXT                                       -- the form to be signed and stamped by hand
) STRICT;
CREATE INDEX revocation_request_device ON revocation_request(device_id, at);
CREATE TABLE notice (             -- nhắc việc: told once to each person for each mark
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES account(id), organ_id TEXT NOT NULL REFERENCES organ(id),
  kind TEXT NOT NULL CHECK (kind IN ('expiry', 'revoked', 'stopped')),
  subject TEXT NOT NULL,          -- 'device:<id>'
  mark TEXT NOT NULL,             -- expiry: the threshold in days; others: the moment
  text TEXT NOT NULL, created_at TEXT NOT NULL, read_at TEXT,
  UNIQUE (account_id, organ_id, kind, subject, mark)
) STRICT;
CREATE INDEX notice_unread ON notice(account_id, organ_id) WHERE read_at IS NULL;
