-- Times are microseconds since 1970-01-01 UTC; ids of our own are UUIDs as 16 bytes.

CREATE TABLE connection (
    id BLOB PRIMARY KEY,
    tenant_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    base_url TEXT NOT NULL,
    -- Host and port of the base URL.
    base_authority TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- Sealed by the installation's key; never in clear.
    sealed_secret TEXT NOT NULL,
    activity_source TEXT CHECK (activity_source IN ('api', 'import', 'none')),
    deactivated_at INTEGER,
    created_at INTEGER NOT NULL,
    -- The credentials choose the tenant: the same ones twice would read one tenant twice.
    CONSTRAINT connection_client UNIQUE (base_authority, client_id)
) STRICT;

CREATE TABLE run (
    id BLOB PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES connection (id),
    trigger_kind TEXT NOT NULL CHECK (trigger_kind IN ('scheduled', 'manual')),
    resumed_from BLOB REFERENCES run (id),
    mode TEXT NOT NULL CHECK (mode IN ('incremental', 'full')),
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'completed', 'completed_with_invalid', 'failed', 'cancelled')),
    stage TEXT,
    cause_code TEXT,
    cause_message TEXT,
    cause_next_action TEXT,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    requests INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Grows with every claim; a write that carries an older one is refused.
    fencing_token INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_expires_at INTEGER,
    stop_requested INTEGER NOT NULL DEFAULT 0 CHECK (stop_requested IN (0, 1)),
    -- Where to go on, in the engine's own form.
    checkpoint TEXT,
    matched INTEGER NOT NULL DEFAULT 0,
    unmatched INTEGER NOT NULL DEFAULT 0,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    internal INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'failed') = (cause_code IS NOT NULL)),
    CHECK ((state = 'running') = (lease_expires_at IS NOT NULL)),
    CHECK ((state IN ('queued', 'running')) = (finished_at IS NULL))
) STRICT;

-- One run per connection at a time.
CREATE UNIQUE INDEX run_under_way ON run (connection_id) WHERE state IN ('queued', 'running');
-- The queue, longest waiting first.
CREATE INDEX run_queue ON run (queued_at) WHERE state IN ('queued', 'running');
-- Activity Logs, of one connection and of all.
CREATE INDEX run_of_connection ON run (connection_id, queued_at);
CREATE INDEX run_by_time ON run (queued_at);

-- The ledger: every record that the provider served is in exactly one column.
CREATE TABLE run_stream (
    run_id BLOB NOT NULL REFERENCES run (id),
    stream TEXT NOT NULL
        CHECK (stream IN ('idea_statuses', 'categories', 'users', 'topics', 'replies', 'activity')),
    found INTEGER NOT NULL DEFAULT 0 CHECK (found >= 0),
    new INTEGER NOT NULL DEFAULT 0 CHECK (new >= 0),
    updated INTEGER NOT NULL DEFAULT 0 CHECK (updated >= 0),
    unchanged INTEGER NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
    invalid INTEGER NOT NULL DEFAULT 0 CHECK (invalid >= 0),
    repeated INTEGER NOT NULL DEFAULT 0 CHECK (repeated >= 0),
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted >= 0),
    late INTEGER NOT NULL DEFAULT 0 CHECK (late >= 0),
    refused INTEGER NOT NULL DEFAULT 0 CHECK (refused >= 0),
    pages INTEGER NOT NULL DEFAULT 0 CHECK (pages >= 0),
    source TEXT NOT NULL DEFAULT 'api' CHECK (source IN ('api', 'import', 'none')),
    started_at INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (run_id, stream),
    CONSTRAINT ledger_balances CHECK (found = new + updated + unchanged + invalid + repeated)
) STRICT, WITHOUT ROWID;

-- One row a commit while a run is under way: a second book for `found`, and the keys that the run has seen.
CREATE TABLE run_page (
    id INTEGER PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES run (id),
    stream TEXT NOT NULL,
    found INTEGER NOT NULL,
    seen BLOB NOT NULL
) STRICT;
CREATE INDEX run_page_of_stream ON run_page (run_id, stream);

CREATE TABLE invalid_record (
    id INTEGER PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES run (id),
    stream TEXT NOT NULL,
    reason TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    -- The record as the provider served it, private fields dropped.
    payload TEXT NOT NULL
) STRICT;
CREATE INDEX invalid_record_of_run ON invalid_record (run_id, stream, reason);

-- Rows stored per object, deleted ones left out, kept in the transaction that changes them.
CREATE TABLE object_count (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    stream TEXT NOT NULL,
    stored INTEGER NOT NULL CHECK (stored >= 0),
    PRIMARY KEY (connection_id, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE community_idea_status (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    idea_status_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status_type TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    display_order INTEGER NOT NULL,
    text_color TEXT,
    background_color TEXT,
    content_hash BLOB NOT NULL,
    first_seen_run BLOB NOT NULL,
    changed_run BLOB NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (connection_id, idea_status_id)
) STRICT;

CREATE TABLE community_category (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    category_id TEXT NOT NULL,
    name TEXT NOT NULL,
    display_order INTEGER NOT NULL,
    parent_id TEXT,
    is_section INTEGER NOT NULL,
    module TEXT,
    supported_content_types TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    first_seen_run BLOB NOT NULL,
    changed_run BLOB NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (connection_id, category_id)
) STRICT;

CREATE TABLE community_user (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    company_custom TEXT,
    department TEXT,
    title TEXT,
    sso_id TEXT,
    profile_picture TEXT,
    rank_id TEXT,
    rank_name TEXT,
    is_moderator INTEGER NOT NULL,
    roles TEXT NOT NULL,
    badges TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    last_activity_at INTEGER,
    last_visit_at INTEGER,
    posts INTEGER NOT NULL,
    topics INTEGER NOT NULL,
    solved INTEGER NOT NULL,
    likes_received INTEGER NOT NULL,
    likes_given INTEGER NOT NULL,
    profile_fields TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    first_seen_run BLOB NOT NULL,
    changed_run BLOB NOT NULL,
    deleted_at INTEGER,
    match_status TEXT NOT NULL DEFAULT 'unmatched'
        CHECK (match_status IN ('matched', 'unmatched', 'ambiguous', 'internal')),
    PRIMARY KEY (connection_id, community_user_id)
) STRICT;
-- How a connection's members stand to companies, counted at the end of each run.
CREATE INDEX community_user_match ON community_user (connection_id, match_status) WHERE deleted_at IS NULL;

-- Topics and replies. A topic and a reply may share a public id.
CREATE TABLE community_content (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    kind TEXT NOT NULL CHECK (kind IN ('topic', 'reply')),
    public_id TEXT NOT NULL,
    private_id TEXT NOT NULL,
    subtype TEXT NOT NULL CHECK (subtype IN ('article', 'discussion', 'idea', 'product_update', 'question')),
    topic_public_id TEXT,
    title TEXT,
    category_id TEXT,
    category_name TEXT,
    idea_status TEXT,
    author_user_id TEXT,
    author_username TEXT,
    posted_at INTEGER NOT NULL,
    published_at INTEGER,
    last_activity_at INTEGER,
    reply_count INTEGER NOT NULL,
    likes INTEGER NOT NULL,
    votes INTEGER NOT NULL,
    is_answer INTEGER NOT NULL,
    highlighted INTEGER NOT NULL,
    sticky INTEGER NOT NULL,
    trashed INTEGER NOT NULL,
    moderation_label TEXT,
    tags TEXT NOT NULL,
    permalink TEXT,
    content_hash BLOB NOT NULL,
    first_seen_run BLOB NOT NULL,
    changed_run BLOB NOT NULL,
    deleted_at INTEGER,
    -- A topic whose replies are to be read.
    replies_due INTEGER NOT NULL DEFAULT 0 CHECK (replies_due IN (0, 1)),
    PRIMARY KEY (connection_id, kind, public_id)
) STRICT;
CREATE INDEX community_content_replies_due ON community_content (connection_id, public_id) WHERE replies_due = 1;

CREATE TABLE community_activity (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    event_id TEXT NOT NULL,
    activity_type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    user_id TEXT,
    content_public_id TEXT,
    content_hash BLOB NOT NULL,
    first_seen_run BLOB NOT NULL,
    changed_run BLOB NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (connection_id, event_id)
) STRICT;
