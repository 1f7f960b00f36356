-- Persons who were erased, by hashes that are keyed with a secret of the installation: they name nobody, and keep the next
-- sync from bringing the person back.
CREATE TABLE erasure (
    id BLOB PRIMARY KEY,
    email_hash TEXT NOT NULL,
    erased_at INTEGER NOT NULL
) STRICT;
CREATE INDEX erasure_of_email ON erasure (email_hash, erased_at);

-- The receipt: how much of the person was reached.
CREATE TABLE erasure_count (
    erasure_id BLOB NOT NULL REFERENCES erasure (id),
    connection_id BLOB NOT NULL REFERENCES connection (id),
    users INTEGER NOT NULL,
    content INTEGER NOT NULL,
    activity INTEGER NOT NULL,
    invalid_records INTEGER NOT NULL,
    mentions INTEGER NOT NULL,
    PRIMARY KEY (erasure_id, connection_id)
) STRICT, WITHOUT ROWID;

-- Members who stay out, whatever address they have by now.
CREATE TABLE erased_member (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    member_hash TEXT NOT NULL,
    PRIMARY KEY (connection_id, member_hash)
) STRICT, WITHOUT ROWID;
