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

-- Whoever writes a row that trends count marks its day, in the same transaction: a run, an import, a deletion. A day is
-- rounded down, before 1970 too.
CREATE TRIGGER community_content_added AFTER INSERT ON community_content
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.posted_at - (NEW.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER community_content_changed AFTER UPDATE ON community_content
WHEN OLD.posted_at <> NEW.posted_at OR OLD.subtype <> NEW.subtype OR OLD.trashed <> NEW.trashed
        OR OLD.deleted_at IS NOT NEW.deleted_at
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.posted_at - (OLD.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.posted_at - (NEW.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER community_content_removed AFTER DELETE ON community_content
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.posted_at - (OLD.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER community_activity_added AFTER INSERT ON community_activity
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.occurred_at - (NEW.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER community_activity_changed AFTER UPDATE ON community_activity
WHEN OLD.occurred_at <> NEW.occurred_at OR OLD.activity_type <> NEW.activity_type
        OR OLD.deleted_at IS NOT NEW.deleted_at
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.occurred_at - (OLD.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.occurred_at - (NEW.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER community_activity_removed AFTER DELETE ON community_activity
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.occurred_at - (OLD.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;

-- What is stored already.
INSERT INTO trend_day_due (connection_id, day)
SELECT connection_id, (posted_at - (posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000 FROM community_content
UNION
SELECT connection_id, (occurred_at - (occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000 FROM community_activity;

-- The invalid records of a run, in the order in which they were set aside.
CREATE INDEX invalid_record_in_order ON invalid_record (run_id, id);
