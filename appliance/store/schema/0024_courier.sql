-- The courier: containers of packages that went out on a stick, or were brought in on one.
CREATE TABLE courier (
  id TEXT PRIMARY KEY,             -- a container of ours: its own id; one brought in: the id of the bringing
  kind TEXT NOT NULL CHECK (kind IN ('load', 'answer', 'bring')),
  state TEXT NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
  organ_id TEXT NOT NULL,          -- '' when a technician asked on the console for the whole box
  asked_by TEXT NOT NULL,          -- account id or 'console'
  to_code TEXT NOT NULL DEFAULT '',-- load, answer: for whom it is sealed, an organ's code or 'truc'
  wanted TEXT NOT NULL DEFAULT '[]',   -- load: message ids chosen, JSON
  sha256 TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0,    -- the sealed container in the blobs
  packages INTEGER NOT NULL DEFAULT 0, -- how many it holds, or brought
  report TEXT NOT NULL DEFAULT '{}',   -- bring: what became of them, JSON of counts
  reason TEXT NOT NULL DEFAULT '', next_step TEXT NOT NULL DEFAULT '', -- refused: why
  answer_id TEXT REFERENCES courier(id),                               -- bring: the container to carry back
  asked_at TEXT NOT NULL, done_at TEXT
) STRICT;
CREATE INDEX courier_asked ON courier(asked_at) WHERE state = 'asked';
CREATE TABLE courier_load (        -- which message is in which container; it stays in the queue until confirmed
  courier_id TEXT NOT NULL REFERENCES courier(id), message_id TEXT NOT NULL REFERENCES message(id),
  PRIMARY KEY (courier_id, message_id)
) STRICT;
CREATE INDEX courier_load_message ON courier_load(message_id);
