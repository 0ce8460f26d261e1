-- What the link asks in every round, found without reading through what the years have piled up.
CREATE INDEX inbox_unacknowledged ON inbox(seq) WHERE acked_at IS NULL;
CREATE INDEX inbox_quarantined ON inbox(received_at) WHERE state = 'quarantined';
CREATE INDEX inbox_message ON inbox(message_id);
CREATE INDEX inbox_bytes ON inbox(sha256);
CREATE INDEX incoming_entry ON incoming(bus_doc_id);
CREATE INDEX incoming_document ON incoming(document_code);
CREATE INDEX incoming_file_unscanned ON incoming_file(incoming_id, position) WHERE scan = '';
