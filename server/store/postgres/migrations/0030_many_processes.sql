-- What only this engine needs: it serves many processes at once.

-- Grows with every commit, so that a process can tell whether anything has changed. Each server process has a row that it
-- shares with few others, so that commits do not wait for each other.
CREATE TABLE change_marker (
    slot bigint PRIMARY KEY,
    commits bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO change_marker (slot, commits) SELECT slot, 0 FROM generate_series(0, 63) AS slot;

-- The newest migration that a process must know to work on this database. A migration that only adds things leaves it as
-- it is: processes of the version before go on working while others are replaced. One that takes things away raises it to
-- the migration that made them unneeded.
CREATE TABLE schema_floor (
    migration bigint NOT NULL
);
INSERT INTO schema_floor (migration) VALUES (3);

-- The views of one tenant (see the store's views.rs), if they are missing. They belong to the tables' owner: a role that
-- serves the console need not be allowed to make tables. Of two tenants whose ids differ only in what a name cannot hold,
-- the later gets a number.
CREATE FUNCTION make_tenant_views(tenant text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    -- A name has up to 63 characters: the longest of these with a number.
    plain constant text := left(regexp_replace(tenant, '[^A-Za-z0-9]', '_', 'g'), 35);
    middle text := plain;
    number integer := 1;
    suffix text;
BEGIN
    WHILE to_regclass(format('%I', 'community_' || middle || '_user')) IS NOT NULL LOOP
        IF obj_description(to_regclass(format('%I', 'community_' || middle || '_user')), 'pg_class') = tenant THEN
            RETURN;
        END IF;
        number := number + 1;
        middle := plain || '_' || number;
    END LOOP;
    FOREACH suffix IN ARRAY ARRAY['user', 'content', 'activity', 'trend', 'category', 'idea_status'] LOOP
        EXECUTE format('CREATE VIEW %I AS SELECT * FROM %I WHERE tenant_id = %L',
            'community_' || middle || '_' || suffix, 'all_community_' || suffix, tenant);
        EXECUTE format('COMMENT ON VIEW %I IS %L', 'community_' || middle || '_' || suffix, tenant);
    END LOOP;
END $$;
