use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{ConnectionId, Mode, Run, RunId, RunState, Stage, StoppedBy, Stream, record::InvalidReason};
use sqlx::{AssertSqlSafe, Sqlite, SqliteExecutor, Transaction};
use store::{
    By, CLOCK_SKEW_MAX, Cancelling, ClaimRequest, ClaimedRun, Deed, Enqueued, Fenced, Finish, InvalidGroup,
    InvalidPage, KeptPace, LastQueued, Lease, LeaseState, NewRun, PATIENCE, PROVIDER_WAIT_MAX, Queue,
    Release, Renewal, Renewed, RunPage, RunQuery, RunStore, StoreError, targets,
};
use store_columns::{
    Columns, count, json_text, micros,
    runs::{
        CLAIMED, Failed, RUN_WITH_STREAM, check_ledger, expiry, micros_of, read_claimed, read_failed,
        read_group, read_invalid, read_last_queued, read_pace, read_queue, read_runs,
    },
};
use uuid::Uuid;

use crate::{SqliteStore, audit::append, database::commit, error::database, matching::count_matches};

#[async_trait]
impl RunStore for SqliteStore {
    async fn enqueue(&self, new: &NewRun, by: Option<&By>) -> Result<Enqueued, StoreError> {
        let mut transaction = self.begin().await?;
        let enqueued = put_in_queue(&mut transaction, new).await?;
        if enqueued != Enqueued::Queued {
            return Ok(enqueued);
        }
        if let Some(by) = by {
            let target = targets::run(new.id);
            append(&mut transaction, by, Deed::RunQueued, Some(target)).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(Enqueued::Queued)
    }

    async fn enqueue_due(&self, new: &NewRun, due_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if queued_since(&mut transaction, new, due_at).await? {
            return Ok(false);
        }
        if put_in_queue(&mut transaction, new).await? != Enqueued::Queued {
            return Ok(false);
        }
        transaction.commit().await.map_err(database)?;
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
        let mut transaction = self.begin().await?;
        cancel_orphans(&mut transaction, request.now).await?;
        let claimed = sqlx::query(
            "UPDATE run SET state = 'running', started_at = COALESCE(started_at, $1),
                attempts = attempts + CASE WHEN gave_way_at IS NULL THEN 1 ELSE 0 END,
                failures_in_a_row = CASE WHEN gave_way_at IS NULL THEN 0 ELSE failures_in_a_row END,
                gave_way_at = NULL, fencing_token = fencing_token + 1, lease_owner = $2, lease_expires_at = $3
             WHERE id = (
                SELECT run.id FROM run JOIN connection ON connection.id = run.connection_id
                WHERE connection.deactivated_at IS NULL AND ($4 IS NULL OR run.id = $4)
                    AND ((run.state = 'running' AND (run.lease_expires_at <= $1 OR run.lease_expires_at > $5))
                        OR (run.state = 'queued' AND ($4 IS NOT NULL OR run.waits_for_provider_until IS NULL
                            OR run.waits_for_provider_until <= $1 OR run.waits_for_provider_until > $6)))
                ORDER BY CASE WHEN run.gave_way_at > $7 THEN 1 ELSE 0 END, COALESCE(run.gave_way_at, run.queued_at),
                    run.id
                LIMIT 1)
             RETURNING id, connection_id",
        )
        .bind(micros(request.now))
        .bind(&request.worker)
        .bind(expiry(request.now, request.lease_ttl))
        .bind(request.only.map(|run| run.0))
        .bind(expiry(request.now, request.lease_ttl).saturating_add(micros_of(CLOCK_SKEW_MAX)))
        .bind(micros(request.now).saturating_add(micros_of(PROVIDER_WAIT_MAX)))
        .bind(micros(request.now).saturating_sub(micros_of(PATIENCE)))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(database)?;
        let Some(claimed) = claimed else {
            transaction.commit().await.map_err(database)?;
            return Ok(None);
        };
        let pace = take_pace(&mut transaction, claimed.uuid("connection_id")?).await?;
        let select = format!(
            "SELECT {RUN_WITH_STREAM}, {CLAIMED}
             FROM run JOIN connection ON connection.id = run.connection_id JOIN run_stream ON run_stream.run_id = run.id
             WHERE run.id = $1"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(claimed.uuid("id")?)
            .fetch_all(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)?;
        read_claimed(&rows, pace).map(Some)
    }

    async fn queue(&self, now: DateTime<Utc>) -> Result<Queue, StoreError> {
        let rows = sqlx::query(
            "SELECT run.id, CASE WHEN run.gave_way_at > $2 THEN 1 ELSE 0 END AS gave_way,
                CASE WHEN run.state = 'queued' AND run.waits_for_provider_until > $1
                    AND run.waits_for_provider_until <= $3 THEN run.waits_for_provider_until END AS waits_until,
                CASE WHEN run.state = 'running' AND run.lease_expires_at > $1 THEN 1 ELSE 0 END AS held
             FROM run JOIN connection ON connection.id = run.connection_id
             WHERE run.state IN ('queued', 'running') AND connection.deactivated_at IS NULL
             ORDER BY waits_until IS NOT NULL, waits_until, gave_way, COALESCE(run.gave_way_at, run.queued_at), run.id",
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
        let mut transaction = self.begin().await?;
        let renewed = sqlx::query(
            "UPDATE run SET lease_expires_at = $3, waits_for_provider_until = $4, requests_per_minute = $5,
                stage_ends_at = $6
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'
             RETURNING stop_requested, connection_id",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(expiry(renewal.now, renewal.lease_ttl))
        .bind(renewal.waits_for_provider_until.map(micros))
        .bind(renewal.requests_per_minute.map(count).transpose()?)
        .bind(renewal.stage_ends_at.map(micros))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(database)?;
        let Some(row) = renewed else {
            return Ok(Renewed {
                state: LeaseState::Lost,
                owed: 0,
            });
        };
        let connection = row.uuid("connection_id")?;
        let owed = take_pace(&mut transaction, connection).await?.owed;
        keep_pace(&mut transaction, connection, &renewal.pace).await?;
        transaction.commit().await.map_err(database)?;
        let state = if row.flag("stop_requested")? {
            LeaseState::StopRequested
        } else {
            LeaseState::Held
        };
        Ok(Renewed { state, owed })
    }

    async fn cancel(&self, run: RunId, stopped_by: StoppedBy, by: &By) -> Result<Cancelling, StoreError> {
        let mut transaction = self.begin().await?;
        let asked = sqlx::query(
            "UPDATE run SET stopped_by = COALESCE(stopped_by, $2),
                stop_requested = CASE WHEN state = 'running' THEN 1 ELSE 0 END,
                finished_at = CASE WHEN state = 'queued' THEN $3 END,
                waits_for_provider_until = CASE WHEN state = 'running' THEN waits_for_provider_until END,
                state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
             WHERE id = $1 AND state IN ('queued', 'running')
             RETURNING state",
        )
        .bind(run.0)
        .bind(stopped_by.as_str())
        .bind(micros(by.at))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(database)?;
        let Some(asked) = asked else {
            drop(transaction);
            let known = self.run(run).await?;
            return Ok(known.map_or(Cancelling::NoSuchRun, |run| Cancelling::Over(run.state)));
        };
        let cancelled = asked.word("state", RunState::parse)? == RunState::Cancelled;
        if cancelled {
            forget_pages(&mut transaction, run).await?;
        }
        append(&mut transaction, by, Deed::RunCancelled, Some(targets::run(run))).await?;
        transaction.commit().await.map_err(database)?;
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
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE connection SET pace_owed = pace_owed + $2 WHERE id = $1")
            .bind(connection.0)
            .bind(count(requests)?)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        transaction.commit().await.map_err(database)
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
        let mut transaction = self.begin().await?;
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
        .execute(&mut *transaction)
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
        .execute(&mut *transaction)
        .await
        .map_err(database)?;
        commit(transaction, ()).await
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<Run, Fenced> {
        let mut transaction = self.begin().await?;
        let finished = sqlx::query(
            "UPDATE run SET state = $3, cause_code = $4, cause_message = $5, cause_next_action = $6, finished_at = $7,
                requests = requests + $8, lease_owner = NULL, lease_expires_at = NULL, stop_requested = 0,
                stopped_by = CASE WHEN $3 = 'cancelled' THEN stopped_by END, waits_for_provider_until = NULL,
                requests_per_minute = NULL, stage_ends_at = NULL
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'
             RETURNING connection_id, mode",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(finish.state.as_str())
        .bind(finish.cause.as_ref().map(|cause| cause.code.as_str()))
        .bind(finish.cause.as_ref().map(|cause| &cause.message))
        .bind(finish.cause.as_ref().map(|cause| &cause.next_action))
        .bind(micros(finish.at))
        .bind(count(finish.requests)?)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(database)?
        .ok_or(Fenced::LeaseLost)?;
        if finish.state.is_success() {
            check_books(&mut transaction, lease.run_id).await?;
            let mode = finished.word("mode", Mode::parse)?;
            move_watermarks(&mut transaction, lease.run_id, mode).await?;
        }
        let connection = finished.uuid("connection_id")?;
        count_matches(&mut transaction, lease.run_id, connection).await?;
        keep_pace(&mut transaction, connection, &finish.pace).await?;
        if finish.state != RunState::Failed {
            // A failed run keeps what the next one needs to go on from its last page.
            forget_pages(&mut transaction, lease.run_id).await?;
        }
        commit(transaction, ()).await?;
        self.run(lease.run_id).await?.ok_or(Fenced::LeaseLost)
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), Fenced> {
        let mut transaction = self.begin().await?;
        let released = sqlx::query(
            "UPDATE run SET state = 'queued', lease_owner = NULL, lease_expires_at = NULL, requests = requests + $3,
                stage = NULL, gave_way_at = $4, waits_for_provider_until = $5, failures_in_a_row = $6, requests_per_minute = NULL, stage_ends_at = NULL
             WHERE id = $1 AND fencing_token = $2 AND state = 'running'
             RETURNING connection_id",
        )
        .bind(lease.run_id.0)
        .bind(lease.fencing_token)
        .bind(count(release.requests)?)
        .bind(release.gave_way_at.map(micros))
        .bind(release.waits_for_provider_until.map(micros))
        .bind(i64::from(release.failures_in_a_row))
        .fetch_optional(&mut *transaction)
        .await
        .map_err(database)?
        .ok_or(Fenced::LeaseLost)?;
        keep_pace(&mut transaction, released.uuid("connection_id")?, &release.pace).await?;
        commit(transaction, ()).await
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
                    (SELECT COUNT(*) FROM invalid_record AS mended
                     WHERE mended.run_id = $1 AND mended.stream = invalid_record.stream
                        AND mended.reason = invalid_record.reason AND mended.repaired_at IS NOT NULL) AS repaired
                   FROM invalid_record WHERE run_id = $1 GROUP BY stream, reason)
             JOIN invalid_record USING (stream, reason) WHERE invalid_record.id = first_id
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
pub(crate) async fn runs_by_id(
    executor: impl SqliteExecutor<'_>,
    ids: &[RunId],
) -> Result<Vec<Run>, StoreError> {
    let ids = hex_list(ids)?;
    let select = format!(
        "SELECT {RUN_WITH_STREAM}
         FROM run JOIN connection ON connection.id = run.connection_id JOIN run_stream ON run_stream.run_id = run.id
         WHERE run.id IN (SELECT unhex(value) FROM json_each($1))
         ORDER BY queued_at DESC, run.id DESC"
    );
    let rows = sqlx::query(AssertSqlSafe(select))
        .bind(&ids)
        .fetch_all(executor)
        .await
        .map_err(database)?;
    read_runs(&rows)
}

/// What an incremental run reads is settled when it is queued.
async fn fix_windows(transaction: &mut Transaction<'static, Sqlite>, new: &NewRun) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE run_stream SET watermark_before = (
            SELECT active_until FROM watermark WHERE connection_id = $2 AND watermark.stream = run_stream.stream)
         WHERE run_id = $1",
    )
    .bind(new.id.0)
    .bind(new.connection_id.0)
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

/// A full run has seen all there is, so its word replaces what was known; an incremental one adds to it.
async fn move_watermarks(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    mode: Mode,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO watermark (connection_id, stream, active_until)
         SELECT connection_id, stream, MIN(watermark, run.started_at) FROM run_stream JOIN run ON run.id = run_id
         WHERE run_id = $1 AND watermark IS NOT NULL
         ON CONFLICT (connection_id, stream) DO UPDATE SET active_until =
            CASE WHEN $2 THEN excluded.active_until ELSE MAX(watermark.active_until, excluded.active_until) END",
    )
    .bind(run.0)
    .bind(mode == Mode::Full)
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

/// Ids as a JSON list that `unhex` reads.
fn hex_list(ids: &[RunId]) -> Result<String, StoreError> {
    json_text(&ids.iter().map(|id| id.0.simple().to_string()).collect::<Vec<_>>())
}

/// What is kept of a connection's pace. What is owed is handed out, and paid by whoever asks.
async fn take_pace(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: Uuid,
) -> Result<KeptPace, StoreError> {
    let row = sqlx::query("SELECT pace_next_at, pace_rate_milli, pace_owed FROM connection WHERE id = $1")
        .bind(connection)
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    sqlx::query("UPDATE connection SET pace_owed = 0 WHERE id = $1 AND pace_owed <> 0")
        .bind(connection)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    read_pace(&row)
}

/// What is owed stays: others may have added to it.
async fn keep_pace(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: Uuid,
    pace: &KeptPace,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE connection SET pace_next_at = $2, pace_rate_milli = $3 WHERE id = $1")
        .bind(connection)
        .bind(pace.next_at.map(micros))
        .bind(pace.rate_milli.map(count).transpose()?)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Puts a run in the queue, if the connection can have one.
async fn put_in_queue(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewRun,
) -> Result<Enqueued, StoreError> {
    let state = sqlx::query(
        "SELECT connection.deactivated_at, run.id AS run_id FROM connection
         LEFT JOIN run ON run.connection_id = connection.id AND run.state IN ('queued', 'running')
         WHERE connection.id = $1",
    )
    .bind(new.connection_id.0)
    .fetch_one(&mut **transaction)
    .await
    .map_err(database)?;
    if state.optional_time("deactivated_at")?.is_some() {
        return Ok(Enqueued::Deactivated);
    }
    if let Some(run) = state.optional_uuid("run_id")? {
        return Ok(Enqueued::UnderWay(RunId(run)));
    }
    match latest_failed(transaction, new.connection_id).await? {
        Some(failed) if failed.run.is_gone_on_with(new.extent, new.queued_at) => {
            let continued = NewRun {
                extent: failed.run.extent,
                ..new.clone()
            };
            insert_run(transaction, &continued, Some(failed.id)).await?;
            inherit(transaction, new.id, failed.id).await?;
        }
        _ => {
            insert_run(transaction, new, None).await?;
            if new.extent.mode == Mode::Incremental {
                fix_windows(transaction, new).await?;
            }
            forget_earlier_pages(transaction, new.connection_id).await?;
        }
    }
    Ok(Enqueued::Queued)
}

/// Whether a run of its connection was queued between the two times.
async fn queued_since(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewRun,
    due_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM run WHERE connection_id = $1 AND queued_at >= $2 AND queued_at <= $3)",
    )
    .bind(new.connection_id.0)
    .bind(micros(due_at))
    .bind(micros(new.queued_at))
    .fetch_one(&mut **transaction)
    .await
    .map_err(database)
}

/// The connection's latest run, if it failed after its first page.
async fn latest_failed(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
) -> Result<Option<Failed>, StoreError> {
    let latest = sqlx::query(
        "SELECT id, mode, all_replies, cause_code, finished_at FROM run
         WHERE id = (SELECT id FROM run WHERE connection_id = $1 ORDER BY queued_at DESC, id DESC LIMIT 1)
            AND state = 'failed' AND checkpoint IS NOT NULL",
    )
    .bind(connection.0)
    .fetch_optional(&mut **transaction)
    .await
    .map_err(database)?;
    latest.as_ref().map(read_failed).transpose()
}

/// Streams that the failed run read to their end count as read; what it saw of the others is seen. Its pages move with a
/// count of zero, since their records stay in its own ledger.
async fn inherit(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    failed: RunId,
) -> Result<(), StoreError> {
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
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// Nobody goes on from the connection's earlier runs any more. Most have no pages; one that was cancelled while it waited,
/// or when its worker was gone, may.
async fn forget_earlier_pages(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM run_page WHERE run_id IN (SELECT id FROM run WHERE connection_id = $1)")
        .bind(connection.0)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn insert_run(
    transaction: &mut Transaction<'static, Sqlite>,
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
    .execute(&mut **transaction)
    .await
    .map_err(database)?;
    for stream in Stream::ALL {
        sqlx::query("INSERT INTO run_stream (run_id, stream) VALUES ($1, $2)")
            .bind(new.id.0)
            .bind(stream.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// A run that was asked to stop and whose worker has died, or gave it back, has nobody left to stop it.
async fn cancel_orphans(
    transaction: &mut Transaction<'static, Sqlite>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let orphans: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE run SET state = 'cancelled', finished_at = $1, lease_owner = NULL, lease_expires_at = NULL,
            stop_requested = 0, waits_for_provider_until = NULL, requests_per_minute = NULL, stage_ends_at = NULL
         WHERE stop_requested = 1 AND (state = 'queued' OR (state = 'running' AND lease_expires_at <= $1))
         RETURNING id",
    )
    .bind(micros(now))
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    for orphan in orphans {
        forget_pages(transaction, RunId(orphan)).await?;
    }
    Ok(())
}

/// What only a run that goes on needs.
async fn forget_pages(transaction: &mut Transaction<'static, Sqlite>, run: RunId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM run_page WHERE run_id = $1")
        .bind(run.0)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

/// A run is green only if every stream was read to its end and both books of it agree.
async fn check_books(transaction: &mut Transaction<'static, Sqlite>, run: RunId) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT stream, found, finished_at,
            (SELECT COALESCE(SUM(run_page.found), 0) FROM run_page
            WHERE run_page.run_id = run_stream.run_id AND run_page.stream = run_stream.stream) AS committed
         FROM run_stream WHERE run_id = $1",
    )
    .bind(run.0)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    rows.iter().try_for_each(check_ledger)
}
