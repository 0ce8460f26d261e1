CREATE TABLE organ (                  -- the province's address book; never deleted from, ended by valid_to
  code TEXT PRIMARY KEY, name TEXT NOT NULL,
  parent TEXT NOT NULL DEFAULT '',    -- code of the organ above, or ''
  valid_from TEXT NOT NULL DEFAULT '', valid_to TEXT NOT NULL DEFAULT '',  -- first and last day, ISO; '' open
  successor TEXT NOT NULL DEFAULT '', -- code of who took over, for an ended organ
  virtual INTEGER NOT NULL DEFAULT 0, -- 1: played on the operator page
  place TEXT NOT NULL DEFAULT '', notation TEXT NOT NULL DEFAULT '',
  signer_name TEXT NOT NULL DEFAULT '', signer_position TEXT NOT NULL DEFAULT '',
  configured TEXT NOT NULL DEFAULT '',-- JSON of what a configuration file last said, so that only its news is taken
  changed INTEGER NOT NULL            -- from counter 'organ': what boxes keep as the directory's cursor
) STRICT;
CREATE UNIQUE INDEX organ_changed ON organ(changed);

CREATE TABLE organ_code (             -- every code an organ has or had
  code TEXT PRIMARY KEY, organ TEXT NOT NULL, current INTEGER NOT NULL
) STRICT;
CREATE INDEX organ_code_organ ON organ_code(organ);

CREATE TABLE report (                 -- statistics that organs hand in (article 17); append only, the newest is in force
  number INTEGER PRIMARY KEY, organ TEXT NOT NULL, month TEXT NOT NULL,  -- month '2026-11'
  content TEXT NOT NULL, received_at TEXT NOT NULL
) STRICT;
CREATE INDEX report_organ ON report(organ, month, number);
