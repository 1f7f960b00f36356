//! Activity: what files bring, where a connection's activity comes from, and the months it is kept in.

use async_trait::async_trait;
use domain::{
    ActivitySource, ConnectionId, RunId, Stream,
    record::{Activity, Record},
};
use sqlx::PgConnection;
use store::{ActivityStore, By, Deed, ImportOutcome, ImportedActivity, PageCommit, Row, StoreError, targets};
use store_columns::{Columns, count, micros};
use uuid::Uuid;

use crate::{
    PostgresStore,
    audit::append,
    error::database,
    suppression::{lock_out_erasures, screen_import},
};

const STORED: &str = "SELECT COUNT(*) AS known, COUNT(*) FILTER (WHERE deleted_at IS NULL) AS standing
    FROM community_activity
    WHERE connection_id = $1 AND event_id = ANY($2)";

/// No run brought the row, which zeros in place of a run's id say. An equal row is not written.
const UPSERT: &str = "INSERT INTO community_activity (connection_id, event_id, activity_type, occurred_at, user_id,
        content_public_id, content_hash, first_seen_run, changed_run)
    SELECT $1, event_id, activity_type, occurred_at, user_id, content_public_id, content_hash, $8, $8
    FROM unnest($2, $3, $4, $5, $6, $7)
        AS given (event_id, activity_type, occurred_at, user_id, content_public_id, content_hash)
    ORDER BY event_id
    ON CONFLICT (connection_id, event_id, occurred_at) DO UPDATE SET activity_type = excluded.activity_type,
        user_id = excluded.user_id, content_public_id = excluded.content_public_id,
        content_hash = excluded.content_hash, changed_run = excluded.changed_run, deleted_at = NULL
    WHERE community_activity.content_hash <> excluded.content_hash OR community_activity.deleted_at IS NOT NULL";

/// The row goes to the month of its new time; what else changed is written after.
const MOVE: &str = "UPDATE community_activity AS stored SET occurred_at = given.occurred_at
    FROM unnest($2, $3) AS given (event_id, occurred_at)
    WHERE stored.connection_id = $1 AND stored.event_id = given.event_id AND stored.occurred_at <> given.occurred_at
        AND stored.event_id = ANY($2)";

const ADD_TO_COUNT: &str =
    "INSERT INTO object_count (connection_id, stream, stored) VALUES ($1, 'activity', $2)
    ON CONFLICT (connection_id, stream) DO UPDATE SET stored = object_count.stored + excluded.stored";

#[async_trait]
impl ActivityStore for PostgresStore {
    async fn import_activity(
        &self,
        connection: ConnectionId,
        rows: &[ImportedActivity],
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        if rows.is_empty() {
            return Ok(ImportOutcome::default());
        }
        let events: Vec<&Activity> = rows.iter().map(|row| &row.activity).collect();
        let keys: Vec<&str> = events.iter().map(|event| event.event_id.as_str()).collect();
        let total = rows.len() as u64;
        self.make_months(&events).await?;
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        lock_connection(&mut write, connection).await?;
        make_way(&mut write, connection, &events).await?;
        let rows = screen_import(&mut write, &self.salts, connection, rows).await?;
        let stored = sqlx::query(STORED)
            .bind(connection.0)
            .bind(&keys)
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
        let new = total.saturating_sub(stored.unsigned("known")?);
        let gained = total.saturating_sub(stored.unsigned("standing")?);
        let updated = upsert(&mut write, connection, &rows).await?.saturating_sub(new);
        sqlx::query(ADD_TO_COUNT)
            .bind(connection.0)
            .bind(count(gained)?)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        sqlx::query(
            "UPDATE connection SET activity_source = 'import' WHERE id = $1 AND activity_source IS DISTINCT FROM 'api'",
        )
        .bind(connection.0)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        let outcome = ImportOutcome {
            new,
            updated,
            unchanged: total.saturating_sub(new + updated),
        };
        if new + updated > 0 {
            let target = format!(
                "{}: {}",
                targets::connection(connection),
                targets::imported(&outcome)
            );
            append(&mut write, by, Deed::ActivityImported, Some(target)).await?;
        }
        write.commit().await?;
        Ok(outcome)
    }
}

/// How many rows were written.
async fn upsert(
    write: &mut PgConnection,
    connection: ConnectionId,
    rows: &[ImportedActivity],
) -> Result<u64, StoreError> {
    let text = |value: fn(&Activity) -> &str| rows.iter().map(|row| value(&row.activity)).collect::<Vec<_>>();
    let optional = |value: fn(&Activity) -> Option<&str>| {
        rows.iter().map(|row| value(&row.activity)).collect::<Vec<_>>()
    };
    let times: Vec<i64> = rows.iter().map(|row| micros(row.activity.occurred_at)).collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|row| row.hash.0.as_slice()).collect();
    let done = sqlx::query(UPSERT)
        .bind(connection.0)
        .bind(text(|event| &event.event_id))
        .bind(text(|event| &event.activity_type))
        .bind(times)
        .bind(optional(|event| event.user_id.as_deref()))
        .bind(optional(|event| event.content_public_id.as_deref()))
        .bind(hashes)
        .bind(Uuid::nil())
        .execute(write)
        .await
        .map_err(database)?;
    Ok(done.rows_affected())
}

pub(crate) fn events_of(page: &PageCommit) -> Vec<&Activity> {
    page.rows.iter().filter_map(event_of).collect()
}

pub(crate) fn event_of(row: &Row) -> Option<&Activity> {
    match &row.record {
        Record::Activity(event) => Some(event),
        _ => None,
    }
}

/// One transaction at a time writes what goes beyond a run of a connection: its activity, which files bring, too; what is
/// queued for it. Whoever locks the connection and a run locks the connection first.
pub(crate) async fn lock_connection(
    write: &mut PgConnection,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query("SELECT id FROM connection WHERE id = $1 FOR NO KEY UPDATE")
        .bind(connection.0)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// An event id comes once in a connection, which no index can say of a table that is cut by time: so
/// the connection is locked, and a row whose event has another time now is moved before the rows are written.
pub(crate) async fn make_way(
    write: &mut PgConnection,
    connection: ConnectionId,
    events: &[&Activity],
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(MOVE)
        .bind(connection.0)
        .bind(
            events
                .iter()
                .map(|event| event.event_id.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            events
                .iter()
                .map(|event| micros(event.occurred_at))
                .collect::<Vec<_>>(),
        )
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// What a run learned at the end of the stream. Where the API offers nothing, an import goes on being the source.
pub(crate) async fn learn_source(
    write: &mut PgConnection,
    run: RunId,
    connection: ConnectionId,
    source: ActivitySource,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE connection SET activity_source = $2
         WHERE id = $1 AND NOT ($2 = 'none' AND activity_source IS NOT DISTINCT FROM 'import')",
    )
    .bind(connection.0)
    .bind(source.as_str())
    .execute(&mut *write)
    .await
    .map_err(database)?;
    sqlx::query(
        "UPDATE run_stream SET source = (SELECT activity_source FROM connection WHERE id = $1)
         WHERE run_id = $2 AND stream = $3",
    )
    .bind(connection.0)
    .bind(run.0)
    .bind(Stream::Activity.as_str())
    .execute(write)
    .await
    .map(|_| ())
    .map_err(database)
}
