-- What an admin handed on: members without a company, with the rules that had decided of them.
CREATE TABLE ticket (
    number INTEGER PRIMARY KEY,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    rule_version INTEGER NOT NULL,
    -- Which members were chosen, in words.
    selection TEXT NOT NULL
) STRICT;

-- A member of a ticket, with the cause as it was then.
CREATE TABLE ticket_member (
    ticket_number INTEGER NOT NULL REFERENCES ticket (number),
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    why_not TEXT NOT NULL,
    domain TEXT,
    rule TEXT,
    PRIMARY KEY (ticket_number, connection_id, community_user_id)
) STRICT, WITHOUT ROWID;
-- A member's tickets.
CREATE INDEX ticket_member_of_member ON ticket_member (connection_id, community_user_id);

CREATE TRIGGER community_user_removed_from_tickets AFTER DELETE ON community_user
BEGIN
    DELETE FROM ticket_member
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
END;
