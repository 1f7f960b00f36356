use std::{borrow::Cow, collections::HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, RunId, Stream,
    record::{ContentKind, Record},
};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Sqlite, Transaction, sqlite::SqliteArguments};
use store::{
    ContentHash, Fenced, Judged, Lease, PageCommit, PageOutcome, PageStore, Screened, StoreError, Stored,
    TopicRef, Written, check_stream, judge,
};
use store_columns::{
    Columns, corrupt, count, json_text, micros,
    records::{Table, read, read_topic_ref},
    time_of,
};

use crate::{
    SqliteStore,
    activity::learn_source,
    database::commit,
    error::{database, ledger},
    records::{Values, bind, upsert_of},
    suppression::screen,
};

/// Rows of one upsert, at most: a page of the provider. Few lengths, because each is a statement that is prepared once and
/// then kept; with 26 values a row the longest stays far below SQLite's 32,766 parameters.
const UPSERT_ROWS: [usize; 4] = [100, 25, 5, 1];

/// What is stored of a key, in the order in which [`stored_of`] selects it; the hash in hexadecimal digits.
#[derive(Deserialize)]
struct StoredRow<'s>(
    #[serde(borrow)] Cow<'s, str>,
    &'s str,
    Option<i64>,
    i64,
    Option<i64>,
);

/// What a commit needs to know of its run.
pub(crate) struct CommittingRun {
    pub(crate) stop_requested: bool,
    all_replies: bool,
    watermark_before: Option<DateTime<Utc>>,
    /// Someone was erased from this installation, and is to be kept out.
    anyone_erased: bool,
}

#[async_trait]
impl PageStore for SqliteStore {
    async fn commit_page(&self, lease: &Lease, page: &PageCommit) -> Result<PageOutcome, Fenced> {
        let mut transaction = self.begin().await?;
        let fence = Fence {
            connection_id: page.connection_id,
            stream: page.stream,
            checkpoint: &page.checkpoint,
            requests: page.requests,
        };
        let run = pass_fence(&mut transaction, lease, &fence).await?;
        check_stream(page)?;
        let Screened { page, kept_out, .. } = if run.anyone_erased {
            screen(&mut transaction, &self.salts, page).await?
        } else {
            Screened::whole(page)
        };
        let page = page.as_ref();
        let stored = stored_of(&mut transaction, page).await?;
        let mut judged = judge(page, &stored, run.watermark_before);
        judged.outcome.unchanged += kept_out;
        write_rows(&mut transaction, lease.run_id, page, &judged.written).await?;
        write_invalid(&mut transaction, lease.run_id, page).await?;
        write_ledger(&mut transaction, lease.run_id, page, &judged).await?;
        add_to_object_count(&mut transaction, page, judged.gained).await?;
        mark_replies_read(&mut transaction, lease.run_id, page).await?;
        if page.stream == Stream::Topics && page.end.is_some() && run.all_replies {
            make_all_replies_due(&mut transaction, page.connection_id).await?;
        }
        if let (Stream::Activity, Some(end)) = (page.stream, page.end) {
            learn_source(&mut transaction, lease.run_id, page.connection_id, end.source).await?;
        }
        commit(
            transaction,
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
             WHERE connection_id = $1 AND replies_due = 1 AND public_id > COALESCE($2, '') AND kind = 'topic'
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

/// Writes the checkpoint if the lease still holds, and says what the run is.
pub(crate) async fn pass_fence(
    transaction: &mut Transaction<'static, Sqlite>,
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
    .fetch_optional(&mut **transaction)
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
    transaction: &mut Transaction<'static, Sqlite>,
    page: &PageCommit,
) -> Result<HashMap<String, Stored>, StoreError> {
    if page.rows.is_empty() {
        return Ok(HashMap::new());
    }
    let table = Table::of(page.stream);
    let (name, key, kind) = (table.name, table.key, table.kind_condition());
    let replies = match table.kind {
        Some(ContentKind::Topic) => "reply_count, last_activity_at",
        _ => "0, NULL",
    };
    let keys: Vec<_> = page.rows.iter().map(|row| row.record.key()).collect();
    let stored: String = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT json_group_array(json_array({key}, hex(content_hash), deleted_at, {replies})) FROM {name}
         WHERE connection_id = $1{kind} AND {key} IN (SELECT value FROM json_each($2))"
    )))
    .bind(page.connection_id.0)
    .bind(json_text(&keys)?)
    .fetch_one(&mut **transaction)
    .await
    .map_err(database)?;
    let rows: Vec<StoredRow<'_>> =
        serde_json::from_str(&stored).map_err(|error| corrupt("content_hash", &error.to_string()))?;
    rows.into_iter().map(read_stored).collect()
}

fn read_stored(
    StoredRow(key, hash, deleted_at, reply_count, last_activity_at): StoredRow<'_>,
) -> Result<(String, Stored), StoreError> {
    let hash = u128::from_str_radix(hash, 16).map_err(|error| corrupt("content_hash", &error.to_string()))?;
    let stored = Stored {
        hash: ContentHash(hash.to_be_bytes()),
        deleted: deleted_at.is_some(),
        reply_count,
        last_activity_at: last_activity_at
            .map(|micros| time_of("last_activity_at", micros))
            .transpose()?,
    };
    Ok((key.into_owned(), stored))
}

async fn write_rows(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    page: &PageCommit,
    written: &[Written<'_>],
) -> Result<(), StoreError> {
    let table = Table::of(page.stream);
    let mut rest = written;
    let mut upsert = next_upsert(table, run, page, &mut rest)?;
    while let Some((values, rows)) = upsert {
        let statement = sqlx::query_with(AssertSqlSafe(upsert_of(table, rows)), values);
        // The values of the next one are bound while the database's thread works on this one.
        let (done, following) = tokio::join!(
            biased;
            statement.execute(&mut **transaction),
            async { next_upsert(table, run, page, &mut rest) }
        );
        let affected = done.map_err(database)?.rows_affected();
        if affected != rows as u64 {
            return Err(StoreError::Corrupt(format!(
                "{rows} rows were to be written into {}, but {affected} were",
                table.name
            )));
        }
        upsert = following?;
    }
    Ok(())
}

/// Takes as many rows as one upsert writes, and binds their values.
fn next_upsert(
    table: &Table,
    run: RunId,
    page: &PageCommit,
    rest: &mut &[Written<'_>],
) -> Result<Option<(SqliteArguments, usize)>, StoreError> {
    let Some(rows) = UPSERT_ROWS.into_iter().find(|rows| *rows <= rest.len()) else {
        return Ok(None);
    };
    let (chunk, others) = rest.split_at(rows);
    *rest = others;
    let mut values = Values::default();
    for Written { row, replies_due } in chunk {
        values.push_bind(row.hash.0.as_slice());
        if table.kind.is_some() {
            values.push_bind(*replies_due);
        }
        bind(&mut values, &row.record)?;
    }
    values.push_bind(page.connection_id.0).push_bind(run.0);
    Ok(Some((values.into_arguments()?, rows)))
}

async fn write_invalid(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    for record in &page.invalid {
        sqlx::query(
            "INSERT INTO invalid_record (run_id, stream, reason, name, message, payload, payload_cut, topic_public_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(run.0)
        .bind(record.stream.as_str())
        .bind(record.reason.as_str())
        .bind(&record.name)
        .bind(&record.message)
        .bind(&record.payload)
        .bind(record.payload_cut)
        .bind(&record.topic_public_id)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    }
    Ok(())
}

/// Both books: the ledger, whose CHECK judges the sum, and the page.
async fn write_ledger(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    page: &PageCommit,
    judged: &Judged<'_>,
) -> Result<(), StoreError> {
    let outcome = judged.outcome;
    sqlx::query(
        "UPDATE run_stream SET found = found + $3, new = new + $4, updated = updated + $5, unchanged = unchanged + $6,
            invalid = invalid + $7, repeated = repeated + $8, refused = refused + $9, pages = pages + $10,
            late = late + $11, finished_at = $12, source = COALESCE($13, source),
            watermark = MAX(COALESCE(watermark, $14), COALESCE($14, watermark))
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
    .execute(&mut **transaction)
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
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn add_to_object_count(
    transaction: &mut Transaction<'static, Sqlite>,
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
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn mark_replies_read(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    if page.replies_read.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE community_content SET replies_due = 0, replies_read_pass = (SELECT pass_id FROM run WHERE id = $3)
         WHERE connection_id = $1 AND kind = 'topic' AND public_id IN (SELECT value FROM json_each($2))",
    )
    .bind(page.connection_id.0)
    .bind(json_text(&page.replies_read)?)
    .bind(run.0)
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn make_all_replies_due(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE community_content SET replies_due = 1
         WHERE connection_id = $1 AND kind = 'topic' AND reply_count > 0 AND deleted_at IS NULL",
    )
    .bind(connection.0)
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

/// Writes the rows of a commit that differ from what is stored, and counts those that are stored more. For what no page
/// of a run brings.
pub(crate) async fn store_rows(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    page: &PageCommit,
) -> Result<(), StoreError> {
    check_stream(page)?;
    let stored = stored_of(transaction, page).await?;
    let judged = judge(page, &stored, None);
    write_rows(transaction, run, page, &judged.written).await?;
    add_to_object_count(transaction, page, judged.gained).await
}
