-- Organs that an account entered into the directory itself (VXP registerAgency); it speaks for them.
CREATE TABLE registered (
  code TEXT PRIMARY KEY,
  system_id TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
