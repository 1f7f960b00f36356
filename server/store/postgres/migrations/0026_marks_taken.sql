-- How often marked members were matched while a pass is due: a page of the pass that was read before is outdated.
ALTER TABLE match_all_due ADD COLUMN marks_taken bigint NOT NULL DEFAULT 0;
