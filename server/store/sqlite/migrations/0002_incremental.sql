-- How far the data of a connection is known: the greatest activity time that its successful runs have seen.
CREATE TABLE watermark (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    stream TEXT NOT NULL CHECK (stream IN ('users', 'topics', 'activity')),
    active_until INTEGER NOT NULL,
    PRIMARY KEY (connection_id, stream)
) STRICT, WITHOUT ROWID;

-- The watermark that an incremental run started from, which fixes what it reads, and the greatest activity time that it
-- has seen itself.
ALTER TABLE run_stream ADD COLUMN watermark_before INTEGER;
ALTER TABLE run_stream ADD COLUMN watermark INTEGER;

-- The replies of all topics are read again.
ALTER TABLE run ADD COLUMN all_replies INTEGER NOT NULL DEFAULT 0 CHECK (all_replies IN (0, 1));

-- The full pass that a run belongs to: its own, or that of the failed run which it goes on from.
ALTER TABLE run ADD COLUMN pass_id BLOB;
-- The pass that last read a topic's replies to their end.
ALTER TABLE community_content ADD COLUMN replies_read_pass BLOB;
-- Replies go with their topic.
CREATE INDEX community_content_of_topic ON community_content (connection_id, topic_public_id) WHERE kind = 'reply';
