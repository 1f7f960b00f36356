use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, RunId, Stream,
    record::{ContentKind, Record},
};
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgRow};
use store::{
    ContentHash, Fenced, Judged, Lease, PageCommit, PageOutcome, PageStore, Screened, StoreError, Stored,
    TopicRef, Written, check_stream, judge,
};
use store_columns::{
    Columns, corrupt, count, micros,
    records::{Table, read, read_topic_ref},
};

use crate::{
    PostgresStore,
    activity::{self, learn_source},
    database::commit,
    error::{database, ledger},
    records::{bind, insert, upsert},
    suppression::{lock_out_erasures, screen},
};

/// What a commit needs to know of its run.
pub(crate) struct CommittingRun {
    pub(crate) stop_requested: bool,
    all_replies: bool,
    watermark_before: Option<DateTime<Utc>>,
    /// Someone was erased from this installation, and is to be kept out.
    anyone_erased: bool,
}

#[async_trait]
impl PageStore for PostgresStore {
    async fn commit_page(&self, lease: &Lease, page: &PageCommit) -> Result<PageOutcome, Fenced> {
        if page.stream == Stream::Activity {
            self.make_months(&activity::events_of(page)).await?;
        }
        let mut write = self.begin_by_key().await?;
        lock_out_erasures(&mut write).await?;
        if page.stream == Stream::Activity {
            activity::lock_connection(&mut write, page.connection_id).await?;
        }
        let fence = Fence {
            connection_id: page.connection_id,
            stream: page.stream,
            checkpoint: &page.checkpoint,
            requests: page.requests,
        };
        let run = pass_fence(&mut write, lease, &fence).await?;
        check_stream(page)?;
        let Screened { page, kept_out, .. } = if run.anyone_erased {
            screen(&mut write, &self.salts, page).await?
        } else {
            Screened::whole(page)
        };
        let page = page.as_ref();
        let stored = stored_of(&mut write, page).await?;
        let mut judged = judge(page, &stored, run.watermark_before);
        judged.outcome.unchanged += kept_out;
        write_rows(&mut write, lease.run_id, page, &judged.written, &stored).await?;
        write_invalid(&mut write, lease.run_id, page).await?;
        write_ledger(&mut write, lease.run_id, page, &judged).await?;
        add_to_object_count(&mut write, page, judged.gained).await?;
        mark_replies_read(&mut write, lease.run_id, page).await?;
        if page.stream == Stream::Topics && page.end.is_some() && run.all_replies {
            make_all_replies_due(&mut write, page.connection_id).await?;
        }
        if let (Stream::Activity, Some(end)) = (page.stream, page.end) {
            learn_source(&mut write, lease.run_id, page.connection_id, end.source).await?;
        }
        commit(
            write,
            PageOutcome {
                stop_requested: run.stop_requested,
                ..judged.outcome
            },
        )
        .await
    }

    async fn seen(&self, run: RunId, stream: Stream) -> Result<Vec<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT seen FROM run_page WHERE run_id = $1 AND stream = $2 ORDER BY id")
            .bind(run.0)
            .bind(stream.as_str())
            .fetch_all(self.readers())
            .await
            .map_err(database)
    }

    async fn topics_awaiting_replies(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TopicRef>, StoreError> {
        let rows = sqlx::query(
            "SELECT public_id, private_id, subtype, reply_count FROM community_content
             WHERE connection_id = $1 AND replies_due AND public_id > COALESCE($2, '') AND kind = 'topic'
                AND deleted_at IS NULL
             ORDER BY public_id LIMIT $3",
        )
        .bind(connection.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_topic_ref).collect()
    }

    async fn records(
        &self,
        connection: ConnectionId,
        stream: Stream,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let table = Table::of(stream);
        let (name, key, columns, kind) = (table.name, table.key, table.column_list(), table.kind_condition());
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {columns} FROM {name}
             WHERE connection_id = $1 AND ($2 IS NULL OR {key} > $2){kind} AND deleted_at IS NULL
             ORDER BY {key} LIMIT $3"
        )))
        .bind(connection.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(|row| read(stream, row)).collect()
    }
}

/// What every write of a run's worker begins with.
pub(crate) struct Fence<'c> {
    pub(crate) connection_id: ConnectionId,
    pub(crate) stream: Stream,
    pub(crate) checkpoint: &'c str,
    pub(crate) requests: u64,
}

/// Writes the checkpoint if the lease still holds, and says what the run is. The run's row stays locked until the
/// transaction ends, so that nobody can claim the run while its worker writes.
pub(crate) async fn pass_fence(
    connection: &mut PgConnection,
    lease: &Lease,
    fence: &Fence<'_>,
) -> Result<CommittingRun, Fenced> {
    let run = sqlx::query(
        "UPDATE run SET checkpoint = $3, requests = requests + $4
         WHERE id = $1 AND fencing_token = $2 AND state = 'running' AND connection_id = $5
         RETURNING stop_requested, all_replies,
            (SELECT watermark_before FROM run_stream WHERE run_id = run.id AND stream = $6) AS watermark_before,
            EXISTS (SELECT 1 FROM erasure) AS anyone_erased",
    )
    .bind(lease.run_id.0)
    .bind(lease.fencing_token)
    .bind(fence.checkpoint)
    .bind(count(fence.requests)?)
    .bind(fence.connection_id.0)
    .bind(fence.stream.as_str())
    .fetch_optional(connection)
    .await
    .map_err(database)?
    .ok_or(Fenced::LeaseLost)?;
    Ok(CommittingRun {
        stop_requested: run.flag("stop_requested")?,
        all_replies: run.flag("all_replies")?,
        watermark_before: run.optional_time("watermark_before")?,
        anyone_erased: run.flag("anyone_erased")?,
    })
}

async fn stored_of(
    connection: &mut PgConnection,
    page: &PageCommit,
) -> Result<HashMap<String, Stored>, StoreError> {
    if page.rows.is_empty() {
        return Ok(HashMap::new());
    }
    if page.stream == Stream::Activity {
        activity::make_way(connection, page.connection_id, &activity::events_of(page)).await?;
    }
    let table = Table::of(page.stream);
    let (name, key, kind) = (table.name, table.key, table.kind_condition());
    let replies = match table.kind {
        Some(ContentKind::Topic) => "reply_count, last_activity_at",
        _ => "0::bigint AS reply_count, NULL::bigint AS last_activity_at",
    };
    let keys: Vec<_> = page.rows.iter().map(|row| row.record.key()).collect();
    // Key by key: while a first sync fills the table the planner takes it for small, and would read all of it.
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT wanted.record_key, stored.* FROM unnest($2) AS wanted (record_key)
         CROSS JOIN LATERAL (SELECT content_hash, deleted_at, {replies} FROM {name}
            WHERE connection_id = $1{kind} AND {key} = wanted.record_key LIMIT 1) AS stored"
    )))
    .bind(page.connection_id.0)
    .bind(keys)
    .fetch_all(connection)
    .await
    .map_err(database)?;
    let stored = |row: &PgRow| {
        let hash: &[u8] = sqlx::Row::try_get(row, "content_hash").map_err(database)?;
        let hash = hash
            .try_into()
            .map_err(|_| corrupt("content_hash", "not 16 bytes"))?;
        let stored = Stored {
            hash: ContentHash(hash),
            deleted: row.optional_time("deleted_at")?.is_some(),
            reply_count: row.int("reply_count")?,
            last_activity_at: row.optional_time("last_activity_at")?,
        };
        Ok((row.text("record_key")?, stored))
    };
    rows.iter().map(stored).collect()
}

async fn write_rows(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
    written: &[Written<'_>],
    stored: &HashMap<String, Stored>,
) -> Result<(), StoreError> {
    let is_known = |written: &&Written<'_>| stored.contains_key(written.row.record.key());
    let (known, new): (Vec<_>, Vec<_>) = written.iter().partition(is_known);
    // Whoever writes rows of a connection holds a run of it, or the connection itself: what was not there still is not.
    write_all(connection, run, page, &new, insert).await?;
    write_all(connection, run, page, &known, upsert).await
}

async fn write_all(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
    written: &[&Written<'_>],
    statement: fn(&Table) -> String,
) -> Result<(), StoreError> {
    if written.is_empty() {
        return Ok(());
    }
    let table = Table::of(page.stream);
    let hashes: Vec<&[u8]> = written
        .iter()
        .map(|written| written.row.hash.0.as_slice())
        .collect();
    let mut upsert = sqlx::query(AssertSqlSafe(statement(table)))
        .bind(page.connection_id.0)
        .bind(run.0)
        .bind(hashes);
    if table.kind.is_some() {
        upsert = upsert.bind(
            written
                .iter()
                .map(|written| written.replies_due)
                .collect::<Vec<_>>(),
        );
    }
    let done = bind(upsert, page.stream, written)?
        .execute(connection)
        .await
        .map_err(database)?;
    if done.rows_affected() != written.len() as u64 {
        return Err(StoreError::Corrupt(format!(
            "{} rows were to be written into {}, but {} were",
            written.len(),
            table.name,
            done.rows_affected()
        )));
    }
    Ok(())
}

async fn write_invalid(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    if page.invalid.is_empty() {
        return Ok(());
    }
    let records = &page.invalid;
    sqlx::query(
        "INSERT INTO invalid_record (run_id, stream, reason, name, message, payload, payload_cut, topic_public_id)
         SELECT $1, stream, reason, name, message, payload, payload_cut, topic_public_id
         FROM unnest($2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
            AS given (stream, reason, name, message, payload, payload_cut, topic_public_id, number)
         ORDER BY number",
    )
    .bind(run.0)
    .bind(records.iter().map(|record| record.stream.as_str()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.reason.as_str()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.name.as_str()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.message.as_str()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.payload.as_str()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.payload_cut).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.topic_public_id.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(database)
}

/// Both books: the ledger, whose CHECK judges the sum, and the page.
async fn write_ledger(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
    judged: &Judged<'_>,
) -> Result<(), StoreError> {
    let outcome = judged.outcome;
    sqlx::query(
        "UPDATE run_stream SET found = found + $3, new = new + $4, updated = updated + $5, unchanged = unchanged + $6,
            invalid = invalid + $7, repeated = repeated + $8, refused = refused + $9, pages = pages + $10,
            late = late + $11, finished_at = $12, source = COALESCE($13, source), watermark = GREATEST(watermark, $14)
         WHERE run_id = $1 AND stream = $2",
    )
    .bind(run.0)
    .bind(page.stream.as_str())
    .bind(count(page.found)?)
    .bind(count(outcome.new)?)
    .bind(count(outcome.updated)?)
    .bind(count(outcome.unchanged)?)
    .bind(count(page.invalid.len() as u64)?)
    .bind(count(page.repeated)?)
    .bind(count(page.refused)?)
    .bind(count(page.pages)?)
    .bind(count(judged.late)?)
    .bind(page.end.map(|end| micros(end.at)))
    .bind(page.end.map(|end| end.source.as_str()))
    .bind(page.watermark.map(micros))
    .execute(&mut *connection)
    .await
    .map_err(ledger)?;
    if page.found == 0 && page.seen.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO run_page (run_id, stream, found, seen) VALUES ($1, $2, $3, $4)")
        .bind(run.0)
        .bind(page.stream.as_str())
        .bind(count(page.found)?)
        .bind(&page.seen)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn add_to_object_count(
    connection: &mut PgConnection,
    page: &PageCommit,
    gained: u64,
) -> Result<(), StoreError> {
    if gained == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO object_count (connection_id, stream, stored) VALUES ($1, $2, $3)
         ON CONFLICT (connection_id, stream) DO UPDATE SET stored = object_count.stored + excluded.stored",
    )
    .bind(page.connection_id.0)
    .bind(page.stream.as_str())
    .bind(count(gained)?)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn mark_replies_read(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    if page.replies_read.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE community_content SET replies_due = false, replies_read_pass = (SELECT pass_id FROM run WHERE id = $3)
         WHERE connection_id = $1 AND kind = 'topic' AND public_id = ANY($2)",
    )
    .bind(page.connection_id.0)
    .bind(&page.replies_read)
    .bind(run.0)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn make_all_replies_due(connection: &mut PgConnection, of: ConnectionId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE community_content SET replies_due = true
         WHERE connection_id = $1 AND kind = 'topic' AND reply_count > 0 AND deleted_at IS NULL",
    )
    .bind(of.0)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(database)
}

/// Writes the rows of a commit that differ from what is stored, and counts those that are stored more. For what no page
/// of a run brings.
pub(crate) async fn store_rows(
    connection: &mut PgConnection,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    check_stream(page)?;
    let stored = stored_of(connection, page).await?;
    let judged = judge(page, &stored, None);
    write_rows(connection, run, page, &judged.written, &stored).await?;
    add_to_object_count(connection, page, judged.gained).await
}
