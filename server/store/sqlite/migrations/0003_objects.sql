-- Community Trend: how much was posted and viewed on a day. Derived from content and activity, and rebuilt for the days
-- that changed.
CREATE TABLE community_trend (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    -- Days since 1970-01-01, UTC.
    day INTEGER NOT NULL,
    -- 'topic', 'reply', or the type of an activity.
    kind TEXT NOT NULL,
    -- Of content; empty for activity.
    subtype TEXT NOT NULL,
    -- Empty for members without a company.
    company_external_id TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (connection_id, day, kind, subtype, company_external_id)
) STRICT, WITHOUT ROWID;

-- Days whose trends are to be rebuilt.
CREATE TABLE trend_day_due (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    day INTEGER NOT NULL,
    PRIMARY KEY (connection_id, day)
) STRICT, WITHOUT ROWID;

-- The rows of a day.
CREATE INDEX community_content_posted ON community_content (connection_id, posted_at);
CREATE INDEX community_activity_occurred ON community_activity (connection_id, occurred_at);

-- The invalid records of a run, in the order in which they were set aside.
CREATE INDEX invalid_record_in_order ON invalid_record (run_id, id);
