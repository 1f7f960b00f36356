-- Trends count what members of a company did for the company: as long as the member is tied to it, and up to the time at which
-- they left it.

-- What a member wrote and did, by time: the days that are due when their company is another one, and a company's figures.
CREATE INDEX community_content_of_author ON community_content (connection_id, author_user_id, posted_at)
    WHERE author_user_id IS NOT NULL;
CREATE INDEX community_activity_of_user ON community_activity (connection_id, user_id, occurred_at)
    WHERE user_id IS NOT NULL;
-- A company's trends.
CREATE INDEX community_trend_of_company ON community_trend (company_external_id, day) WHERE company_external_id <> '';

-- Whoever wrote or did it is another one.
DROP TRIGGER community_content_changed;
CREATE TRIGGER community_content_changed AFTER UPDATE ON community_content
WHEN OLD.posted_at <> NEW.posted_at OR OLD.subtype <> NEW.subtype OR OLD.trashed <> NEW.trashed
        OR OLD.deleted_at IS NOT NEW.deleted_at OR OLD.author_user_id IS NOT NEW.author_user_id
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.posted_at - (OLD.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.posted_at - (NEW.posted_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;
DROP TRIGGER community_activity_changed;
CREATE TRIGGER community_activity_changed AFTER UPDATE ON community_activity
WHEN OLD.occurred_at <> NEW.occurred_at OR OLD.activity_type <> NEW.activity_type
        OR OLD.deleted_at IS NOT NEW.deleted_at OR OLD.user_id IS NOT NEW.user_id
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (OLD.connection_id, (OLD.occurred_at - (OLD.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
    INSERT INTO trend_day_due (connection_id, day)
    VALUES (NEW.connection_id, (NEW.occurred_at - (NEW.occurred_at % 86400000000 + 86400000000) % 86400000000) / 86400000000)
    ON CONFLICT DO NOTHING;
END;

-- Whoever ties a member to another company marks the days of what the member wrote and did, in the same transaction.
CREATE TRIGGER member_match_added AFTER INSERT ON member_match
WHEN NEW.company_external_id IS NOT NULL
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT NEW.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = NEW.connection_id AND author_user_id = NEW.community_user_id
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = NEW.connection_id AND user_id = NEW.community_user_id)
    WHERE true
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER member_match_changed AFTER UPDATE ON member_match
WHEN OLD.company_external_id IS NOT NEW.company_external_id
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT NEW.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = NEW.connection_id AND author_user_id = NEW.community_user_id
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = NEW.connection_id AND user_id = NEW.community_user_id)
    WHERE true
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER member_match_removed AFTER DELETE ON member_match
WHEN OLD.company_external_id IS NOT NULL
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT OLD.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = OLD.connection_id AND author_user_id = OLD.community_user_id
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = OLD.connection_id AND user_id = OLD.community_user_id)
    WHERE true
    ON CONFLICT DO NOTHING;
END;

-- From the time on at which a member left or is back, their company does not count or counts what they did.
CREATE TRIGGER member_left_added AFTER INSERT ON member_left
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT NEW.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = NEW.connection_id AND author_user_id = NEW.community_user_id AND posted_at >= NEW.left_at
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = NEW.connection_id AND user_id = NEW.community_user_id AND occurred_at >= NEW.left_at)
    WHERE true
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER member_left_changed AFTER UPDATE ON member_left
WHEN OLD.left_at <> NEW.left_at
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT NEW.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = NEW.connection_id AND author_user_id = NEW.community_user_id AND posted_at >= MIN(OLD.left_at, NEW.left_at)
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = NEW.connection_id AND user_id = NEW.community_user_id AND occurred_at >= MIN(OLD.left_at, NEW.left_at))
    WHERE true
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER member_left_removed AFTER DELETE ON member_left
BEGIN
    INSERT INTO trend_day_due (connection_id, day)
    SELECT OLD.connection_id, (at - (at % 86400000000 + 86400000000) % 86400000000) / 86400000000
    FROM (SELECT posted_at AS at FROM community_content
          WHERE connection_id = OLD.connection_id AND author_user_id = OLD.community_user_id AND posted_at >= OLD.left_at
          UNION ALL SELECT occurred_at FROM community_activity
          WHERE connection_id = OLD.connection_id AND user_id = OLD.community_user_id AND occurred_at >= OLD.left_at)
    WHERE true
    ON CONFLICT DO NOTHING;
END;

-- Until now nothing was counted for a company.
INSERT INTO trend_day_due (connection_id, day) SELECT DISTINCT connection_id, day FROM community_trend WHERE true
ON CONFLICT DO NOTHING;
