-- Groups of receivers (nhóm nơi nhận) that an office writes to again and again.
CREATE TABLE recipient_group (
  id TEXT PRIMARY KEY, organ_id TEXT NOT NULL REFERENCES organ(id), name TEXT NOT NULL, UNIQUE (organ_id, name)
) STRICT;
CREATE TABLE recipient_group_member (
  group_id TEXT NOT NULL REFERENCES recipient_group(id) ON DELETE CASCADE,
  organ_id TEXT NOT NULL REFERENCES organ(id), PRIMARY KEY (group_id, organ_id)
) STRICT;
