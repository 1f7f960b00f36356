//! Activity that files bring, and where a connection's activity comes from.

use async_trait::async_trait;
use domain::{ActivitySource, ConnectionId, RunId, Stream};
use serde::Serialize;
use sqlx::{Sqlite, Transaction};
use store::{ActivityStore, By, Deed, ImportOutcome, ImportedActivity, StoreError, targets};
use store_columns::{Columns, count, json_text, micros};

use crate::{SqliteStore, audit::append, error::database, suppression::screen_import};

/// A row on its way, as JSON.
#[derive(Serialize)]
struct Written<'r> {
    event_id: &'r str,
    activity_type: &'r str,
    occurred_at: i64,
    user_id: Option<&'r str>,
    content_public_id: Option<&'r str>,
    hash: String,
}

const STORED: &str = "SELECT COUNT(*) AS known, COUNT(*) FILTER (WHERE deleted_at IS NULL) AS standing
    FROM community_activity
    WHERE connection_id = $1 AND event_id IN (SELECT value ->> 'event_id' FROM json_each($2))";

/// No run brought the row, which zeros in place of a run's id say. An equal row is not written.
const UPSERT: &str = "INSERT INTO community_activity (connection_id, event_id, activity_type, occurred_at, user_id,
        content_public_id, content_hash, first_seen_run, changed_run)
    SELECT $1, value ->> 'event_id', value ->> 'activity_type', value ->> 'occurred_at', value ->> 'user_id',
        value ->> 'content_public_id', unhex(value ->> 'hash'), zeroblob(16), zeroblob(16)
    FROM json_each($2) WHERE true
    ON CONFLICT (connection_id, event_id) DO UPDATE SET activity_type = excluded.activity_type,
        occurred_at = excluded.occurred_at, user_id = excluded.user_id,
        content_public_id = excluded.content_public_id, content_hash = excluded.content_hash,
        changed_run = excluded.changed_run, deleted_at = NULL
    WHERE community_activity.content_hash <> excluded.content_hash OR community_activity.deleted_at IS NOT NULL";

const ADD_TO_COUNT: &str =
    "INSERT INTO object_count (connection_id, stream, stored) VALUES ($1, 'activity', $2)
    ON CONFLICT (connection_id, stream) DO UPDATE SET stored = object_count.stored + excluded.stored";

#[async_trait]
impl ActivityStore for SqliteStore {
    async fn import_activity(
        &self,
        connection: ConnectionId,
        rows: &[ImportedActivity],
        by: &By,
    ) -> Result<ImportOutcome, StoreError> {
        if rows.is_empty() {
            return Ok(ImportOutcome::default());
        }
        let mut transaction = self.begin().await?;
        let rows = screen_import(&mut transaction, &self.salts, connection, rows).await?;
        let list = json_text(&rows.iter().map(written).collect::<Vec<_>>())?;
        let total = rows.len() as u64;
        let stored = sqlx::query(STORED)
            .bind(connection.0)
            .bind(&list)
            .fetch_one(&mut *transaction)
            .await
            .map_err(database)?;
        let new = total.saturating_sub(stored.unsigned("known")?);
        let gained = total.saturating_sub(stored.unsigned("standing")?);
        let upserted = sqlx::query(UPSERT).bind(connection.0).bind(&list);
        let done = upserted.execute(&mut *transaction).await.map_err(database)?;
        let updated = done.rows_affected().saturating_sub(new);
        sqlx::query(ADD_TO_COUNT)
            .bind(connection.0)
            .bind(count(gained)?)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        sqlx::query(
            "UPDATE connection SET activity_source = 'import' WHERE id = $1 AND activity_source IS NOT 'api'",
        )
        .bind(connection.0)
        .execute(&mut *transaction)
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
            append(&mut transaction, by, Deed::ActivityImported, Some(target)).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(outcome)
    }
}

fn written(row: &ImportedActivity) -> Written<'_> {
    let activity = &row.activity;
    Written {
        event_id: &activity.event_id,
        activity_type: &activity.activity_type,
        occurred_at: micros(activity.occurred_at),
        user_id: activity.user_id.as_deref(),
        content_public_id: activity.content_public_id.as_deref(),
        hash: format!("{:032x}", u128::from_be_bytes(row.hash.0)),
    }
}

/// What a run learned at the end of the stream. Where the API offers nothing, an import goes on being the source.
pub(crate) async fn learn_source(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    connection: ConnectionId,
    source: ActivitySource,
) -> Result<(), StoreError> {
    let statements = [
        "UPDATE connection SET activity_source = $2
         WHERE id = $1 AND NOT ($2 = 'none' AND activity_source IS 'import')",
        "UPDATE run_stream SET source = (SELECT activity_source FROM connection WHERE id = $1)
         WHERE run_id = $3 AND stream = $4",
    ];
    for statement in statements {
        sqlx::query(statement)
            .bind(connection.0)
            .bind(source.as_str())
            .bind(run.0)
            .bind(Stream::Activity.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}
