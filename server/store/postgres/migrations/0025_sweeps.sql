-- What has changed of companies and persons, until the members whom it touches are marked.
CREATE TABLE party_change (
    revision bigint NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('company', 'person')),
    external_id text COLLATE "C" NOT NULL,
    -- Before and after, as JSON.
    change text NOT NULL,
    PRIMARY KEY (revision, kind, external_id)
);

-- Connections whose members are to be looked through for those whom a change after this revision touches; those up to
-- `after_user` are done.
CREATE TABLE match_sweep_due (
    connection_id uuid PRIMARY KEY REFERENCES connection (id),
    since_revision bigint NOT NULL,
    after_user text COLLATE "C" NOT NULL,
    done bigint NOT NULL
);
