-- The profile fields that the operator chose for members' own columns (JSON); the default names come after them.
ALTER TABLE connection ADD COLUMN profile_mapping TEXT NOT NULL DEFAULT '{}';
-- Grows with every change of the mapping.
ALTER TABLE connection ADD COLUMN mapping_version INTEGER NOT NULL DEFAULT 0;
-- What everything that is stored was last read with: a replay is due if either is older than what there is now.
ALTER TABLE connection ADD COLUMN replayed_mapping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE connection ADD COLUMN replayed_decoder INTEGER NOT NULL DEFAULT 0;

-- Something in the payload was longer than is kept.
ALTER TABLE invalid_record ADD COLUMN payload_cut INTEGER NOT NULL DEFAULT 0 CHECK (payload_cut IN (0, 1));
-- Of a reply, the topic that it was served for.
ALTER TABLE invalid_record ADD COLUMN topic_public_id TEXT;
-- When a replay found the record stored.
ALTER TABLE invalid_record ADD COLUMN repaired_at INTEGER;

-- Earlier records do not say whether they were cut. A text was cut at 65,536 bytes, at the end of a character.
UPDATE invalid_record SET payload_cut = 1
WHERE payload LIKE '%"[cut]"%' OR length(CAST(payload AS BLOB)) >= 65532;

-- What a replay tries, run by run.
CREATE INDEX invalid_record_set_aside ON invalid_record (run_id, stream, id) WHERE repaired_at IS NULL;
-- How many of a run's records were repaired, by reason.
CREATE INDEX invalid_record_repaired ON invalid_record (run_id, stream, reason) WHERE repaired_at IS NOT NULL;
