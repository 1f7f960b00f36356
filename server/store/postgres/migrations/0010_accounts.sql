CREATE TABLE account (
    id uuid PRIMARY KEY,
    -- Trimmed and in lower case.
    email text COLLATE "C" NOT NULL UNIQUE,
    role text COLLATE "C" NOT NULL CHECK (role IN ('admin', 'csm')),
    -- As argon2 writes it (PHC string); none until the person has set one.
    password_hash text COLLATE "C",
    disabled_at bigint,
    created_at bigint NOT NULL
);

-- One-time links, by a hash of their token. The one without an account makes the first.
CREATE TABLE set_up_link (
    token_hash text COLLATE "C" PRIMARY KEY,
    account_id uuid REFERENCES account (id),
    expires_at bigint NOT NULL
);

-- Sessions under way, by a hash of their token.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    token_hash text COLLATE "C" NOT NULL UNIQUE,
    account_id uuid NOT NULL REFERENCES account (id),
    began_at bigint NOT NULL,
    -- When the password was last given.
    confirmed_at bigint NOT NULL,
    -- To the minute.
    last_seen_at bigint NOT NULL,
    address text COLLATE "C" NOT NULL,
    browser text COLLATE "C" NOT NULL
);
CREATE INDEX session_of_account ON session (account_id, began_at);

-- Browsers in which someone has logged in before, by a hash of their token: an attack on the account from elsewhere
-- does not keep the person waiting in these.
CREATE TABLE known_device (
    token_hash text COLLATE "C" PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account (id),
    last_seen_at bigint NOT NULL
);
CREATE INDEX known_device_of_account ON known_device (account_id, last_seen_at);

-- Tries to log in since the last success, by what they have in common (hashed).
CREATE TABLE log_in_try (
    bucket text COLLATE "C" PRIMARY KEY,
    tries bigint NOT NULL,
    last_at bigint NOT NULL,
    blocked_until bigint NOT NULL
);
CREATE INDEX log_in_try_by_time ON log_in_try (last_at);
