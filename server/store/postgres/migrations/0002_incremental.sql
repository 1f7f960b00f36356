-- How far the data of a connection is known: the greatest activity time that its successful runs have seen.
CREATE TABLE watermark (
    connection_id uuid NOT NULL REFERENCES connection (id),
    stream text COLLATE "C" NOT NULL CHECK (stream IN ('users', 'topics', 'activity')),
    active_until bigint NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

-- The watermark that an incremental run started from, which fixes what it reads, and the greatest activity time that it
-- has seen itself.
ALTER TABLE run_stream ADD COLUMN watermark_before bigint;
ALTER TABLE run_stream ADD COLUMN watermark bigint;

-- The replies of all topics are read again.
ALTER TABLE run ADD COLUMN all_replies boolean NOT NULL DEFAULT false;

-- The full pass that a run belongs to: its own, or that of the failed run which it goes on from.
ALTER TABLE run ADD COLUMN pass_id uuid;
-- The pass that last read a topic's replies to their end.
ALTER TABLE community_content ADD COLUMN replies_read_pass uuid;
-- Replies go with their topic.
CREATE INDEX community_content_of_topic ON community_content (connection_id, topic_public_id) WHERE kind = 'reply';
