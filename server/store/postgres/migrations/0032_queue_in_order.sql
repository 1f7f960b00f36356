-- Ten thousand runs may wait at once, and each claim asks for the first of them.

-- The queue in the order in which it is claimed; those that gave way lately are asked for apart.
CREATE INDEX run_in_order ON run ((COALESCE(gave_way_at, queued_at)), id) WHERE state IN ('queued', 'running');
DROP INDEX run_queue;

-- Runs that were asked to stop: few, and looked for with each claim.
CREATE INDEX run_to_stop ON run (id) WHERE stop_requested;
