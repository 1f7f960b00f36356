-- What has changed of companies and persons, until the members whom it touches are marked.
CREATE TABLE party_change (
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'person')),
    external_id TEXT NOT NULL,
    -- Before and after, as JSON.
    change TEXT NOT NULL,
    PRIMARY KEY (revision, kind, external_id)
) STRICT, WITHOUT ROWID;

-- Connections whose members are to be looked through for those whom a change after this revision touches; those up to
-- `after_user` are done.
CREATE TABLE match_sweep_due (
    connection_id BLOB PRIMARY KEY REFERENCES connection (id),
    since_revision INTEGER NOT NULL,
    after_user TEXT NOT NULL,
    done INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
