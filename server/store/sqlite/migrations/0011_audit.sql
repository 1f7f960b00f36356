-- Who did what to what, from where. Each row's hash covers the one before, so that a removed or changed row shows.
CREATE TABLE audit_entry (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL CHECK (actor IN ('account', 'operator', 'nobody')),
    -- No reference: an entry outlives the account.
    account_id BLOB,
    origin TEXT,
    deed TEXT NOT NULL,
    -- Kind and id, never a person's name or address.
    target TEXT,
    hash TEXT NOT NULL
) STRICT;

-- Entries up to here may go, since they are older than the trail is kept. The chain goes on from this hash, and an entry
-- of the trail says so.
CREATE TABLE audit_cut (
    number INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;

CREATE TRIGGER audit_entry_is_kept BEFORE DELETE ON audit_entry
WHEN OLD.number > COALESCE((SELECT MAX(number) FROM audit_cut), 0)
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never removed before its time');
END;
