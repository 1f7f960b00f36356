-- Persons who were erased, by hashes that are keyed with a secret of the installation: they name nobody, and keep the next
-- sync from bringing the person back.
CREATE TABLE erasure (
    id uuid PRIMARY KEY,
    email_hash text COLLATE "C" NOT NULL,
    erased_at bigint NOT NULL
);
CREATE INDEX erasure_of_email ON erasure (email_hash, erased_at);

-- The receipt: how much of the person was reached.
CREATE TABLE erasure_count (
    erasure_id uuid NOT NULL REFERENCES erasure (id),
    connection_id uuid NOT NULL REFERENCES connection (id),
    users bigint NOT NULL,
    content bigint NOT NULL,
    activity bigint NOT NULL,
    invalid_records bigint NOT NULL,
    mentions bigint NOT NULL,
    PRIMARY KEY (erasure_id, connection_id)
);

-- Members who stay out, whatever address they have by now.
CREATE TABLE erased_member (
    connection_id uuid NOT NULL REFERENCES connection (id),
    member_hash text COLLATE "C" NOT NULL,
    PRIMARY KEY (connection_id, member_hash)
);
