-- What programs show to be let in, by a hash of it.
CREATE TABLE api_token (
    id uuid PRIMARY KEY,
    token_hash text COLLATE "C" NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    -- Names in JSON. One that a process does not know it has nothing for.
    scopes text COLLATE "C" NOT NULL,
    -- None if an operator made it with a command.
    made_by uuid REFERENCES account (id),
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    -- To the minute.
    last_used_at bigint,
    revoked_at bigint
);

-- Programs do things, too.
ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_actor_check;
ALTER TABLE audit_entry
    ADD CONSTRAINT audit_entry_actor_check CHECK (actor IN ('account', 'operator', 'token', 'nobody'));
-- No reference: an entry outlives the token.
ALTER TABLE audit_entry ADD COLUMN token_id uuid;
