use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, Mode, Run, RunId, RunState, Stage, StoppedBy, Stream, record::InvalidReason};
use sqlx::{
    AssertSqlSafe, PgConnection, PgExecutor, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use store::{
    By, CLOCK_SKEW_MAX, Cancelling, ClaimRequest, ClaimedRun, Deed, Enqueued, Fenced, Finish, InvalidGroup,
    InvalidPage, KeptPace, LastQueued, Lease, LeaseState, NewRun, PATIENCE, PROVIDER_WAIT_MAX, Queue,
    Release, Renewal, Renewed, RunPage, RunQuery, RunStore, StoreError, targets,
};
use store_columns::{
    Columns, count, micros,
    runs::{
        CLAIMED, Failed, RUN_WITH_STREAM, check_ledger, expiry, micros_of, read_claimed, read_failed,
        read_group, read_invalid, read_last_queued, read_pace, read_queue, read_runs,
    },
};
use uuid::Uuid;

use crate::{
    PostgresStore,
    activity::lock_connection,
    audit::append,
    database::{commit, ring},
    error::database,
    matching::count_matches,
};

#[async_trait]
impl RunStore for PostgresStore {
    async fn enqueue(&self, new: &NewRun, by: Option<&By>) -> Result<Enqueued, StoreError> {
        let mut write = self.begin_by_key().await?;
        // A statement of its own: the next one then sees what was committed by whoever held the lock before.
        lock_connection(&mut write, new.connection_id).await?;
        let enqueued = put_in_queue(&mut write, new).await?;
        if enqueued != Enqueued::Queued {
            write.roll_back().await?;
            return Ok(enqueued);
        }
        if let Some(by) = by {
            let target = targets::run(new.id);
            append(&mut write, by, Deed::RunQueued, Some(target)).await?;
        }
        write.commit().await?;
        Ok(Enqueued::Queued)
    }

    async fn enqueue_due(&self, new: &NewRun, due_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut write = self.begin_by_key().await?;
        lock_connection(&mut write, new.connection_id).await?;
        if queued_since(&mut write, new, due_at).await?
            || put_in_queue(&mut write, new).await? != Enqueued::Queued
        {
            write.roll_back().await?;
            return Ok(false);
        }
        write.commit().await?;
        Ok(true)
    }

    async fn last_queued(&self, now: DateTime<Utc>) -> Result<Vec<LastQueued>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, tenant_id, (SELECT MAX(queued_at) FROM run
                WHERE run.connection_id = connection.id AND queued_at <= $1) AS queued_at
             FROM connection WHERE deactivated_at IS NULL",
        )
        .bind(micros(now))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_last_queued).collect()
    }

    async fn successes_since_full(&self, connection: ConnectionId) -> Result<Option<u32>, StoreError> {
        let row = sqlx::query(
            "WITH success AS (
                SELECT mode, queued_at FROM run
                WHERE connection_id = $1 AND state IN ('completed', 'completed_with_invalid')),
             last_full AS (SELECT MAX(queued_at) AS queued_at FROM success WHERE mode = 'full')
             SELECT last_full.queued_at,
                (SELECT COUNT(*) FROM success WHERE success.queued_at > last_full.queued_at) AS successes
             FROM last_full",
        )
        .bind(connection.0)
        .fetch_one(self.readers())
        .await
        .map_err(database)?;
        if row.optional_time("queued_at")?.is_none() {
            return Ok(None);
        }
        Ok(Some(
            u32::try_from(row.unsigned("successes")?).unwrap_or(u32::MAX),
        ))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<ClaimedRun>, StoreError> {
        let select = claim_first();
        let rows = match request.only {
            // A run whose answer was lost on the way is free again once its lease has run out.
            None => {
                self.ask_by_key(|| take_up(&select, request).fetch_all(self.writers()))
                    .await?
            }
            Some(run) => {
                // The one that is asked for is waited for, and not left out because its connection is busy for a moment.
                let mut write = self.begin_by_key().await?;
                lock_connection_of(&mut write, run).await?;
                let rows = take_up(&select, request).fetch_all(&mut *write).await;
                let rows = rows.map_err(database)?;
                write.commit_quietly().await?;
                rows
            }
        };
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        read_claimed(&rows, read_pace(first)?).map(Some)
    }

    async fn queue(&self, now: DateTime<Utc>) -> Result<Queue, StoreError> {
        let rows = sqlx::query(
            "WITH under_way AS (
                SELECT run.id, COALESCE(run.gave_way_at > $2, false) AS gave_way,
                    COALESCE(run.gave_way_at, run.queued_at) AS since,
                    CASE WHEN run.state = 'queued' AND run.waits_for_provider_until > $1
                        AND run.waits_for_provider_until <= $3 THEN run.waits_for_provider_until END AS waits_until,
                    COALESCE(run.state = 'running' AND run.lease_expires_at > $1, false) AS held
                FROM run JOIN connection ON connection.id = run.connection_id
                WHERE run.state IN ('queued', 'running') AND connection.deactivated_at IS NULL)
             SELECT id, gave_way, waits_until, held FROM under_way
             ORDER BY waits_until IS NOT NULL, waits_until, gave_way, since, id",
        )
        .bind(micros(now))
        .bind(micros(now).saturating_sub(micros_of(PATIENCE)))
        .bind(micros(now).saturating_add(micros_of(PROVIDER_WAIT_MAX)))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        read_queue(&rows)
    }

    async fn renew_lease(&self, lease: &Lease, renewal: &Renewal) -> Result<Renewed, StoreError> {
        let mut write = self.begin_by_key().await?;
        let connection = lock_connection_of(&mut write, lease.run_id).await?;
        let renewed = sqlx::query(
            "UPDATE run SET lease_expires_at = $3, waits_for_provider_until = $4, requests_per_minute = $5,
                stage_ends_at = $6
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'
             RETURNING stop_requested",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(expiry(renewal.now, renewal.lease_ttl))
        .bind(renewal.waits_for_provider_until.map(micros))
        .bind(renewal.requests_per_minute.map(count).transpose()?)
        .bind(renewal.stage_ends_at.map(micros))
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
        let (Some(row), Some(connection)) = (renewed, connection) else {
            return Ok(Renewed {
                state: LeaseState::Lost,
                owed: 0,
            });
        };
        keep_pace(&mut write, connection.id, &renewal.pace).await?;
        if connection.owed > 0 {
            sqlx::query("UPDATE connection SET pace_owed = 0 WHERE id = $1")
                .bind(connection.id)
                .execute(&mut *write)
                .await
                .map_err(database)?;
        }
        write.commit().await?;
        let state = if row.flag("stop_requested")? {
            LeaseState::StopRequested
        } else {
            LeaseState::Held
        };
        Ok(Renewed {
            state,
            owed: connection.owed,
        })
    }

    async fn cancel(&self, run: RunId, stopped_by: StoppedBy, by: &By) -> Result<Cancelling, StoreError> {
        let mut write = self.begin().await?;
        let asked = sqlx::query(
            "UPDATE run SET stopped_by = COALESCE(stopped_by, $2),
                stop_requested = (state = 'running'),
                finished_at = CASE WHEN state = 'queued' THEN $3::bigint END,
                waits_for_provider_until = CASE WHEN state = 'running' THEN waits_for_provider_until END,
                state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
             WHERE id = $1 AND state IN ('queued', 'running')
             RETURNING state",
        )
        .bind(run.0)
        .bind(stopped_by.as_str())
        .bind(micros(by.at))
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
        let Some(asked) = asked else {
            drop(write);
            let known = self.run(run).await?;
            return Ok(known.map_or(Cancelling::NoSuchRun, |run| Cancelling::Over(run.state)));
        };
        let cancelled = asked.word("state", RunState::parse)? == RunState::Cancelled;
        if cancelled {
            forget_pages(&mut write, run).await?;
        }
        append(&mut write, by, Deed::RunCancelled, Some(targets::run(run))).await?;
        write.commit().await?;
        Ok(if cancelled {
            Cancelling::Cancelled
        } else {
            Cancelling::Asked
        })
    }

    async fn is_to_stop(&self, lease: &Lease) -> Result<LeaseState, StoreError> {
        let row = sqlx::query(
            "SELECT stop_requested FROM run WHERE id = $1 AND fencing_token = $2 AND state = 'running'",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .fetch_optional(self.readers())
        .await
        .map_err(database)?;
        Ok(match row {
            None => LeaseState::Lost,
            Some(row) if row.flag("stop_requested")? => LeaseState::StopRequested,
            Some(_) => LeaseState::Held,
        })
    }

    async fn charge_requests(&self, connection: ConnectionId, requests: u64) -> Result<(), StoreError> {
        let mut write = self.begin_by_key().await?;
        sqlx::query("UPDATE connection SET pace_owed = pace_owed + $2 WHERE id = $1")
            .bind(connection.0)
            .bind(count(requests)?)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await
    }

    async fn lease_expires_at(&self, run: RunId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = sqlx::query("SELECT lease_expires_at FROM run WHERE id = $1")
            .bind(run.0)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.map_or(Ok(None), |row| row.optional_time("lease_expires_at"))
    }

    async fn enter_stage(&self, lease: &Lease, stage: Stage, at: DateTime<Utc>) -> Result<(), Fenced> {
        let mut write = self.begin_by_key_unsynced().await?;
        let entered = sqlx::query(
            "UPDATE run SET stage = $3,
                match_started_at = CASE WHEN $3 = 'match' THEN COALESCE(match_started_at, $4) ELSE match_started_at END,
                trends_started_at = CASE WHEN $3 = 'trends' THEN COALESCE(trends_started_at, $4) ELSE trends_started_at END
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(stage.as_str())
        .bind(micros(at))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if entered.rows_affected() == 0 {
            return Err(Fenced::LeaseLost);
        }
        sqlx::query(
            "UPDATE run_stream SET started_at = COALESCE(started_at, $3) WHERE run_id = $1 AND stream = $2",
        )
        .bind(lease.run_id.0)
        .bind(stage.as_str())
        .bind(micros(at))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        commit(write, ()).await
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<Run, Fenced> {
        let mut write = self.begin_by_key().await?;
        let connection = lock_connection_of(&mut write, lease.run_id).await?;
        let connection = connection.ok_or(Fenced::LeaseLost)?.id;
        let finished = sqlx::query(
            "UPDATE run SET state = $3, cause_code = $4, cause_message = $5, cause_next_action = $6, finished_at = $7,
                requests = requests + $8, lease_owner = NULL, lease_expires_at = NULL, stop_requested = false,
                stopped_by = CASE WHEN $3 = 'cancelled' THEN stopped_by END, waits_for_provider_until = NULL,
                requests_per_minute = NULL, stage_ends_at = NULL
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'
             RETURNING mode",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(finish.state.as_str())
        .bind(finish.cause.as_ref().map(|cause| cause.code.as_str()))
        .bind(finish.cause.as_ref().map(|cause| &cause.message))
        .bind(finish.cause.as_ref().map(|cause| &cause.next_action))
        .bind(micros(finish.at))
        .bind(count(finish.requests)?)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?
        .ok_or(Fenced::LeaseLost)?;
        if finish.state.is_success() {
            check_books(&mut write, lease.run_id).await?;
            let mode = finished.word("mode", Mode::parse)?;
            move_watermarks(&mut write, lease.run_id, mode).await?;
        }
        count_matches(&mut write, lease.run_id, connection).await?;
        keep_pace(&mut write, connection, &finish.pace).await?;
        if finish.state != RunState::Failed {
            // A failed run keeps what the next one needs to go on from its last page.
            forget_pages(&mut write, lease.run_id).await?;
        }
        let finished = runs_by_id(&mut *write, &[lease.run_id]).await?.pop();
        commit(write, finished.ok_or(Fenced::LeaseLost)?).await
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), Fenced> {
        let mut write = self.begin_by_key().await?;
        let connection = lock_connection_of(&mut write, lease.run_id).await?;
        let connection = connection.ok_or(Fenced::LeaseLost)?.id;
        let released = sqlx::query(
            "UPDATE run SET state = 'queued', lease_owner = NULL, lease_expires_at = NULL, requests = requests + $3,
                stage = NULL, gave_way_at = $4, waits_for_provider_until = $5, failures_in_a_row = $6, requests_per_minute = NULL, stage_ends_at = NULL
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(count(release.requests)?)
        .bind(release.gave_way_at.map(micros))
        .bind(release.waits_for_provider_until.map(micros))
        .bind(i64::from(release.failures_in_a_row))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if released.rows_affected() == 0 {
            write.roll_back().await?;
            return Err(Fenced::LeaseLost);
        }
        keep_pace(&mut write, connection, &release.pace).await?;
        ring(&mut write).await?;
        commit(write, ()).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        Ok(runs_by_id(self.readers(), &[id]).await?.pop())
    }

    async fn runs(&self, query: &RunQuery) -> Result<RunPage, StoreError> {
        let connection = query.connection.map(|id| id.0);
        let total: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM run WHERE $1 IS NULL OR connection_id = $1")
                .bind(connection)
                .fetch_one(self.readers())
                .await
                .map_err(database)?;
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM run WHERE $1 IS NULL OR connection_id = $1
             ORDER BY queued_at DESC, id DESC LIMIT $2 OFFSET $3",
        )
        .bind(connection)
        .bind(i64::from(query.limit))
        .bind(count(query.offset)?)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let ids: Vec<RunId> = ids.into_iter().map(RunId).collect();
        Ok(RunPage {
            runs: runs_by_id(self.readers(), &ids).await?,
            total: u64::try_from(total).unwrap_or(0),
        })
    }

    async fn runs_before(
        &self,
        connection: Option<ConnectionId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let of = if connection.is_some() {
            "connection_id = $1"
        } else {
            "true"
        };
        let older = if before.is_some() {
            "(queued_at, id) < (SELECT queued_at, id FROM run WHERE id = $2)"
        } else {
            "true"
        };
        let select =
            format!("SELECT id FROM run WHERE {of} AND {older} ORDER BY queued_at DESC, id DESC LIMIT $3");
        let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(select))
            .bind(connection.map(|id| id.0))
            .bind(before.map(|id| id.0))
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        let ids: Vec<RunId> = ids.into_iter().map(RunId).collect();
        runs_by_id(self.readers(), &ids).await
    }

    async fn invalid_groups(&self, run: RunId) -> Result<Vec<InvalidGroup>, StoreError> {
        let rows = sqlx::query(
            "SELECT stream, reason, records, repaired, name, message, payload, payload_cut, topic_public_id, repaired_at
             FROM (SELECT stream, reason, COUNT(*) AS records, MIN(id) AS first_id,
                    COUNT(*) FILTER (WHERE repaired_at IS NOT NULL) AS repaired
                   FROM invalid_record WHERE run_id = $1 GROUP BY stream, reason)
             AS grouped JOIN invalid_record USING (stream, reason) WHERE invalid_record.id = first_id
             ORDER BY records DESC, stream, reason",
        )
        .bind(run.0)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_group).collect()
    }

    async fn invalid_records(
        &self,
        run: RunId,
        group: Option<(Stream, InvalidReason)>,
        offset: u64,
        limit: u32,
    ) -> Result<InvalidPage, StoreError> {
        let (stream, reason) = group
            .map(|(stream, reason)| (stream.as_str(), reason.as_str()))
            .unzip();
        let total: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM invalid_record
             WHERE run_id = $1 AND ($2 IS NULL OR (stream = $2 AND reason = $3))",
        )
        .bind(run.0)
        .bind(stream)
        .bind(reason)
        .fetch_one(self.readers())
        .await
        .map_err(database)?;
        let rows = sqlx::query(
            "SELECT stream, reason, name, message, payload, payload_cut, topic_public_id, repaired_at FROM invalid_record
             WHERE run_id = $1 AND ($2 IS NULL OR (stream = $2 AND reason = $3))
             ORDER BY id LIMIT $4 OFFSET $5",
        )
        .bind(run.0)
        .bind(stream)
        .bind(reason)
        .bind(i64::from(limit))
        .bind(count(offset)?)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let records = rows.iter().map(read_invalid).collect::<Result<_, _>>()?;
        Ok(InvalidPage {
            records,
            total: u64::try_from(total).unwrap_or(0),
        })
    }
}

/// Runs with their streams, newest first. One statement, so that a run's state and its ledger are of one moment: read
/// apart, a run could end in between and be shown as completed with the counts of before.
pub(crate) async fn runs_by_id(executor: impl PgExecutor<'_>, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let select = format!(
        "SELECT {RUN_WITH_STREAM}
         FROM run JOIN connection ON connection.id = run.connection_id JOIN run_stream ON run_stream.run_id = run.id
         WHERE run.id = ANY($1)
         ORDER BY queued_at DESC, run.id DESC"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(&ids)
        .fetch_all(executor)
        .await
        .map_err(database)?;
    read_runs(&rows)
}

fn take_up<'q>(select: &'q str, request: &'q ClaimRequest) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(select))
        .bind(micros(request.now))
        .bind(&request.worker)
        .bind(expiry(request.now, request.lease_ttl))
        .bind(request.only.map(|run| run.0))
        .bind(expiry(request.now, request.lease_ttl).saturating_add(micros_of(CLOCK_SKEW_MAX)))
        .bind(micros(request.now).saturating_add(micros_of(PROVIDER_WAIT_MAX)))
        .bind(micros(request.now).saturating_sub(micros_of(PATIENCE)))
}

/// Takes up the first run of the queue. Those that gave way lately are looked for only if there is no other, and each kind
/// in the order of its index, so that it costs the same however many wait. What another transaction has locked, the run or
/// its connection, is left to it: nothing here waits for a lock, so nothing can wait for this in a circle.
///
/// A run that was asked to stop and whose worker has died, or gave it back, has nobody left to stop it: it is cancelled.
fn claim_first() -> String {
    // Without the states by name, for which there is an index of all that wait.
    let is_orphan = "run.stop_requested AND run.finished_at IS NULL
        AND NOT (run.state = 'running' AND run.lease_expires_at > $1)";
    let first_of = |kind: &str| {
        format!(
            "SELECT run.id, connection_id, pace_next_at, pace_rate_milli, pace_owed
             FROM run JOIN connection ON connection.id = run.connection_id
             WHERE {kind} AND connection.deactivated_at IS NULL AND ($4 IS NULL OR run.id = $4)
                AND run.state IN ('queued', 'running') AND NOT ({is_orphan})
                AND ((run.state = 'running' AND (run.lease_expires_at <= $1 OR run.lease_expires_at > $5))
                    OR (run.state = 'queued' AND ($4 IS NOT NULL OR run.waits_for_provider_until IS NULL
                        OR run.waits_for_provider_until <= $1 OR run.waits_for_provider_until > $6)))
             ORDER BY COALESCE(run.gave_way_at, run.queued_at), run.id
             LIMIT 1 FOR UPDATE OF run SKIP LOCKED FOR NO KEY UPDATE OF connection SKIP LOCKED"
        )
    };
    let waited = first_of("(run.gave_way_at IS NULL OR run.gave_way_at <= $7)");
    let gave_way = first_of("NOT EXISTS (SELECT 1 FROM waited) AND run.gave_way_at > $7");
    format!(
        "WITH orphan AS (SELECT id FROM run WHERE {is_orphan} FOR UPDATE SKIP LOCKED),
            cancelled AS (
                UPDATE run SET state = 'cancelled', finished_at = $1, lease_owner = NULL, lease_expires_at = NULL,
                    stop_requested = false, waits_for_provider_until = NULL, requests_per_minute = NULL,
                    stage_ends_at = NULL
                FROM orphan WHERE run.id = orphan.id
                RETURNING run.id),
            forgotten AS (DELETE FROM run_page USING cancelled WHERE run_id = cancelled.id),
            waited AS ({waited}), gave_way AS ({gave_way}),
            next AS (SELECT * FROM waited UNION ALL SELECT * FROM gave_way),
            handed_out AS (UPDATE connection SET pace_owed = 0 FROM next
                WHERE connection.id = next.connection_id AND next.pace_owed > 0),
            claimed AS (
                UPDATE run SET state = 'running', started_at = COALESCE(started_at, $1),
                    attempts = attempts + CASE WHEN gave_way_at IS NULL THEN 1 ELSE 0 END,
                    failures_in_a_row = CASE WHEN gave_way_at IS NULL THEN 0 ELSE failures_in_a_row END,
                    gave_way_at = NULL, fencing_token = fencing_token + 1, lease_owner = $2, lease_expires_at = $3
                FROM next WHERE run.id = next.id
                RETURNING run.*, next.pace_next_at, next.pace_rate_milli, next.pace_owed),
            seen AS (UPDATE change_marker SET commits = commits + 1
                WHERE slot = pg_backend_pid() % 64
                    AND (EXISTS (SELECT 1 FROM claimed) OR EXISTS (SELECT 1 FROM cancelled)))
         SELECT {RUN_WITH_STREAM}, {CLAIMED}, run.pace_next_at, run.pace_rate_milli, run.pace_owed
         FROM claimed AS run JOIN connection ON connection.id = run.connection_id
            JOIN run_stream ON run_stream.run_id = run.id"
    )
}

/// What an incremental run reads is settled when it is queued.
async fn fix_windows(write: &mut PgConnection, new: &NewRun) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE run_stream SET watermark_before = (
            SELECT active_until FROM watermark WHERE connection_id = $2 AND watermark.stream = run_stream.stream)
         WHERE run_id = $1",
    )
    .bind(new.id.0)
    .bind(new.connection_id.0)
    .execute(&mut *write)
    .await
    .map(|_| ())
    .map_err(database)
}

/// A full run has seen all there is, so its word replaces what was known; an incremental one adds to it.
async fn move_watermarks(write: &mut PgConnection, run: RunId, mode: Mode) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO watermark (connection_id, stream, active_until)
         SELECT connection_id, stream, LEAST(watermark, run.started_at) FROM run_stream JOIN run ON run.id = run_id
         WHERE run_id = $1 AND watermark IS NOT NULL
         ON CONFLICT (connection_id, stream) DO UPDATE SET active_until =
            CASE WHEN $2 THEN excluded.active_until ELSE GREATEST(watermark.active_until, excluded.active_until) END",
    )
    .bind(run.0)
    .bind(mode == Mode::Full)
    .execute(&mut *write)
    .await
    .map(|_| ())
    .map_err(database)
}

/// A run's connection, locked.
struct LockedConnection {
    id: Uuid,
    /// [`KeptPace::owed`].
    owed: u64,
}

/// Locks a run's connection, before the run itself ([`lock_connection`] says why). `None` if there is no such run.
async fn lock_connection_of(
    write: &mut PgConnection,
    run: RunId,
) -> Result<Option<LockedConnection>, StoreError> {
    let row = sqlx::query(
        "SELECT id, pace_owed FROM connection WHERE id = (SELECT connection_id FROM run WHERE run.id = $1)
         FOR NO KEY UPDATE",
    )
    .bind(run.0)
    .fetch_optional(write)
    .await
    .map_err(database)?;
    let locked = |row: PgRow| {
        Ok(LockedConnection {
            id: row.uuid("id")?,
            owed: row.unsigned("pace_owed")?,
        })
    };
    row.map(locked).transpose()
}

/// What is owed stays: others may have added to it.
async fn keep_pace(write: &mut PgConnection, connection: Uuid, pace: &KeptPace) -> Result<(), StoreError> {
    sqlx::query("UPDATE connection SET pace_next_at = $2, pace_rate_milli = $3 WHERE id = $1")
        .bind(connection)
        .bind(pace.next_at.map(micros))
        .bind(pace.rate_milli.map(count).transpose()?)
        .execute(&mut *write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Puts a run in the queue, if the connection can have one.
async fn put_in_queue(write: &mut PgConnection, new: &NewRun) -> Result<Enqueued, StoreError> {
    let state = sqlx::query(
        "SELECT connection.deactivated_at, run.id AS run_id FROM connection
         LEFT JOIN run ON run.connection_id = connection.id AND run.state IN ('queued', 'running')
         WHERE connection.id = $1",
    )
    .bind(new.connection_id.0)
    .fetch_one(&mut *write)
    .await
    .map_err(database)?;
    if state.optional_time("deactivated_at")?.is_some() {
        return Ok(Enqueued::Deactivated);
    }
    if let Some(run) = state.optional_uuid("run_id")? {
        return Ok(Enqueued::UnderWay(RunId(run)));
    }
    match latest_failed(write, new.connection_id).await? {
        Some(failed) if failed.run.is_gone_on_with(new.extent, new.queued_at) => {
            let continued = NewRun {
                extent: failed.run.extent,
                ..new.clone()
            };
            insert_run(write, &continued, Some(failed.id)).await?;
            inherit(write, new.id, failed.id).await?;
        }
        _ => {
            insert_run(write, new, None).await?;
            if new.extent.mode == Mode::Incremental {
                fix_windows(write, new).await?;
            }
            forget_earlier_pages(write, new.connection_id).await?;
        }
    }
    ring(write).await?;
    Ok(Enqueued::Queued)
}

/// Whether a run of its connection was queued between the two times.
async fn queued_since(
    write: &mut PgConnection,
    new: &NewRun,
    due_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM run WHERE connection_id = $1 AND queued_at >= $2 AND queued_at <= $3)",
    )
    .bind(new.connection_id.0)
    .bind(micros(due_at))
    .bind(micros(new.queued_at))
    .fetch_one(&mut *write)
    .await
    .map_err(database)
}

/// The connection's latest run, if it failed after its first page.
async fn latest_failed(
    write: &mut PgConnection,
    connection: ConnectionId,
) -> Result<Option<Failed>, StoreError> {
    let latest = sqlx::query(
        "SELECT id, mode, all_replies, cause_code, finished_at FROM run
         WHERE id = (SELECT id FROM run WHERE connection_id = $1 ORDER BY queued_at DESC, id DESC LIMIT 1)
            AND state = 'failed' AND checkpoint IS NOT NULL",
    )
    .bind(connection.0)
    .fetch_optional(&mut *write)
    .await
    .map_err(database)?;
    latest.as_ref().map(read_failed).transpose()
}

/// Streams that the failed run read to their end count as read; what it saw of the others is seen. Its pages move with a
/// count of zero, since their records stay in its own ledger.
async fn inherit(write: &mut PgConnection, run: RunId, failed: RunId) -> Result<(), StoreError> {
    for statement in [
        "UPDATE run SET checkpoint = (SELECT earlier.checkpoint FROM run AS earlier WHERE earlier.id = $2)
         WHERE id = $1",
        "UPDATE run_stream SET (watermark_before, watermark, source, started_at, finished_at) = (
            SELECT earlier.watermark_before, earlier.watermark, earlier.source,
                CASE WHEN earlier.finished_at IS NOT NULL THEN earlier.started_at END, earlier.finished_at
            FROM run_stream AS earlier WHERE earlier.run_id = $2 AND earlier.stream = run_stream.stream)
         WHERE run_id = $1",
        "UPDATE run_page SET run_id = $1, found = 0 WHERE run_id = $2",
    ] {
        sqlx::query(statement)
            .bind(run.0)
            .bind(failed.0)
            .execute(&mut *write)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// Nobody goes on from the connection's earlier runs any more. Most have no pages; one that was cancelled while it waited,
/// or when its worker was gone, may.
async fn forget_earlier_pages(write: &mut PgConnection, connection: ConnectionId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM run_page WHERE run_id IN (SELECT id FROM run WHERE connection_id = $1)")
        .bind(connection.0)
        .execute(&mut *write)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn insert_run(
    write: &mut PgConnection,
    new: &NewRun,
    resumed_from: Option<RunId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO run (id, connection_id, trigger_kind, mode, all_replies, resumed_from, pass_id, state, queued_at)
         VALUES ($1, $2, $3, $4, $5, $6, COALESCE((SELECT pass_id FROM run WHERE id = $6), $1), 'queued', $7)",
    )
    .bind(new.id.0)
    .bind(new.connection_id.0)
    .bind(new.trigger.as_str())
    .bind(new.extent.mode.as_str())
    .bind(new.extent.all_replies)
    .bind(resumed_from.map(|run| run.0))
    .bind(micros(new.queued_at))
    .execute(&mut *write)
    .await
    .map_err(database)?;
    sqlx::query("INSERT INTO run_stream (run_id, stream) SELECT $1, stream FROM unnest($2) AS every (stream)")
        .bind(new.id.0)
        .bind(Stream::ALL.map(Stream::as_str).to_vec())
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// What only a run that goes on needs.
async fn forget_pages(write: &mut PgConnection, run: RunId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM run_page WHERE run_id = $1")
        .bind(run.0)
        .execute(&mut *write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// A run is green only if every stream was read to its end and both books of it agree.
async fn check_books(write: &mut PgConnection, run: RunId) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT stream, found, finished_at,
            (SELECT COALESCE(SUM(run_page.found), 0)::bigint FROM run_page
            WHERE run_page.run_id = run_stream.run_id AND run_page.stream = run_stream.stream) AS committed
         FROM run_stream WHERE run_id = $1",
    )
    .bind(run.0)
    .fetch_all(&mut *write)
    .await
    .map_err(database)?;
    rows.iter().try_for_each(check_ledger)
}
