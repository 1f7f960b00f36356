-- A reference is checked row by row: 13 of the 35 microseconds that the server spent on a member. Rows are written by runs, imports and
-- replays only, which lock their connection or a run of it first, and connections are never deleted.
ALTER TABLE community_user DROP CONSTRAINT community_user_connection_id_fkey;
ALTER TABLE community_content DROP CONSTRAINT community_content_connection_id_fkey;
ALTER TABLE community_activity DROP CONSTRAINT community_activity_connection_id_fkey;
