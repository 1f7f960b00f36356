-- Who did what to what, from where. Each row's hash covers the one before, so that a removed or changed row shows.
CREATE TABLE audit_entry (
    number bigint PRIMARY KEY,
    at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL CHECK (actor IN ('account', 'operator', 'nobody')),
    -- No reference: an entry outlives the account.
    account_id uuid,
    origin text COLLATE "C",
    deed text COLLATE "C" NOT NULL,
    -- Kind and id, never a person's name or address.
    target text COLLATE "C",
    hash text COLLATE "C" NOT NULL
);

-- Entries up to here may go, since they are older than the trail is kept. The chain goes on from this hash, and an entry
-- of the trail says so.
CREATE TABLE audit_cut (
    number bigint PRIMARY KEY,
    hash text COLLATE "C" NOT NULL
);

CREATE FUNCTION keep_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.number <= COALESCE((SELECT MAX(number) FROM audit_cut), 0) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an audit entry is never changed, nor removed before its time';
END
$$;
CREATE TRIGGER audit_entry_is_kept BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION keep_audit_entry();
CREATE FUNCTION keep_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is never emptied';
END
$$;
CREATE TRIGGER audit_trail_is_kept BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_trail();
