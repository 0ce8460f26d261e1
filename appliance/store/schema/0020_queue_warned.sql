ALTER TABLE message ADD COLUMN warned TEXT NOT NULL DEFAULT '';     -- article 10.2: people were told '', 'amber', 'red', 'overdue'
ALTER TABLE inbox ADD COLUMN to_code TEXT NOT NULL DEFAULT '';      -- the organ the bus named; to read it again
