-- Companies and persons of the customer-success database, as they were imported.
CREATE TABLE company (
    external_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- As they were given, as a list.
    domains TEXT NOT NULL,
    -- May name a company that is not imported yet.
    parent_external_id TEXT,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The companies below another.
CREATE INDEX company_of_parent ON company (parent_external_id) WHERE parent_external_id IS NOT NULL;

CREATE TABLE person (
    external_id TEXT PRIMARY KEY,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    phone TEXT,
    company_external_id TEXT,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A company's persons.
CREATE INDEX person_of_company ON person (company_external_id) WHERE company_external_id IS NOT NULL;

-- Every rule set that was ever applied.
CREATE TABLE rule_set (
    version INTEGER PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;
-- Which one decided since when; the last one decides now.
CREATE TABLE rule_set_use (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES rule_set (version),
    used_by TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    why TEXT
) STRICT;

-- What matches depend on: one row, from the first change on, that is written in the transaction of each change of companies,
-- persons or rules.
CREATE TABLE unification (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    -- 0 until there is a rule set.
    rule_version INTEGER NOT NULL
) STRICT;

-- What a member is tied to. A member who was never matched has no row.
CREATE TABLE member_match (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('matched', 'unmatched', 'ambiguous', 'internal')),
    decided_by TEXT NOT NULL
        CHECK (decided_by IN ('nothing', 'rule', 'hand', 'internal_domain', 'internal_role')),
    rule TEXT,
    -- The rule set that decided first as it is.
    rule_version INTEGER NOT NULL,
    person_external_id TEXT,
    company_external_id TEXT,
    -- The member's values, as a list.
    compared TEXT NOT NULL,
    candidates TEXT NOT NULL,
    why_not TEXT,
    domain TEXT,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, community_user_id)
) STRICT, WITHOUT ROWID;
-- How a connection's members stand to companies, at a run's end; failed members by cause.
CREATE INDEX member_match_status ON member_match (connection_id, status, why_not, domain);
-- A company's members.
CREATE INDEX member_match_of_company ON member_match (company_external_id) WHERE company_external_id IS NOT NULL;

-- Former matches, with the time from which another one stood.
CREATE TABLE member_match_history (
    id INTEGER PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    rule TEXT,
    rule_version INTEGER NOT NULL,
    person_external_id TEXT,
    company_external_id TEXT,
    compared TEXT NOT NULL,
    candidates TEXT NOT NULL,
    why_not TEXT,
    domain TEXT,
    decided_at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX member_match_history_of_member ON member_match_history (connection_id, community_user_id, id);

-- What an admin said of a member: it belongs to this company, or to none. No rule overwrites it.
CREATE TABLE member_link (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    company_external_id TEXT,
    person_external_id TEXT,
    reason TEXT NOT NULL,
    linked_by TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, community_user_id)
) STRICT, WITHOUT ROWID;

-- Members who have left their company and count no more.
CREATE TABLE member_left (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    left_by TEXT NOT NULL,
    left_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, community_user_id)
) STRICT, WITHOUT ROWID;

-- Members to be matched, because what rules compare of them has changed. Marks are counted, so that whoever has matched a
-- member takes away no mark that was made meanwhile.
CREATE TABLE match_due (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    community_user_id TEXT NOT NULL,
    marks INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (connection_id, community_user_id)
) STRICT, WITHOUT ROWID;
-- Connections all of whose members are to be matched, since companies, persons or rules have changed; those up to
-- `after_user` are done.
CREATE TABLE match_all_due (
    connection_id BLOB PRIMARY KEY REFERENCES connection (id),
    after_user TEXT NOT NULL,
    done INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whoever writes a member marks it, in the same transaction: a run, a replay, another mapping of profile fields.
CREATE TRIGGER community_user_added AFTER INSERT ON community_user
BEGIN
    INSERT INTO match_due (connection_id, community_user_id) VALUES (NEW.connection_id, NEW.community_user_id)
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = marks + 1;
END;
CREATE TRIGGER community_user_changed AFTER UPDATE ON community_user
WHEN OLD.username <> NEW.username OR OLD.email IS NOT NEW.email OR OLD.first_name IS NOT NEW.first_name
        OR OLD.last_name IS NOT NEW.last_name OR OLD.phone IS NOT NEW.phone
        OR OLD.company_custom IS NOT NEW.company_custom OR OLD.sso_id IS NOT NEW.sso_id OR OLD.roles <> NEW.roles
BEGIN
    INSERT INTO match_due (connection_id, community_user_id) VALUES (NEW.connection_id, NEW.community_user_id)
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = marks + 1;
END;
CREATE TRIGGER community_user_removed AFTER DELETE ON community_user
BEGIN
    DELETE FROM match_due
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
    DELETE FROM member_match
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
    DELETE FROM member_match_history
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
    DELETE FROM member_link
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
    DELETE FROM member_left
    WHERE connection_id = OLD.connection_id AND community_user_id = OLD.community_user_id;
END;

-- What is stored already.
INSERT INTO match_due (connection_id, community_user_id) SELECT connection_id, community_user_id FROM community_user;

-- community_user.match_status stays for processes of the version before; nothing else reads or writes it.
DROP INDEX community_user_match;
-- Members who are deleted, which are few, are taken out of what is counted by status.
CREATE INDEX community_user_deleted ON community_user (connection_id, community_user_id) WHERE deleted_at IS NOT NULL;

-- Persons who went with an erasure, of all tenants.
ALTER TABLE erasure ADD COLUMN persons INTEGER NOT NULL DEFAULT 0;

-- When a run's last two stages began, which have no stream to say so.
ALTER TABLE run ADD COLUMN match_started_at INTEGER;
ALTER TABLE run ADD COLUMN trends_started_at INTEGER;
