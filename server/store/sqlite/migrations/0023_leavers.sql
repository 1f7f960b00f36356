-- Since when a person is inactive, so that it can be said since when their member has left. NULL while they are active.
ALTER TABLE person ADD COLUMN inactive_since INTEGER;
-- When they became so was not kept; their last import is as near as it can be told.
UPDATE person SET inactive_since = changed_at WHERE active = 0;

-- Addresses that mail came back from.
CREATE TABLE email_bounce (
    -- Trimmed and in lower case.
    email TEXT PRIMARY KEY,
    -- When mail first came back.
    bounced_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A rule or an admin.
ALTER TABLE member_left ADD COLUMN because TEXT NOT NULL DEFAULT 'by_hand'
    CHECK (because IN ('by_hand', 'person_inactive', 'email_bounced'));

-- Members of whom an admin said that they are still with their company, whatever the rules say.
CREATE TABLE member_stays (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, community_user_id)
) STRICT, WITHOUT ROWID;

-- Times at which a member had left, and came back.
CREATE TABLE member_left_history (
    id INTEGER PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    because TEXT NOT NULL,
    reason TEXT NOT NULL,
    left_by TEXT NOT NULL,
    left_at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX member_left_history_of_member ON member_left_history (connection_id, community_user_id, id);

CREATE TRIGGER community_user_removed_from_leavers AFTER DELETE ON community_user
BEGIN
    DELETE FROM member_stays
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
    DELETE FROM member_left_history
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
END;
