-- Community Trend: how much was posted and viewed on a day. Derived from content and activity, and rebuilt for the days
-- that changed.
CREATE TABLE community_trend (
    connection_id uuid NOT NULL REFERENCES connection (id),
    -- Days since 1970-01-01, UTC.
    day bigint NOT NULL,
    -- 'topic', 'reply', or the type of an activity.
    kind text COLLATE "C" NOT NULL,
    -- Of content; empty for activity.
    subtype text COLLATE "C" NOT NULL,
    -- Empty for members without a company.
    company_external_id text COLLATE "C" NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (connection_id, day, kind, subtype, company_external_id)
);

-- Days whose trends are to be rebuilt.
CREATE TABLE trend_day_due (
    connection_id uuid NOT NULL REFERENCES connection (id),
    day bigint NOT NULL,
    PRIMARY KEY (connection_id, day)
);

-- The rows of a day.
CREATE INDEX community_content_posted ON community_content (connection_id, posted_at);
CREATE INDEX community_activity_occurred ON community_activity (connection_id, occurred_at);

-- The day of a time, rounded down, before 1970 too.
CREATE FUNCTION day_of(at bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000;

-- Whoever writes rows that trends count marks their days, in the same transaction: a run, an import, a deletion. A mark
-- that is there already is written again, which makes whoever counts the day wait for this transaction: else a rebuild
-- could take the mark away and not have counted the row. In the order of days, so that two of them never wait for each
-- other.
CREATE FUNCTION mark_content_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(posted_at) AS day FROM added ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(at) AS day
    FROM before JOIN after USING (connection_id, kind, public_id)
    CROSS JOIN LATERAL (VALUES (before.posted_at), (after.posted_at)) AS times (at)
    WHERE before.posted_at <> after.posted_at OR before.subtype <> after.subtype OR before.trashed <> after.trashed
        OR before.deleted_at IS DISTINCT FROM after.deleted_at
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_content_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(posted_at) AS day FROM removed ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE TRIGGER community_content_added AFTER INSERT ON community_content
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_content_added();
CREATE TRIGGER community_content_changed AFTER UPDATE ON community_content
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION mark_content_changed();
CREATE TRIGGER community_content_removed AFTER DELETE ON community_content
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION mark_content_removed();

CREATE FUNCTION mark_activity_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(occurred_at) AS day FROM added ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_activity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(at) AS day
    FROM before JOIN after USING (connection_id, event_id)
    CROSS JOIN LATERAL (VALUES (before.occurred_at), (after.occurred_at)) AS times (at)
    WHERE before.occurred_at <> after.occurred_at OR before.activity_type <> after.activity_type
        OR before.deleted_at IS DISTINCT FROM after.deleted_at
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_activity_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(occurred_at) AS day FROM removed ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE TRIGGER community_activity_added AFTER INSERT ON community_activity
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_activity_added();
CREATE TRIGGER community_activity_changed AFTER UPDATE ON community_activity
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION mark_activity_changed();
CREATE TRIGGER community_activity_removed AFTER DELETE ON community_activity
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION mark_activity_removed();

-- What is stored already.
INSERT INTO trend_day_due (connection_id, day)
SELECT connection_id, day_of(posted_at) FROM community_content
UNION
SELECT connection_id, day_of(occurred_at) FROM community_activity;

-- The invalid records of a run, in the order in which they were set aside.
CREATE INDEX invalid_record_in_order ON invalid_record (run_id, id);
