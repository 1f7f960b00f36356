-- Since when a run waits that gave its place to another. Claimed, it is like any other again.
ALTER TABLE run ADD COLUMN gave_way_at INTEGER;
-- Attempts that had failed in a row when it gave way, so that it does not try for ever.
ALTER TABLE run ADD COLUMN failures_in_a_row INTEGER NOT NULL DEFAULT 0;
-- Who asked it to stop. Kept of a cancelled run.
ALTER TABLE run ADD COLUMN stopped_by TEXT CHECK (stopped_by IN ('admin', 'operator', 'deactivation'));
-- How it comes along; NULL once it is over.
ALTER TABLE run ADD COLUMN waits_for_provider_until INTEGER;
ALTER TABLE run ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE run ADD COLUMN stage_ends_at INTEGER;

-- Until now nothing else could cancel a run.
UPDATE run SET stopped_by = 'deactivation' WHERE state = 'cancelled' OR stop_requested = 1;

-- The pace of a connection, which is that of its credentials: when its next request has its turn, thousandths of a request
-- a minute that the provider was found to bear (NULL: the whole budget), and requests that no run has paid for yet.
ALTER TABLE connection ADD COLUMN pace_next_at INTEGER;
ALTER TABLE connection ADD COLUMN pace_rate_milli INTEGER;
ALTER TABLE connection ADD COLUMN pace_owed INTEGER NOT NULL DEFAULT 0;
