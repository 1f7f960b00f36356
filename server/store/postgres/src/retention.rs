use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ConnectionId;
use store::{ERASED_PAYLOAD, EXPIRED_PAYLOAD, RetentionStore, StoreError};
use store_columns::{count, micros};

use crate::{PostgresStore, activity::lock_connection, database::Write, error::database};

/// What was counted as stored, of the rows that went.
const FORGET_ACTIVITY: &str = "DELETE FROM community_activity
    USING (
        SELECT event_id, occurred_at FROM community_activity WHERE connection_id = $1 AND occurred_at < $2
        ORDER BY occurred_at LIMIT $3) AS old
    WHERE connection_id = $1 AND community_activity.event_id = old.event_id
        AND community_activity.occurred_at = old.occurred_at AND community_activity.occurred_at < $2
    RETURNING deleted_at IS NULL";

const FORGET_INVALID_RECORDS: &str = "DELETE FROM invalid_record WHERE id IN (
        SELECT invalid_record.id FROM run JOIN invalid_record ON invalid_record.run_id = run.id
        WHERE run.connection_id = $1 AND run.queued_at < $2 LIMIT $3)";

#[async_trait]
impl RetentionStore for PostgresStore {
    async fn forget_activity(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        lock_connection(&mut write, connection).await?;
        let gone: Vec<bool> = sqlx::query_scalar(FORGET_ACTIVITY)
            .bind(connection.0)
            .bind(micros(before))
            .bind(i64::from(limit))
            .fetch_all(&mut *write)
            .await
            .map_err(database)?;
        if gone.is_empty() {
            return Ok(0);
        }
        let counted = gone.iter().filter(|counted| **counted).count();
        sqlx::query(
            "UPDATE object_count SET stored = stored - $2 WHERE connection_id = $1 AND stream = 'activity'",
        )
        .bind(connection.0)
        .bind(count(counted as u64)?)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        write.commit().await?;
        Ok(gone.len() as u64)
    }

    async fn forget_months_of_activity(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        let gone: i64 = sqlx::query_scalar("SELECT drop_activity_months($1)")
            .bind(micros(before))
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
        write.commit().await?;
        self.months.forget();
        Ok(u64::try_from(gone).unwrap_or(0))
    }

    async fn forget_invalid_records(
        &self,
        connection: ConnectionId,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        let gone = sqlx::query(FORGET_INVALID_RECORDS)
            .bind(connection.0)
            .bind(micros(before))
            .bind(i64::from(limit))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        commit_if(write, gone.rows_affected()).await
    }

    async fn expire_payloads(&self, ended_before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(
            "UPDATE invalid_record SET payload = $2 WHERE id IN (
                SELECT invalid_record.id FROM run JOIN invalid_record ON invalid_record.run_id = run.id
                WHERE run.finished_at < $1 AND payload NOT IN ($2, $3) LIMIT $4)",
        )
        .bind(micros(ended_before))
        .bind(EXPIRED_PAYLOAD)
        .bind(ERASED_PAYLOAD)
        .bind(i64::from(limit))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        commit_if(write, done.rows_affected()).await
    }
}

/// Others are told of a change only if there was one.
async fn commit_if(write: Write, rows: u64) -> Result<u64, StoreError> {
    if rows > 0 {
        write.commit().await?;
    }
    Ok(rows)
}
