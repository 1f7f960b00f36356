-- What programs show to be let in, by a hash of it.
CREATE TABLE api_token (
    id BLOB PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Names in JSON. One that a process does not know it has nothing for.
    scopes TEXT NOT NULL,
    -- None if an operator made it with a command.
    made_by BLOB REFERENCES account (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- To the minute.
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- Programs do things, too. A CHECK cannot be changed, so the trail moves as it is.
CREATE TABLE audit_entry_of_programs (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL CHECK (actor IN ('account', 'operator', 'token', 'nobody')),
    -- No reference: an entry outlives the account.
    account_id BLOB,
    origin TEXT,
    deed TEXT NOT NULL,
    -- Kind and id, never a person's name or address.
    target TEXT,
    hash TEXT NOT NULL,
    -- No reference: an entry outlives the token.
    token_id BLOB
) STRICT;
INSERT INTO audit_entry_of_programs (number, at, actor, account_id, origin, deed, target, hash)
    SELECT number, at, actor, account_id, origin, deed, target, hash FROM audit_entry;
DROP TABLE audit_entry;
ALTER TABLE audit_entry_of_programs RENAME TO audit_entry;

CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;

CREATE TRIGGER audit_entry_is_kept BEFORE DELETE ON audit_entry
WHEN OLD.number > COALESCE((SELECT MAX(number) FROM audit_cut), 0)
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never removed before its time');
END;
