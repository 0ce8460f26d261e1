-- The box's own signed word that it holds a package (R2), as it was given to the bus or put on the stick: exact bytes
-- (JWS) in the blobs. NULL where the link keeps no signatures or the package could not be read.
ALTER TABLE inbox ADD COLUMN ack_sha256 TEXT;
