//! Runs, their streams and ledgers, and what was set aside.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ActivitySource, Cause, CauseCode, Extent, FailedRun, Ledger, Mode, Progress, Run, RunId, RunState, Stage,
    StoppedBy, Stream, StreamRun, Trigger,
    record::{InvalidReason, InvalidRecord},
};
use store::{ClaimedRun, InvalidGroup, KeptPace, LastQueued, Lease, Queue, StoreError, WaitingRun};

use crate::{Columns, matching::read_counts, micros};

/// A failed run that has pages to go on from.
#[derive(Debug)]
pub struct Failed {
    pub id: RunId,
    pub run: FailedRun,
}

pub fn micros_of(time: TimeDelta) -> i64 {
    time.num_microseconds().unwrap_or(i64::MAX)
}

pub fn expiry(now: DateTime<Utc>, ttl: Duration) -> i64 {
    micros(now + TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX / 2))
}

pub fn read_last_queued(row: &impl Columns) -> Result<LastQueued, StoreError> {
    Ok(LastQueued {
        connection_id: row.connection_id("id")?,
        tenant_id: row.word("tenant_id", |text| text.parse().ok())?,
        at: row.optional_time("queued_at")?,
    })
}

pub fn read_queue(rows: &[impl Columns]) -> Result<Queue, StoreError> {
    let mut queue = Queue::default();
    for row in rows {
        if row.flag("held")? {
            queue.running += 1;
        } else {
            queue.waiting.push(WaitingRun {
                id: row.run_id("id")?,
                gave_way: row.flag("gave_way")?,
                waits_for_provider_until: row.optional_time("waits_until")?,
            });
        }
    }
    Ok(queue)
}

pub fn read_pace(row: &impl Columns) -> Result<KeptPace, StoreError> {
    Ok(KeptPace {
        next_at: row.optional_time("pace_next_at")?,
        rate_milli: row.optional_unsigned("pace_rate_milli")?,
        owed: row.unsigned("pace_owed")?,
    })
}

pub fn read_failed(row: &impl Columns) -> Result<Failed, StoreError> {
    Ok(Failed {
        id: row.run_id("id")?,
        run: FailedRun {
            extent: Extent {
                mode: row.word("mode", Mode::parse)?,
                all_replies: row.flag("all_replies")?,
            },
            cause: row.word("cause_code", CauseCode::parse)?,
            finished_at: row.time("finished_at")?,
        },
    })
}

/// The stream was read to its end, and its ledger has what its pages have.
pub fn check_ledger(row: &impl Columns) -> Result<(), StoreError> {
    let (stream, found, committed) = (row.text("stream")?, row.int("found")?, row.int("committed")?);
    if row.optional_time("finished_at")?.is_none() {
        return Err(StoreError::LedgerUnbalanced(format!(
            "{stream} was not read to its end"
        )));
    }
    if found != committed {
        return Err(StoreError::LedgerUnbalanced(format!(
            "{stream}: the ledger has {found} records, its pages have {committed}"
        )));
    }
    Ok(())
}

/// The columns that [`read_runs`] reads, of `run`, `connection` and `run_stream`.
pub const RUN_WITH_STREAM: &str =
    "run.id, connection_id, tenant_id, trigger_kind, resumed_from, mode, state, stage, cause_code,
    cause_message, cause_next_action, queued_at, run.started_at, run.finished_at, requests, attempts, matched,
    unmatched, ambiguous, internal, stopped_by, waits_for_provider_until, requests_per_minute, stage_ends_at,
    match_started_at, trends_started_at,
    stream, found, new, updated, unchanged, invalid, repeated, deleted, late, refused, pages, source,
    run_stream.started_at AS stream_started_at, run_stream.finished_at AS stream_finished_at";

/// What [`read_claimed`] reads besides.
pub const CLAIMED: &str = "run.fencing_token, run.checkpoint, run.failures_in_a_row, watermark_before";

/// Runs from rows of theirs with their streams: one a stream, those of a run next to each other.
pub fn read_runs(rows: &[impl Columns]) -> Result<Vec<Run>, StoreError> {
    let mut runs: Vec<Run> = Vec::new();
    for row in rows {
        let id = row.run_id("id")?;
        if runs.last().is_none_or(|run| run.id != id) {
            runs.push(read_run(row)?);
        }
        if let Some(run) = runs.last_mut() {
            run.streams.push(read_stream(row)?);
        }
    }
    for run in &mut runs {
        run.streams.sort_by_key(|stream| stream.stream);
    }
    Ok(runs)
}

/// A run that was taken up, from rows as [`read_runs`] reads them, with its lease and what it goes on from.
pub fn read_claimed(rows: &[impl Columns], pace: KeptPace) -> Result<ClaimedRun, StoreError> {
    let (Some(first), Some(run)) = (rows.first(), read_runs(rows)?.pop()) else {
        return Err(StoreError::Corrupt(
            "a run that was taken up has no streams".to_owned(),
        ));
    };
    let mut watermarks = BTreeMap::new();
    for row in rows {
        // Only of an incremental run are there any.
        if let Some(watermark) = row.optional_time("watermark_before")? {
            watermarks.insert(row.word("stream", Stream::parse)?, watermark);
        }
    }
    Ok(ClaimedRun {
        lease: Lease {
            run_id: run.id,
            fencing_token: first.int("fencing_token")?,
        },
        checkpoint: first.optional_text("checkpoint")?,
        failures_in_a_row: u32::try_from(first.unsigned("failures_in_a_row")?).unwrap_or(u32::MAX),
        run,
        watermarks,
        pace,
    })
}

fn read_stream(row: &impl Columns) -> Result<StreamRun, StoreError> {
    Ok(StreamRun {
        stream: row.word("stream", Stream::parse)?,
        ledger: read_ledger(row)?,
        source: row.word("source", ActivitySource::parse)?,
        started_at: row.optional_time("stream_started_at")?,
        finished_at: row.optional_time("stream_finished_at")?,
    })
}

/// A run without its streams.
fn read_run(row: &impl Columns) -> Result<Run, StoreError> {
    let cause = match row.optional_word("cause_code", CauseCode::parse)? {
        None => None,
        Some(code) => Some(Cause {
            code,
            owner: code.owner(),
            message: row.text("cause_message")?,
            next_action: row.text("cause_next_action")?,
            heals_itself: code.heals_itself(),
        }),
    };
    Ok(Run {
        id: row.run_id("id")?,
        connection_id: row.connection_id("connection_id")?,
        tenant_id: row.text("tenant_id")?,
        trigger: row.word("trigger_kind", Trigger::parse)?,
        resumed_from: row.optional_uuid("resumed_from")?.map(RunId),
        mode: row.word("mode", Mode::parse)?,
        state: row.word("state", RunState::parse)?,
        stage: row.optional_word("stage", Stage::parse)?,
        cause,
        queued_at: row.time("queued_at")?,
        started_at: row.optional_time("started_at")?,
        finished_at: row.optional_time("finished_at")?,
        requests: row.unsigned("requests")?,
        attempts: u32::try_from(row.unsigned("attempts")?).unwrap_or(u32::MAX),
        streams: Vec::new(),
        matching: read_counts(row)?,
        match_started_at: row.optional_time("match_started_at")?,
        trends_started_at: row.optional_time("trends_started_at")?,
        progress: Progress {
            stopped_by: row.optional_word("stopped_by", StoppedBy::parse)?,
            waits_for_provider_until: row.optional_time("waits_for_provider_until")?,
            requests_per_minute: row.optional_unsigned("requests_per_minute")?,
            stage_ends_at: row.optional_time("stage_ends_at")?,
            queue: None,
        },
    })
}

pub fn read_invalid(row: &impl Columns) -> Result<InvalidRecord, StoreError> {
    Ok(InvalidRecord {
        stream: row.word("stream", Stream::parse)?,
        reason: row.word("reason", InvalidReason::parse)?,
        name: row.text("name")?,
        message: row.text("message")?,
        payload: row.text("payload")?,
        payload_cut: row.flag("payload_cut")?,
        topic_public_id: row.optional_text("topic_public_id")?,
        repaired_at: row.optional_time("repaired_at")?,
    })
}

pub fn read_group(row: &impl Columns) -> Result<InvalidGroup, StoreError> {
    let sample = read_invalid(row)?;
    Ok(InvalidGroup {
        stream: sample.stream,
        reason: sample.reason,
        count: row.unsigned("records")?,
        repaired: row.unsigned("repaired")?,
        sample,
    })
}

pub(crate) fn read_ledger(row: &impl Columns) -> Result<Ledger, StoreError> {
    Ok(Ledger {
        found: row.unsigned("found")?,
        new: row.unsigned("new")?,
        updated: row.unsigned("updated")?,
        unchanged: row.unsigned("unchanged")?,
        invalid: row.unsigned("invalid")?,
        repeated: row.unsigned("repeated")?,
        deleted: row.unsigned("deleted")?,
        late: row.unsigned("late")?,
        refused: row.unsigned("refused")?,
        pages: row.unsigned("pages")?,
    })
}
