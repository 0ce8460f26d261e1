CREATE TABLE counter (                -- numbers that readers keep as cursors; the row is locked until the commit
  name TEXT PRIMARY KEY, value INTEGER NOT NULL
) STRICT;
INSERT INTO counter SELECT 'delivery', COALESCE(max(seq), 0) FROM delivery;

ALTER TABLE delivery ADD COLUMN status_rank INTEGER NOT NULL DEFAULT 0;  -- rank of status_code, see statuses.RANK
UPDATE delivery SET status_rank = CASE WHEN status_code IN ('01', '02', '03', '04', '05', '06')
  THEN CAST(status_code AS INTEGER) ELSE 0 END;
CREATE INDEX delivery_waiting ON delivery(organ, state);
