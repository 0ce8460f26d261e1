-- What the ladder, the statistics and a document's proof look rows up by, after years of documents.
CREATE INDEX message_outgoing ON message(outgoing_id) WHERE outgoing_id IS NOT NULL;
CREATE INDEX message_incoming ON message(incoming_id) WHERE incoming_id IS NOT NULL;
CREATE INDEX status_in_outgoing ON status_in(outgoing_id);
CREATE INDEX outgoing_issued ON outgoing(organ_id, issued_at);
CREATE INDEX incoming_received ON incoming(organ_id, received_at);
CREATE INDEX audit_subject ON audit(subject);
