-- What came of posting tickets to the operator's webhook.
CREATE TABLE ticket_post (
    id INTEGER PRIMARY KEY,
    ticket_number INTEGER NOT NULL REFERENCES ticket (number),
    posted_by TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    -- Of the answer; NULL if none came.
    status INTEGER,
    -- Why it was not taken; NULL if it was.
    cause TEXT,
    owner TEXT,
    next_action TEXT,
    CHECK ((cause IS NULL) = (owner IS NULL) AND (cause IS NULL) = (next_action IS NULL))
) STRICT;
-- A ticket's posts.
CREATE INDEX ticket_post_of_ticket ON ticket_post (ticket_number, id);

-- What a change of the rules did to members, apart from the reason that was given for it. Only the console changed rules as
-- "an admin", and it kept the effect in the place of the reason.
ALTER TABLE rule_set_use ADD COLUMN effect TEXT;
UPDATE rule_set_use SET effect = why, why = NULL WHERE used_by = 'an admin';
