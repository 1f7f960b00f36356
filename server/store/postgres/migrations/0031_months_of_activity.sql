-- Makes the table of a month's activity, by any of its moments, if it is missing; what the table of all others holds of it
-- goes there. False if it can be no month of activity: no community platform is older than 2007, and what lies ahead is a
-- mistake of somebody's clock; neither must make a table each. It belongs to the tables' owner, as the views do.
CREATE FUNCTION make_activity_month(at bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first constant timestamp := date_trunc('month', timestamp 'epoch' + at * interval '1 microsecond');
    name constant text := 'community_activity_' || to_char(first, 'YYYY_MM');
    since constant bigint := extract(epoch FROM first)::bigint * 1000000;
    until constant bigint := extract(epoch FROM first + interval '1 month')::bigint * 1000000;
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN true;
    END IF;
    IF first < timestamp '2007-01-01' OR first > timezone('UTC', now()) + interval '2 days' THEN
        RETURN false;
    END IF;
    -- One at a time, and nobody writes to the table of all others meanwhile.
    LOCK TABLE community_activity_other IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN true;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE community_activity INCLUDING ALL)', name);
    EXECUTE format('WITH moved AS (DELETE FROM community_activity_other WHERE occurred_at >= %s AND occurred_at < %s RETURNING *)
        INSERT INTO %I SELECT * FROM moved', since, until, name);
    EXECUTE format('ALTER TABLE community_activity ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, since, until);
    RETURN true;
END $$;

-- Drops the months that lie before a time, whole, and says how many rows they had: without looking at each of them but to
-- count them by connection and to mark their days.
CREATE FUNCTION drop_activity_months(before bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    month text;
    first timestamp;
    dropped bigint := 0;
    rows bigint;
BEGIN
    FOR month IN SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid
            WHERE inhparent = 'community_activity'::regclass AND relname ~ '^community_activity_[0-9]{4}_[0-9]{2}$'
            ORDER BY relname LOOP
        first := to_date(right(month, 7), 'YYYY_MM')::timestamp;
        CONTINUE WHEN extract(epoch FROM first + interval '1 month')::bigint * 1000000 > before;
        -- Whoever writes activity has ended, and nobody begins.
        LOCK TABLE community_activity IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('UPDATE object_count SET stored = stored - gone.standing
            FROM (SELECT connection_id, COUNT(*) AS standing FROM %I WHERE deleted_at IS NULL GROUP BY connection_id) AS gone
            WHERE object_count.connection_id = gone.connection_id AND stream = %L', month, 'activity');
        EXECUTE format('INSERT INTO trend_day_due (connection_id, day)
            SELECT DISTINCT connection_id, day_of(occurred_at) AS day FROM %I ORDER BY connection_id, day
            ON CONFLICT (connection_id, day) DO UPDATE SET day = excluded.day', month);
        EXECUTE format('SELECT COUNT(*) FROM %I', month) INTO rows;
        EXECUTE format('DROP TABLE %I', month);
        dropped := dropped + rows;
    END LOOP;
    RETURN dropped;
END $$;
