-- Trends count what members of a company did for the company: as long as the member is tied to it, and up to the time at which
-- they left it.

-- What a member wrote and did, by time: the days that are due when their company is another one, and a company's figures.
CREATE INDEX community_content_of_author ON community_content (connection_id, author_user_id, posted_at)
    WHERE author_user_id IS NOT NULL;
CREATE INDEX community_activity_of_user ON community_activity (connection_id, user_id, occurred_at)
    WHERE user_id IS NOT NULL;
-- A company's trends.
CREATE INDEX community_trend_of_company ON community_trend (company_external_id, day) WHERE company_external_id <> '';

-- Whoever wrote or did it is another one.
CREATE OR REPLACE FUNCTION mark_content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(at) AS day
    FROM before JOIN after USING (connection_id, kind, public_id)
    CROSS JOIN LATERAL (VALUES (before.posted_at), (after.posted_at)) AS times (at)
    WHERE before.posted_at <> after.posted_at OR before.subtype <> after.subtype OR before.trashed <> after.trashed
        OR before.deleted_at IS DISTINCT FROM after.deleted_at
        OR before.author_user_id IS DISTINCT FROM after.author_user_id
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION mark_activity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT DISTINCT connection_id, day_of(at) AS day
    FROM before JOIN after USING (connection_id, event_id)
    CROSS JOIN LATERAL (VALUES (before.occurred_at), (after.occurred_at)) AS times (at)
    WHERE before.occurred_at <> after.occurred_at OR before.activity_type <> after.activity_type
        OR before.deleted_at IS DISTINCT FROM after.deleted_at OR before.user_id IS DISTINCT FROM after.user_id
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;

-- Whoever ties members to other companies marks the days of what they wrote and did, in the same transaction. From the time on
-- at which a member left or is back, their company does not count or counts what they did. In the order of days, as others do.
CREATE FUNCTION mark_days_of_matched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, (-9223372036854775808)::bigint AS since FROM added
        WHERE company_external_id IS NOT NULL)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_days_of_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, (-9223372036854775808)::bigint AS since
        FROM before JOIN after USING (connection_id, community_user_id)
        WHERE before.company_external_id IS DISTINCT FROM after.company_external_id)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_days_of_unmatched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, (-9223372036854775808)::bigint AS since FROM removed
        WHERE company_external_id IS NOT NULL)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_days_of_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, left_at AS since FROM added)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_days_of_left_at_another_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, LEAST(before.left_at, after.left_at) AS since
        FROM before JOIN after USING (connection_id, community_user_id)
        WHERE before.left_at <> after.left_at)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_days_of_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    WITH members AS MATERIALIZED (
        SELECT connection_id, community_user_id, left_at AS since FROM removed)
    SELECT connection_id, day_of(posted_at) AS day FROM members JOIN community_content AS object
        USING (connection_id) WHERE object.author_user_id = members.community_user_id AND posted_at >= since
    UNION
    SELECT connection_id, day_of(occurred_at) FROM members JOIN community_activity AS object
        USING (connection_id) WHERE object.user_id = members.community_user_id AND occurred_at >= since
    ORDER BY connection_id, day
    ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day;
    RETURN NULL;
END $$;
CREATE TRIGGER member_match_added AFTER INSERT ON member_match
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_matched();
CREATE TRIGGER member_match_changed AFTER UPDATE ON member_match
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_moved();
CREATE TRIGGER member_match_removed AFTER DELETE ON member_match
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_unmatched();
CREATE TRIGGER member_left_added AFTER INSERT ON member_left
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_left();
CREATE TRIGGER member_left_changed AFTER UPDATE ON member_left
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_left_at_another_time();
CREATE TRIGGER member_left_removed AFTER DELETE ON member_left
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION mark_days_of_back();

-- Until now nothing was counted for a company.
INSERT INTO trend_day_due (connection_id, day) SELECT DISTINCT connection_id, day FROM community_trend
ON CONFLICT DO NOTHING;
