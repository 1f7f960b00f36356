CREATE TABLE account (
    id BLOB PRIMARY KEY,
    -- Trimmed and in lower case.
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'csm')),
    -- As argon2 writes it (PHC string); none until the person has set one.
    password_hash TEXT,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

-- One-time links, by a hash of their token. The one without an account makes the first.
CREATE TABLE set_up_link (
    token_hash TEXT PRIMARY KEY,
    account_id BLOB REFERENCES account (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sessions under way, by a hash of their token.
CREATE TABLE session (
    id BLOB PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    account_id BLOB NOT NULL REFERENCES account (id),
    began_at INTEGER NOT NULL,
    -- When the password was last given.
    confirmed_at INTEGER NOT NULL,
    -- To the minute.
    last_seen_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL
) STRICT;
CREATE INDEX session_of_account ON session (account_id, began_at);

-- Browsers in which someone has logged in before, by a hash of their token: an attack on the account from elsewhere
-- does not keep the person waiting in these.
CREATE TABLE known_device (
    token_hash TEXT PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES account (id),
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX known_device_of_account ON known_device (account_id, last_seen_at);

-- Tries to log in since the last success, by what they have in common (hashed).
CREATE TABLE log_in_try (
    bucket TEXT PRIMARY KEY,
    tries INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX log_in_try_by_time ON log_in_try (last_at);
