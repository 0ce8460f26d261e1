-- Everything the main job needs.
CREATE TABLE organ (              -- cơ quan: the box's own organs (local=1) and the address book
  id TEXT PRIMARY KEY,            -- slug, e.g. 'ubnd-hoa-binh'
  name TEXT NOT NULL,             -- 'Ủy ban nhân dân xã Hòa Bình'
  abbreviation TEXT NOT NULL,     -- 'UBND', used in notations
  place TEXT NOT NULL DEFAULT '', -- the place in the date line
  local INTEGER NOT NULL CHECK (local IN (0, 1)),
  seal_sha256 TEXT,               -- red PNG of the seal, own organs only
  seal_mm REAL,                   -- its real diameter in millimetres
  successor_id TEXT REFERENCES organ(id)
) STRICT;
CREATE TABLE organ_code (         -- mã định danh, two schemes, with validity dates
  organ_id TEXT NOT NULL REFERENCES organ(id),
  scheme TEXT NOT NULL CHECK (scheme IN ('QCVN102', 'QD20')),
  value TEXT NOT NULL,
  valid_from TEXT NOT NULL, valid_to TEXT,
  PRIMARY KEY (organ_id, scheme, valid_from)
) STRICT;
CREATE INDEX organ_code_value ON organ_code(value);
CREATE TABLE account (
  id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL, position TEXT NOT NULL DEFAULT '',
  password_hash TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)), created_at TEXT NOT NULL,
  signature_sha256 TEXT           -- blue transparent PNG of the personal signature
) STRICT;
CREATE TABLE membership (
  account_id TEXT NOT NULL REFERENCES account(id), organ_id TEXT NOT NULL REFERENCES organ(id),
  role TEXT NOT NULL CHECK (role IN ('clerk', 'leader', 'official', 'technician', 'auditor')),
  PRIMARY KEY (account_id, organ_id, role)
) STRICT;
CREATE TABLE web_session (
  id_sha256 TEXT PRIMARY KEY, account_id TEXT REFERENCES account(id), data TEXT NOT NULL,
  created_at REAL NOT NULL, seen_at REAL NOT NULL
) STRICT;
CREATE TABLE login_failure (username TEXT NOT NULL, address TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX login_failure_at ON login_failure(at);
CREATE TABLE device (             -- USB Token and the certificate on it (article 5)
  id TEXT PRIMARY KEY, purpose TEXT NOT NULL CHECK (purpose IN ('personal', 'organ')),
  organ_id TEXT NOT NULL REFERENCES organ(id), holder_id TEXT REFERENCES account(id),
  token_serial TEXT NOT NULL, token_label TEXT NOT NULL, key_id TEXT NOT NULL, certificate BLOB NOT NULL,
  wrong_pins INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE number_series (      -- one run per organ, kind, book and year; `last` only grows by one
  organ_id TEXT NOT NULL REFERENCES organ(id), kind TEXT NOT NULL CHECK (kind IN ('outgoing', 'incoming')),
  book TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (organ_id, kind, book, year)
) STRICT;
CREATE TABLE outgoing (           -- văn bản đi
  id TEXT PRIMARY KEY, organ_id TEXT NOT NULL REFERENCES organ(id),
  state TEXT NOT NULL CHECK (state IN
    ('drafting', 'submitted', 'returned', 'withdrawn', 'signed', 'numbered', 'sealed', 'issued')),
  type_code TEXT NOT NULL, subject TEXT NOT NULL, urgency INTEGER NOT NULL CHECK (urgency BETWEEN 0 AND 4),
  unit TEXT NOT NULL DEFAULT '',  -- drafting unit or field, for công văn: '15/UBND-VP'
  drafter_id TEXT NOT NULL REFERENCES account(id), signer_id TEXT NOT NULL REFERENCES account(id),
  competence TEXT NOT NULL DEFAULT '', reply_due TEXT, note TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',  -- why it was sent back or withdrawn
  book TEXT NOT NULL DEFAULT '', number INTEGER, number_year INTEGER, notation TEXT, issue_date TEXT,
  document_code TEXT UNIQUE,
  rule_set TEXT NOT NULL, file_name TEXT NOT NULL,
  draft_sha256 TEXT NOT NULL, placement TEXT NOT NULL, prepared_sha256 TEXT, signed_sha256 TEXT, sealed_sha256 TEXT,
  page_count INTEGER NOT NULL, signed_at TEXT, sealed_at TEXT, issued_at TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX outgoing_number ON outgoing(organ_id, book, number_year, number) WHERE number IS NOT NULL;
CREATE INDEX outgoing_state ON outgoing(organ_id, state);
CREATE TABLE outgoing_recipient (
  outgoing_id TEXT NOT NULL REFERENCES outgoing(id), organ_id TEXT NOT NULL REFERENCES organ(id),
  code TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,   -- code and name as they stood
  PRIMARY KEY (outgoing_id, organ_id)
) STRICT;
CREATE TABLE message (            -- the queue: one package (edXML) with its id and exact bytes for life
  id TEXT PRIMARY KEY,            -- UUIDv7, made when queued
  kind TEXT NOT NULL CHECK (kind IN ('edoc', 'status')),
  organ_id TEXT NOT NULL REFERENCES organ(id),
  outgoing_id TEXT REFERENCES outgoing(id), incoming_id TEXT REFERENCES incoming(id),
  status_code TEXT,               -- statuses: '01'..'16'
  title TEXT NOT NULL, priority INTEGER NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('ready', 'sending', 'waiting', 'uncertain', 'held', 'accepted', 'rejected')),
  queued_at TEXT NOT NULL, due_target TEXT, due_latest TEXT,          -- article 10.2
  next_at TEXT, lease_owner TEXT, lease_until TEXT, attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  bus_doc_id TEXT, accepted_at TEXT, receipt_sha256 TEXT
) STRICT;
CREATE INDEX message_state ON message(state, priority);
CREATE UNIQUE INDEX message_status_once ON message(incoming_id, status_code) WHERE kind = 'status';
CREATE TABLE message_recipient (  -- state per recipient; statuses are a set with a rank, never overwritten downwards
  message_id TEXT NOT NULL REFERENCES message(id), code TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'accepted', 'delivered', 'status')),
  status_code TEXT, status_text TEXT NOT NULL DEFAULT '', changed_at TEXT,
  PRIMARY KEY (message_id, code)
) STRICT;
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, message_id TEXT NOT NULL REFERENCES message(id), started_at TEXT NOT NULL, ended_at TEXT,
  phase TEXT NOT NULL DEFAULT 'started', bytes_sent INTEGER NOT NULL DEFAULT 0, http_status INTEGER,
  error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempt_message ON attempt(message_id);
CREATE TABLE status_in (          -- every status that came, append only
  id INTEGER PRIMARY KEY, bus_doc_id TEXT NOT NULL UNIQUE, outgoing_id TEXT REFERENCES outgoing(id),
  from_code TEXT NOT NULL, from_name TEXT NOT NULL, document_code TEXT NOT NULL, status_code TEXT NOT NULL,
  description TEXT NOT NULL, staff TEXT NOT NULL DEFAULT '', at TEXT NOT NULL, received_at TEXT NOT NULL,
  sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE inbox (              -- what the bus handed over, by its id: transport de-duplication and quarantine
  bus_doc_id TEXT PRIMARY KEY, kind TEXT NOT NULL, message_id TEXT, seq INTEGER NOT NULL, sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('stored', 'duplicate', 'quarantined')), reason TEXT NOT NULL DEFAULT '',
  received_at TEXT NOT NULL, acked_at TEXT
) STRICT;
CREATE TABLE incoming (           -- văn bản đến
  id TEXT PRIMARY KEY, organ_id TEXT NOT NULL REFERENCES organ(id),
  bus_doc_id TEXT NOT NULL REFERENCES inbox(bus_doc_id),
  dedup_key TEXT NOT NULL UNIQUE, copies INTEGER NOT NULL DEFAULT 1, same_code_other_content INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL CHECK (state IN ('arrived', 'refused', 'accepted', 'assigned', 'in_progress', 'done')),
  from_code TEXT NOT NULL, from_name TEXT NOT NULL, document_code TEXT NOT NULL,
  code_number TEXT NOT NULL, code_notation TEXT NOT NULL, issue_date TEXT NOT NULL, type_name TEXT NOT NULL,
  subject TEXT NOT NULL,
  urgency INTEGER NOT NULL, signer_name TEXT NOT NULL DEFAULT '', signer_position TEXT NOT NULL DEFAULT '',
  reply_due TEXT,
  raw_sha256 TEXT NOT NULL, received_at TEXT NOT NULL, warnings TEXT NOT NULL DEFAULT '[]',
  arrival_number INTEGER, arrival_date TEXT, refusal_reason TEXT NOT NULL DEFAULT '',
  assignee_id TEXT REFERENCES account(id), instruction TEXT NOT NULL DEFAULT '', task_due TEXT,
  result TEXT NOT NULL DEFAULT '',
  updated_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX incoming_number ON incoming(organ_id, substr(arrival_date, 1, 4),
arrival_number) WHERE arrival_number IS NOT NULL;
CREATE INDEX incoming_state ON incoming(organ_id, state);
CREATE TABLE incoming_file (
  incoming_id TEXT NOT NULL REFERENCES incoming(id), position INTEGER NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL, media_type TEXT NOT NULL, scan TEXT NOT NULL DEFAULT '', signatures TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (incoming_id, position)
) STRICT;
CREATE TABLE clock_sample (       -- another clock beside ours
  id INTEGER PRIMARY KEY, source TEXT NOT NULL CHECK (source IN ('bus', 'chrony')),
  boot_id TEXT NOT NULL, monotonic REAL NOT NULL, wall REAL NOT NULL, offset REAL NOT NULL, error REAL NOT NULL
) STRICT;
-- inbox cursor, link state, clock floor, last job failures
CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE audit (              -- nhật ký: each entry carries the hash of the one before
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
