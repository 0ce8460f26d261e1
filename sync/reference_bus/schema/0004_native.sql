ALTER TABLE delivery ADD COLUMN word TEXT NOT NULL DEFAULT '';      -- the receiving box's signed word (R2), its exact bytes
ALTER TABLE delivery ADD COLUMN changed INTEGER NOT NULL DEFAULT 0; -- from counter 'change': what senders wait for
CREATE INDEX delivery_changed ON delivery(changed);
